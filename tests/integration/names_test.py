"""A node answers to every name that clients may have for it, and only to these."""
from harness import lab
from harness.boshgate import Boshgate
from harness.case import ORIGIN, Case, main
from harness.http import Connection, ask

OPEN = (
    b"<body xmlns='http://jabber.org/protocol/httpbind' to='example.com' "
    b"rid='4711' wait='5' hold='1' ver='1.9' "
    b"xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
)


class Names(Case):
    async def check(self, proxy, paths, node):
        for tls in (True, False):
            async with await Connection.open(proxy.port(tls), tls) as connection:
                for path in paths:
                    answer = await connection.ask("POST", path, OPEN)
                    self.assertEqual(answer.status, 200, path)
                    self.assertRegex(answer.body, b"^<body[^>]* sid=", path)
        for path in paths:
            lines = await proxy.accessed(path=path)
            self.assertEqual({line["node"] for line in lines}, {node}, path)

    async def refused(self, proxy, paths):
        for path in paths:
            answer = await ask(proxy.port(), "POST", path, OPEN, [("Origin", ORIGIN)])
            self.demand_refusal(answer, 404, path)
            self.assertIsNone((await proxy.accessed(path=path))[-1]["node"], path)

    async def test_names(self):
        origin = ("--origin", ORIGIN)
        for name in ("node-a1", "node-b1"):
            address = lab.value(f"{name.upper().replace('-', '_')}_ADDRESS")
            async with Boshgate(
                lab.configuration("--route", f"/httpbinding={name}", *origin)
            ) as proxy:
                names = [
                    name,
                    f"{name}:7335",
                    f"{name}.example.com",
                    f"{name}.example.com:7335",
                    address,
                    f"{address}:7335",
                ]
                paths = [f"/{each}" for each in names]
                paths += [path.upper() for path in paths] + [f"{path}/" for path in paths]
                paths += ["/httpbinding", "/httpbinding/", "/HttpBinding"]
                await self.check(proxy, paths, name)
                await self.refused(
                    proxy,
                    [
                        "/",
                        f"/{name}x",
                        f"/{name}/x",
                        f"/{name}//",
                        f"/{name}:7336",
                        "/httpbinding/x",
                        "/127.0.0.1:7335",
                        f"//{name}",
                    ],
                )

    async def test_prefix(self):
        origin = ("--origin", ORIGIN)
        more = "prefix: /app\n"
        async with Boshgate(
            lab.configuration("--route", "/httpbinding=node-a1", *origin, more=more)
        ) as proxy:
            await self.check(
                proxy, ["/app/node-a1", "/App/Node-A1.example.com:7335/", "/httpbinding"], "node-a1"
            )
            await self.refused(
                proxy, ["/node-a1", "/app", "/app/", "/app/app/node-a1", "/app/httpbinding"]
            )

    async def test_get_is_the_nodes_page(self):
        async with Boshgate(lab.configuration()) as proxy:
            for path in ("/node-a1", "/node-b1/"):
                answer = await ask(proxy.port(tls=True), "GET", path, tls=True)
                self.assertEqual(answer.status, 200, path)
                self.assertIn(b"BOSH", answer.body, path)

    async def test_other_methods(self):
        async with Boshgate(lab.configuration()) as proxy:
            for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
                answer = await ask(proxy.port(), method, "/node-a1", b"")
                self.assertEqual(answer.status, 405, method)
                self.assertEqual(answer.get("allow"), "GET, HEAD, OPTIONS, POST", method)


if __name__ == "__main__":
    main()
