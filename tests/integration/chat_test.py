"""Real clients through boshgate: each logs two users in, exchanges messages with markup and text
beyond ASCII both ways, none lost, doubled or out of order, and logs out.

Every client goes over HTTPS and over HTTP, through a node's own path, through /httpbinding, and to
ejabberd. 1,000 messages each way go over HTTPS to Prosody's and to ejabberd's own path; the other
ways get 200, for they differ in a path and a transport that count the same bytes. CHAT_MESSAGES and
CHAT_MESSAGES_ELSEWHERE are these two figures:

    CHAT_MESSAGES_ELSEWHERE=1000 ctest -R integration_chat
"""
import asyncio
import os

from harness import lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.waiting import patience

CLIENTS = ("strophe", "stanza", "caxl")
PATHS = ("/node-a1", "/httpbinding", "/node-e1")
MANY = int(os.environ.get("CHAT_MESSAGES", "1000"))
FEWER = int(os.environ.get("CHAT_MESSAGES_ELSEWHERE", "200"))
AT_ONCE = 2
SECONDS = 240  # for one client's talk
# ejabberd loses sight of a request that overtakes its predecessor: see clients/chat.mjs.
PACE = {"/node-e1": "20"}
CHAT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients", "chat.mjs")


def combinations():
    """(client, with TLS, path, messages), the long ones first."""
    every = [
        (client, tls, path, MANY if tls and path != "/httpbinding" else FEWER)
        for client in CLIENTS
        for tls in (True, False)
        for path in PATHS
    ]
    return sorted(every, key=lambda one: -one[3])


class Chat(Case):
    async def talk(self, proxy, number, client, tls, path, messages):
        """One client's talk between two users who are nobody else's; what it said, and whether all
        was well.
        """
        users = ",".join(
            f"user{2 * number + i}@example.com:user{2 * number + i}-secret" for i in (1, 2)
        )
        process = await asyncio.create_subprocess_exec(
            "node",
            CHAT,
            "--client",
            client,
            "--url",
            proxy.url(tls) + path,
            "--users",
            users,
            "--insecure",
            "--messages",
            str(messages),
            "--timeout",
            str(patience(SECONDS)),
            "--pace",
            PACE.get(path, "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        print(said.decode().rstrip(), flush=True)
        return process.returncode == 0

    async def test_every_client_on_every_way(self):
        gate = asyncio.Semaphore(AT_ONCE)
        async with Boshgate(lab.configuration("--route", "/httpbinding=node-a1")) as proxy:

            async def one(number, combination):
                async with gate:
                    return await self.talk(proxy, number, *combination)

            everything = combinations()
            good = await asyncio.gather(
                *[one(number, each) for number, each in enumerate(everything)]
            )
            failed = [each for each, well in zip(everything, good) if not well]
            self.assertEqual(failed, [], "(client, TLS, path, messages)")
            # Clients may leave while a poll is held, and Strophe repeats a request whose younger
            # sibling it saw answered first; nothing else may end an exchange without the node's
            # answer.
            reasons = {line["reason"] for line in proxy.access()}
            of_clients = {"client_closed", "replayed", "superseded"}
            self.assertLessEqual(reasons, {"answered"} | of_clients)

    async def test_nodes_without_tls(self):
        """boshgate ends TLS, and reaches the nodes over HTTP."""
        async with Boshgate(lab.configuration("--scheme", "http")) as proxy:
            for path in ("/node-a1", "/node-e1"):
                self.assertTrue(await self.talk(proxy, 19, "strophe", True, path, FEWER), path)


if __name__ == "__main__":
    main()
