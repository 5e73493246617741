"""What logins through the discovery endpoint cost: a table in markdown, by hand.

    LAB_LOG_LEVEL=debug BOSHGATE=build/release/bin/boshgate tests/integration/in_lab \\
        -- python3 tests/integration/discovery_table.py [--all] [USER ...]

Each row is a user, something that happened to the nodes, and a client. It has the first login
through a proxy that knows nothing yet (but the user's nodes, where it says "warm cache"), and the
same once more. For both: the node where the session was in the end, or what the user was shown;
the median time of RUNS (20) runs, each with a proxy of its own; how much that is beyond the
client's own login time, which is that on the path of the user's node with everything up; and the
requests that nodes got, the client's and the proxy's, as the nodes' logs count them in one further
run.

Alice has every situation, everybody else two; --all: everybody has every one. All clients of a row
run at the same time. Behind the table it says which rows are above the bars, and the exit status
is 1 if there are any: 1.5 s beyond the client's own time, 0.3 s once the nodes are known to be
down, and 2 s until an error is shown.
"""
import asyncio
import os
import re
import statistics
import sys
from contextlib import AsyncExitStack

from harness.logins import (
    ALL_UP, ENDPOINT, FAULTS, HOMES, KINDS, Client, Endpoint, ends_at, mend, nodes_state)

NODES = ("node-sd1", "node-sd2", "node-a1", "node-b1", "node-e1")
RUNS = int(os.environ.get("RUNS", "20"))
WARM_UP = 10  # the first logins of a client's process are slow
SECONDS = 10  # that a login gets
FEW = (ALL_UP, FAULTS[0])
FIRST_BAR, AGAIN_BAR, SHOWN_BAR = 1.5, 0.3, 2.0  # s
# One line of a node's log for each request: Prosody's, ejabberd's.
REQUEST = re.compile(r"Handling new request |http query: 'POST'")
UNASKED = "health: { interval: 0s }\n"  # so that nodes get what logins need, and nothing else
SETTLED = 0.4  # s after a login until the nodes have logged the last of it


class NodeLogs:
    """How many requests each node has got, by its own log."""

    def __init__(self, state):
        self.logs = {}
        for name in NODES:
            path = state[name]["log"]
            self.logs[name] = f"{path}/ejabberd.log" if os.path.isdir(path) else path
        self.before = self.count()

    def count(self):
        counts = {}
        for name, file in self.logs.items():
            with open(file, encoding="utf-8", errors="replace") as log:
                counts[name] = len(REQUEST.findall(log.read()))
        return counts

    def new(self):
        """Those since the last call: "sd1 2, a1 6"."""
        now, before = self.count(), self.before
        self.before = now
        each = [f"{name[5:]} {now[name] - before[name]}" for name in NODES
                if now[name] > before[name]]
        return ", ".join(each) or "-"


class Together:
    """Tasks that stop while one of them does something for all."""

    def __init__(self, tasks):
        self.barrier = asyncio.Barrier(tasks)

    async def do(self, action, *arguments):
        if await self.barrier.wait() == 0:
            await action(*arguments)
        await self.barrier.wait()


class Row:
    """A user in a situation, with every client."""

    def __init__(self, user, situation):
        self.user = user
        self.situation = situation

    async def begin(self):
        await self.situation.begin(self.user, NODES)

    async def end(self):
        await mend(NODES)

    async def warm(self, endpoint, client, kind):
        await endpoint.login(client, self.user, kind.path(self.user), SECONDS)

    async def requests(self, kind, client):
        """What the nodes get in a first and a second login; (text, text)."""
        async with Endpoint(UNASKED) as endpoint:
            if self.situation.warm:
                await self.warm(endpoint, client, kind)
                await self.begin()
            await asyncio.sleep(SETTLED)
            logs = NodeLogs(await nodes_state())
            got = []
            for _ in range(2):
                await endpoint.login(client, self.user, kind.path(self.user), SECONDS)
                await asyncio.sleep(SETTLED)
                got.append(logs.new())
        if self.situation.warm:
            await self.end()
        return got

    async def logins(self, kind, client, together):
        """RUNS first and second logins."""
        firsts, seconds = [], []
        for _ in range(RUNS):
            async with Endpoint() as endpoint:
                if self.situation.warm:
                    await self.warm(endpoint, client, kind)
                    await together.do(self.begin)
                for logins in (firsts, seconds):
                    logins.append(await endpoint.login(
                        client, self.user, kind.path(self.user), SECONDS))
            if self.situation.warm:
                await together.do(self.end)
        return firsts, seconds

    async def run(self, clients):
        """(kind, requests, (firsts, seconds)) of each kind."""
        if not self.situation.warm:
            await self.begin()
        requests = [await self.requests(kind, clients[kind]) for kind in KINDS]
        together = Together(len(KINDS))
        logins = await asyncio.gather(
            *[self.logins(kind, clients[kind], together) for kind in KINDS])
        await self.end()
        return zip(KINDS, requests, logins)


