"""How long tests wait. Every bound here is about hanging, never about speed."""
import asyncio
import os
import time


def patience(seconds):
    """`seconds`, or more of them where code runs under a sanitizer: $PATIENCE times as many."""
    return seconds * float(os.environ.get("PATIENCE", "1"))


async def until(condition, otherwise, seconds=10):
    """The first true result of `condition()`; an AssertionError that says `otherwise`."""
    deadline = time.monotonic() + patience(seconds)
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{otherwise} within {seconds} s")
        await asyncio.sleep(0.02)
    return result


async def within(seconds, awaitable, what):
    """What `awaitable` gives; an AssertionError that says `what` took too long."""
    try:
        return await asyncio.wait_for(awaitable, patience(seconds))
    except asyncio.TimeoutError:
        raise AssertionError(f"{what} took more than {seconds} s") from None
