"""What the client sent is what the node gets, and what the node sent is what the client gets, byte
for byte: from one byte to the limit, with every framing that either side may choose. Bytes of any
kind where bodies are not read, <body/>s of growing sizes where they are.

$SEED repeats a run.
"""
import os
import random
import tempfile

from harness import bosh, certificate
from harness.boshgate import Boshgate
from harness.case import ORIGIN, Case, main
from harness.http import Connection, Node, answer_bytes, chunked

LIMIT = 1024 * 1024  # limits.body_bytes
BUFFER = 256 * 1024  # limits.answer_buffer: larger answers are passed on while they arrive

CONFIGURATION = """
listen:
  - address: 127.0.0.1:0
  - address: 127.0.0.1:0
    tls: {{ certificate: "{certificate}", key: "{key}" }}
nodes:
  node-a1: http://127.0.0.1:{port}/httpbinding
cors: {{ origins: [{origin}] }}
sessions: {{ enabled: {sessions} }}
health: {{ interval: 0s }} # its questions are requests, too
"""


def sizes_of_interest(random_source):
    """Edges of buffers, records and limits, one beside the other, and some by chance."""
    edges = [1, 2, 3, 1024, 1400, 4096, 8192, 16384, 32768, 65536, 131072, BUFFER, LIMIT]
    near = {edge + step for edge in edges for step in (-1, 0, 1)} & set(range(1, LIMIT + 1))
    return sorted(near | set(range(1, 40)) | {random_source.randrange(1, LIMIT) for _ in range(12)})


class Echo:
    """Keeps what came, and answers with what the test has laid out."""

    def __init__(self):
        self.received = []
        self.next_answer = b""

    async def answer(self, request):
        self.received.append(request)
        return self.next_answer


class Bytes(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(1 << 32))
        print(f"SEED={seed}", flush=True)
        self.random = random.Random(seed)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.files = certificate.make(directory.name, "proxy")

    def boshgate(self, node, sessions=False):
        # A sanitizer's hoard of freed memory would be counted as boshgate's.
        return Boshgate(
            CONFIGURATION.format(
                port=node.port,
                certificate=self.files[0],
                key=self.files[1],
                origin=ORIGIN,
                sessions=str(sessions).lower(),
            ),
            sanitizers=[("ASAN_OPTIONS", "quarantine_size_mb=1")],
        )

    def answers_with(self, body):
        """The framings that a node may use for `body`: the bytes on the wire, with a name for each.
        """
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"
        pieces = [self.random.randrange(1, 40000) for _ in range(5)]
        return {
            "length": answer_bytes(body),
            "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, pieces),
            "until close": head + b"Connection: close\r\n\r\n" + body,
        }

    async def exchange(self, connection, echo, sent, received, wire, framing, name):
        echo.next_answer = wire
        answer = await connection.ask("POST", "/node-a1", sent, framing=framing, seconds=60)
        self.assertEqual(answer.status, 200, name)
        self.assertEqual(len(echo.received), 1, f"{name}: requests at the node")
        request = echo.received.pop()
        self.assertTrue(
            request.body == sent,
            f"{name}: {len(request.body)} of {len(sent)} bytes at the node, or altered",
        )
        self.assertEqual(request.get("content-length"), str(len(sent)), name)
        self.assertTrue(
            answer.body == received,
            f"{name}: {len(answer.body)} of {len(received)} bytes, or altered",
        )

    async def run_over(self, tls):
        echo = Echo()
        count = volume = 0
        async with Node(echo.answer) as node, self.boshgate(node) as proxy:
            async with await Connection.open(proxy.port(tls), tls) as connection:
                for size in sizes_of_interest(self.random):
                    sent = self.random.randbytes(size)
                    received = self.random.randbytes(size)
                    for way, wire in self.answers_with(received).items():
                        pieces = [
                            self.random.randrange(max(1, size // 200), size + 1) for _ in range(5)
                        ]
                        framing = self.random.choice([None, chunked(sent, pieces)])
                        name = (
                            f"{size} bytes, {'chunked' if framing else 'length'} there, {way} back"
                        )
                        await self.exchange(connection, echo, sent, received, wire, framing, name)
                        count += 1
                        volume += 2 * size
                await self.past_the_limit(connection, echo)
        print(f"{count} exchanges, {volume / 1e6:.0f} MB", flush=True)

    def payload(self, size):
        """Text of `size` bytes, some of them of characters of two bytes."""
        wide = self.random.randrange(size // 2 + 1)
        return "\u00e9" * wide + "".join(self.random.choices("abc \n", k=size - 2 * wide))

    def body_of(self, size, attributes):
        """A <body/> of `size` bytes."""
        shell = f"<body {bosh.NAMESPACE} {attributes}><word></word></body>"
        return shell.replace("<word>", "<word>" + self.payload(size - len(shell))).encode()

    async def run_over_sessions(self, tls):
        """One session: its rids in order, every framing, sizes up to the limit."""
        echo = Echo()
        count = volume = 0
        rid = 1000
        async with Node(echo.answer) as node, self.boshgate(node, sessions=True) as proxy:
            async with await Connection.open(proxy.port(tls), tls) as connection:
                for size in (size for size in sizes_of_interest(self.random) if size > 200):
                    received = self.body_of(size, "")
                    for way, wire in self.answers_with(received).items():
                        rid += 1
                        sent = self.body_of(size, f"sid='s' rid='{rid}'")
                        pieces = [self.random.randrange(size // 200 + 1, size) for _ in range(5)]
                        framing = self.random.choice([None, chunked(sent, pieces)])
                        name = f"rid {rid}, {size} bytes, {way} back"
                        await self.exchange(connection, echo, sent, received, wire, framing, name)
                        count += 1
                        volume += 2 * size
                rid += 1
                beyond = self.body_of(LIMIT + 1, f"sid='s' rid='{rid}'")
                await connection.send("POST", "/node-a1", beyond, [("Origin", ORIGIN)])
                self.demand_refusal(await connection.answer(), 413, "body_limit")
                self.assertEqual(echo.received, [])
        print(f"{count} exchanges of a session, {volume / 1e6:.0f} MB", flush=True)

    async def past_the_limit(self, connection, echo):
        """One byte more than the limit is refused, with CORS, and nothing of it reaches the node.
        """
        await connection.send("POST", "/node-a1", b"x" * (LIMIT + 1), [("Origin", ORIGIN)])
        self.demand_refusal(await connection.answer(), 413, "body_limit")
        self.assertEqual(echo.received, [])

    async def test_plain(self):
        await self.run_over(tls=False)

    async def test_tls(self):
        await self.run_over(tls=True)

    async def test_sessions_plain(self):
        await self.run_over_sessions(tls=False)

    async def test_sessions_tls(self):
        await self.run_over_sessions(tls=True)

    async def test_an_answer_larger_than_any_buffer(self):
        """What a node may send has no limit; boshgate passes it on and keeps little of it."""
        echo = Echo()
        body = self.random.randbytes(48 * LIMIT)
        async with Node(echo.answer) as node, self.boshgate(node) as proxy:
            for tls in (False, True):
                for way, wire in self.answers_with(body).items():
                    async with await Connection.open(proxy.port(tls), tls) as connection:
                        before = proxy.peak_bytes()
                        await self.exchange(
                            connection, echo, b"x", body, wire, None, f"{way}, tls {tls}"
                        )
                        grown = proxy.peak_bytes() - before
                        self.assertLess(grown, len(body) / 4, f"memory: {way}, tls {tls}")
                        print(f"{way}, tls {tls}: {grown / 1e6:.1f} MB more memory")


if __name__ == "__main__":
    main()
