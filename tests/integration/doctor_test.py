"""`boshgate doctor` in front of real servers, as an operator meets it: all in order, a node that
was killed, one that stands still, one with another key, and whether the printed lines mend it.
"""
import asyncio
import json
import os
import re
import tempfile
import time

from harness import lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.waiting import patience

PIN = re.compile(r"sha256//[A-Za-z0-9+/]{43}=")
WRONG_PIN = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
CHECKS = ["connect", "tls", "certificate", "pin", "bosh", "session", "page", "clock"]


async def doctor(configuration, *words):
    """(exit status, standard output)"""
    with tempfile.TemporaryDirectory() as directory:
        file = f"{directory}/boshgate.yaml"
        with open(file, "w", encoding="utf-8") as out:
            out.write(configuration)
        process = await asyncio.create_subprocess_exec(
            os.environ["BOSHGATE"], "doctor", "-c", file, *words, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), patience(60))
        return process.returncode, out.decode()


async def examine(configuration, *words):
    """Exit status, and findings by subject and check."""
    status, out = await doctor(configuration, "--json", *words)
    return status, {
        subject["name"]: {one["check"]: one for one in subject["findings"]}
        for subject in json.loads(out)["subjects"]
    }


def wrong(findings):
    return sorted(
        (name, check)
        for name, checks in findings.items()
        for check, one in checks.items()
        if one["verdict"] == "wrong"
    )


def configuration():
    return lab.configuration(
        "--discovery",
        "/httpbinding",
        listen=("--listen", "127.0.0.1:0"),
        more='admin: { address: "127.0.0.1:0" }\n',
    )


class Doctor(Case):
    async def test_all_in_order(self):
        status, found = await examine(configuration())
        self.assertEqual((status, wrong(found)), (0, []), found)
        for node in ("node-sd1", "node-sd2", "node-a1", "node-b1", "node-e1"):
            self.assertEqual(list(found[node]), CHECKS)
            self.assertRegex(found[node]["session"]["text"], "for example.com and offers .*PLAIN")
            self.assertGreater(found[node]["certificate"]["days_left"], 1)
            self.assertRegex(found[node]["pin"]["text"], PIN)
        self.assertEqual(found["node-a1"]["pin"]["text"], lab.value("NODE_A1_PIN"))
        self.assertIn("signed by CN=boshgate lab", found["node-e1"]["certificate"]["text"])

    async def test_for_people(self):
        status, out = await doctor(configuration())
        self.assertEqual(status, 0, out)
        for line in out.splitlines():
            self.assertLessEqual(len(line), 80, line)
        self.assertNotIn("\x1b", out)
        self.assertIn("\n5 nodes: nothing wrong", out)

    async def test_a_node_that_was_killed(self):
        await lab.command("kill", "node-b1")
        try:
            status, found = await examine(configuration())
            self.assertEqual((status, wrong(found)), (1, [("node-b1", "connect")]), found)
            self.assertIn("refused", found["node-b1"]["connect"]["text"])
        finally:
            await lab.command("restart", "node-b1")

    async def test_a_node_that_stands_still_costs_seconds(self):
        await lab.command("freeze", "node-a1")
        try:
            start = time.monotonic()
            status, found = await examine(configuration())
            took = time.monotonic() - start
            self.assertEqual((status, wrong(found)), (1, [("node-a1", "tls")]), found)
            self.assertIn("it hangs", found["node-a1"]["tls"]["text"])
            self.assertLess(took, patience(15))
        finally:
            await lab.command("thaw", "node-a1")

    async def test_the_lines_mend_a_wrong_pin(self):
        text = configuration()
        pin = lab.value("NODE_A1_PIN")
        status, found = await examine(text.replace(pin, WRONG_PIN))
        self.assertEqual((status, wrong(found)), (1, [("node-a1", "certificate")]), found)
        mend = found["node-a1"]["certificate"]["yaml"]
        self.assertEqual(PIN.findall(mend), [pin])
        # A node's entry as it should stand takes the place of the old one.
        entry = re.compile(r"^  node-a1:\n(?:    .*\n)+", re.MULTILINE)
        self.assertEqual(len(entry.findall(text)), 1)
        status, found = await examine(entry.sub(lambda _: mend, text))
        self.assertEqual((status, wrong(found)), (0, []), found)

    async def test_it_knows_a_boshgate_that_runs(self):
        text = configuration()
        async with Boshgate(text) as proxy:
            port = f"127.0.0.1:{proxy.port()}"
            status, found = await examine(text.replace("127.0.0.1:0", port, 1))
            own = next(checks for name, checks in found.items() if "boshgate.yaml" in name)
            self.assertEqual((status, wrong(found)), (0, []), found)
            self.assertIn(f"(boshgate, process {proxy.process.pid})", own["listener"]["text"])
            self.assertIn(f"process {proxy.process.pid}", own["descriptors"]["text"])


if __name__ == "__main__":
    main()
