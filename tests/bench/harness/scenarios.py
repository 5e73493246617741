"""What is measured: scenarios, the modes they run in, and one run of one of them."""
import dataclasses
import os
import shutil
import tempfile
import time

from . import process
from .process import Failed, Process


@dataclasses.dataclass(frozen=True)
class Mode:
    """Which processors the three programs may use, and how many workers the proxy has."""

    proxy: tuple
    others: tuple
    workers: int
    text: str


@dataclasses.dataclass(frozen=True)
class Scenario:
    text: str
    kind: str  # traffic, parked or calls
    client_tls: bool
    node_tls: bool
    modes: tuple
    load: tuple  # further options of bench_load
    rounds: int = 99  # at most so many


def modes():
    cpus = sorted(os.sched_getaffinity(0))
    first, last = cpus[0], cpus[-1]
    return {
        "onecore": Mode((first,), (first,), 1, "load, node and proxy share one core"),
        "pinned": Mode((last,), (first,), 1, "the proxy has a core of its own"),
        "workers2": Mode(tuple(cpus[:2]), tuple(cpus), 2, "two workers, nothing pinned"),
    }


def scenarios(seconds, parked):
    pairs = {
        "pp": (False, False, "plain clients, plain node"),
        "tp": (True, False, "TLS clients, plain node"),
        "tt": (True, True, "TLS on both sides"),
    }
    found = {}
    busy = ("--mode", "closed", "--connections", "64", "--seconds", str(seconds))
    churn = ("--mode", "churn", "--connections", "64", "--sources", "16", "--seconds", str(seconds))
    for name, (client, node, text) in pairs.items():
        all_modes = ("onecore", "pinned") if name == "tp" else ("onecore", "pinned", "workers2")
        found[name] = Scenario(
            f"request and answer, {text}", "traffic", client, node, all_modes, busy
        )
    found["churn"] = Scenario(
        "a connection for each request, plain", "traffic", False, False, ("onecore",), churn
    )
    found["churn-tls"] = Scenario(
        "a connection for each request, full TLS handshake",
        "traffic",
        True,
        False,
        ("onecore",),
        churn,
    )
    found["churn-resumed"] = Scenario(
        "a connection for each request, TLS resumed",
        "traffic",
        True,
        False,
        ("onecore",),
        churn + ("--resume",),
    )
    rate = ("--mode", "rate", "--rate", "4000", "--connections", "128", "--seconds", str(seconds))
    mixed = ("--mode", "mixed", "--connections", "64", "--seconds", str(seconds))
    for name in ("pp", "tt"):
        client, node, text = pairs[name]
        found["rate-" + name] = Scenario(
            f"4000 requests/s offered on 128 connections, {text}",
            "traffic",
            client,
            node,
            ("pinned", "onecore"),
            rate,
        )
        found["mixed-" + name] = Scenario(
            f"64 sessions that send while they hold a poll, {text}",
            "traffic",
            client,
            node,
            ("onecore",),
            mixed,
        )
    side = (
        "--mode",
        "rate",
        "--rate",
        "1000",
        "--connections",
        "16",
        "--body",
        "110",
        "--seconds",
        str(seconds),
        "--park",
        str(parked),
    )
    for name, (client, node, text) in pairs.items():
        found["parked-" + name] = Scenario(
            f"{parked} held polls, {text}", "parked", client, node, ("onecore",), side, rounds=3
        )
    for name, (client, node, text) in pairs.items():
        calls = (
            "--mode",
            "closed",
            "--connections",
            "64",
            "--seconds",
            "60",
            "--requests",
            "20000",
        )
        found["calls-" + name] = Scenario(
            f"system calls, {text}", "calls", client, node, ("onecore",), calls, rounds=1
        )
    found["calls-churn"] = Scenario(
        "system calls, a connection for each request, plain",
        "calls",
        False,
        False,
        ("onecore",),
        (
            "--mode",
            "churn",
            "--connections",
            "64",
            "--sources",
            "16",
            "--seconds",
            "60",
            "--requests",
            "5000",
        ),
        rounds=1,
    )
    return found


