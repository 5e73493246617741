#!/usr/bin/env python3
"""Rooms: conf <- routing <- discovery <- proxy <- tests. Includes go only to the left, and only
proxy/ does I/O, logs or reads a clock: the pure folders can so be tested and fuzzed with plain
values.
"""
import re

from sources import end, text_of, tracked

ROOMS = ["conf", "routing", "discovery", "proxy"]
PURE = ROOMS[:3]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What a pure folder may include beside the standard library's headers: not I/O, whatever its name
# says.
PURE_MAY = {
    "conf": [r"boost/url/.*"],  # reading URLs
    "routing": [
        r"arpa/inet\.h",  # inet_pton, inet_ntop
        r"[ei]mmintrin\.h",  # SSE2, AVX2
        r"openssl/(?:crypto|sha)\.h",  # libcrypto only: hashes, constant-time compare
    ],
    "discovery": [],
}
# Headers of the standard library whose things have no place in a pure folder.
PURE_MAY_NOT = {
    "atomic",
    "condition_variable",
    "csignal",
    "cstdio",
    "ctime",
    "filesystem",
    "fstream",
    "future",
    "iostream",
    "istream",
    "mutex",
    "ostream",
    "random",
    "shared_mutex",
    "stop_token",
    "thread",
}
# And what they may not call, whatever headers brought it.
CALLS = re.compile(
    r"\b(?:steady_clock|system_clock|high_resolution_clock|utc_clock)::now\b"
    r"|(?<![\w.>])(?:std::)?(?:time|rand|srand|getenv|clock_gettime|gettimeofday)\s*\("
    r"|\brandom_device\b|\bstd::c(?:out|err|log|in)\b|(?<!\w)f?printf\s*\("
)
# Libraries with one place each.
ONE_PLACE = {r"yaml-cpp/.*": r"conf/load\w*\.cpp", r"spdlog/.*": r"proxy/log\w*\.cpp"}


def code_of(line):
    """The line without comment and text in quotes."""
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]


def judge_include(name, room, quote, header):
    if quote == '"':
        other = header.split("/")[0]
        if other == "tests" and room is not None:
            return "product code includes tests"
        if other not in ROOMS:
            return (
                None
                if other == "tests" or room is None
                else f"{header}: includes are written from the root"
            )
        if room is not None and ROOMS.index(other) > ROOMS.index(room):
            return f"{room} includes {header}: includes go only to the left"
        return None
    for library, place in ONE_PLACE.items():
        if re.fullmatch(library, header) and not re.fullmatch(place, name):
            return f"<{header}> belongs into {place} alone"
    if room not in PURE or re.fullmatch(r"yaml-cpp/.*", header):
        return None
    if header in PURE_MAY_NOT:
        return f"<{header}> in a pure folder"
    standard = re.fullmatch(r"[a-z_0-9]+", header)
    if not standard and not any(re.fullmatch(allowed, header) for allowed in PURE_MAY[room]):
        return f"<{header}> in a pure folder"
    return None


def findings_in(name):
    room = name.split("/")[0]
    room = room if room in ROOMS else None
    for number, line in enumerate(text_of(name).splitlines(), 1):
        if include := INCLUDE.match(line):
            why = judge_include(name, room, *include.groups())
            if why:
                yield f"{name}:{number}: {why}"
        elif room in PURE and (call := CALLS.search(code_of(line))):
            yield f"{name}:{number}: {call[0].strip('( ')} in a pure folder"


def pure_tests(name):
    """Tests of a pure folder link that folder alone, so what they include must be no further right.
    """
    parts = name.split("/")
    if parts[0] != "tests" or parts[1] not in PURE:
        return
    for number, line in enumerate(text_of(name).splitlines(), 1):
        include = INCLUDE.match(line)
        other = include and include[1] == '"' and include[2].split("/")[0]
        if other in ROOMS and ROOMS.index(other) > ROOMS.index(parts[1]):
            yield f"{name}:{number}: a test of {parts[1]} includes {include[2]}"


files = tracked("*.cpp", "*.hpp")
end(
    [finding for name in files for check in (findings_in, pure_tests) for finding in check(name)],
    f"{len(files)} files",
)
