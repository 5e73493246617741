"""A real Prometheus scrapes a running boshgate: every query of the dashboard returns data, and
every alert rule can be evaluated over metrics that exist.
"""
import asyncio
import json
import os
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from admin_test import Running
from harness import lab
from harness.case import Case, main
from harness.logins import Client
from harness.waiting import patience, until

DOCKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docker")
RULES = os.path.abspath(f"{DOCKER}/prometheus-rules.yaml")
CONFIG = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: boshgate
    static_configs: [{{ targets: ["{target}"] }}]
"""
NAME = re.compile(r"\b((?:boshgate|process)_\w+)")


class Prometheus:
    def __init__(self, target):
        self.target = target

    async def __aenter__(self):
        # pylint: disable-next=consider-using-with
        self.directory = tempfile.TemporaryDirectory()
        config = f"{self.directory.name}/prometheus.yml"
        with open(config, "w", encoding="ascii") as out:
            out.write(CONFIG.format(rules=RULES, target=self.target))
        self.log = open(f"{self.directory.name}/log", "w+", encoding="utf-8")
        self.process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "prometheus", f"--config.file={config}",
            f"--storage.tsdb.path={self.directory.name}/data",
            "--web.listen-address=127.0.0.1:0", stderr=self.log)
        try:
            self.url = "http://" + await until(self.listening, "Prometheus does not listen", 20)
        except AssertionError as error:
            await self.__aexit__()
            raise AssertionError(f"{error}:\n{self.said[-4000:]}") from None
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self.log.close()
        self.directory.cleanup()

    def listening(self):
        with open(self.log.name, encoding="utf-8") as log:
            self.said = log.read()
        found = re.search(r'msg="Listening on" address=(\S+)', self.said)
        return found and found[1]

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=patience(20)) as answer:
            return json.load(answer)["data"]

    async def query(self, text):
        """The samples of an instant query; none while it starts."""
        path = "/api/v1/query?query=" + urllib.parse.quote(text)
        try:
            return (await asyncio.to_thread(self.get, path))["result"]
        except urllib.error.HTTPError as refusal:
            if refusal.code != 503:
                raise AssertionError(f"{text}: {refusal.read().decode()}") from None
            return []


def dashboard_queries():
    with open(f"{DOCKER}/grafana-dashboard.json", encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "30s")
            yield panel["title"], query


class Scraped(Case):
    async def test_dashboard_and_rules(self):
        async with Running() as running, Client("strophe") as client, Prometheus(
            running.url[7:]
        ) as prometheus:
            # Rates need two scrapes and something between them.
            async def has_data(query):
                deadline = asyncio.get_running_loop().time() + patience(60)
                while not (found := await prometheus.query(query)):
                    self.assertLess(asyncio.get_running_loop().time(), deadline, query)
                    await running.login(client)
                    await asyncio.sleep(0.5)
                return found

            await has_data('up{job="boshgate"} == 1')
            queries = list(dashboard_queries())
            self.assertGreater(len(queries), 20)
            for title, query in queries:
                with self.subTest(title):
                    self.assertTrue(await has_data(query))

            groups = (await asyncio.to_thread(prometheus.get, "/api/v1/rules"))["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            self.assertGreater(len(rules), 10)
            for rule in rules:
                with self.subTest(rule["name"]):
                    self.assertEqual(rule["health"], "ok", rule)
                    # Of what is joined by "or" one part will do: not every node has TLS.
                    names = NAME.findall(rule["query"])
                    for one in [" or ".join(names)] if " or " in rule["query"] else names:
                        self.assertTrue(await has_data(one))

            await lab.command("kill", "node-b1")
            try:
                await has_data('ALERTS{alertname="BoshgateNodeDown",node="node-b1"}')
            finally:
                await lab.command("restart", "node-b1")


if __name__ == "__main__":
    main()