class Bench:
    """Runs one cell after the other: one proxy, one scenario, one mode."""

    def __init__(self, binaries, certificates):
        self.binaries, self.certificates = binaries, certificates
        self.modes = modes()

    def run(self, proxy, scenario, mode_name):
        """The figures of one run; Failed if there are none."""
        mode = self.modes[mode_name]
        directory = tempfile.mkdtemp(prefix="boshgate-bench-")
        os.chmod(directory, 0o755)
        started = []
        try:
            node_command = [os.path.join(self.binaries, "bench_node")]
            if scenario.node_tls:
                node_command += [
                    "--certificate",
                    self.certificates.certificate,
                    "--key",
                    self.certificates.key,
                ]
            if mode.workers > 1:
                node_command += ["--threads", str(mode.workers)]
            node = Process(node_command, cpus=mode.others, control=True)
            started.append(node)
            node_port = int(node.line(10).removeprefix("listening "))
            running, port = proxy.start(
                directory,
                mode.proxy,
                mode.workers,
                scenario.client_tls,
                scenario.node_tls,
                node_port,
                scenario.kind == "parked",
                self.certificates,
            )
            started.append(running)
            time.sleep(0.3 if scenario.kind != "parked" else 1.0)
            idle_pss = process.pss_bytes(running)
            command = [
                os.path.join(self.binaries, "bench_load"),
                "--port",
                str(port),
                "--controlled",
                *scenario.load,
            ]
            if scenario.client_tls:
                command.append("--tls")
            load = Process(command, cpus=mode.others, control=True)
            started.append(load)
            measure = {"traffic": self._traffic, "parked": self._parked, "calls": self._calls}[
                scenario.kind
            ]
            figures = measure(load, node, running, idle_pss, directory)
            node.tell("stats")
            figures["node"] = process.read_json(node.line(10))
            return figures
        finally:
            for each in reversed(started):
                each.end()
            shutil.rmtree(directory, ignore_errors=True)

    @staticmethod
    def _timed(load, running, last_word):
        """Lets the traffic run; returns the proxy's CPU seconds meanwhile and the line that ended
        it.
        """
        user, system = process.cpu_seconds(running)
        load.tell("go")
        line = load.line(120)
        if last_word and line != last_word:
            raise Failed(f"bench_load said '{line[:200]}'")
        after_user, after_system = process.cpu_seconds(running)
        return after_user - user, after_system - system, line

    def _traffic(self, load, _node, running, _idle_pss, _directory):
        load.expect("ready", 130)
        user, system, line = self._timed(load, running, None)
        figures = process.read_json(line)
        self._per_million(figures, user, system)
        return figures

    @staticmethod
    def _per_million(figures, user, system):
        if not figures["answered"]:
            raise Failed(f"no answers: {figures['errors']}")
        scale = 1e6 / figures["answered"]
        figures |= {
            "cpu": (user + system) * scale,
            "user": user * scale,
            "sys": system * scale,
            "util": (user + system) / max(figures["elapsed_s"], 1e-9),
        }

    def _parked(self, load, node, running, idle_pss, _directory):
        load.expect("ready", 130)
        wanted = int(load.command[load.command.index("--park") + 1])
        held = self._await_held(node, wanted)
        time.sleep(
            2
        )  # a proxy may drop what it kept to repeat a request once the poll is surely held
        parked_pss = process.pss_bytes(running)
        shape = {"processes": len(running.tree()), "threads": process.threads(running)}
        user, system, _ = self._timed(load, running, "traffic")
        load.tell("release")
        time.sleep(0.1)
        node.tell("release")
        load.expect("answered", 130)
        time.sleep(1)
        after_pss = process.pss_bytes(running)
        load.tell("finish")
        figures = process.read_json(load.line(30))
        self._per_million(figures, user, system)
        count = max(held, 1)
        figures |= {
            "held": held,
            "wanted": wanted,
            "bytes_held": (parked_pss - idle_pss) / count,
            "bytes_after": (after_pss - idle_pss) / count,
            "idle_pss": idle_pss,
            **shape,
        }
        return figures

    @staticmethod
    def _await_held(node, wanted, seconds=30):
        end = time.monotonic() + seconds
        while True:
            node.tell("stats")
            held = process.read_json(node.line(10))["held"]
            if held >= wanted or time.monotonic() > end:
                return held
            time.sleep(0.2)

    def _calls(self, load, _node, running, _idle_pss, directory):
        load.expect("ready", 130)
        calls = process.SystemCalls(running, os.path.join(directory, "calls"))
        try:
            load.tell("go")
            figures = process.read_json(load.line(120))
        finally:
            counts = calls.stop()
        if not figures["answered"]:
            raise Failed(f"no answers: {figures['errors']}")
        figures["calls"] = {name: count / figures["answered"] for name, count in counts.items()}
        return figures
