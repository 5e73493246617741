"""Logins through the discovery endpoint, with real clients and the lab's stand-ins for CUP: which
node each user ends at, with everything up and with nodes killed or frozen.
"""
import asyncio
from contextlib import AsyncExitStack

from harness import lab
from harness.case import Case, main
from harness.logins import (
    ALL_UP, CAXL, FAULTS, HOMES, KINDS, Client, Endpoint, ends_at, mend)
from harness.waiting import patience

NODES = ("node-sd1", "node-sd2", "node-a1", "node-b1")
USERS = tuple(user for user, homes in HOMES.items() if set(homes) <= set(NODES))
# An error is shown within 2 s. A busy machine may need more for the same, so this is not the bound.
SHOWN = 10
REQUESTS_MOST = 4  # that a client may make of a login that fails


class Discovery(Case):
    async def asyncTearDown(self):
        await mend(NODES)

    async def log_in(self, kind, client, endpoint, user, situation, hit):
        """The user ends where that should be, or is shown that it cannot."""
        wanted = ends_at(user, kind.named, hit, NODES)
        login = await endpoint.login(client, user, kind.path(user), SHOWN)
        label = (str(situation), user, str(kind), login)
        if not wanted:
            self.assertIsNotNone(login.error, label)
            self.assertNotIn("not within", login.error, label)
            self.assertLessEqual(login.requests, REQUESTS_MOST, label)
            return
        self.assertIn(login.node, wanted, label)
        if kind.named:  # else it is at a discovery node first, and moves
            self.assertEqual(set(login.nodes), {login.node}, label)
        if user == "mallory":  # his password is wrong, and that is what he is told
            self.assertRegex((login.error or "").lower(), "auth|password", label)
        else:
            self.assertIsNone(login.error, label)

    async def test_logins(self):
        """Alice twice with each client, the others once with one: first everything is up, then all
        that may happen to her nodes happens.
        """
        async with AsyncExitStack() as stack:
            clients = {
                kind: await stack.enter_async_context(Client(kind.library)) for kind in KINDS}
            for situation in (ALL_UP, *FAULTS):
                hit = situation.nodes("alice", NODES)
                everybody = asyncio.Barrier(len(KINDS) + 1)

                async def one(kind):
                    async with Endpoint() as endpoint:
                        users = USERS if kind is CAXL else ("alice",)
                        if situation.warm:
                            for user in users:
                                await endpoint.login(clients[kind], user, kind.path(user))
                        await everybody.wait()
                        await everybody.wait()
                        for user in ("alice", *users):
                            await self.log_in(kind, clients[kind], endpoint, user, situation, hit)

                async def lab_does_it():
                    await everybody.wait()
                    await situation.begin("alice", NODES)
                    await everybody.wait()

                await asyncio.gather(lab_does_it(), *[one(kind) for kind in KINDS])
                await mend(NODES)

    async def test_each_user_with_each_client(self):
        async def one(kind):
            async with Client(kind.library) as client, Endpoint() as endpoint:
                for user in USERS:
                    await self.log_in(kind, client, endpoint, user, ALL_UP, ())

        await asyncio.gather(*[one(kind) for kind in KINDS])

    async def test_home_is_back(self):
        """To the backup while home is down, and home again afterwards."""
        async with Client("caxl") as client, Endpoint() as endpoint:
            async def at():
                login = await endpoint.login(client, "alice")
                self.assertIsNone(login.error)
                return login.node

            self.assertEqual(await at(), "node-a1")
            await lab.command("kill", "node-a1")
            self.assertEqual(await at(), "node-b1")
            await lab.command("restart", "node-a1")
            deadline = asyncio.get_running_loop().time() + patience(30)
            while (node := await at()) != "node-a1":
                self.assertLess(asyncio.get_running_loop().time(), deadline, node)
                await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
