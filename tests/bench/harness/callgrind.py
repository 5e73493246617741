"""Where a proxy's instructions go, from callgrind: counted, not sampled, so that a busy machine
does not blur it. Only user mode is seen; the kernel's share is the `sys` column of the tables.
"""
import collections
import glob
import os
import re
import subprocess
import time

from . import process
from .process import Failed, Process, await_port

ALLOCATORS = ("malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign")


class Profile:
    """Callgrind's files, one for each process: own instructions by function, calls and inclusive
    instructions by edge."""

    def __init__(self, paths):
        self.own = collections.Counter()
        self.calls = collections.Counter()  # (caller, callee)
        self.inclusive = collections.Counter()  # (caller, callee)
        for path in paths:
            self._read(path)

    def _read(self, path):
        names = {}

        def named(text):
            number, _, name = re.match(r"(\(\d+\))?( ?)(.*)", text).groups()
            if number is None:
                return name
            return names.setdefault(number, name) if name else names[number]

        function = callee = None
        called = 0
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.rstrip("\n")
                if line.startswith("fn="):
                    function = named(line[3:])
                elif line.startswith("cfn="):
                    callee = named(line[4:])
                elif line.startswith("calls="):
                    called = int(line[6:].split()[0])
                elif line[:1].isdigit() or line[:1] in "+-*":
                    words = line.split()
                    if function is None or len(words) < 2:
                        continue
                    if callee:
                        self.calls[function, callee] += called
                        self.inclusive[function, callee] += int(words[1])
                        callee = None
                    else:
                        self.own[function] += int(words[1])

    def total(self):
        return sum(self.own.values())

    def called(self, function):
        """How often `function` was called."""
        return sum(count for (_, callee), count in self.calls.items() if callee == function)

    def inclusive_of(self, function):
        """Instructions of `function` and all it calls; recursion counts once for each outer call.
        """
        return sum(
            count
            for (caller, callee), count in self.inclusive.items()
            if callee == function and caller != function
        )

    def callers(self, function):
        found = collections.Counter()
        for (caller, callee), count in self.calls.items():
            if callee == function:
                found[caller] += count
        return found


def run(bench, proxy, scenario, requests, directory):
    """Runs the proxy under callgrind and counts only what happens between go and the last answer.
    """
    started = []
    try:
        node_command = [os.path.join(bench.binaries, "bench_node")]
        if scenario.node_tls:
            node_command += [
                "--certificate",
                bench.certificates.certificate,
                "--key",
                bench.certificates.key,
            ]
        node = Process(node_command, control=True)
        started.append(node)
        node_port = int(node.line(10).removeprefix("listening "))
        out = os.path.join(directory, "callgrind.out.%p")
        wrapped = proxy.under(
            [
                "valgrind",
                "--tool=callgrind",
                "--instr-atstart=no",
                "--collect-systime=no",
                "--separate-threads=no",
                f"--callgrind-out-file={out}",
            ]
        )
        running, port = wrapped.start(
            directory,
            None,
            1,
            scenario.client_tls,
            scenario.node_tls,
            node_port,
            False,
            bench.certificates,
            patience=60,
        )
        started.append(running)
        load_options = [part for part in scenario.load]
        load_options[load_options.index("--seconds") + 1] = "200"
        command = [
            os.path.join(bench.binaries, "bench_load"),
            "--port",
            str(port),
            "--controlled",
            *load_options,
            "--requests",
            str(requests),
        ]
        if scenario.client_tls:
            command.append("--tls")
        load = Process(command, control=True)
        started.append(load)
        load.expect("ready", 130)
        await_port(running, port)
        workers = [str(pid) for pid in running.tree()]
        _control("-i", "on", *workers)
        load.tell("go")
        figures = process.read_json(load.line(230))
        _control("-i", "off", *workers)
        time.sleep(0.2)
        running.end(30)
        if not figures["answered"]:
            raise Failed(f"no answers: {figures['errors']}")
        return Profile(glob.glob(os.path.join(directory, "callgrind.out.*"))), figures
    finally:
        for each in reversed(started):
            each.end()


def _control(*arguments):
    done = subprocess.run(
        ["callgrind_control", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise Failed("callgrind_control: " + (done.stderr or done.stdout).strip())


def short(name):
    """A C++ name without its arguments' types and template arguments."""
    plain = re.sub(r"\(.*", "", name.replace("(anonymous namespace)", "{anonymous}"))
    while "<" in plain and not plain.startswith("operator"):
        shorter = re.sub(r"<[^<>]*>", "", plain)
        if shorter == plain:
            break
        plain = shorter
    return plain.replace("boshgate::", "").replace("std::__cxx11::", "std::").split("'")[0]


def tables(profile, figures, most=40):
    """Own and inclusive instructions for each request, and who allocates, in Markdown."""
    count = figures["answered"]
    lines = [
        f"{profile.total() / count:.0f} instructions in user mode for each of {count} requests.\n",
        "| function | own instructions per request | share |",
        "|---|---|---|",
    ]
    for name, own in profile.own.most_common(most):
        if own / count >= 1:
            lines.append(f"| `{short(name)}` | {own / count:.0f} | {own / profile.total():.1%} |")
    every = {callee for _, callee in profile.calls}
    inclusive = sorted(((profile.inclusive_of(name), name) for name in every), reverse=True)
    lines += [
        "",
        "| function, with all it calls | instructions per request | calls per request |",
        "|---|---|---|",
    ]
    for cost, name in inclusive[:most]:
        if cost / count >= 1:
            lines.append(
                f"| `{short(name)}` | {cost / count:.0f} | {profile.called(name) / count:.2f} |"
            )
    lines += ["", "| allocator | calls per request | called by |", "|---|---|---|"]
    for allocator in ALLOCATORS:
        calls = profile.called(allocator)
        if calls:
            by = ", ".join(
                f"`{short(name)}` {n / count:.3f}"
                for name, n in profile.callers(allocator).most_common(6)
            )
            lines.append(f"| {allocator} | {calls / count:.3f} | {by} |")
    copies = profile.called("memcpy") + profile.called("__memcpy_avx_unaligned_erms")
    lines.append(
        f"\nCopies: {copies / count:.2f} calls of memcpy for each request; "
        "no allocator named above: none."
    )
    return "\n".join(lines) + "\n"
