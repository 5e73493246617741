"""nginx and HAProxy in front of a node, as tests/bench configures them: what the same faults do
behind other proxies.
"""
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness.waiting import patience

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "harness")
COMMANDS = {
    "nginx": ("nginx.conf", ["nginx", "-e", "stderr", "-g", "master_process off;", "-c"]),
    "haproxy": ("haproxy.cfg", ["haproxy", "-db", "-f"]),
}


def bench_package():
    """tests/bench/harness, which has the name of this package."""
    if "bench_harness" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "bench_harness", f"{BENCH}/__init__.py", submodule_search_locations=[BENCH])
        sys.modules["bench_harness"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["bench_harness"])
    import bench_harness.proxies  # noqa: F401: found by the line above
    import bench_harness.process  # noqa: F401
    return sys.modules["bench_harness"]


class Peer:
    """Runs in `with`: `port` takes plain HTTP at /node-a1, for a node at `host`, `node_port`."""

    def __init__(self, name, host, node_port):
        self.name, self.host, self.node_port = name, host, node_port

    def __enter__(self):
        bench = bench_package()
        template, command = COMMANDS[self.name]
        self.directory = tempfile.mkdtemp(prefix=f"{self.name}-")
        self.port = bench.process.free_port()
        conditions = {"client-plain", "node-plain", "few"}
        if os.geteuid() == 0:
            conditions.add("root")
        text = bench.proxies.fill(template, conditions, {
            "DIR": self.directory, "PORT": self.port, "NODE_PORT": self.node_port, "WORKERS": 1,
            "DESCRIPTORS": 4096, "CONNECTIONS": 1900, "CERTIFICATE": "", "KEY": "", "CA": "",
            "COMBINED": ""})
        config = os.path.join(self.directory, template)
        with open(config, "w", encoding="utf-8") as out:
            node = f"{self.host}:{self.node_port}"
            out.write(text.replace(f"127.0.0.1:{self.node_port}", node))
        with open(f"{self.directory}/log", "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + patience(15)
        while not bench.process.answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(f"{self.directory}/log", encoding="utf-8", errors="replace") as log:
                    said = log.read()
                self.__exit__()
                raise AssertionError(f"{self.name} does not listen:\n{said}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)
