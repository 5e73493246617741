"""Tables in Markdown and a plot in SVG from the figures of a run."""
import statistics

from .proxies import PLAIN

PEERS = ("nginx", "haproxy")
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5")

# Scenario, mode, figure: the ratio to the better peer, or the absolute value, that must be reached.
BARS = [
    ("pp", "onecore", "cpu", 0.65),
    ("tp", "onecore", "cpu", 0.65),
    ("tt", "onecore", "cpu", 0.70),
    ("churn", "onecore", "cpu", 0.80),
    ("churn-tls", "onecore", "cpu", 0.97),
    ("churn-resumed", "onecore", "cpu", 0.97),
    ("parked-pp", "onecore", "bytes_held", 1500),
    ("parked-tp", "onecore", "bytes_held", 16500),
    ("parked-tt", "onecore", "bytes_held", 38000),
    ("calls-pp", "onecore", "calls", 4.6),
    ("calls-tp", "onecore", "calls", 4.6),
    ("calls-tt", "onecore", "calls", 4.6),
    ("pp", "workers2", "cpu", 0.75),
    ("pp", "workers2", "p99_us", 1.0),
    ("tt", "workers2", "cpu", 0.75),
    ("tt", "workers2", "p99_us", 1.0),
    ("rate-pp", "onecore", "cpu", 0.95),
    ("rate-pp", "onecore", "p99_us", 1.0),
    ("rate-tt", "onecore", "cpu", 0.95),
    ("rate-tt", "onecore", "p99_us", 1.0),
    ("parked-pp", "onecore", "p99_us", 1.0),
    ("parked-tp", "onecore", "p99_us", 1.0),
    ("parked-tt", "onecore", "p99_us", 1.0),
]
# Scenario, mode, bar: CPU with BOSH awareness, to the same build without it, in the same round.
AWARENESS_BARS = [("pp", "onecore", 1.08), ("tp", "onecore", 1.08), ("tt", "onecore", 1.08)]
ABSOLUTE = ("bytes_held", "calls")


class Results:
    """The rows of a run: dictionaries with proxy, scenario, mode, round and figures or failure."""

    def __init__(self, document):
        self.document = document
        self.rows = document["rows"]

    def cells(self):
        """(scenario, mode) in the order of the run."""
        return list(dict.fromkeys((row["scenario"], row["mode"]) for row in self.rows))

    def proxies(self, scenario=None, mode=None):
        return list(
            dict.fromkeys(
                row["proxy"]
                for row in self.rows
                if scenario is None or (row["scenario"], row["mode"]) == (scenario, mode)
            )
        )

    def good(self, scenario, mode, proxy):
        """Figures by round, of the runs that gave some."""
        return {
            row["round"]: row["figures"]
            for row in self.rows
            if (row["scenario"], row["mode"], row["proxy"]) == (scenario, mode, proxy)
            and row.get("figures")
        }

    def failures(self, scenario, mode, proxy):
        return [
            row["failure"]
            for row in self.rows
            if (row["scenario"], row["mode"], row["proxy"]) == (scenario, mode, proxy)
            and row.get("failure")
        ]

    def values(self, scenario, mode, proxy, figure):
        return [value(figures, figure) for figures in self.good(scenario, mode, proxy).values()]

    def ratio(self, scenario, mode, proxy, peer, figure="cpu"):
        """Median of the ratios within one round each, with the smallest and the largest; or None.
        """
        ours, theirs = self.good(scenario, mode, proxy), self.good(scenario, mode, peer)
        pairs = [
            value(ours[turn], figure) / value(theirs[turn], figure)
            for turn in ours
            if turn in theirs and value(theirs[turn], figure) > 0
        ]
        return (statistics.median(pairs), min(pairs), max(pairs)) if pairs else None

    def better_peer(self, scenario, mode, figure):
        """The one of nginx and HAProxy with the smaller median of this figure, or None."""
        found = [
            (statistics.median(self.values(scenario, mode, peer, figure)), peer)
            for peer in PEERS
            if self.good(scenario, mode, peer)
        ]
        return min(found)[1] if found else None


def value(figures, figure):
    return sum(figures["calls"].values()) if figure == "calls" else figures[figure]


def spread(values, form):
    middle = form.format(statistics.median(values))
    return (
        middle
        if len(values) < 2
        else f"{middle} ({form.format(min(values))}–{form.format(max(values))})"
    )


def faults(results, scenario, mode, proxy):
    """What went wrong in all rounds together, in words; `none` if nothing did."""
    found = {}
    for figures in results.good(scenario, mode, proxy).values():
        errors = dict(figures["errors"])
        for name in ("rid_faults", "bad_requests"):
            errors["node_" + name] = figures["node"][name]
        if not figures["in_time"]:
            errors["late"] = 1
        for kind, count in errors.items():
            if count:
                found[kind] = found.get(kind, 0) + count
    failed = results.failures(scenario, mode, proxy)
    if failed:
        found["no figures"] = len(failed)
    return ", ".join(f"{kind} {count}" for kind, count in found.items()) or "none"


