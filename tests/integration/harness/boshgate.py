"""boshgate as these tests run it: a process with a configuration of its own, ports that the system
chose, logs that can be read, and an end that must be clean.

The program is $BOSHGATE. Files go to a directory that lives as long as the process is used.
"""
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness.waiting import patience, until

LISTENING = re.compile(r" info listening on (\S+) port (\d+)(, TLS)?")
# What must never stand in the error log: an error of its own, or a sanitizer's report.
BAD_LINE = re.compile(r"^\S+ (error|critical) |Sanitizer|runtime error:|terminate called|Assertion")


class Boshgate:
    """Starts in `with` or `async with`, which end it by SIGTERM and demand exit status 0."""

    def __init__(self, configuration, descriptors=None, program=None, sanitizers=(), errors=None):
        self.program = program or os.environ["BOSHGATE"]
        self.configuration = configuration
        self.descriptors = descriptors  # limit of open files, soft and hard; None: as it is
        # (variable, option): what a sanitizer needs to know, if it is built with one
        self.sanitizers = sanitizers
        self.errors = errors  # lines of the log that are errors, and are meant to be
        self.process = None

    # --- life -----------------------------------------------------------------------------------

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="boshgate-")
        self.access_file = f"{self.directory}/access.log"
        self.log_file = f"{self.directory}/error.log"
        self.config_file = f"{self.directory}/boshgate.yaml"
        self.configure(self.configuration)
        # It must not outlive the test, not even when a test runner kills the test at its timeout.
        command = ["setpriv", "--pdeathsig", "KILL"]
        if self.descriptors:
            command += ["prlimit", f"--nofile={self.descriptors}:{self.descriptors}"]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [*command, self.program, "serve", "-c", self.config_file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
            )
        wanted = self.configuration.count("- address:")
        deadline = time.monotonic() + patience(30)
        while len(self.listeners()) < wanted:
            if self.process.poll() is not None or time.monotonic() > deadline:
                status = self.process.poll()
                self._give_up()
                what = "does not listen" if status is None else f"ended with {status}"
                raise AssertionError(f"boshgate {what}:\n{self.log()}")
            time.sleep(0.02)

    def configure(self, configuration):
        """Writes the file, which is read at the next start or reload."""
        with open(self.config_file, "w", encoding="utf-8") as out:
            out.write(configuration)
            if "\nadmin:" not in configuration:
                out.write('admin: { address: "127.0.0.1:0" }\n')  # several may run at once
            out.write(f'log: {{ level: debug, access: json, access_file: "{self.access_file}" }}\n')

    async def reload(self, configuration=None):
        """SIGHUP; what the log says of it."""
        if configuration is not None:
            self.configure(configuration)
        before = len(self.log_lines("reload: "))
        self.process.send_signal(signal.SIGHUP)
        lines = await until(
            lambda: len(found := self.log_lines("reload: ")) > before and found,
            "nothing was said of a reload")
        return lines[-1].partition("reload: ")[2]

    def _environment(self):
        env = dict(os.environ)
        for variable, option in self.sanitizers:
            env[variable] = ":".join(filter(None, (env.get(variable), option)))
        return env

    def end(self):
        """SIGTERM, unless it ended already; checks its exit status and its log."""
        try:
            self.process.send_signal(signal.SIGTERM)
            status = self.wait(60)
        finally:
            self._give_up()
        bad = [
            line for line in self.log().splitlines()
            if BAD_LINE.search(line) and not (self.errors and re.search(self.errors, line))
        ]
        if status != 0 or bad:
            raise AssertionError(f"boshgate ended with {status}; its log:\n{self.log()}")

    def kill(self):
        """SIGKILL: it gets no chance to say goodbye. Its files stay."""
        self._give_up()

    def wait(self, seconds):
        """Its exit status; an AssertionError if it still runs after `seconds`."""
        try:
            return self.process.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"boshgate still runs after {seconds} s:\n{self.log()}") from None

    def _give_up(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, _value, _trace):
        try:
            if kind is None:
                self.end()
            else:
                self._give_up()
                print(f"boshgate's log:\n{self.log()[-8000:]}", file=sys.stderr)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    async def __aenter__(self):
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *what):
        await asyncio.to_thread(self.__exit__, *what)

    # --- what it says ---------------------------------------------------------------------------

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    async def logged(self, pattern, seconds=10):
        """The lines of the error log that match, once there is one."""
        return await until(
            lambda: self.log_lines(pattern), f"no log line matches {pattern!r}", seconds
        )

    def access(self):
        """The lines of the access log so far, each as a dictionary."""
        if not os.path.exists(self.access_file):
            return []
        with open(self.access_file, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    async def accessed(self, seconds=10, **wanted):
        """The lines of the access log with these members, once there is one."""
        return await until(
            lambda: [
                line for line in self.access() if all(line[k] == v for k, v in wanted.items())
            ],
            f"no access log line has {wanted}",
            seconds,
        )

    def listeners(self):
        """(host, port, with TLS) of each listener, in the order of the configuration."""
        return [(host, int(port), bool(tls)) for host, port, tls in LISTENING.findall(self.log())]

    def port(self, tls=False):
        return next(port for _, port, has_tls in self.listeners() if has_tls == tls)

    def admin_url(self):
        """Where its admin listener is."""
        host, port = re.search(r" info admin listener on (\S+) port (\d+)", self.log()).groups()
        return f"http://{host}:{port}"

    def url(self, tls=False):
        return f"http{'s' if tls else ''}://127.0.0.1:{self.port(tls)}"

    # --- what the kernel says of it -------------------------------------------------------------

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def descriptors_open(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self):
        """The most memory it ever had."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
