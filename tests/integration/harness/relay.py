"""A TCP relay in front of a node that misbehaves as the test says, from one moment to the next."""
import asyncio
import contextlib
import random

# What Prosody answers to any request where its HTTP module runs and mod_bosh does not.
PAGE = (
    b"<!DOCTYPE html><html><head><title>404 Not Found</title></head>"
    b"<body><h1>404 Not Found</h1><p>Whatever you were looking for is not here.</p></body></html>"
)


class Relay:
    """Runs in `async with`; `port` is plain HTTP for a node at `host`, `node_port`.

    mode: "pass"; "refuse": no connections, and those that stand are cut; "freeze": bytes go
    nowhere; "lose": half of all connections, and of what comes over others, goes nowhere, for good;
    "slow": answers come `delay` seconds late; "page": HTTP answers, and no BOSH.
    """

    def __init__(self, host, node_port, tls=None, seed=1):
        self.host, self.node_port = host, node_port
        self.tls = tls  # a server's ssl.SSLContext, to be changed with use_tls
        self.delay = 3
        self.mode = "pass"
        self.random = random.Random(seed)
        self.port = 0
        self.tasks = set()
        self.server = None

    async def __aenter__(self):
        await self._listen()
        return self

    async def __aexit__(self, *what):
        await self._close()

    async def _listen(self):
        self.server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls, limit=1 << 20)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _close(self):
        if self.server:
            self.server.close()
            self.server = None
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def become(self, mode):
        """From now on. What was held up by the mode before stays lost."""
        before, self.mode = self.mode, mode
        if mode == "refuse":
            await self._close()
        elif before == "refuse":
            await self._listen()

    async def use_tls(self, context):
        """New connections get this certificate; those that stand live on."""
        self.server.close()
        self.tls = context
        await self._listen()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        up = None
        try:
            if self.mode == "lose" and self.random.random() < 0.5:
                await asyncio.sleep(3600)
            if self.mode == "page":
                await self._pages(reader, writer)
                return
            up_reader, up = await asyncio.open_connection(self.host, self.node_port)
            await asyncio.gather(self._copy(reader, up, False), self._copy(up_reader, writer, True))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            for one in (writer, up):
                if one:
                    one.close()

    async def _copy(self, source, target, answers):
        while data := await source.read(1 << 16):
            if self.mode == "freeze" or (self.mode == "lose" and self.random.random() < 0.5):
                await asyncio.sleep(3600)
            if self.mode == "page":
                raise ConnectionError("the node was restarted")
            if self.mode == "slow" and answers:
                await asyncio.sleep(self.delay)
            target.write(data)
            await target.drain()
        with contextlib.suppress(OSError, NotImplementedError):
            target.write_eof()

    async def _pages(self, reader, writer):
        while self.mode == "page":
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                           if line.lower().startswith(b"content-length:")), 0)
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))
            await writer.drain()
