"""Nothing that a broken connection does reaches the user: clients of three kinds exchange numbered
messages while fault gates reset, stall, cut and refuse connections on the node's side, on the
clients' side, and on both.

This is the short form. The long one, with other proxies beside boshgate, is run by hand: see
`conservation`. A seed from CONSERVATION_SEED repeats the faults of an earlier run.
"""
import asyncio
import os
import random

from harness.case import Case, main
from harness.conservation import EXPLANATION, Run, kinds_table, table

SEED = int(os.environ.get("CONSERVATION_SEED", random.randrange(2 ** 31)))
CLIENTS = 12
MESSAGES = 1000  # of each mode
FAULTS_LEAST = 40  # of each mode; fewer would prove nothing
# A wait of 10 s also bounds Strophe's pauses between repeats, which a test would only sit through.
LOAD = {"clients": CLIENTS, "messages": MESSAGES, "rate": 0.08, "think": 150, "wait": 10,
        "stuck": 45}


class Conservation(Case):

    async def test_faults_of_each_side(self):
        print(f"CONSERVATION_SEED={SEED}", flush=True)
        # Together: each has its own gates and its own boshgate, and much of the time is pauses.
        runs = await self.talks(("node", "client", "both"), SEED)
        # A thousand turns cannot tell one failure in a thousand from two. What is rare does not
        # come twice in a row.
        again = [run.mode for run in runs if run.rarities()]
        if again:
            runs = await self.talks(again, SEED + 1)
            self.assertEqual([each for run in runs for each in run.rarities()], [])

    async def talks(self, modes, seed):
        # Together: each has its own gates and its own boshgate, and much of the time is pauses.
        runs = await asyncio.gather(*[
            Run("boshgate", mode, seed=seed, **LOAD).go() for mode in modes])
        print(f"{table(runs)}\n{EXPLANATION}\n{kinds_table(runs)}", flush=True)
        for run in runs:
            self.assertGreaterEqual(run.faults, FAULTS_LEAST, run)
        self.assertEqual([each for run in runs for each in run.wrongs()], [])
        return runs


if __name__ == "__main__":
    main()