def table(head, rows):
    return (
        "\n".join(
            ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
            + ["| " + " | ".join(row) + " |" for row in rows]
        )
        + "\n"
    )


def ratio_text(found):
    return f"{found[0]:.2f}" if found else "–"


def traffic_table(results, scenario, mode):
    head = [
        "proxy",
        "n",
        "CPU s per 1M requests: median (min–max)",
        "user",
        "sys",
        "vs nginx",
        "vs HAProxy",
        "rps",
        "util",
        "p50 / p99 / p99.9 µs",
        "errors",
    ]
    rows = []
    for proxy in results.proxies(scenario, mode):
        runs = results.good(scenario, mode, proxy)
        if not runs:
            rows.append([proxy, "0"] + ["–"] * 8 + [faults(results, scenario, mode, proxy)])
            continue
        middle = lambda figure: statistics.median(results.values(scenario, mode, proxy, figure))
        rows.append(
            [
                proxy,
                str(len(runs)),
                spread(results.values(scenario, mode, proxy, "cpu"), "{:.2f}"),
                f"{middle('user'):.2f}",
                f"{middle('sys'):.2f}",
                *(ratio_text(results.ratio(scenario, mode, proxy, peer)) for peer in PEERS),
                f"{middle('rps'):.0f}",
                f"{middle('util'):.2f}",
                " / ".join(f"{middle(figure):.0f}" for figure in ("p50_us", "p99_us", "p999_us")),
                faults(results, scenario, mode, proxy),
            ]
        )
    return table(head, rows)


def parked_table(results, scenario, mode):
    head = [
        "proxy",
        "n",
        "PSS bytes per held poll: median (min–max)",
        "the same when idle after the answer",
        "held (worst)",
        "processes / threads",
        "small request p50 / p99 / p99.9 µs",
        "CPU s per 1M of them",
        "errors",
    ]
    rows = []
    for proxy in results.proxies(scenario, mode):
        runs = results.good(scenario, mode, proxy)
        if not runs:
            rows.append([proxy, "0"] + ["–"] * 6 + [faults(results, scenario, mode, proxy)])
            continue
        middle = lambda figure: statistics.median(results.values(scenario, mode, proxy, figure))
        rows.append(
            [
                proxy,
                str(len(runs)),
                spread(results.values(scenario, mode, proxy, "bytes_held"), "{:.0f}"),
                f"{middle('bytes_after'):.0f}",
                f"{min(figures['held'] for figures in runs.values())} of "
                f"{max(figures['wanted'] for figures in runs.values())}",
                f"{middle('processes'):.0f} / {middle('threads'):.0f}",
                " / ".join(f"{middle(figure):.0f}" for figure in ("p50_us", "p99_us", "p999_us")),
                spread(results.values(scenario, mode, proxy, "cpu"), "{:.1f}"),
                faults(results, scenario, mode, proxy),
            ]
        )
    return table(head, rows)


def calls_table(results, scenario, mode):
    rows = []
    for proxy in results.proxies(scenario, mode):
        for figures in results.good(scenario, mode, proxy).values():
            named = sorted(figures["calls"].items(), key=lambda item: -item[1])
            rows.append(
                [
                    proxy,
                    f"{value(figures, 'calls'):.2f}",
                    ", ".join(f"{name} {count:.2f}" for name, count in named if count >= 0.02),
                    faults(results, scenario, mode, proxy),
                ]
            )
        if not results.good(scenario, mode, proxy):
            rows.append([proxy, "–", "–", faults(results, scenario, mode, proxy)])
    return table(["proxy", "calls per request", "by name", "errors"], rows)


def bars_table(results):
    known = results.proxies()
    ours = [
        proxy
        for proxy in known
        if proxy not in (*PEERS, "apache")
        and not (proxy.endswith(PLAIN) and proxy.removesuffix(PLAIN) in known)
    ]
    rows = []
    for scenario, mode, figure, bar in BARS:
        for proxy in ours:
            if not results.good(scenario, mode, proxy):
                continue
            peer = results.better_peer(scenario, mode, figure)
            name = {
                "cpu": "CPU",
                "p99_us": "p99",
                "bytes_held": "bytes per held poll",
                "calls": "system calls",
            }[figure]
            if figure in ABSOLUTE:
                reached = statistics.median(results.values(scenario, mode, proxy, figure))
                text, met = (
                    f"{reached:.2f}" if figure == "calls" else f"{reached:.0f}",
                    reached <= bar,
                )
            else:
                found = results.ratio(scenario, mode, proxy, peer, figure) if peer else None
                if not found:
                    continue
                text, met = f"{found[0]:.2f} ({found[1]:.2f}–{found[2]:.2f})", found[0] <= bar
            rows.append(
                [
                    scenario,
                    mode,
                    name,
                    proxy,
                    peer or "–",
                    text,
                    f"{bar:g}",
                    "yes" if met else "**no**",
                ]
            )
    for scenario, mode, bar in AWARENESS_BARS:
        for proxy in ours:
            found = results.ratio(scenario, mode, proxy, proxy + PLAIN)
            if found:
                rows.append(
                    [
                        scenario,
                        mode,
                        "CPU of BOSH awareness",
                        proxy,
                        proxy + PLAIN,
                        f"{found[0]:.2f} ({found[1]:.2f}–{found[2]:.2f})",
                        f"{bar:g}",
                        "yes" if found[0] <= bar else "**no**",
                    ]
                )
    head = ["scenario", "mode", "figure", "proxy", "compared with", "reached", "bar", "met"]
    return table(head, rows) if rows else ""


