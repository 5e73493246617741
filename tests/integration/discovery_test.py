"""Logins through the discovery endpoint, with real clients and the lab's stand-ins for CUP: which
node each user ends at, with everything up and with nodes killed or frozen.

As a test it logs each user in once with each client. By hand it prints what that costs:

    BOSHGATE=build/release/bin/boshgate tests/integration/in_lab node-sd1 node-sd2 node-a1 \\
        node-b1 -- python3 tests/integration/discovery_test.py --table

Medians of RUNS (20) runs, each with a proxy of its own, that knows nothing yet: the first login,
and the second one of the same user. All clients of a row run at the same time.
"""
import asyncio
import json
import os
import statistics
import sys

from harness import lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.waiting import patience, until, within

LOGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "login.mjs")
RUNS = int(os.environ.get("RUNS", "20"))
SECONDS = 30  # for a login
ENDPOINT = "/httpbinding"
# (what it is called, library, names its user before SASL)
KINDS = (
    ("strophe, hint", "strophe", True),
    ("stanza, hint", "stanza", True),
    ("caxl", "caxl", True),
    ("strophe", "strophe", False),
)
NAMED = KINDS[:3]
# (user, node): the lab's accounts, see tests/lab/accounts.txt
HOMES = (
    ("alice", "node-a1"),  # home and backup
    ("bob", "node-a1"),  # home only
    ("carol", "node-sd1"),  # none
    ("dave", "node-a1"),  # full names
    ("erin", "node-a1"),  # IPv4 addresses
)
# (what happens, lab command and nodes, where alice ends)
FAULTS = (
    ("home killed", ("kill", "node-a1"), "node-b1"),
    ("home frozen", ("freeze", "node-a1"), "node-b1"),
    ("primary killed", ("kill", "node-sd1"), "node-a1"),
    ("primary frozen", ("freeze", "node-sd1"), "node-a1"),
)
NODES = ("node-sd1", "node-sd2", "node-a1", "node-b1")


class Client:
    """One library in a process of its own, which logs in whom it is told to."""

    def __init__(self, library):
        self.library = library

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            "node", LOGIN, self.library, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE)
        return self

    async def __aexit__(self, *_):
        self.process.kill()
        await self.process.wait()

    async def login(self, url, user, seconds=SECONDS):
        order = {"url": url, "jid": f"{user}@example.com", "password": f"{user}-secret",
                 "seconds": patience(seconds)}
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await within(seconds + 30, self.process.stdout.readline(), f"a login of {user}")
        return json.loads(line)


class Login:
    """What came of one login: `node` is where the session was in the end."""

    def __init__(self, seen, lines):
        self.error = seen.get("error")
        self.ms = seen["ms"]
        self.failure = seen.get("failure")
        self.nodes = [line["node"] for line in lines if line["node"]]
        self.node = self.nodes[-1] if self.nodes else None


class Endpoint:
    """A proxy of its own, with the discovery endpoint or (`path`) a node's."""

    def __init__(self, path=ENDPOINT):
        self.path = path
        # What a client leaves behind that was given up is not waited for.
        more = "timeouts: { drain: 0s }\n"
        self.proxy = Boshgate(lab.configuration("--discovery", ENDPOINT, more=more))
        self.seen = 0

    async def __aenter__(self):
        await self.proxy.__aenter__()
        return self

    async def __aexit__(self, *what):
        await self.proxy.__aexit__(*what)

    async def login(self, client, user, named, seconds=SECONDS):
        hint = f"/{user}@example.com" if named and client.library != "caxl" else ""
        seen = await client.login(self.proxy.url(tls=True) + self.path + hint, user, seconds)
        # Each request of a login that went well is logged, some a moment after the client has left.
        wanted = 1 if "error" in seen else seen["requests"]
        lines = await until(
            lambda: len(new := self.proxy.access()[self.seen:]) >= wanted and new,
            f"{wanted} requests of {user} are not in the access log")
        self.seen += len(lines)
        return Login(seen, lines)


