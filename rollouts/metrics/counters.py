"""Which raw counters a metric is judged by: the queries for them, what growths mean, and what people have to know.

Pure: knows no source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from rollouts.api.metric import DURATION, Counters, Metric
from rollouts.api.sequential import threshold_ms_of
from rollouts.core.clumps import MINUTE_S, PAST_S
from rollouts.core.measurement import Subject
from rollouts.core.tally import Count, Counter, Place
from rollouts.metrics.istio_counters import (
    BUCKETS,
    REQUESTS,
    Edges,
    count_answers,
    count_pair,
    count_slow,
    render_selector,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query, and whom it is about."""

    query: str
    workload: str


Pairs = Mapping[Subject, Counters]
"""Two queries for raw counters, for each side."""
_PAST = f"[{PAST_S:.0f}s:{MINUTE_S:.0f}s]"


def queries_of(
    metric: Metric, namespace: str, names: Mapping[Subject, str], edges: Edges | None, window_s: float
) -> dict[Place, Asked]:
    """All that is to be read of the mesh's own for these sides, `window_s` back."""
    return _queries(metric, namespace, names, edges, _window(window_s))


def past_of(metric: Metric, namespace: str, names: Mapping[Subject, str], edges: Edges | None) -> dict[Place, Asked]:
    """The same of the hour before, minute by minute."""
    return _queries(metric, namespace, names, edges, _PAST)


def pairs_of(pairs: Pairs, names: Mapping[Subject, str], window_s: float) -> dict[Place, Asked]:
    """All that is to be read of a metric of the user's own, whose queries have no variable left."""
    return _pair_queries(pairs, names, _window(window_s))


def past_pairs_of(pairs: Pairs, names: Mapping[Subject, str]) -> dict[Place, Asked]:
    """The same of the hour before, minute by minute."""
    return _pair_queries(pairs, names, _PAST)


def _pair_queries(pairs: Pairs, names: Mapping[Subject, str], window: str) -> dict[Place, Asked]:
    return {
        (side, family): Asked(text + window, workload)
        for side, workload in names.items()
        for family, text in ((Counter.REQUESTS, pairs[side].total), (Counter.BAD, pairs[side].bad))
    }


def _window(window_s: float) -> str:
    return f"[{math.ceil(window_s)}s]"


def _queries(
    metric: Metric, namespace: str, names: Mapping[Subject, str], edges: Edges | None, window: str
) -> dict[Place, Asked]:
    asked: dict[Place, Asked] = {}
    for side, workload in names.items():
        name = BUCKETS if metric.name == DURATION else REQUESTS
        selector = render_selector(name, metric, namespace, workload, more=_edges(edges))
        asked[side, Counter.REQUESTS] = Asked(selector + window, workload)
    return asked


def count_of(metric: Metric, edges: Edges | None) -> Count:
    """What the growths of one side mean."""
    if not metric.built_in:
        return count_pair
    if metric.name == DURATION:
        return partial(count_slow, edges=edges or Edges())
    return partial(count_answers, failures=metric.failures)


def note_of(metric: Metric, edges: Edges | None, gap_s: float) -> str:
    """What people have to know of the counting; mostly nothing."""
    notes = [f"requests of {gap_s:.0f} s in which nobody counted are left out"] if gap_s > 0 else []
    limit_ms = threshold_ms_of(metric)
    if edges is not None and limit_ms is not None and edges.below != edges.above:
        between = f"{limit_ms:g} ms is no edge of a bucket: between {edges.below:g} and {edges.above:g} ms nobody knows"
        notes.append(between)
    return "; ".join(notes)


def _edges(edges: Edges | None) -> str:
    """Only the buckets that tell; all of them until it is known which there are."""
    if edges is None:
        return ""
    wanted = {_edge(edge) for edge in (edges.below, edges.above) if 0 < edge < math.inf}
    return f',le=~"{"|".join([*sorted(wanted), "[+]Inf"])}"'


def _edge(edge: float) -> str:
    """However the source writes it: 500, or 500.0."""
    whole, _, rest = f"{edge:.10g}".partition(".")
    return f"{whole}[.]{rest}" if rest else f"{whole}([.]0)?"
