"""Three instances behind HAProxy, which spreads connections round robin over them: real clients
talk while one instance after another is killed with SIGKILL, and started again a second later. No
session is lost, and no message lost or doubled. docker/haproxy.cfg is the same balancer for
production.

What a longer run, another balancer or another make of node does to sessions and to the time that a
message takes is shown by hand, with these in front of `ctest -V -R integration_instances`:

    INSTANCES_SECONDS=120           how long they talk; an instance is killed every ten seconds
    INSTANCES_PAIRS=6               of users
    INSTANCES_COUNT=1               this many instances; of one, none is killed
    INSTANCES_KILLS=0               at most so many
    INSTANCES_BALANCE=sticky        a client keeps to one instance; each user has an address
    INSTANCES_BALANCE=source        the same, but it goes back to an instance that is there again
    INSTANCES_ELSEWHERE=50ms        sessions.elsewhere of the instances
    INSTANCES_NODE=node-e1          the node of all users. Start it: in_lab node-e1 -- python3 ...
    INSTANCES_LOGS=DIR              keeps the logs of instances and nodes
"""
import asyncio
import collections
import glob
import json
import os
import secrets
import shutil
import tempfile

from harness import lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.waiting import patience, within


def chosen(name, otherwise):
    return os.environ.get(f"INSTANCES_{name}", otherwise)


SECONDS = int(chosen("SECONDS", "19"))
PAIRS = int(chosen("PAIRS", "6"))
COUNT = int(chosen("COUNT", "3"))
KILLS = int(chosen("KILLS", "1000" if COUNT > 1 else "0"))
BALANCE = chosen("BALANCE", "roundrobin")
ELSEWHERE = chosen("ELSEWHERE", "100ms" if COUNT > 1 and BALANCE == "roundrobin" else "0s")
NODE = chosen("NODE", "node-sd1")
LOGS = chosen("LOGS", "")
EVERY = 10  # seconds between two kills
FIRST_AFTER = 5  # seconds until the first one
DOWN = 1  # seconds until the instance is started again
BALANCER, FIRST = 60, 61  # last bytes of addresses in the lab's net, which is this test's own
PORT = 8080
TALK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "long_talk.mjs")

BALANCES = {
    "roundrobin": "balance roundrobin",
    "source": "balance source",
    "sticky": "balance leastconn\n    stick-table type ipv6 size 1k expire 1h\n    stick on src",
}

# As in docker/haproxy.cfg.
HAPROXY = """
defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    retries 3
    option redispatch 1
frontend clients
    bind {balancer}:{port}
    default_backend instances
backend instances
    {balance}
    default-server check inter 200ms fall 1 rise 2 observe layer4 error-limit 1 on-error mark-down
"""


def address(last):
    return f"{lab.value('LAB_NET')}.{last}"


class Instances(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.directory = tempfile.mkdtemp(prefix="instances-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        keys = f"{self.directory}/sid.keys"
        with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
            out.write(f"{secrets.token_hex(32)}\n")
        self.more = (
            f'discovery: {{ path: /httpbinding, primary: {NODE}, keys_file: "{keys}" }}\n'
            f"sessions: {{ elsewhere: {ELSEWHERE} }}\n"
        )
        self.reasons = collections.Counter()  # what the instances' access logs say
        self.instances = [None] * COUNT
        for number in range(COUNT):
            await self.start(number)

    async def asyncTearDown(self):
        for number in range(COUNT):
            await self.kill(number)
        if LOGS:
            for log in glob.glob(f"{lab.value('LAB_DIR')}/*/log"):
                shutil.copy(log, f"{LOGS}/{log.split('/')[-2]}.log")

    async def start(self, number):
        listen = ("--listen", f"{address(FIRST + number)}:{PORT}", "--route", f"/first={NODE}")
        instance = Boshgate(lab.configuration(listen=listen, more=self.more))
        await asyncio.to_thread(instance.start)
        self.instances[number] = instance

    async def kill(self, number):
        instance, self.instances[number] = self.instances[number], None
        if instance is not None:
            await asyncio.to_thread(instance.kill)
            self.reasons.update(line["reason"] for line in instance.access())
            if LOGS:
                shutil.copytree(instance.directory, LOGS, dirs_exist_ok=True,
                                copy_function=self.copy_log(number))
            shutil.rmtree(instance.directory)

    @staticmethod
    def copy_log(number):
        def copy(source, target):
            with open(source, "rb") as text, open(f"{target}.{number}", "ab") as out:
                shutil.copyfileobj(text, out)

        return copy

    async def balancer(self):
        config = f"{self.directory}/haproxy.cfg"
        with open(config, "w", encoding="ascii") as out:
            balance = BALANCES[BALANCE]
            out.write(HAPROXY.format(balancer=address(BALANCER), port=PORT, balance=balance))
            for number in range(COUNT):
                out.write(f"    server instance{number} {address(FIRST + number)}:{PORT}\n")
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "haproxy", "-db", "-q", "-f", config
        )
        self.addAsyncCleanup(self.end, process)

        async def listens():
            try:
                _, writer = await asyncio.open_connection(address(BALANCER), PORT)
            except ConnectionRefusedError:
                return False
            writer.close()
            return True

        for _ in range(500):
            if await listens():
                return
            await asyncio.sleep(0.02)
        self.fail("haproxy does not listen")

    async def end(self, process):
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def talk(self):
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "node", TALK,
            "--url", f"http://{address(BALANCER)}:{PORT}/httpbinding", "--pairs", str(PAIRS),
            "--seconds", str(SECONDS), "--patience", str(patience(20)),
            *(["--addresses"] if BALANCE != "roundrobin" else []),
            stdout=asyncio.subprocess.PIPE, limit=2 ** 24,
        )
        self.addAsyncCleanup(self.end, process)
        return process

    async def kill_in_turn(self):
        """Kills an instance every ten seconds, not in the last moments; how often."""
        kills = 0
        while kills < KILLS and FIRST_AFTER + kills * EVERY < SECONDS - 2 * DOWN:
            await asyncio.sleep(EVERY - DOWN if kills else FIRST_AFTER)
            await self.kill(kills % COUNT)
            await asyncio.sleep(DOWN)
            await self.start(kills % COUNT)
            kills += 1
        return kills

    async def test_killed_in_turn(self):
        await self.balancer()
        process = await self.talk()
        self.assertEqual(await within(60, process.stdout.readline(), "logging in"), b"talking\n")
        busy = [len(instance.access()) for instance in self.instances]
        kills = await self.kill_in_turn()
        said = await within(SECONDS + 60, process.stdout.readline(), "the talk")
        result = json.loads(said)
        for number in range(COUNT):
            await self.kill(number)
        print(f"{kills} kills; {said.decode()}instances: {dict(self.reasons)}", flush=True)
        self.assertGreater(min(busy), 0, "every instance serves")
        self.assertEqual(kills > 0, KILLS > 0)
        self.assertEqual(result["ended"], [], "sessions that were lost")
        wrong = {what: result[what] for what in ("lost", "doubled", "altered")}
        self.assertEqual(wrong, {"lost": 0, "doubled": 0, "altered": 0})


if __name__ == "__main__":
    main()