async def nodes_state():
    return json.loads(await lab.command("env", "--json"))["nodes"]


async def mend():
    """Everything is up again."""
    state = await nodes_state()
    for command, bad in (("thaw", "frozen"), ("restart", "down")):
        if nodes := [name for name in NODES if state[name]["state"] == bad]:
            await lab.command(command, *nodes)


class Discovery(Case):
    async def asyncTearDown(self):
        await mend()

    async def logins(self, user, node, *, times=1):
        """`user` logs in with each client, and is at `node`."""
        async def one(kind, library, named):
            async with Client(library) as client, Endpoint() as endpoint:
                for _ in range(times):
                    login = await endpoint.login(client, user, named)
                    self.assertIsNone(login.error, (user, kind))
                    self.assertEqual(login.node, node, (user, kind))
                    if named:  # else it is at a discovery node first, and moves
                        self.assertEqual(set(login.nodes), {node}, (user, kind))

        await asyncio.gather(*[one(*each) for each in KINDS])

    async def test_users(self):
        for user, node in HOMES:
            await self.logins(user, node)

    async def test_a_user_nobody_knows(self):
        async with Endpoint() as endpoint:
            for kind, library, named in NAMED:
                async with Client(library) as client:
                    login = await endpoint.login(client, "mallory", named)
                    self.assertIn("auth", (login.error or "").lower(), kind)
                    self.assertEqual(set(login.nodes), {"node-sd1"}, kind)

    async def test_faults(self):
        for what, (command, *nodes), node in FAULTS:
            with self.subTest(what):
                await lab.command(command, *nodes)
                await self.logins("alice", node, times=2)
                await mend()

    async def test_home_is_back(self):
        """To the backup while home is down, and home again afterwards."""
        async with Client("caxl") as client, Endpoint() as endpoint:
            async def at():
                login = await endpoint.login(client, "alice", True)
                self.assertIsNone(login.error)
                return login.node

            self.assertEqual(await at(), "node-a1")
            await lab.command("kill", "node-a1")
            self.assertEqual(await at(), "node-b1")
            await lab.command("restart", "node-a1")
            deadline = asyncio.get_running_loop().time() + patience(30)
            while (node := await at()) != "node-a1":
                self.assertLess(asyncio.get_running_loop().time(), deadline, node)
                await asyncio.sleep(0.2)

    async def test_discovery_nodes_down_and_a_warm_cache(self):
        async with Client("caxl") as client, Endpoint() as endpoint:
            login = await endpoint.login(client, "alice", True)
            self.assertEqual((login.error, login.node), (None, "node-a1"))
            await lab.command("kill", "node-sd1", "node-sd2")
            login = await endpoint.login(client, "alice", True)
            self.assertEqual((login.error, set(login.nodes)), (None, {"node-a1"}))

    async def test_everything_down(self):
        """The client is told, at once."""
        await lab.command("kill", *NODES)
        async with Endpoint() as endpoint:
            for kind, library, named in NAMED:
                async with Client(library) as client:
                    login = await endpoint.login(client, "alice", named, 3)
                    self.assertIsNotNone(login.failure, kind)
                    self.assertEqual(login.failure["what"], "HTTP 503", kind)


# --- the table --------------------------------------------------------------------------------


# (situation, lab command and nodes, user, path, seconds that a login gets)
ROWS = (
    ("node-a1's own path", (), "alice", "/node-a1", SECONDS),
    ("home and backup", (), "alice", ENDPOINT, SECONDS),
    *[(what, command, "alice", ENDPOINT, SECONDS) for what, command, _ in FAULTS],
    ("home and backup down", ("kill", "node-a1", "node-b1"), "alice", ENDPOINT, 1),
    ("everything down", ("kill", *NODES), "alice", ENDPOINT, 1),
    ("home only", (), "bob", ENDPOINT, SECONDS),
    ("no home", (), "carol", ENDPOINT, SECONDS),
    ("full names", (), "dave", ENDPOINT, SECONDS),
    ("IPv4 addresses", (), "erin", ENDPOINT, SECONDS),
    ("unknown user", (), "mallory", ENDPOINT, SECONDS),
)
WARM = ("both discovery nodes down, warm cache", ("kill", "node-sd1", "node-sd2"))


