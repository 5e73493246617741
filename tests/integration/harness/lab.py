"""The lab that this test runs in: what `tests/lab/lab run` put into the environment."""
import asyncio
import os
import subprocess


def value(name):
    return os.environ[name]


def run(*words):
    done = subprocess.run(
        [value("LAB"), words[0], value("LAB_DIR"), *words[1:]],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"lab {' '.join(words)}: {done.stdout}")
    return done.stdout


async def command(*words):
    """`freeze NODE` and its like, without stopping the test's own sockets."""
    return await asyncio.to_thread(run, *words)


def configuration(
    *options, listen=("--listen-tls", "127.0.0.1:0", "--listen", "127.0.0.1:0"), more=""
):
    """A configuration for boshgate in front of the lab, TLS and plain, with `more` YAML at its end.
    """
    return run("config", *listen, *options) + more
