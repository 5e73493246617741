"""The home of many users is killed while they are on it: every client's user has a session on the
backup again, and new logins go home once that is back.

As a test it is about a few users of each client, and CAXL's countdown of 30 s is one of 1 s. By
hand it tells how long the clients need, each as its library is:

    BOSHGATE=build/release/bin/boshgate tests/integration/in_lab node-sd1 node-sd2 node-a1 \\
        node-b1 -- python3 tests/integration/home_dies_test.py --users 200
"""
import asyncio
import json
import re
import statistics
import sys
import time
from contextlib import AsyncExitStack

from harness import lab
from harness.case import Case, main
from harness.logins import (
    CAXL, CLIENTS, DISCOVERY, KINDS, Client, Endpoint, mend, nodes_state)
from harness.waiting import patience, until

NODES = ("node-sd1", "node-sd2", "node-a1", "node-b1")
HOME, BACKUP = "node-a1", "node-b1"
# Those of the lab's accounts who have these two.
USERS = [f"user{number}" for number in (*range(1, 41), *range(61, 221))]
USERS_EACH = 3  # of each client, in the test
COUNTDOWN = 30  # s, CAXL's own
ARRIVAL = 120  # s until all are in
SETTLED = 1  # s until all polls are held


class Crowd:
    """Users of one kind in a process of its own. For each user: when they were last up, and when
    they were first told since.
    """

    def __init__(self, kind, users, countdown):
        self.kind = kind
        self.users = users
        self.countdown = countdown
        self.forget()

    def forget(self):
        self.up = {}
        self.told = {}

    async def start(self, url):
        self.process = await asyncio.create_subprocess_exec(
            "node", f"{CLIENTS}/crowd.mjs", self.kind.library, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE)
        order = {
            "users": [{"jid": f"{user}@example.com", "password": f"{user}-secret",
                       "url": url + self.kind.path(user)} for user in self.users],
            "countdown": self.countdown,
        }
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.reader = asyncio.create_task(self.listen())

    async def listen(self):
        async for line in self.process.stdout:
            event = json.loads(line)
            user = event["jid"].split("@")[0]
            if event["what"] == "up":
                self.up[user] = event["at"] / 1000
            else:
                self.told.setdefault(user, event["at"] / 1000)

    async def end(self):
        self.process.kill()
        await self.process.wait()
        await self.reader

    def all_up(self):
        return len(self.up) == len(self.users)


async def logged_in(node):
    """Who has ever logged in there, by the node's own log."""
    with open((await nodes_state())[node]["log"], encoding="utf-8", errors="replace") as log:
        return set(re.findall(r"Authenticated as (\w+)@", log.read()))


async def home_dies(endpoint, users_each, countdown):
    """(crowds whose home was killed while they were on it, and who have a session again; when it
    was killed; who is on the backup).
    """
    crowds = [Crowd(kind, USERS[i * users_each:(i + 1) * users_each], countdown)
              for i, kind in enumerate(KINDS)]
    everybody = {user for crowd in crowds for user in crowd.users}
    async with AsyncExitStack() as stack:
        for crowd in crowds:
            await crowd.start(endpoint.proxy.url(tls=True))
            stack.push_async_callback(crowd.end)
        await until(lambda: all(crowd.all_up() for crowd in crowds), "not all are in", ARRIVAL)
        if missing := everybody - await logged_in(HOME):
            raise AssertionError(f"not at home: {sorted(missing)}")
        await asyncio.sleep(SETTLED)
        for crowd in crowds:
            crowd.forget()
        killed = time.time()
        await lab.command("kill", HOME)
        await until(lambda: all(crowd.all_up() for crowd in crowds),
                    "not all have a session again", ARRIVAL)
        on_backup = await logged_in(BACKUP)
    return crowds, killed, on_backup


async def home_again(endpoint):
    """Seconds from the home's return until a new login goes there."""
    await lab.command("restart", HOME)
    began = time.time()
    async with Client("caxl") as client:
        for user in USERS * 10:
            login = await endpoint.login(client, user, CAXL.path(user))
            if login.error:
                raise AssertionError(login)
            if login.node == HOME:
                return time.time() - began
            if time.time() - began > patience(30):
                break
            await asyncio.sleep(0.1)
    raise AssertionError(f"new logins still go to {login.node}")


class HomeDies(Case):
    async def asyncTearDown(self):
        await mend(NODES)

    async def test_everybody_comes_back(self):
        async with Endpoint() as endpoint:
            crowds, _, on_backup = await home_dies(endpoint, USERS_EACH, 1)
            for crowd in crowds:
                self.assertEqual(set(crowd.told), set(crowd.users), str(crowd.kind))
                elsewhere = set(crowd.users) - on_backup
                if not crowd.kind.named:  # a session whose move takes too long stays where it is
                    elsewhere -= set().union(*[await logged_in(node) for node in DISCOVERY])
                self.assertEqual(elsewhere, set(), str(crowd.kind))
            await home_again(endpoint)


async def print_times(users):
    async with Endpoint() as endpoint:
        crowds, killed, on_backup = await home_dies(endpoint, users // len(KINDS), COUNTDOWN)
        print(f"\n{HOME} killed under {users} users; seconds until\n")
        print("| client | told: median | worst | session again: median | worst | on the backup |")
        print("| --- | --- | --- | --- | --- | --- |")
        for crowd in crowds:
            times = [
                sorted(at - killed for at in events.values()) for events in (crowd.told, crowd.up)]
            cells = [f"{one:.2f}" for each in times for one in (statistics.median(each), each[-1])]
            there = len(on_backup & set(crowd.users))
            print(f"| {crowd.kind} | {' | '.join(cells)} | {there} of {len(crowd.users)} |")
        print(f"\nnew logins go home {await home_again(endpoint):.1f} s after it is back")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--users"]:
        asyncio.run(print_times(int(sys.argv[2])))
    else:
        main()
