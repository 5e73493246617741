"""Nodes that fall ill in every way that operators know: how long until boshgate calls them down,
how long until they are up again, what it says, and whether anybody was called ill who was not.

HEALTH_LOSS is for how many seconds half of everything is lost: short here.
"""
import asyncio
import os
import re
import subprocess
import tempfile
import time
from urllib.parse import urlsplit

from harness import certificate, lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.http import Connection, ask
from harness.relay import Relay
from harness.waiting import patience, until

LOSS = float(os.environ.get("HEALTH_LOSS", "20"))
SLACK = 3  # seconds on a busy machine
NAMESPACE = "xmlns='http://jabber.org/protocol/httpbind'"


def session_request(rid=1000, wait=30):
    return (
        f"<body {NAMESPACE} to='example.com' rid='{rid}' wait='{wait}' hold='1' ver='1.9' "
        "xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
    ).encode()


def where(node):
    url = urlsplit(lab.value(f"{node.upper().replace('-', '_')}_HTTP"))
    return url.hostname, url.port


def expired_certificate(directory):
    """Signs itself for 127.0.0.1, and was good for a month of 2025."""
    name = f"{directory}/expired"
    with open(f"{name}.cnf", "w", encoding="ascii") as out:
        out.write(
            f"[ca]\ndefault_ca = x\n[x]\ndatabase = {name}.db\nserial = {name}.serial\n"
            f"new_certs_dir = {directory}\ndefault_md = sha256\npolicy = p\n"
            "copy_extensions = copy\n[p]\ncommonName = supplied\n")
    for file, text in (("db", ""), ("serial", "01\n")):
        with open(f"{name}.{file}", "w", encoding="ascii") as out:
            out.write(text)
    for command in (
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=node", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out",
         f"{name}.csr"],
        ["ca", "-batch", "-config", f"{name}.cnf", "-selfsign", "-keyfile", f"{name}.key", "-in",
         f"{name}.csr", "-startdate", "20250101000000Z", "-enddate", "20250201000000Z", "-notext",
         "-out", f"{name}.pem"],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return f"{name}.pem", f"{name}.key"


