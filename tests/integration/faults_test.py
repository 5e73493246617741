"""Nodes that freeze, die and come back while requests run: honest errors that a page can read,
within the deadlines, one log line that names node and reason, and recovery without anybody's help.
"""
import asyncio
import re
import time

from harness import lab
from harness.boshgate import Boshgate
from harness.case import ORIGIN, Case, main
from harness.http import Connection, ask
from harness.waiting import patience, until

# Seconds. A link is tried three times, and a node that takes none is given up with all that it
# holds: ANSWER must come before that.
CONNECT, ANSWER = 2, 4
# Nodes are not asked whether they live: here it is the deadlines that tell (dead_node_test asks).
MORE = (
    f"timeouts: {{ connect: {CONNECT}s, answer: {ANSWER}s }}\nhealth: {{ interval: 0s }}\n"
    # Each core has links of its own: with one, what a test left open is what the next request uses.
    "threads: 1\n"
)
SLACK = 5  # seconds on a busy machine
FIELDS = [("Origin", ORIGIN), ("Content-Type", "text/xml; charset=utf-8")]
NAMESPACE = "xmlns='http://jabber.org/protocol/httpbind'"
NODE_FAILURES = {502, 503, 504}


def session_request(wait=60):
    return (
        f"<body {NAMESPACE} to='example.com' rid='1000' wait='{wait}' hold='1' ver='1.9' "
        "xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
    ).encode()


def poll(sid, rid=1001):
    return f"<body {NAMESPACE} sid='{sid}' rid='{rid}'/>".encode()


class Faults(Case):
    def boshgate(self):
        return Boshgate(lab.configuration("--origin", ORIGIN, more=MORE))

    async def asyncTearDown(self):
        await lab.command("restart", "node-a1")  # whatever this test left of it

    async def open_session(self, proxy, node="node-a1"):
        answer = await ask(proxy.port(), "POST", f"/{node}", session_request(), FIELDS)
        self.assertEqual(answer.status, 200, node)
        return re.search(rb" sid='([^']+)'", answer.body)[1].decode()

    async def hold_poll(self, proxy):
        """A connection whose poll node-a1 holds."""
        sid = await self.open_session(proxy)
        connection = await Connection.open(proxy.port())
        await connection.send("POST", "/node-a1", poll(sid), FIELDS)
        # The poll is at the node once a request sent after it on another connection was answered.
        await self.open_session(proxy)
        return connection

    async def refused_by(self, proxy, statuses, reasons, seconds, body=session_request()):
        """A request for node-a1 that must fail, in time, with one of these reasons in both logs."""
        began = time.monotonic()
        answer = await ask(proxy.port(), "POST", "/node-a1", body, FIELDS, seconds=60)
        took = time.monotonic() - began
        self.assertIn(answer.status, statuses)
        self.demand_refusal(answer, answer.status, reasons)
        self.assertLess(took, patience(seconds + SLACK))
        lines = await proxy.accessed(node="node-a1", status=answer.status)
        self.assertLessEqual({line["reason"] for line in lines}, reasons)
        await proxy.logged(f"warning node node-a1: {lines[0]['reason']} ")

    async def demand_others_work(self, proxy):
        began = time.monotonic()
        await self.open_session(proxy, "node-b1")
        self.assertLess(time.monotonic() - began, patience(SLACK))

    async def test_frozen(self):
        async with self.boshgate() as proxy:
            held = await self.hold_poll(proxy)
            began = time.monotonic()
            await lab.command("freeze", "node-a1")
            # The first goes over a link that is open already, the second needs a new one.
            await asyncio.gather(
                *[
                    self.refused_by(
                        proxy, {503}, {"node_answer_timeout", "node_connect_timeout"}, ANSWER
                    )
                    for _ in range(3)
                ],
                self.demand_others_work(proxy),
            )
            answer = await held.answer()
            self.demand_refusal(answer, 504, "the held poll")
            self.assertLess(time.monotonic() - began, patience(ANSWER + SLACK))
            await held.close()
            await proxy.accessed(status=504, reason="node_answer_timeout")
            for reason in ("node_answer_timeout", "node_connect_timeout"):
                await proxy.accessed(status=503, reason=reason)
            await lab.command("thaw", "node-a1")
            await self.open_session(proxy)

    async def test_killed(self):
        async with self.boshgate() as proxy:
            held = await self.hold_poll(proxy)
            await lab.command("kill", "node-a1")
            answer = await held.answer()
            # Its session is gone with the node, and this is true of it.
            self.assertEqual(answer.status, 200)
            self.assertIn(b'condition="item-not-found"', answer.body.replace(b"'", b'"'))
            self.demand_refusal(answer, 200, "the held poll")
            await held.close()
            await asyncio.gather(
                self.refused_by(proxy, {503}, {"node_refused"}, CONNECT),
                self.demand_others_work(proxy),
            )
            await lab.command("restart", "node-a1")
            await self.open_session(proxy)

    async def test_links_of_a_node_that_was_restarted_are_not_used(self):
        """A node restarts while its links are idle: nobody who comes later should notice."""
        for how in ("kill", "terminate"):
            async with self.boshgate() as proxy:
                # Several links: requests that are under way together.
                await asyncio.gather(*[self.open_session(proxy) for _ in range(8)])
                await lab.command(how, "node-a1")
                await lab.command("restart", "node-a1")
                await asyncio.gather(*[self.open_session(proxy) for _ in range(16)])
                self.assertEqual({line["status"] for line in proxy.access()}, {200}, how)

    async def test_a_lost_session_is_the_nodes_to_tell(self):
        """After a restart the node knows no session: its own answer reaches the client, not an
        error of ours.
        """
        async with self.boshgate() as proxy:
            sid = await self.open_session(proxy)
            await lab.command("restart", "node-a1")
            answer = await ask(proxy.port(), "POST", "/node-a1", poll(sid), FIELDS)
            self.assertEqual(answer.status, 200)
            self.assertIn(b"item-not-found", answer.body)

    async def test_restarts_under_traffic(self):
        async with self.boshgate() as proxy:
            statuses = []
            done = asyncio.Event()

            async def client():
                while not done.is_set():
                    began = time.monotonic()
                    answer = await ask(
                        proxy.port(), "POST", "/node-a1", session_request(), FIELDS, seconds=60
                    )
                    if answer.status != 200:
                        self.assertIn(answer.status, NODE_FAILURES)
                        self.demand_refusal(answer, answer.status, "under traffic")
                    self.assertLess(time.monotonic() - began, patience(ANSWER + SLACK))
                    statuses.append(answer.status)
                    await asyncio.sleep(0.02)

            clients = [asyncio.ensure_future(client()) for _ in range(4)]
            for words in (
                ("kill",),
                ("restart",),
                ("terminate",),
                ("restart",),
                ("freeze",),
                ("thaw",),
            ):
                seen = len(statuses)
                await until(
                    lambda: len(statuses) > seen + 20, f"requests stand still before {words[0]}", 30
                )
                await lab.command(*words, "node-a1")
            await until(
                lambda: statuses[-20:] == [200] * 20, "the node is back and nobody is served", 30
            )
            done.set()
            await asyncio.gather(*clients)
            counts = {status: statuses.count(status) for status in sorted(set(statuses))}
            print(f"answers: {counts}", flush=True)
            self.assertIn(503, counts)


if __name__ == "__main__":
    main()
