"""Logins of real clients through the discovery endpoint: who logs in, with what, and where the
session was in the end.
"""
import asyncio
import json
import os

from harness import lab
from harness.boshgate import Boshgate
from harness.waiting import patience, until, within

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")
SECONDS = 30  # for a login
ENDPOINT = "/httpbinding"
DISCOVERY = ("node-sd1", "node-sd2")
# What the lab's stand-ins say of its accounts (tests/lab/accounts.txt): home, backup.
HOMES = {
    "alice": ("node-a1", "node-b1"),
    "bob": ("node-a1",),
    "carol": (),
    "dave": ("node-a1", "node-b1"),  # by their full names
    "erin": ("node-a1", "node-b1"),  # by their IPv4 addresses
    "frank": ("node-e1", "node-a1"),
    "mallory": (),  # nobody knows him, no password is right
}
OTHER_MAKE = "node-e1"  # offers other mechanisms, so no session that is open moves there


class Kind:
    """A client, and how it is used. `hint`: its URL names the user; `named`: its session request
    does, by that or by itself.
    """

    def __init__(self, library, hint=False):
        self.library = library
        self.hint = hint
        self.named = hint or library.startswith("caxl")

    def __str__(self):
        return f"{self.library}, hint" if self.hint else self.library

    def path(self, user):
        return f"{ENDPOINT}/{user}@example.com" if self.hint else ENDPOINT


CAXL = Kind("caxl")
# "caxl-sd": with its own discovery on.
NAMED = (Kind("strophe", True), Kind("stanza", True), Kind("converse", True), CAXL, Kind("caxl-sd"))
UNNAMED = (Kind("strophe"), Kind("stanza"), Kind("converse"))
KINDS = NAMED + UNNAMED


class Client:
    """One library in a process of its own, which logs in whom it is told to."""

    def __init__(self, library):
        self.library = library

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            "node", f"{CLIENTS}/login.mjs", self.library, stdin=asyncio.subprocess.PIPE,
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
    """What came of one login: `node` is where the session was in the end, `error` what the user was
    shown, `ms` when either happened.
    """

    def __init__(self, seen, lines):
        self.error = seen.get("error")
        self.requests = seen["requests"]
        self.ms = seen["ms"]
        self.failure = seen.get("failure")
        self.nodes = [line["node"] for line in lines if line["node"]]
        self.node = self.nodes[-1] if self.nodes else None

    def __repr__(self):
        told = "" if not self.failure else f", told {self.failure['what']}"
        return f"<{self.error or self.node} after {self.ms:.0f} ms{told}>"


class Endpoint:
    """A proxy of its own with the discovery endpoint, which knows nothing yet."""

    def __init__(self, more=""):
        # What a client leaves behind that was given up is not waited for.
        more = "timeouts: { drain: 0s }\n" + more
        self.proxy = Boshgate(lab.configuration("--discovery", ENDPOINT, more=more))
        self.left = set()  # sessions of earlier logins
        self.passed = 0  # lines of the access log that were theirs

    async def __aenter__(self):
        await self.proxy.__aenter__()
        return self

    async def __aexit__(self, *what):
        await self.proxy.__aexit__(*what)

    async def login(self, client, user, path=ENDPOINT, seconds=SECONDS):
        seen = await client.login(self.proxy.url(tls=True) + path, user, seconds)
        # What was answered is logged, some of it a moment after the client has left.
        wanted = max(1, seen["answers"])
        lines = await until(
            lambda: len(new := self.new_lines()) >= wanted and new,
            f"{wanted} requests of {user} are not in the access log")
        self.passed += lines[-1]["number"] + 1
        self.left |= {line["session"] for line in lines if line["session"]}
        return Login(seen, lines)

    def new_lines(self):
        """Of the access log, but for the last words of sessions of earlier logins."""
        lines = self.proxy.access()[self.passed:]
        return [{**line, "number": number} for number, line in enumerate(lines)
                if line["session"] not in self.left]


async def nodes_state():
    return json.loads(await lab.command("env", "--json"))["nodes"]


async def mend(nodes):
    """All of them are up again."""
    state = await nodes_state()
    for command, bad in (("thaw", "frozen"), ("restart", "down")):
        if hit := [name for name in nodes if state[name]["state"] == bad]:
            await lab.command(command, *hit)


# --- what may happen --------------------------------------------------------------------------


class Situation:
    """Something that the lab does to nodes: `hit(homes, nodes)` are those that it happens to, of
    those that run in this lab, where `homes` are the nodes of the user whom it is about.
    """

    def __init__(self, name, command, hit, warm=False):
        self.name = name
        self.command = command
        self.hit = hit
        self.warm = warm  # the proxy knows the user from before

    def __str__(self):
        return self.name

    def nodes(self, user, nodes):
        return self.hit(HOMES[user], nodes)

    async def begin(self, user, nodes):
        if hit := self.nodes(user, nodes):
            await lab.command(self.command, *hit)


def ends_at(user, named, hit, nodes):
    """The nodes where a login of the user may end while those of `hit` cannot be used; none: the
    user is shown that it cannot be.
    """
    homes = HOMES[user]
    living = [node for node in homes if node not in hit][:1]
    asked = [node for node in DISCOVERY if node not in hit]
    anywhere = [node for node in nodes if node not in hit]
    if named:
        if homes:
            return living
        return asked[:1] or anywhere
    # A session that is open when its user becomes known ends where all of his nodes are down, and
    # stays where it cannot move. Where no discovery node is up any other opens it.
    if homes and not living:
        return []
    if not homes or OTHER_MAKE in living:
        return asked or anywhere
    return living + ([OTHER_MAKE] if not asked and OTHER_MAKE in anywhere else [])


ALL_UP = Situation("all up", "", lambda homes, nodes: ())
FAULTS = (
    Situation("home killed", "kill", lambda homes, nodes: homes[:1]),
    Situation("home frozen", "freeze", lambda homes, nodes: homes[:1]),
    Situation("home and backup killed", "kill", lambda homes, nodes: homes),
    Situation("primary killed", "kill", lambda homes, nodes: DISCOVERY[:1]),
    Situation("primary frozen", "freeze", lambda homes, nodes: DISCOVERY[:1]),
    Situation("both discovery nodes killed, warm cache", "kill", lambda homes, nodes: DISCOVERY,
              warm=True),
    Situation("everything killed", "kill", lambda homes, nodes: nodes),
)
