"""The admin listener of a running boshgate: who may use it, what `boshgate nodes` does with it, and
that /metrics is what Prometheus wants.
"""
import asyncio
import json
import os
import secrets
import tempfile
import urllib.error
import urllib.request

from harness import lab
from harness.case import Case, main
from harness.logins import ENDPOINT, Client, Endpoint

TOKEN = secrets.token_hex(32)


def ask(url, method="GET", **fields):
    """(status, body) of one request; fields are header fields, with _ for -."""
    request = urllib.request.Request(url, method=method)
    for name, value in fields.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


class Running:
    """boshgate in front of the lab, with a token; and the configuration by which it is found."""

    async def __aenter__(self):
        # pylint: disable-next=consider-using-with
        self.directory = tempfile.TemporaryDirectory()
        self.token_file = f"{self.directory.name}/token"
        with open(os.open(self.token_file, os.O_CREAT | os.O_WRONLY, 0o600), "w",
                  encoding="ascii") as out:
            out.write(TOKEN + "\n")
        self.endpoint = Endpoint(
            f'admin: {{ address: "127.0.0.1:0", token_file: "{self.token_file}" }}\n')
        await self.endpoint.__aenter__()
        self.proxy = self.endpoint.proxy
        await self.proxy.logged("admin listener on")
        self.url = self.proxy.admin_url()
        self.config = self.write("nodes.yaml", self.token_file)
        return self

    async def __aexit__(self, *what):
        await self.endpoint.__aexit__(*what)
        self.directory.cleanup()

    def write(self, name, token_file):
        path = f"{self.directory.name}/{name}"
        with open(path, "w", encoding="ascii") as out:
            out.write('listen: [{ address: "127.0.0.1:0" }]\nnodes: { n: "http://n.invalid/x" }\n'
                      f'admin: {{ address: "{self.url[7:]}", token_file: "{token_file}" }}\n')
        return path

    async def get(self, path):
        return await asyncio.to_thread(ask, self.url + path)

    async def nodes(self, *words, config=None):
        """(exit status, standard output, standard error) of `boshgate nodes`."""
        process = await asyncio.create_subprocess_exec(
            self.proxy.program, "nodes", "-c", config or self.config, *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def login(self, client, user="alice"):
        """The node at which a login of this user ends."""
        done = await self.endpoint.login(client, user, f"{ENDPOINT}/{user}@example.com")
        if done.error:
            raise AssertionError(done)
        return done.node


class Admin(Case):
    async def test_drain_a_node(self):
        async with Running() as running, Client("strophe") as client:
            self.assertEqual(await running.login(client), "node-a1")
            status, out, err = await running.nodes("drain", "node-a1")
            self.assertEqual((status, err), (0, ""))
            self.assertRegex(out, r"\nnode-a1 +draining ")
            self.assertEqual(await running.login(client), "node-b1")
            _, found = await running.get("/api/v1/lookup?jid=alice@example.com&ask=true")
            self.assertEqual(json.loads(found)["asked"]["home"], "node-a1")

            status, out, _ = await running.nodes("--json", "enable", "node-a1")
            self.assertEqual((status, json.loads(out)["state"]), (0, "up"))
            self.assertEqual(await running.login(client), "node-a1")
            await running.proxy.logged("asks to drain node node-a1")

    async def test_the_table_tells_of_a_dead_node(self):
        async with Running() as running:
            await lab.command("kill", "node-b1")
            try:
                async def down():
                    nodes = json.loads((await running.get("/api/v1/nodes"))[1])["nodes"]
                    return next(n for n in nodes if n["name"] == "node-b1")["state"] == "down"

                for _ in range(200):
                    if await down():
                        break
                    await asyncio.sleep(0.1)
                status, out, _ = await running.nodes()
                self.assertEqual(status, 0)
                self.assertRegex(out, r"\nnode-b1 +down +\d+ s +\d+ +\d+ +takes no connections")
                self.assertRegex(out, r"\nnode-a1 +up ")
            finally:
                await lab.command("restart", "node-b1")

    async def test_who_may_not(self):
        async with Running() as running:
            drain = running.url + "/api/v1/nodes/node-a1/drain"
            bearer = f"Bearer {TOKEN}"
            for what, status, fields in (
                ("no token", 401, {}),
                ("a wrong token", 401, {"Authorization": "Bearer " + "0" * 64}),
                ("a page of another origin", 403,
                 {"Authorization": bearer, "Origin": "http://evil.example"}),
                ("a page with a bent name", 403,
                 {"Authorization": bearer, "Host": "evil.example:9380"}),
            ):
                got = await asyncio.to_thread(lambda f=fields: ask(drain, "POST", **f))
                self.assertEqual(got[0], status, (what, got[1]))
            for path in ("/", "/metrics", "/api/v1/nodes", "/api/v1/status"):
                got = await asyncio.to_thread(
                    lambda p=path: ask(running.url + p, Sec_Fetch_Site="cross-site"))
                self.assertEqual(got[0], 403, path)
            wrong = f"{running.directory.name}/wrong"
            with open(os.open(wrong, os.O_CREAT | os.O_WRONLY, 0o600), "w",
                      encoding="ascii") as out:
                out.write(secrets.token_hex(32))
            status, _, err = await running.nodes(
                "drain", "node-a1", config=running.write("wrong.yaml", wrong))
            self.assertEqual(status, 1)
            self.assertIn("this needs a token", err)
            _, found = await running.get("/api/v1/nodes/node-a1")
            self.assertEqual(json.loads(found)["wish"], "none")

    async def test_metrics(self):
        async with Running() as running, Client("strophe") as client:
            await running.login(client)
            status, text = await running.get("/metrics")
            self.assertEqual(status, 200)
            process = await asyncio.create_subprocess_exec(
                "promtool", "check", "metrics", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
            said, _ = await process.communicate(text.encode())
            self.assertEqual((process.returncode, said.decode()), (0, ""))
            for line in (
                'boshgate_node_up{node="node-a1"} 1',
                "boshgate_sessions_opened_total 1",
                "boshgate_ready 1",
            ):
                self.assertIn(f"\n{line}\n", text)
            self.assertRegex(text, r'boshgate_node_exchanges_total\{node="node-a1",'
                                   r'route="discovery",reason="answered"\} [1-9]')

    async def test_ready(self):
        async with Running() as running:
            self.assertEqual(await running.get("/livez"), (200, "alive\n"))
            self.assertEqual((await running.get("/readyz"))[0], 200)


if __name__ == "__main__":
    main()
