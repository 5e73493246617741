"""9,000 held polls on one core, and what happens when descriptors run out."""
import asyncio
import resource
import time

from harness import bosh
from harness.boshgate import Boshgate
from harness.case import ORIGIN, Case, main
from harness.http import Connection, Node, answer_bytes
from harness.waiting import until

POLLS = 9000  # two descriptors each; 20,000 a process is what hosts grant
AT_ONCE = 200
DESCRIPTORS = 20_000

CONFIGURATION = """
threads: 1
listen:
  - address: 127.0.0.1:0
nodes:
  node-a1: http://127.0.0.1:{port}/httpbinding
cors: {{ origins: ["{origin}"] }}
timeouts: {{ answer: 10m, idle: 10m, connect: 10s, drain: 5s }}
health: {{ interval: 0s }}
"""


class HoldingNode:
    """Holds requests whose word begins with `hold`, until told; answers all others at once. Answers
    name the request.
    """

    def __init__(self):
        self.held = 0
        self.released = asyncio.Event()

    async def answer(self, request):
        word = bosh.word_of(request.body).decode()
        if word.startswith("hold"):
            self.held += 1
            await self.released.wait()
        return answer_bytes(bosh.answer(word))


async def in_batches(items, make):
    """`make` of each item, no more than AT_ONCE at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item):
        async with gate:
            return await make(item)

    return await asyncio.gather(*[one(item) for item in items])


def quantiles(seconds):
    ordered = sorted(seconds)
    return ", ".join(
        f"p{part} {ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1e6:.0f} us"
        for part in (50, 99)
    )


class HeldPolls(Case):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertGreaterEqual(
            hard if hard != resource.RLIM_INFINITY else DESCRIPTORS,
            DESCRIPTORS,
            "the limit of open files: see ulimit -Hn",
        )
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
        self.rounds = 0

    async def small_requests(self, proxy):
        """Other people's requests, on a kept connection and on fresh ones; how long each took."""
        took = []
        self.rounds += 1
        session = bosh.Session(f"small-{self.rounds}")
        async with await Connection.open(proxy.port()) as kept:
            for i in range(400):
                body = session.request(f"now {i}")
                began = time.perf_counter()
                if i % 20 == 0:
                    async with await Connection.open(proxy.port()) as fresh:
                        answer = await fresh.ask("POST", "/node-a1", body)
                else:
                    answer = await kept.ask("POST", "/node-a1", body)
                took.append(time.perf_counter() - began)
                self.assertEqual((answer.status, answer.body), (200, bosh.answer(f"now {i}")))
        return took

    async def test_nine_thousand_on_one_core(self):
        node = HoldingNode()
        async with Node(node.answer) as server, Boshgate(
            CONFIGURATION.format(port=server.port, origin=ORIGIN), descriptors=DESCRIPTORS
        ) as proxy:
            alone = await self.small_requests(proxy)
            threads = proxy.threads()

            async def park(number):
                connection = await Connection.open(proxy.port(), seconds=60)
                await connection.send(
                    "POST", "/node-a1", bosh.request(f"hold {number}", f"sid-{number}")
                )
                return connection

            began = time.perf_counter()
            parked = await in_batches(range(POLLS), park)
            await until(lambda: node.held == POLLS, "not every poll is at the node", 60)
            print(
                f"{POLLS} polls held after {time.perf_counter() - began:.1f} s, "
                f"{proxy.descriptors_open()} descriptors, {proxy.threads()} threads",
                flush=True,
            )

            beside = await self.small_requests(proxy)
            print(
                f"small requests alone: {quantiles(alone)}; "
                f"beside the held polls: {quantiles(beside)}",
                flush=True,
            )
            self.assertEqual(proxy.threads(), threads, "threads grow with held polls")
            self.assertGreaterEqual(proxy.descriptors_open(), 2 * POLLS)
            before = proxy.cpu_seconds()
            await asyncio.sleep(1)
            idle = proxy.cpu_seconds() - before
            self.assertLess(idle, 0.5, "CPU seconds in a second of waiting")

            node.released.set()

            async def collect(numbered):
                number, connection = numbered
                answer = await connection.answer(seconds=120)
                self.assertEqual(
                    (answer.status, answer.body), (200, bosh.answer(f"hold {number}"))
                )
                await connection.close()

            await in_batches(enumerate(parked), collect)
            await self.small_requests(proxy)
            await until(lambda: len(proxy.access()) == POLLS + 1200, "access log lines are missing")
            self.assertEqual({line["reason"] for line in proxy.access()}, {"answered"})


class OutOfDescriptors(Case):
    async def test_accepting_pauses_and_goes_on(self):
        node = HoldingNode()
        more = "limits: { connections: 100000 }\n"
        async with Node(node.answer) as server, Boshgate(
            CONFIGURATION.format(port=server.port, origin=ORIGIN) + more, descriptors=100
        ) as proxy:
            # The kernel takes connections beyond what boshgate can accept; they wait in its queue.
            opened = [await Connection.open(proxy.port()) for _ in range(150)]
            first = (await proxy.logged("accepting is paused"))[0]
            self.assertIn("out of file descriptors", first)
            self.assertIn("ulimit -n", first)
            self.assertGreaterEqual(proxy.descriptors_open(), 95)

            before = proxy.cpu_seconds()
            await asyncio.sleep(2)
            self.assertLess(
                proxy.cpu_seconds() - before, 0.5, "CPU seconds in two seconds of a paused accept"
            )
            self.assertEqual(
                len(proxy.log_lines("accepting is paused")), 1, "said once, however long it lasts"
            )

            # Whoever is in gets an answer: the proxy has no descriptor for a link, and says so.
            answer = await opened[0].ask(
                "POST", "/node-a1", bosh.request("now", "nobody"), [("Origin", ORIGIN)]
            )
            self.demand_refusal(answer, 503, "descriptors")
            self.assertEqual((await proxy.accessed(reason="descriptors"))[0]["status"], 503)

            for connection in opened[:100]:
                await connection.close()
            for number, connection in enumerate(opened[100:]):
                body = bosh.request(f"now {number}", f"sid-{number}")
                answer = await connection.ask("POST", "/node-a1", body)
                self.assertEqual((answer.status, answer.body), (200, bosh.answer(f"now {number}")))
            await proxy.logged("accepting goes on")
            for connection in opened[100:]:
                await connection.close()


class ConnectionLimit(Case):
    async def test_the_configured_limit_pauses_too(self):
        node = HoldingNode()
        more = "limits: { connections: 20 }\n"
        async with Node(node.answer) as server, Boshgate(
            CONFIGURATION.format(port=server.port, origin=ORIGIN) + more
        ) as proxy:
            opened = [await Connection.open(proxy.port()) for _ in range(21)]
            for number, connection in enumerate(opened[:20]):
                body = bosh.request(f"now {number}", f"sid-{number}")
                answer = await connection.ask("POST", "/node-a1", body)
                self.assertEqual(answer.status, 200, f"connection {number + 1} of 20")
            self.assertIn("limits.connections: 20", (await proxy.logged("accepting is paused"))[0])
            await opened[20].send("POST", "/node-a1", bosh.request("now 20", "sid-20"))
            await opened[0].close()
            self.assertEqual((await opened[20].answer()).body, bosh.answer("now 20"))
            for connection in opened[1:]:
                await connection.close()


if __name__ == "__main__":
    main()
