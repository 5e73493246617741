"""One run of the conservation test: the load of faults/talk.mjs, its two fault gates, and a proxy
between them.

    client --- gate --- proxy --- gate --- node
"""
import asyncio
import collections
import contextlib
import json
import os
import shutil

from harness import lab
from harness.boshgate import Boshgate
from harness.peers import Peer
from harness.waiting import patience

HERE = os.path.dirname(os.path.abspath(__file__))
TALK = os.path.join(HERE, "..", "faults", "talk.mjs")
GATES = 101  # the gates' address in the lab's net; nobody's outgoing connection takes a port there

# mode: (rate of faults on the node's side, on the clients' side), as parts of `rate`
MODES = {"none": (0, 0), "node": (1, 0), "client": (0, 1), "both": (1, 1)}
BAR = 1 / 1000  # failures that clients see for each turn, when only the node's side fails


class Run:
    """What is asked of one run, and `result`: what faults/talk.mjs tells of it.

    `rate` is the part of the requests that meet a fault, `think` a client's mean pause in ms
    between two messages, `stuck` how many seconds a pair waits for any message. More options: wait,
    kinds, traces, as in faults/talk.mjs. `more` is further YAML for boshgate.
    """

    def __init__(self, proxy, mode, node="node-a1", *, seed, clients, messages, rate=0.1, think=150,
                 stuck=150, more=None, **options):
        self.proxy, self.mode, self.node, self.seed = proxy, mode, node, seed
        self.clients, self.messages, self.rate, self.more = clients, messages, rate, more or ""
        self.options = {"think": think, "patience": patience(stuck), **options}
        self.result = None

    def __str__(self):
        return f"{self.mode} {self.proxy} {self.node}"

    async def go(self, say=print):
        net = lab.value("LAB_NET")
        stem = self.node.upper().replace("-", "_")
        address = lab.value(f"{stem}_HTTP").split("/")[2]
        node_rate, client_rate = (part * self.rate for part in MODES[self.mode])
        words = ["--seed", self.seed, "--clients", self.clients, "--messages", self.messages,
                 "--node", address, "--gates", f"{net}.{GATES}", "--node-rate", node_rate,
                 "--client-rate", client_rate]
        for name, value in self.options.items():
            words += [f"--{name}", value] if value else []
        if self.node == "node-e1" and self.proxy != "boshgate":
            words += ["--pace", 20]  # see clients/chat.mjs
        self.talk = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "node", TALK, *map(str, words), limit=2 ** 24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        try:
            port = await self.heard("nodeGate")
            async with self.front(f"{net}.{GATES}", port) as proxy_port:
                word = json.dumps({"proxy": f"127.0.0.1:{proxy_port}"})
                self.talk.stdin.write(f"{word}\n".encode())
                for side, plan in (await self.heard("plans")).items():
                    say(f"{self}: {side} gate: {plan}")
                self.result = await self.heard("result")
        finally:
            if self.talk.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self.talk.kill()
            await self.talk.wait()
        return self

    async def heard(self, what):
        async for line in self.talk.stdout:
            message = json.loads(line)
            if what in message:
                return message[what]
        raise AssertionError(f"{self}: the talk ended without its {what}")

    @contextlib.asynccontextmanager
    async def front(self, host, port):
        """The proxy, in front of the node's gate."""
        if self.proxy == "boshgate":
            text = ('listen:\n  - address: "127.0.0.1:0"\n'
                    f'nodes:\n  node-a1: "http://{host}:{port}/httpbinding"\n{self.more}\n')
            async with Boshgate(text) as boshgate:
                yield boshgate.port()
                if traces := self.options.get("traces"):
                    stem = f"{traces}/boshgate-{self.mode}-{self.seed}"
                    shutil.copy(boshgate.access_file, f"{stem}.access.log")
                    shutil.copy(boshgate.log_file, f"{stem}.log")
        else:
            with Peer(self.proxy, host, port) as peer:
                yield peer.port

    # --- what it tells --------------------------------------------------------------------------

    @property
    def faults(self):
        return sum(sum(gate["faults"].values()) for gate in self.result["gates"].values())

    def ended(self, by):
        return [end for end in self.result["ended"] if end["by"] == by]

    def findings(self):
        """What must not be, as text."""
        return self.wrongs() + self.rarities()

    def wrongs(self):
        """What must never be: messages that did not arrive as they were sent."""
        result, found = self.result, []
        for what, count in result["wrong"].items():
            if count:
                found.append(f"{count} messages {what}")
        if lost := result["lost"]["proxy"]:
            found.append(f"{len(lost)} messages lost: {lost[:5]}")
        if result["unsaid"]:
            found.append(f"{result['unsaid']} messages were never sent")
        return [f"{self}: {each}" for each in found]

    def rarities(self):
        """What may be rare at most: sessions that ended, failures that a client saw."""
        result, found = self.result, []
        # A client has no reason to give up when only the node's side fails.
        ended = self.ended("proxy") + (self.ended("client") if self.mode == "node" else [])
        if ended:
            found.append(f"{len(ended)} sessions ended: {causes(ended)}")
        if self.mode == "node" and len(result["failures"]) > BAR * result["turns"]:
            found.append(f"{len(result['failures'])} failures in {result['turns']} turns: "
                         f"{dict(collections.Counter(result['failures']))}")
        return [f"{self}: {each}" for each in found]


