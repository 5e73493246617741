"""SIGHUP: the configuration and what it names is read anew while everything goes on."""
import asyncio
import os
import signal
import ssl
import tempfile

from harness import bosh, certificate, lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.http import Connection, Node, answer_bytes, ask
from harness.logins import DISCOVERY, ENDPOINT, Client, Endpoint, mend
from harness.waiting import patience, until

CONFIGURATION = """
threads: 2
listen:
  - address: 127.0.0.1:0
  - address: 127.0.0.1:0
    tls: {{ certificate: "{certificate}", key: "{key}" }}
nodes:
{nodes}
health: {{ interval: 0s }} # the node holds questions as well
"""
CHAT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "chat.mjs")
RELOADS = 10
MESSAGES = 150


async def echo(request):
    return answer_bytes(bosh.answer(bosh.word_of(request.body).decode()))


def shown_at(port):
    """The certificate that a TLS listener shows."""
    return ssl.get_server_certificate(("127.0.0.1", port))


class Reload(Case):
    """Without the lab: what the process does with the signal."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.files = certificate.make(self.directory.name, "proxy")

    def configuration(self, nodes, more=""):
        lines = "".join(
            f"  {name}: http://127.0.0.1:{port}/httpbinding\n" for name, port in nodes.items())
        return CONFIGURATION.format(
            certificate=self.files[0], key=self.files[1], nodes=lines) + more

    async def test_what_changes_and_what_is_wrong(self):
        async with Node(echo) as one, Node(echo) as other:
            first = self.configuration({"node-a1": one.port})
            errors = r"nonsense|threads|cannot be used"
            async with Boshgate(first, errors=errors) as proxy:
                async def status(node):
                    answer = await ask(
                        proxy.port(), "POST", f"/{node}", bosh.request("word", f"sid-{node}"))
                    return answer.status

                self.assertEqual(await proxy.reload(), "nothing")
                self.assertEqual(await status("node-b1"), 404)
                both = self.configuration({"node-a1": one.port, "node-b1": other.port})
                self.assertEqual(await proxy.reload(both), "1 node added (node-b1)")
                self.assertEqual(await status("node-b1"), 200)

                said = await proxy.reload(first + "nonsense: 1\n")
                self.assertIn("nothing has changed", said)
                self.assertTrue(proxy.log_lines(r"boshgate.yaml:\d+:\d+: nonsense: "))
                self.assertEqual(await status("node-b1"), 200)

                before = shown_at(proxy.port(tls=True))
                certificate.make(self.directory.name, "proxy")
                said = await proxy.reload(both)
                self.assertEqual(said, "1 listener with other certificates (127.0.0.1 port 0)")
                self.assertNotEqual(shown_at(proxy.port(tls=True)), before)

                said = await proxy.reload(both + "threads: 1\n")
                self.assertIn("nothing has changed", said, "a key twice")

    async def test_held_polls_and_their_connections_outlive_it(self):
        held, released = [], asyncio.Event()

        async def hold(request):
            held.append(request)
            await released.wait()
            return await echo(request)

        async with Node(hold) as node:
            yaml = self.configuration({"node-a1": node.port})
            async with Boshgate(yaml) as proxy:
                parked = []
                for number in range(8):
                    connection = await Connection.open(proxy.port(number % 2 == 1), number % 2 == 1)
                    await connection.send(
                        "POST", "/node-a1", bosh.request(f"hold {number}", f"sid-{number}"))
                    parked.append(connection)
                await until(lambda: len(held) == 8, "not every poll is at the node")
                for turn in range(RELOADS):
                    said = await proxy.reload(yaml + f"limits: {{ fields: {60 + turn} }}\n")
                    self.assertEqual(said, "limits changed")
                released.set()
                for number, connection in enumerate(parked):
                    answer = await connection.answer()
                    self.assertEqual((answer.status, answer.body),
                                     (200, bosh.answer(f"hold {number}")))
                    again = bosh.request(f"again {number}", f"sid-{number}", 1002)
                    answer = await connection.ask("POST", "/node-a1", again)
                    self.assertEqual((answer.status, answer.body),
                                     (200, bosh.answer(f"again {number}")))
                    await connection.close()

    async def test_while_draining_nothing_changes(self):
        released = asyncio.Event()
        held = []

        async def hold(request):
            held.append(request)
            await released.wait()
            return await echo(request)

        async with Node(hold) as node:
            async with Boshgate(self.configuration({"node-a1": node.port})) as proxy:
                connection = await Connection.open(proxy.port())
                await connection.send("POST", "/node-a1", bosh.request("hold", "sid"))
                await until(lambda: held, "the poll is not at the node")
                proxy.process.send_signal(signal.SIGTERM)
                await proxy.logged("draining")
                self.assertIn("shutting down", await proxy.reload())
                released.set()
                self.assertEqual((await connection.answer()).status, 200)
                await connection.close()
                self.assertEqual(await asyncio.to_thread(proxy.wait, 20), 0)


class ReloadInLab(Case):
    """With real servers and clients."""

    async def asyncTearDown(self):
        await mend(DISCOVERY)

    async def test_a_chat_goes_on_and_homes_stay_known(self):
        async with Endpoint() as endpoint, Client("caxl") as client:
            proxy = endpoint.proxy
            first = await endpoint.login(client, "alice")
            self.assertEqual(first.node, "node-a1")
            talk = await asyncio.create_subprocess_exec(
                "node", CHAT, "--client", "strophe", "--url", f"{proxy.url(True)}{ENDPOINT}",
                "--users", "user1@example.com:user1-secret,user2@example.com:user2-secret",
                "--insecure", "--messages", str(MESSAGES), "--timeout", str(patience(120)),
                "--pace", "40", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
            try:
                ended = asyncio.create_task(talk.communicate())
                for turn in range(RELOADS):
                    # What the talk has said meanwhile shows that it lives between reloads.
                    count = len(proxy.access())
                    await until(lambda n=count: ended.done() or len(proxy.access()) > n + 4,
                                "the talk has stopped", 60)
                    said = await proxy.reload(
                        proxy.configuration + f"limits: {{ fields: {60 + turn} }}\n")
                    self.assertEqual(said, "limits changed")
                said, _ = await ended
                self.assertEqual(talk.returncode, 0, said.decode())
            finally:
                if talk.returncode is None:
                    talk.kill()
            # Where she lives is known: nobody is there who could be asked.
            await lab.command("kill", *DISCOVERY)
            endpoint.passed = len(proxy.access())
            again = await endpoint.login(client, "alice")
            self.assertEqual((again.error, set(again.nodes)), (None, {"node-a1"}))


if __name__ == "__main__":
    main()
