"""Polls held at a node that dies: when each of their clients hears of it, and what."""
import asyncio
import os
import re
import time
from collections import Counter

from harness import lab
from harness.boshgate import Boshgate
from harness.case import Case, main
from harness.http import Connection, ask
from harness.waiting import patience

POLLS = int(os.environ.get("POLLS", "200"))
WAIT = int(os.environ.get("WAIT", "10"))  # seconds that the node may hold a poll
MARGIN = 2.5  # sessions.answer_margin
DECLARED = 4.5  # sessions.repeat_budget, then the links end within a quarter of a second
QUESTIONS = 4.5  # up to two health.interval, two health.timeout, a quarter of a second
SLACK = 3  # seconds on a busy machine
AT_ONCE = 50
NAMESPACE = "xmlns='http://jabber.org/protocol/httpbind'"


def session_request(number):
    return (
        f"<body {NAMESPACE} to='example.com' rid='{1000 * number + 1000}' wait='{WAIT}' hold='1' "
        "ver='1.9' xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"
    ).encode()


async def hold(proxy, number, gate):
    """A connection whose poll the node holds, and the time at which it was sent."""
    async with gate:
        connection = await Connection.open(proxy.port(), seconds=60)
        answer = await connection.ask("POST", "/node-a1", session_request(number), seconds=60)
        assert answer.status == 200, answer.body
        sid = re.search(rb" sid='([^']+)'", answer.body)[1].decode()
    poll = f"<body {NAMESPACE} sid='{sid}' rid='{1000 * number + 1001}'/>"
    await connection.send("POST", "/node-a1", poll.encode())
    return connection, time.monotonic()


async def fate(connection, sent, seconds):
    """What the poll ended with, seconds after the poll was sent, and when."""
    try:
        answer = await connection.answer(seconds)
    except (ConnectionError, asyncio.IncompleteReadError):
        answer = None
    now = time.monotonic()
    if answer is None:
        what = "closed"
    elif b"terminate" in answer.body:
        what = re.search(rb"condition='([^']*)'", answer.body)[1].decode()
    elif answer.status == 200:
        what = "answered by the node"
    else:
        what = str(answer.status)
    return what, now - sent, now


class DeadNode(Case):
    def boshgate(self, more="health: { interval: 1s, timeout: 1s }\n"):
        return Boshgate(lab.configuration(more=more))

    async def asyncTearDown(self):
        await lab.command("restart", "node-a1")

    async def polls_end(self, proxy, *kill):
        gate = asyncio.Semaphore(AT_ONCE)
        held = await asyncio.gather(*[hold(proxy, number, gate) for number in range(POLLS)])
        fates = [asyncio.create_task(fate(*one, 120)) for one in held]
        await asyncio.sleep(0.2)
        await lab.command(*kill, "node-a1")
        died = time.monotonic()
        ends = await asyncio.gather(*fates)
        took = sorted(now - died for what, _, now in ends if what != "answered by the node")
        for connection, _ in held:
            await connection.close()
        what = Counter(what for what, _, _ in ends)
        print(
            f"{' '.join(kill)}: {POLLS} polls of wait {WAIT}: {dict(what)}; after the death first "
            f"{took[0]:.2f} s, median {took[len(took) // 2]:.2f} s, last {took[-1]:.2f} s",
            flush=True,
        )
        return what, took, max(since for _, since, _ in ends)

    async def test_killed(self):
        """The links break; the node refuses new ones until the budget of repeats is spent."""
        async with self.boshgate() as proxy:
            what, took, _ = await self.polls_end(proxy, "kill")
            self.assertEqual(set(what), {"item-not-found"})
            self.assertLess(took[-1], patience(DECLARED + SLACK))
            await proxy.logged("node node-a1: takes no connections")

    async def test_frozen(self):
        """Nothing breaks. The node is asked when it has been silent for a second, twice."""
        async with self.boshgate() as proxy:
            what, took, _ = await self.polls_end(proxy, "freeze")
            self.assertEqual(set(what), {"item-not-found"})
            self.assertLess(took[-1], patience(QUESTIONS + SLACK))
            # Its death is seen by whichever is asked: a link that was open, or a new one.
            await proxy.logged("node node-a1: .*; what is held there is given up")
            began = time.monotonic()
            refused = await ask(proxy.port(), "POST", "/node-a1", session_request(POLLS))
            self.assertEqual(refused.status, 503)
            self.assertLess(time.monotonic() - began, patience(1), "a dead node's answer at once")
            await lab.command("thaw", "node-a1")
            await proxy.logged("node node-a1: answers again")
            deadline = time.monotonic() + patience(20)  # it has closed links to look through first
            while True:
                served = await ask(proxy.port(), "POST", "/node-a1", session_request(POLLS))
                if served.status == 200 or time.monotonic() > deadline:
                    break
            self.assertEqual(served.status, 200)

    async def test_frozen_and_never_asked(self):
        """The session's own wait is the only sign."""
        async with self.boshgate("health: { interval: 0s }\n") as proxy:
            what, _, longest = await self.polls_end(proxy, "freeze")
            self.assertLessEqual(set(what), {"504", "closed"})
            self.assertLess(longest, patience(WAIT + MARGIN + SLACK))

    async def test_quiet_is_not_sick(self):
        """Polls that are held for as long as they may be, and a node that is never taken for dead.
        """
        async with self.boshgate() as proxy:
            gate = asyncio.Semaphore(AT_ONCE)
            held = await asyncio.gather(*[hold(proxy, number, gate) for number in range(POLLS)])
            ends = await asyncio.gather(*[fate(*one, 60) for one in held])
            self.assertEqual(set(what for what, _, _ in ends), {"answered by the node"})
            self.assertFalse(proxy.log_lines("node-a1"))
            for connection, _ in held:
                await connection.close()


if __name__ == "__main__":
    main()
