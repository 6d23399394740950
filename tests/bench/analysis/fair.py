"""The fair fight: the best fixed threshold for each case, picked with the result in sight, at equal false alarms."""

from __future__ import annotations

from tests.bench.analysis import catalog
from tests.bench.analysis.cells import Results
from tests.bench.analysis.rules import GRID


def false_alarms(results: Results) -> dict[str, float]:
    """Each rule's worst share of false rollbacks over the healthy services."""
    return {rule.name: max(results.grid[name, rule.name].rolled_back for name in catalog.FAIR_HEALTHY) for rule in GRID}


def worst_false_alarm(results: Results) -> float:
    """The same of the sequential judgement."""
    return max(results.of(name, "SEQ").rolled_back for name in catalog.FAIR_HEALTHY)


def best(results: Results, cell: str, most: float) -> tuple[str, float]:
    """Of the rules with no more false alarms than that, the one with the fewest bad requests in a cell."""
    alarms = false_alarms(results)
    allowed = {name: results.grid[cell, name].bad_requests for name, worst in alarms.items() if worst <= most}
    name = min(allowed, key=lambda rule: allowed[rule])
    return name, allowed[name]


def best_everywhere(results: Results, most: float) -> str:
    """The one rule with the smallest geometric mean of bad requests over the cells of row 7."""
    alarms = false_alarms(results)
    allowed = [name for name, worst in alarms.items() if worst <= most]

    def product(name: str) -> float:
        value = 1.0
        for cell in catalog.ROW_7:
            value *= max(results.grid[cell, name].bad_requests, 1e-9)
        return value

    return min(allowed, key=product)
