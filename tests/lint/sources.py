"""What the checks of this folder share: the files that git tracks, and how findings are told."""
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def tracked(*patterns):
    """Tracked files, by patterns of `git ls-files`, without those that are deleted but not
    committed as such.

    A source tree without git, such as an unpacked archive, has all its files but what is built.
    """
    if os.path.exists(f"{ROOT}/.git"):
        listed = subprocess.run(
            ["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--", *patterns],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
    else:
        found = subprocess.run(
            ["find", ".", "-path", "./build", "-prune", "-o", "-type", "f", "-print0"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        endings = tuple(pattern.lstrip("*") for pattern in patterns)
        listed = [name[2:] for name in found if name.endswith(endings or ("",))]
    return sorted(name for name in listed if name and os.path.isfile(f"{ROOT}/{name}"))


def text_of(name):
    with open(f"{ROOT}/{name}", encoding="utf-8", errors="replace") as file:
        return file.read()


def is_text(name):
    with open(f"{ROOT}/{name}", "rb") as file:
        return b"\0" not in file.read(8192)


def end(findings, looked_at):
    """Prints the findings, one a line as `file:line: what`, and ends with 1 if there are any."""
    for finding in findings:
        print(finding)
    print(f"{looked_at}, {len(findings)} findings")
    sys.exit(1 if findings else 0)