def markdown(document):
    results = Results(document)
    parts = [
        f"Measured {document['started']} in {document['minutes']:.0f} minutes "
        f"on {document['machine']}.\n",
        table(
            ["program", "version"], [[name, text] for name, text in document["versions"].items()]
        ),
    ]
    bars = bars_table(results)
    if bars:
        parts.append(
            "## Bars\nRatios to the better of nginx and HAProxy, or to the same build without BOSH "
            "awareness, in the same round: median (min–max).\n\n"
            + bars
        )
    for scenario, mode in results.cells():
        about = document["scenarios"][scenario]
        make = {"traffic": traffic_table, "parked": parked_table, "calls": calls_table}[
            about["kind"]
        ]
        parts.append(f"## {scenario}, {mode}: {about['text']}\n" + make(results, scenario, mode))
    failed = [
        f"- {row['proxy']}, {row['scenario']}, {row['mode']}, "
        f"round {row['round']}: {row['failure']}"
        for row in results.rows
        if row.get("failure")
    ]
    if failed:
        parts.append("## Runs without figures\n" + "\n".join(failed) + "\n")
    return "\n".join(parts)


def panel(results, title, cells, figure, unit, top, proxies):
    """Grouped bars with whiskers from the smallest to the largest round; returns SVG and height."""
    left, width, height, gap = 150, 850, 14, 16
    wanted = [
        (cell, proxy, results.values(*cell, proxy, figure))
        for cell in cells
        for proxy in proxies
        if results.good(*cell, proxy)
    ]
    if not wanted:
        return "", 0
    # Cells differ by orders of magnitude, so each cell is scaled to its own largest bar.
    out = [f'<text x="10" y="{top + 16}" class="title">{title}</text>']
    y = top + 32
    for cell in dict.fromkeys(cell for cell, _, _ in wanted):
        mine = [(proxy, values) for each, proxy, values in wanted if each == cell]
        scale = (width - left - 130) / max(max(values) for _, values in mine)
        label = cell[0] if cell[1] == "onecore" else f"{cell[0]}, {cell[1]}"
        out.append(
            f'<text x="{left - 10}" y="{y + len(mine) * height / 2 + 4:.0f}" '
            f'text-anchor="end">{label}</text>'
        )
        for proxy, values in mine:
            middle = statistics.median(values)
            colour = COLOURS[proxies.index(proxy) % len(COLOURS)]
            out.append(
                f'<rect x="{left}" y="{y}" width="{middle * scale:.1f}" '
                f'height="{height - 2}" fill="{colour}"/>'
            )
            centre = y + (height - 2) / 2
            out.append(
                f'<path d="M{left + min(values) * scale:.1f} {centre} '
                f'H{left + max(values) * scale:.1f}" '
                'stroke="#333" stroke-width="1"/>'
            )
            number = f"{middle:.2f}" if middle < 100 else f"{middle:.0f}"
            out.append(
                f'<text x="{left + max(values) * scale + 6:.1f}" '
                f'y="{y + height - 4}">{number} {unit}</text>'
            )
            y += height
        y += gap
    return "\n".join(out), y - top


def svg(document):
    results = Results(document)
    proxies = results.proxies()
    kinds = document["scenarios"]
    traffic = [cell for cell in results.cells() if kinds[cell[0]]["kind"] == "traffic"]
    parked = [cell for cell in results.cells() if kinds[cell[0]]["kind"] == "parked"]
    calls = [cell for cell in results.cells() if kinds[cell[0]]["kind"] == "calls"]
    parts, top = [], 44
    for title, cells, figure, unit in (
        (
            "CPU of the proxy for each request (µs; each group has its own scale)",
            traffic,
            "cpu",
            "µs",
        ),
        ("Memory for each held poll (PSS)", parked, "bytes_held", "bytes"),
        ("System calls for each request", calls, "calls", ""),
    ):
        text, height = panel(results, title, cells, figure, unit, top, proxies)
        parts.append(text)
        top += height
    legend = "".join(
        f'<rect x="{10 + 130 * i}" y="12" width="12" height="12" '
        f'fill="{COLOURS[i % len(COLOURS)]}"/>'
        f'<text x="{28 + 130 * i}" y="22">{name}</text>'
        for i, name in enumerate(proxies)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {top + 10}" '
        'font-family="sans-serif" '
        'font-size="11"><style>.title{font-size:14px;font-weight:bold}</style>'
        f'<rect width="900" height="{top + 10}" fill="#fff"/>{legend}'
        + "\n".join(parts)
        + "</svg>\n"
    )
