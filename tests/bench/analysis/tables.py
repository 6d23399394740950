"""The tables of the study, from the simulation, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

from tests.bench.analysis import boundary, catalog
from tests.bench.analysis.cells import K60, Results
from tests.bench.analysis.fair import best, best_everywhere, false_alarms, worst_false_alarm
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, Outcomes
from tests.bench.analysis.rows import Row
from tests.bench.analysis.worlds import World

RULES = ("F5", "F10", "F1", "A0", "A3", K60, "SEQ", "SEQ-slo")


def table(head: Sequence[str], body: Iterable[Sequence[str]], texts: int = 1) -> list[str]:
    """Lines of a Markdown table; so many of its first columns are text."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * texts}{'---:|' * (len(head) - texts)}",
        *(f"| {' | '.join(cells)} |" for cells in body),
    ]


def requirements(rows: Iterable[Row]) -> list[str]:
    """Each next to what was found."""
    head = ("row", "requirement", "found", "")
    return table(head, [(row.number, row.required, row.found, "PASS" if row.met else "**FAIL**") for row in rows], 4)


def false_rollbacks(results: Results) -> list[str]:
    """Table 4.1: healthy releases rolled back, in percent."""
    body = [
        (world.name, *(percent(results.of(world.name, rule).rolled_back) for rule in RULES))
        for world in catalog.FALSE_ALARMS
    ]
    return table(("healthy release", *RULES), body)


def holds(results: Results) -> list[str]:
    """How often a shared breach held a rollout."""
    body = [(world.name, f"{100 * results.of(world.name, 'SEQ').held.mean():.1f}") for world in catalog.BOTH]
    return table(("shared breach", "SEQ held, %"), body)


def promotions(results: Results) -> list[str]:
    """Median minutes from the first traffic to promotion of healthy releases."""
    body = [
        (world.name, *(_number(results.of(world.name, rule).minutes_to(PROMOTED)) for rule in RULES))
        for world in catalog.HEALTHY
    ]
    return table(("median minutes to promote", *RULES), body)


def bad_releases(results: Results, worlds: Sequence[World]) -> list[str]:
    """Table 4.2: missed / median minutes to rollback / bad requests too many in the hour."""
    rules = [rule for rule in RULES if rule != "F1"]
    body = [(world.name, *(_trio(results.of(world.name, rule)) for rule in rules)) for world in worlds]
    return table(("canary", *rules), body)


def unseen(results: Results) -> list[str]:
    """What the study did not have."""
    body = []
    for world in catalog.UNSEEN:
        cells = [
            percent(results.of(world.name, rule).rolled_back) if world.healthy else _trio(results.of(world.name, rule))
            for rule in RULES
        ]
        body.append((f"{world.name}{': rolled back, %' if world.healthy else ''}", *cells))
    return table(("", *RULES), body)


def fair_fight(results: Results) -> list[str]:
    """Table 4.4: the best threshold rule of the grid, picked anew for each cell."""
    body = []
    for name in catalog.FAIR_CELLS:
        ours = results.of(name, "SEQ").bad_requests
        rule, least = best(results, name, 0.01)
        mark = " (row 7)" if name in catalog.ROW_7 else ""
        body.append((f"{name}{mark}", amount(ours), amount(least), f"{least / ours:.1f}", rule))
    return table(("canary", "SEQ", "best rule", "ratio", "which"), body)


def one_setting(results: Results) -> list[str]:
    """One rule for everything, and what it costs."""
    alarms = false_alarms(results)
    chosen = [best_everywhere(results, 0.01), best_everywhere(results, 0.05), "Flagger, threshold 10, 60 s"]
    body = [
        ("SEQ", percent(worst_false_alarm(results)),
         *(amount(results.of(cell, "SEQ").bad_requests) for cell in catalog.ROW_7))
    ]  # fmt: skip
    body += [
        (name, percent(alarms[name]), *(amount(results.grid[cell, name].bad_requests) for cell in catalog.ROW_7))
        for name in dict.fromkeys(chosen)
    ]
    return table(("rule", "worst false rollbacks, %", *catalog.ROW_7), body)


def edges(results: Results) -> list[str]:
    """Row 1, setting by setting."""
    body = []
    for edge in boundary.EDGES:
        failed, passed = results.edges[edge.name]
        body.append((edge.name, f"{100 * failed / results.runs:.2f}", f"{100 * passed / results.runs:.2f}"))
    return table(("canary exactly at its limit for 2 hours", "ever failed, %", "ever passed, %"), body)


def percent(share: float) -> str:
    """Of 1, to three digits."""
    return f"{100 * share:.3g}"


def amount(requests: float) -> str:
    """Of bad requests; a healthy release has about none too many."""
    return f"{requests:,.0f}" if abs(requests) >= 100 else f"{requests:.3g}"


def _trio(of: Outcomes) -> str:
    minutes = of.minutes_to(ROLLED_BACK)
    return f"{percent(1 - of.rolled_back)} / {_number(minutes)} / {amount(of.bad_requests)}"


def _number(minutes: float) -> str:
    return "-" if isnan(minutes) else f"{minutes:.3g}"
