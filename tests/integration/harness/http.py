"""HTTP/1.1 without a library's opinions: a client that sees every byte, and a node that says what
the test wants it to say.
"""
import asyncio
import ssl

from harness.waiting import within

POLL_BODY = b"<body xmlns='http://jabber.org/protocol/httpbind' rid='1' sid='s'/>"
LINE_LIMIT = 1 << 17


def insecure_context():
    """For TLS towards the proxy in tests that are not about the proxy's certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Message:
    """A request or an answer: the first line's words, header fields, and the body as sent."""

    def __init__(self, first, fields, body):
        self.first = first
        self.fields = fields  # (name in lower case, value)
        self.body = body

    @property
    def status(self):
        return int(self.first[1])

    @property
    def method(self):
        return self.first[0]

    def get(self, name):
        """The field's value, None without it; an AssertionError if it is there twice."""
        found = self.all(name)
        assert len(found) < 2, f"{len(found)} times {name}: {found}"
        return found[0] if found else None

    def all(self, name):
        return [value for key, value in self.fields if key == name]


async def read_message(reader, is_answer=False, head_only=False):
    """The next message; None if the other side closed before its first byte."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise AssertionError(f"the message broke off: {error.partial!r}") from None
        return None
    lines = head[:-4].decode("latin-1").split("\r\n")
    fields = [
        (name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines[1:])
    ]
    message = Message(lines[0].split(" ", 2), fields, b"")
    if head_only or (is_answer and message.status in (204, 304)):
        return message
    if "chunked" in message.all("transfer-encoding"):
        message.body = await read_chunks(reader)
    elif (length := message.get("content-length")) is not None:
        message.body = await reader.readexactly(int(length))
    elif is_answer:
        message.body = await reader.read()
    return message


async def read_chunks(reader):
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readline() == b"\r\n", "trailers do not travel"
    return bytes(body)


def chunked(body, sizes):
    """`body` as a chunked message body, cut at `sizes` again and again."""
    out = bytearray()
    place = turn = 0
    while place < len(body):
        piece = body[place : place + sizes[turn % len(sizes)]]
        out += b"%x\r\n" % len(piece) + piece + b"\r\n"
        place += len(piece)
        turn += 1
    return bytes(out) + b"0\r\n\r\n"


class Connection:
    """One connection to the proxy. Requests may be written ahead of their answers."""

    @classmethod
    async def open(cls, port, tls=False, host="127.0.0.1", seconds=20):
        self = cls()
        context = insecure_context() if tls else None
        self.reader, self.writer = await within(
            seconds,
            asyncio.open_connection(host, port, ssl=context, limit=LINE_LIMIT),
            "connecting",
        )
        return self

    async def send(self, method, path, body=None, fields=(), framing=None):
        """`framing`: the bytes that stand for the body, if not the body with its Content-Length."""
        head = f"{method} {path} HTTP/1.1\r\nHost: chat.example.com\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields)
        if framing is not None:
            head += "Transfer-Encoding: chunked\r\n"
        elif body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        self.writer.write(
            head.encode() + b"\r\n" + (framing if framing is not None else body or b"")
        )
        await self.writer.drain()

    async def answer(self, seconds=20, head_only=False):
        return await within(seconds, read_message(self.reader, True, head_only), "the answer")

    async def ask(self, method, path, body=None, fields=(), framing=None, seconds=20):
        await self.send(method, path, body, fields, framing)
        answer = await self.answer(seconds, method == "HEAD")
        assert answer is not None, f"{method} {path}: closed without an answer"
        return answer

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass  # the other side was faster

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()


async def ask(port, method, path, body=None, fields=(), tls=False, seconds=20):
    """One request on a connection of its own."""
    async with await Connection.open(port, tls, seconds=seconds) as connection:
        return await connection.ask(method, path, body, fields, seconds=seconds)


def answer_bytes(body, status="200 OK", fields=("Content-Type: text/xml; charset=utf-8",)):
    head = "".join(
        f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}")
    )
    return head.encode() + b"\r\n" + body


class Node:
    """A node whose `answer`, a coroutine function of a request, gives the bytes that go back; None
    closes.

    async with Node(answer) as node: ... node.port ...
    """

    def __init__(self, answer, tls=None):
        self.answer = answer
        self.tls = tls
        self.connections = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self.tls, limit=LINE_LIMIT, backlog=4096
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.connections:
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.connections.add(task)
        try:
            while request := await read_message(reader):
                if (back := await self.answer(request)) is None:
                    break
                writer.write(back)
                await writer.drain()
                if request_wants_close(back):
                    break
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # the proxy went away, or the test is over
        finally:
            self.connections.discard(task)
            writer.close()


def request_wants_close(answer):
    return b"\r\nconnection: close\r\n" in answer[: answer.find(b"\r\n\r\n") + 2].lower()
