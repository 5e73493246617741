"""What is started, how it is ended, and what the kernel says it used.

Every program gets a session of its own, so that its whole tree can be found and ended even after a
parent died: a peer's orphaned worker would go on taking connections through SO_REUSEPORT and spoil
every later run.
"""
import json
import os
import selectors
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A run that gives no figure; the text says why."""


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat_fields(pid):
    """Fields of /proc/PID/stat from the third on (state is [0]), or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


class Process:
    """One started program with everything that it starts."""

    niceness = 0  # of every program that is started

    def __init__(self, command, cpus=None, log=None, control=False, directory=None):
        def pin():
            if cpus:
                os.sched_setaffinity(0, cpus)
            os.nice(Process.niceness)

        self.command = command
        self.popen = subprocess.Popen(
            command, preexec_fn=pin, start_new_session=True, cwd=directory,
            stdin=subprocess.PIPE if control else subprocess.DEVNULL,
            stdout=subprocess.PIPE if control else (log or subprocess.DEVNULL),
            stderr=log or subprocess.DEVNULL, text=True)
        self.pending = ""

    def tree(self):
        """The living, not yet reaped processes of the program's session."""
        found = []
        for pid in pids():
            fields = stat_fields(pid)
            if fields and int(fields[3]) == self.popen.pid and fields[0] not in "ZX":
                found.append(pid)
        return found

    def tell(self, word):
        try:
            self.popen.stdin.write(word + "\n")
            self.popen.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(f"{self.command[0]} is gone") from error

    def line(self, seconds):
        """The next line of its standard output; Failed after `seconds` or at its end."""
        end = time.monotonic() + seconds
        descriptor = self.popen.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while "\n" not in self.pending:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise Failed(f"{self.command[0]} said nothing for {seconds:.0f} s")
                got = os.read(descriptor, 65536)
                if not got:
                    raise Failed(f"{self.command[0]} ended with {self.popen.wait(5)}")
                self.pending += got.decode()
        text, _, self.pending = self.pending.partition("\n")
        return text

    def expect(self, word, seconds):
        text = self.line(seconds)
        if text != word:
            raise Failed(f"{self.command[0]} said '{text[:200]}', expected '{word}'")

    def end(self, seconds=5.0):
        """SIGTERM to the whole tree, SIGKILL to what is left of it after `seconds`."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.tree():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                self.popen.poll()
                if not self.tree():
                    break
                time.sleep(0.02)
            else:
                continue
            break
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        self.popen.wait(5)


def cpu_seconds(process):
    """(user, system) of all processes of the tree, with their children that have ended."""
    user = system = 0
    for pid in process.tree():
        fields = stat_fields(pid)
        if fields:
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return user / TICK, system / TICK


def pss_bytes(process):
    total = 0
    for pid in process.tree():
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    return total * 1024


def threads(process):
    return sum(int(fields[17]) for fields in map(stat_fields, process.tree()) if fields)


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if answers(port):
        raise Failed(f"port {port} is answered by a process of somebody else")
    return port


def await_port(process, port, seconds=15):
    end = time.monotonic() + seconds
    while not answers(port):
        if process.popen.poll() is not None:
            raise Failed(f"{process.command[0]} ended with {process.popen.returncode} at its start")
        if time.monotonic() > end:
            raise Failed(f"{process.command[0]} does not answer on port {port}")
        time.sleep(0.02)


class SystemCalls:
    """Counts the system calls of a process tree by name with strace."""

    def __init__(self, process, path):
        self.path = path
        targets = process.tree()
        command = ["strace", "-f", "-c", "-qq", "-o", path]
        for pid in targets:
            command += ["-p", str(pid)]
        self.strace = Process(command)
        end = time.monotonic() + 20
        while not all(self._traced(pid) for pid in targets):
            if time.monotonic() > end or self.strace.popen.poll() is not None:
                self.strace.end()
                raise Failed("strace cannot attach")
            time.sleep(0.05)

    @staticmethod
    def _traced(pid):
        """Whether all threads of the process have a tracer."""
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
                if "TracerPid:\t0\n" in file.read():
                    return False
        return True

    def stop(self):
        self.strace.popen.send_signal(signal.SIGINT)
        self.strace.popen.wait(20)
        counts = {}
        with open(self.path, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
                    counts[words[-1]] = int(words[3])
        return counts


def versions(commands):
    """The first line of what each command prints, by name; for the report's head."""
    found = {}
    for name, command in commands.items():
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
            lines = (done.stdout + done.stderr).strip().splitlines()
            found[name] = lines[0] if lines else "unknown"
        except (OSError, subprocess.TimeoutExpired):
            found[name] = "absent"
    return found


def read_json(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Failed(f"no JSON: '{text[:200]}'") from error
