"""A node that is out of order never stops the start: the others work, the log says what is wrong,
and web clients get an error that they can read.
"""
import asyncio
import os
import socket
import subprocess
import tempfile

from harness import bosh, certificate
from harness.boshgate import Boshgate
from harness.case import ORIGIN, Case, main
from harness.http import Node, answer_bytes, ask

CONFIGURATION = """
listen:
  - address: 127.0.0.1:0
nodes:
  node-good: http://127.0.0.1:{good}/httpbinding
  node-unresolved: https://nowhere.invalid:7335/httpbinding
  node-untrusted: https://127.0.0.1:{tls}/httpbinding
  node-pinned: {{ url: "https://127.0.0.1:{tls}/httpbinding", tls: {{ pins: ["{wrong_pin}"] }} }}
  node-misnamed:
    url: https://127.0.0.1:{tls}/httpbinding
    tls: {{ server_name: other.example.com, ca_file: "{certificate}" }}
  node-right: {{ url: "https://127.0.0.1:{tls}/httpbinding", tls: {{ ca_file: "{certificate}" }} }}
  node-down: http://127.0.0.1:{closed}/httpbinding
  node-plain: https://127.0.0.1:{plain}/httpbinding
cors: {{ origins: ["{origin}"] }}
timeouts: {{ connect: 5s }}
sessions: {{ enabled: {sessions} }}
"""
WRONG_PIN = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

# node, status of plain HTTP, reason, what the error log says. A session request gets 503 from all
# of them: that brings every client back (SIGNALS.md).
BROKEN = [
    (
        "node-unresolved",
        503,
        "node_unresolved",
        "node node-unresolved: nowhere.invalid does not resolve",
    ),
    ("node-untrusted", 502, "node_certificate", "node node-untrusted: .*self.signed"),
    ("node-pinned", 502, "node_certificate", "node node-pinned: .*pin"),
    ("node-misnamed", 502, "node_certificate", "node node-misnamed: .*other.example.com"),
    ("node-down", 503, "node_refused", "node node-down: node_refused"),
    ("node-plain", 502, "node_tls_failed", "node node-plain: TLS handshake failed"),
]


async def speak_first(_, writer):
    """A node that knows nothing of TLS."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


class Start(Case):
    async def test_broken_nodes(self):
        await self.broken_nodes(sessions=True, body=bosh.SESSION_REQUEST)

    async def test_broken_nodes_without_sessions(self):
        await self.broken_nodes(sessions=False, body=b"now")

    async def broken_nodes(self, sessions, body):
        from_node = bosh.answer("now")

        async def answer(_):
            return answer_bytes(from_node)

        with tempfile.TemporaryDirectory() as directory, socket.socket() as closed:
            files = certificate.make(directory)
            plain = await asyncio.start_server(speak_first, "127.0.0.1", 0)
            closed.bind(("127.0.0.1", 0))  # bound and not listening: refuses
            async with Node(answer) as good, Node(
                answer, certificate.server_context(*files)
            ) as tls, Boshgate(
                CONFIGURATION.format(
                    good=good.port,
                    tls=tls.port,
                    closed=closed.getsockname()[1],
                    certificate=files[0],
                    plain=plain.sockets[0].getsockname()[1],
                    wrong_pin=WRONG_PIN,
                    origin=ORIGIN,
                    sessions=str(sessions).lower(),
                )
            ) as proxy:
                # Answers do not wait for the name that takes long to fail.
                for name in ("node-good", "node-right"):
                    reply = await ask(proxy.port(), "POST", f"/{name}", body)
                    self.assertEqual((reply.status, reply.body), (200, from_node), name)
                await proxy.logged("node-unresolved: nowhere.invalid does not resolve", 60)
                for name, status, reason, line in BROKEN:
                    reply = await ask(
                        proxy.port(), "POST", f"/{name}", body, [("Origin", ORIGIN)]
                    )
                    self.demand_refusal(reply, 503 if sessions else status, name)
                    self.assertEqual((await proxy.accessed(node=name))[0]["reason"], reason)
                    await proxy.logged(line)
                reply = await ask(proxy.port(), "POST", "/node-good", body)
                self.assertEqual(reply.body, from_node)
            plain.close()

    async def test_before_the_first_look_up_has_ended(self):
        """A request for a node whose address is not known yet gets an honest answer, not a stall.
        """
        configuration = f"""
listen:
  - address: 127.0.0.1:0
nodes:
  node-a1: https://nowhere.invalid:7335/httpbinding
cors: {{ origins: ["{ORIGIN}"] }}
"""
        async with Boshgate(configuration) as proxy:
            reply = await ask(
                proxy.port(), "POST", "/node-a1", bosh.SESSION_REQUEST, [("Origin", ORIGIN)]
            )
            self.demand_refusal(reply, 503, "node_unresolved")

    async def test_a_wrong_configuration_says_where(self):
        process = subprocess.run(
            [os.environ["BOSHGATE"], "serve", "-c", "/dev/stdin"],
            check=False,
            text=True,
            input="listen:\n  - address: 127.0.0.1:0\nnodez: {}\n",
            capture_output=True,
        )
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr, r"/dev/stdin:3:1: nodez: .*\bnodes\b")

    async def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            process = subprocess.run(
                [os.environ["BOSHGATE"], "serve", "-c", "/dev/stdin"],
                check=False,
                text=True,
                capture_output=True,
                input=f"listen:\n  - address: 127.0.0.1:{port}\n"
                "nodes:\n  node-a1: http://127.0.0.1:1/b\nadmin: { address: \"\" }\n",
            )
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr, f"127.0.0.1 port {port}: Address already in use")


if __name__ == "__main__":
    main()