def causes(ends):
    counts = collections.Counter(f"{end['kind']} at {end['stage']}: {end['cause']}" for end in ends)
    return "; ".join(f"{count} x {cause}" for cause, count in counts.most_common())


# Column: what a run says of it. Figures of several runs are added.
COLUMNS = {
    "messages": lambda run: run.result["messages"],
    "faults": lambda run: run.faults,
    "turns": lambda run: run.result["turns"],
    "failures": lambda run: len(run.result["failures"]),
    "sessions": lambda run: run.result["sessions"],
    "ended": lambda run: len(run.ended("proxy")),
    "(client)": lambda run: len(run.ended("client")),
    "(node)": lambda run: len(run.ended("node")),
    "lost": lambda run: len(run.result["lost"]["proxy"]),
    "(client) ": lambda run: run.result["lost"]["client"],
    "(node) ": lambda run: run.result["lost"]["node"],
    "(ended)": lambda run: run.result["lost"]["withSession"],
    "doubled": lambda run: run.result["wrong"]["doubled"],
    "disorder": lambda run: run.result["wrong"]["disordered"],
    "altered": lambda run: run.result["wrong"]["altered"],
    "echoed": lambda run: run.result["wrong"]["echoed"],
    "overtaken": lambda run: run.result["gates"]["node"]["overtakings"],
    "seconds": lambda run: round(run.result["seconds"]),
}
EXPLANATION = """\
failures: what clients saw instead of answers. ended: sessions that ended against their will;
(client) because the client gave up, (node) by a defect of the node that no proxy could avoid.
lost: likewise, and (ended) with a session that had ended. overtaken: requests that the node got
before an earlier one of their session."""


def groups_of(runs):
    groups = collections.defaultdict(list)
    for run in runs:
        groups[str(run)].append(run)
    return groups


def table(runs):
    """One row for all runs of the same mode, proxy and node, then what lies behind the figures."""
    rows = [["faults at", "proxy", "node", *COLUMNS]]
    for group in groups_of(runs).values():
        first = group[0]
        sums = [str(sum(figure(run) for run in group)) for figure in COLUMNS.values()]
        rows.append([first.mode, first.proxy, first.node, *sums])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))) for row in rows]
    for name, group in groups_of(runs).items():
        lines += [f"{name}: {line}" for line in details(group)]
    return "\n".join(lines)


def details(group):
    ends = [end for run in group for end in run.result["ended"]]
    for by in ("proxy", "client", "node"):
        if mine := [end for end in ends if end["by"] == by]:
            yield f"ended ({by}): {causes(mine)}"
    if lost := [each for run in group for each in run.result["lost"]["proxy"]]:
        yield "lost: " + ", ".join(lost[:5])
    if seen := collections.Counter(why for run in group for why in run.result["failures"]):
        yield "failures: " + ", ".join(f"{count} x {why}" for why, count in seen.most_common(8))


def kinds_table(runs):
    """How often each kind of fault was injected."""
    counts = collections.Counter()
    for run in runs:
        for gate in run.result["gates"].values():
            counts.update(gate["faults"])
    return "faults: " + ", ".join(f"{kind} {count}" for kind, count in counts.items())
