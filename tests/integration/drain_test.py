"""SIGTERM: listeners close, what is held gets its answer, and the process ends with 0 within the
drain time.
"""
import asyncio
import signal
import tempfile
import time

from harness import bosh, certificate
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.http import Connection, Node, answer_bytes
from harness.waiting import until, within

CONFIGURATION = """
threads: {threads}
listen:
  - address: 127.0.0.1:0
  - address: 127.0.0.1:0
    tls: {{ certificate: "{certificate}", key: "{key}" }}
nodes:
  node-a1: http://127.0.0.1:{port}/httpbinding
timeouts: {{ drain: {drain} }}
health: {{ interval: 0s }} # the node holds questions as well
"""


class HoldingNode:
    def __init__(self):
        self.held = 0
        self.released = asyncio.Event()

    async def answer(self, request):
        self.held += 1
        await self.released.wait()
        return answer_bytes(bosh.answer(bosh.word_of(request.body).decode()))


class Drain(Case):
    def boshgate(self, node, drain, threads=2):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        files = certificate.make(directory.name, "proxy")
        return Boshgate(
            CONFIGURATION.format(
                threads=threads, port=node.port, drain=drain, certificate=files[0], key=files[1]
            )
        )

    async def park(self, proxy, node, count, reused=0):
        """`count` polls, half of them over TLS, that the node holds; the first `reused` of them on
        connections that have served before.
        """
        parked = []
        for number in range(count):
            tls = number % 2 == 1
            connection = await Connection.open(proxy.port(tls), tls)
            if number < reused:
                self.assertEqual((await connection.ask("OPTIONS", "*")).status, 204)
            body = bosh.request(f"hold {number}", f"sid-{number}")
            await connection.send("POST", "/node-a1", body)
            parked.append(connection)
        await until(lambda: node.held == count, "not every poll is at the node")
        return parked

    async def refused(self, port):
        """Whether nobody listens there."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    async def demand_closed_listeners(self, proxy):
        """Each core closes its own listening sockets, a moment after the log says that it drains.
        """
        for tls in (False, True):
            for _ in range(500):
                if await self.refused(proxy.port(tls)):
                    break
                await asyncio.sleep(0.01)
            else:
                self.fail(f"a listener is still open, tls {tls}")

    async def test_held_polls_get_their_answers(self):
        node = HoldingNode()
        async with Node(node.answer) as server, self.boshgate(server, "60s") as proxy:
            parked = await self.park(proxy, node, 20)
            idle = await Connection.open(proxy.port())
            proxy.process.send_signal(signal.SIGTERM)
            self.assertEqual(
                await within(10, idle.reader.read(), "closing an idle connection"), b""
            )
            await proxy.logged("draining")
            await self.demand_closed_listeners(proxy)
            self.assertIsNone(proxy.process.poll(), "it waits for held polls")

            node.released.set()
            for number, connection in enumerate(parked):
                answer = await connection.answer()
                self.assertEqual(
                    (answer.status, answer.body), (200, bosh.answer(f"hold {number}"))
                )
                self.assertEqual(answer.get("connection"), "close")
                self.assertEqual(
                    await within(10, connection.reader.read(), "the close after the answer"), b""
                )
                await connection.close()
            await idle.close()
            # All are answered, so nothing is left to wait for: long before the drain time is over.
            self.assertEqual(await asyncio.to_thread(proxy.wait, 20), 0)
            self.assertEqual({line["reason"] for line in proxy.access()}, {"answered"})

    async def test_what_a_node_never_answers_is_cut(self):
        node = HoldingNode()
        async with Node(node.answer) as server, self.boshgate(server, "1s") as proxy:
            reused = 4
            parked = await self.park(proxy, node, 6, reused)
            began = time.monotonic()
            proxy.process.send_signal(signal.SIGTERM)
            self.assertEqual(await asyncio.to_thread(proxy.wait, 20), 0)
            self.assertGreater(time.monotonic() - began, 0.9, "seconds of drain")
            for number, connection in enumerate(parked):
                # No answer of BOSH: an invented one could make the client skip a rid. A browser
                # asks again by itself where the connection had served before; elsewhere the client
                # is told.
                if number >= reused:
                    answer = await connection.answer()
                    self.assertEqual((answer.status, answer.get("retry-after")), (503, "5"))
                    self.assertNotIn(b"<body", answer.body)
                    await connection.close()
                    continue
                try:
                    got = await within(10, connection.reader.read(), "the cut")
                except ConnectionResetError:
                    got = b""
                self.assertEqual(got, b"", f"poll {number}")
                await connection.close()
            reasons = [line["reason"] for line in proxy.access()]
            self.assertEqual(reasons, ["options"] * reused + ["draining"] * 6)

    async def test_a_second_signal_ends_at_once(self):
        node = HoldingNode()
        async with Node(node.answer) as server, self.boshgate(server, "10m") as proxy:
            parked = await self.park(proxy, node, 2)
            proxy.process.send_signal(signal.SIGINT)
            await proxy.logged("draining")
            self.assertIsNone(proxy.process.poll())
            proxy.process.send_signal(signal.SIGTERM)
            self.assertEqual(await asyncio.to_thread(proxy.wait, 20), 0)
            for connection in parked:
                await connection.close()

    async def test_a_request_that_is_still_arriving_is_finished(self):
        node = HoldingNode()
        node.released.set()
        async with Node(node.answer) as server, self.boshgate(server, "60s", threads=1) as proxy:
            connection = await Connection.open(proxy.port())
            body = bosh.request("half", "sid-1")
            head = f"POST /node-a1 HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.writer.write(head.encode() + body[:20])
            # A second connection's answer says that the core, there is one, has read the first
            # one's bytes.
            async with await Connection.open(proxy.port()) as other:
                await other.ask("POST", "/node-a1", bosh.request("first", "sid-2"))
            proxy.process.send_signal(signal.SIGTERM)
            await proxy.logged("draining")
            connection.writer.write(body[20:])
            answer = await connection.answer()
            self.assertEqual((answer.status, answer.body), (200, bosh.answer("half")))
            await connection.close()
            self.assertEqual(await asyncio.to_thread(proxy.wait, 20), 0)


if __name__ == "__main__":
    main()