def median(logins):
    return statistics.median(login.ms for login in logins) / 1000


def outcome(logins):
    """Where all of them ended, or what the user was shown."""
    each = sorted({login.error or login.node[5:] for login in logins})
    return " / ".join(each)[:60]


def cells(logins, own):
    failed = all(login.error for login in logins)
    beyond = "" if failed else f"{median(logins) - own:+.2f}"
    return [outcome(logins), f"{median(logins):.2f}", beyond]


def above(logins, own, bar, row, kind):
    """What is wrong with these logins, a line each."""
    user, situation = row.user, row.situation
    wanted = ends_at(user, kind.named, situation.nodes(user, NODES), NODES)
    shown = not wanted or user == "mallory"
    time = median(logins)
    where = f"{situation}, {user}, {kind}"
    if shown and time > SHOWN_BAR:
        yield f"{where}: shown after {time:.2f} s"
    if not shown and time - own > bar:
        yield f"{where}: {time - own:.2f} s beyond its own time"
    if not shown and any(login.error or login.node not in wanted for login in logins):
        yield f"{where}: {outcome(logins)}, not {' or '.join(wanted)}"


async def own_times(clients):
    """(kind, node) -> median on the path of that node, in s."""
    async def one(kind, user, node):
        async with Endpoint() as endpoint:
            logins = [await endpoint.login(clients[kind], user, f"/{node}", SECONDS)
                      for _ in range(WARM_UP + RUNS)]
        return median(logins[WARM_UP:])

    own = {}
    for user in ("alice", "frank"):
        node = HOMES[user][0]
        times = await asyncio.gather(*[one(kind, user, node) for kind in KINDS])
        own |= {(kind, node): time for kind, time in zip(KINDS, times)}
    return own


def line(*texts):
    print("| " + " | ".join(texts) + " |", flush=True)


async def print_table(rows):
    wrong = []
    async with AsyncExitStack() as stack:
        clients = {kind: await stack.enter_async_context(Client(kind.library)) for kind in KINDS}
        every_own = await own_times(clients)
        titles = ("node", "s", "beyond", "requests")
        line("situation", "user", "client", "own s", *titles, *[f"again: {one}" for one in titles])
        line(*["---"] * 12)
        for row in rows:
            for kind, requests, (firsts, seconds) in await row.run(clients):
                own = every_own[kind, (HOMES[row.user] or HOMES["alice"])[0]]
                line(str(row.situation), row.user, str(kind), f"{own:.2f}",
                     *cells(firsts, own), requests[0], *cells(seconds, own), requests[1])
                wrong += above(firsts, own, FIRST_BAR, row, kind)
                wrong += above(seconds, own, AGAIN_BAR, row, kind)
    print(f"\n{ENDPOINT}, medians of {RUNS}. "
          + (f"Above the bars: {len(wrong)}" if wrong else "All below the bars."))
    print("".join(f"- {one}\n" for one in wrong), end="")
    return 1 if wrong else 0


def main(words):
    users = [word for word in words if word in HOMES] or list(HOMES)
    return asyncio.run(print_table([
        Row(user, situation)
        for user in users
        for situation in ((ALL_UP, *FAULTS) if user == "alice" or "--all" in words else FEW)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
