"""A run over a fleet: counted by the ledger, and by `increase()` as a query would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

from rollouts.core.counting import absorb, open_ledger
from tests.promql.evaluate import number_of, vector_of
from tests.promql.parse import parse
from tests.promql.pods import NAME, SCRAPE_S, Fleet, Key

COUNTED_EVERY_S = SCRAPE_S
MISSED = 0.1
"""How many evaluations are missed: the next looks back over all of it."""


def count_all(fleet: Fleet) -> Iterator[tuple[float, Counter[Key]]]:
    """At each evaluation, what the ledger has counted of each pod and code since the start."""
    ledger, counts, before_s = open_ledger([]), Counter[Key](), 0.0
    ends_s = fleet.until_s + 5 * SCRAPE_S
    at_s = COUNTED_EVERY_S
    while at_s <= ends_s:
        if at_s == ends_s or fleet.random.random() > MISSED:
            ledger, growths = absorb(ledger, fleet.series(at_s, at_s - before_s + 4 * SCRAPE_S))
            for growth in growths:
                labels = dict(growth.labels)
                counts[labels["pod"], labels["response_code"]] += int(growth.count)
            before_s = at_s
            yield at_s, counts
        at_s += COUNTED_EVERY_S


def lost_percent(rps: float, *, runs: int, window_s: int = 60) -> float:
    """Of all errors, how many `increase()` over each whole window together does not have."""
    query = parse(f'sum(increase({NAME}{{response_code=~"5.."}}[{window_s}s]))')
    seen = errors = 0.0
    for seed in range(runs):
        fleet = Fleet(Random(seed), rps, restarts=0.0, goes=0.0).play()
        past = fleet.past()
        for at_s in range(window_s, int(fleet.until_s) + 2 * window_s, window_s):
            seen += number_of(sum(vector_of(query(past, at_s * 1000)).values(), 0.0))
        errors += sum(count for (_, code), count in fleet.requests.items() if code != "200")
    return 100 * (1 - seen / errors)