class Sessions:
    """How many sessions each node has opened, by its own log."""

    def __init__(self, state):
        self.logs = {name: state[name]["log"] for name in NODES}
        self.before = self.count()

    def count(self):
        counts = {}
        for name, file in self.logs.items():
            with open(file, encoding="utf-8", errors="replace") as log:
                counts[name] = log.read().count("New BOSH session")
        return counts

    def new(self):
        """Those since the last call: "sd1 a1"."""
        now, before = self.count(), self.before
        self.before = now
        each = [name[5:] for name in NODES for _ in range(now[name] - before.get(name, 0))]
        return " ".join(each) or "-"


async def opened_by(row, kind):
    """The sessions that the nodes open for a first and a second login; (where, where)."""
    _, _, user, path, seconds = row
    _, library, named = kind
    sessions = Sessions(await nodes_state())
    async with Client(library) as client, Endpoint(path) as endpoint:
        opened = []
        for _ in range(2):
            await endpoint.login(client, user, named and path == ENDPOINT, seconds)
            await asyncio.sleep(0.1)  # a node writes its log when it pleases
            opened.append(sessions.new())
    return tuple(opened)


async def runs_of(row, kind):
    """The first and the second logins of RUNS proxies."""
    _, _, user, path, seconds = row
    _, library, named = kind
    firsts, seconds_ = [], []
    async with Client(library) as client:
        for _ in range(RUNS):
            async with Endpoint(path) as endpoint:
                for logins in (firsts, seconds_):
                    logins.append(
                        await endpoint.login(client, user, named and path == ENDPOINT, seconds))
    return firsts, seconds_


async def warm_runs_of(kind, everybody):
    """RUNS logins of a user whom the proxy knew when the discovery nodes died."""
    _, library, named = kind
    async with Client(library) as client, Endpoint() as endpoint:
        await endpoint.login(client, "alice", named)
        await everybody.wait()
        if kind == KINDS[0]:
            await lab.command(*WARM[1])
        await everybody.wait()
        logins = [await endpoint.login(client, "alice", named, 3) for _ in range(RUNS)]
    return logins[:1], logins[1:]


def cells(logins):
    """Node, median login time, median time until the client was told no."""
    where = sorted({str(login.node)[5:] for login in logins if not login.error})
    errors = sorted({login.error[:40] for login in logins if login.error})
    times = [login.ms for login in logins if not login.error]
    told = [login.failure["ms"] for login in logins if login.failure]
    return [
        ",".join(where) or "-",
        f"{statistics.median(times) / 1000:.2f} s" if times else "-",
        f"{statistics.median(told) / 1000:.2f} s" if told else "-",
        "; ".join(errors),
    ]


async def print_table():
    titles = ("situation", "client", "opened at: first", "second",
              "node", "login", "told no", "error", "node", "login", "told no", "error")
    print(" | ".join(titles), flush=True)
    for row in ROWS:
        if row[1]:
            await lab.command(*row[1])
        opened = [await opened_by(row, kind) for kind in KINDS]
        runs = await asyncio.gather(*[runs_of(row, kind) for kind in KINDS])
        for kind, where, (firsts, seconds) in zip(KINDS, opened, runs):
            print(" | ".join([row[0], kind[0], *where, *cells(firsts), *cells(seconds)]),
                  flush=True)
        await mend()
    everybody = asyncio.Barrier(len(KINDS))
    runs = await asyncio.gather(*[warm_runs_of(kind, everybody) for kind in KINDS])
    for kind, (firsts, seconds) in zip(KINDS, runs):
        print(" | ".join([WARM[0], kind[0], "", "", *cells(firsts), *cells(seconds)]), flush=True)
    await mend()


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        asyncio.run(print_table())
    else:
        main()