class Health(Case):
    def boshgate(self, relay, tls="", more=""):
        host, port = where("node-b1")
        scheme = "https" if tls else "http"
        return Boshgate(
            "listen:\n  - address: 127.0.0.1:0\n"
            f"nodes:\n  ill: {{ url: {scheme}://127.0.0.1:{relay.port}/httpbinding{tls} }}\n"
            f"  well: {{ url: http://{host}:{port}/httpbinding }}\n{more}")

    async def turns(self, proxy, began, pattern, what, bar):
        await proxy.logged(f"node ill: {pattern}", bar + 20)
        took = time.monotonic() - began
        print(f"{self._testMethodName}: {what} after {took:.2f} s", flush=True)
        self.assertLess(took, patience(bar + SLACK), what)

    async def falls_ill(self, mode, pattern, bar, back=2.5, more=""):
        """The node is down within `bar` seconds, says why, and is up `back` seconds after it is
        well again; the other node never is."""
        async with Relay(*where("node-a1")) as relay, self.boshgate(relay, more=more) as proxy:
            await self.demand_session(proxy, "ill")
            await asyncio.sleep(1.5)
            began = time.monotonic()
            await relay.become(mode)
            await self.turns(proxy, began, f"{pattern}.*it is down", "down", bar)
            self.assertEqual(len(proxy.log_lines("it is down")), 1)
            answer = [await ask(proxy.port(), "POST", "/ill", session_request()) for _ in (1, 2)]
            self.assertNotEqual(answer[-1].status, 200)
            await self.demand_session(proxy, "well")
            began = time.monotonic()
            await relay.become("pass")
            await self.turns(proxy, began, "answers again", "up", back)
            await self.demand_session(proxy, "ill")
            self.assertFalse(proxy.log_lines("node well: .*down"))

    async def demand_session(self, proxy, node):
        answer = await ask(proxy.port(), "POST", f"/{node}", session_request())
        self.assertEqual(answer.status, 200, node)
        self.assertIn(b" sid='", answer.body)

    async def test_killed(self):
        await self.falls_ill("refuse", "takes no connections", 1.3)

    async def test_frozen(self):
        await self.falls_ill("freeze", "does not answer any more", 3)

    async def test_bosh_module_off_while_http_answers(self):
        await self.falls_ill("page", "speaks no BOSH", 1.3)

    async def test_certificate(self):
        """Expired, or another one, on new links: links that stand work on, so they are not kept."""
        with tempfile.TemporaryDirectory() as directory:
            files = certificate.make(directory)
            good = certificate.server_context(*files)
            expired = expired_certificate(directory)
            other = certificate.make(directory, "other")
            with open(f"{directory}/ca.pem", "w", encoding="ascii") as out:
                for file in (files[0], expired[0]):  # trusted both: only its time is over
                    with open(file, encoding="ascii") as one:
                        out.write(one.read())
            tls = f", tls: {{ ca_file: {directory}/ca.pem }}"
            async with Relay(*where("node-a1"), tls=good) as relay, self.boshgate(
                relay, tls, "timeouts: { link_idle: 100ms }\n"
            ) as proxy:
                await self.demand_session(proxy, "ill")
                warned = await proxy.logged("node ill: its certificate expires in [67] days")
                self.assertEqual(len(warned), 1)
                for bad, why in ((expired, "certificate has expired"), (other, "self-signed")):
                    downs = len(proxy.log_lines("it is down"))
                    began = time.monotonic()
                    await relay.use_tls(certificate.server_context(*bad))
                    await until(lambda d=downs: len(proxy.log_lines("it is down")) > d, "not down")
                    print(f"{why}: down after {time.monotonic() - began:.2f} s", flush=True)
                    self.assertTrue(
                        proxy.log_lines(f"node ill: shows a certificate .*{why}.*it is down"), why)
                    began = time.monotonic()
                    await relay.use_tls(good)
                    await until(
                        lambda d=downs: len(proxy.log_lines("node ill: answers again")) > d,
                        "not up again", 30)
                    print(f"{why}: up after {time.monotonic() - began:.2f} s", flush=True)
                    await self.demand_session(proxy, "ill")

    async def test_half_of_everything_lost(self):
        """It goes down and stays there, or comes back once: it does not come and go."""
        async with Relay(*where("node-a1"), seed=7) as relay, self.boshgate(relay) as proxy:
            await self.demand_session(proxy, "ill")
            await relay.become("lose")
            await asyncio.sleep(LOSS)
            downs = len(proxy.log_lines("node ill: .*it is down"))
            print(f"half lost for {LOSS:.0f} s: down {downs} times", flush=True)
            self.assertLessEqual(downs, 3)
            await relay.become("pass")
            if downs:
                await until(lambda: len(proxy.log_lines("node ill: answers again")) == downs,
                            "it is not up again", 64 * 0.25 + 10)
            self.assertFalse(proxy.log_lines("node well: .*down"))

    async def test_slow(self):
        """Answers after 3 s: whoever has a session there keeps it."""
        more = "sessions: { answer_margin: 4900ms }\n"  # else the polls are overdue
        async with Relay(*where("node-a1")) as relay, self.boshgate(relay, more=more) as proxy:
            connection = await Connection.open(proxy.port(), seconds=60)
            answer = await connection.ask("POST", "/ill", session_request(wait=5), seconds=60)
            sid = re.search(rb" sid='([^']+)'", answer.body)[1].decode()
            await relay.become("slow")
            for rid in (1001, 1002):
                poll = f"<body {NAMESPACE} sid='{sid}' rid='{rid}'/>".encode()
                answer = await connection.ask("POST", "/ill", poll, seconds=60)
                self.assertEqual(answer.status, 200)
                self.assertNotIn(b"terminate", answer.body)
            await until(lambda: not proxy.log_lines("node ill: .*it is down")
                        or proxy.log_lines("node ill: answers again"), "it stays down", 20)
            await connection.close()
            self.assertFalse(proxy.log_lines("given up"))
            self.assertLessEqual(len(proxy.log_lines("node ill: .*it is down")), 1)

    async def test_questions_for_sessions_end_what_they_open(self):
        """Prosody and ejabberd both have a way to log in to offer, and are left as they were."""
        for node in ("node-a1", "node-e1"):
            async with Counting(*where(node)) as relay:
                more = "health: { domain: example.com }\n"
                async with self.boshgate(relay, more=more) as proxy:
                    await until(lambda r=relay: r.opened, f"{node}: no session was asked for", 10)
                    await until(lambda r=relay: r.ended, f"{node}: the session is left", 10)
                    await asyncio.sleep(1.2)
                    self.assertEqual((relay.opened, relay.ended), (1, 1), node)
                    self.assertFalse(proxy.log_lines("node ill"), node)


class Counting(Relay):
    """Counts the sessions that are asked for, and ended."""

    opened = ended = 0

    async def _copy(self, source, target, answers):
        if answers:
            await super()._copy(source, target, answers)
            return
        while data := await source.read(1 << 16):
            self.opened += data.count(b" to='example.com'")
            self.ended += data.count(b"type='terminate'")
            target.write(data)
            await target.drain()


if __name__ == "__main__":
    main()
