"""The base of the test cases here: coroutines as tests, and errors that say more than "False"."""
import asyncio
import unittest

ORIGIN = "https://chat.example.com"


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(
            False
        )  # unittest turns it on; it slows what is measured

    def demand_refusal(self, answer, status, reason):
        """An answer of the proxy itself that a page of ORIGIN can read."""
        self.assertEqual(
            (answer.status, answer.get("access-control-allow-origin")), (status, ORIGIN), reason
        )
        self.assertEqual(answer.get("vary"), "Origin", reason)


def main():
    # What a failed test leaves open would bury why it failed.
    unittest.main(verbosity=2, warnings="ignore")
