"""What the operators of PromQL do, as Prometheus 3 does it: windows open to the left, extrapolation, counter resets."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

Labels = frozenset[tuple[str, str]]
Points = list[tuple[int, float]]
"""Milliseconds and values, oldest first."""
Matcher = tuple[str, str, str]
"""Label, `=` or `=~`, value."""
Matchers = tuple[Matcher, ...]
Vector = dict[Labels, float]
STALE_MS = 300_000
_INDEXED = frozenset({"destination_workload", "destination_service_name"})


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a range selector gives by itself."""

    series: Mapping[Labels, Points]


Result = float | Vector | Ranges


@dataclass(slots=True)
class Past:
    """All that was scraped."""

    series: dict[Labels, Points] = field(default_factory=dict)
    ended_ms: dict[Labels, int] = field(default_factory=dict)
    """From when a series is marked as stale: its target was scraped and did not have it, or is gone."""
    _values: dict[Labels, dict[str, str]] = field(default_factory=dict)
    _by_pair: dict[tuple[str, str], list[Labels]] = field(default_factory=dict)

    def instant(self, matchers: Matchers, at_ms: int) -> Vector:
        """The newest sample of each series, unless it is stale."""
        found = {}
        for labels, points in self._matching(matchers):
            newest = next((point for point in reversed(points) if point[0] <= at_ms), None)
            ended_ms = self.ended_ms.get(labels, at_ms + 1)
            if newest is not None and newest[0] > at_ms - STALE_MS and not newest[0] < ended_ms <= at_ms:
                found[labels] = newest[1]
        return found

    def ranges(self, matchers: Matchers, at_ms: int, window_ms: int) -> dict[Labels, Points]:
        """The samples of the window, the left end not included."""
        found = {}
        for labels, points in self._matching(matchers):
            inside = [point for point in points if at_ms - window_ms < point[0] <= at_ms]
            if inside:
                found[labels] = inside
        return found

    def _matching(self, matchers: Matchers) -> Iterable[tuple[Labels, Points]]:
        if len(self._values) != len(self.series):
            self._index()
        tests = [(label, _test_of(operator, value)) for label, operator, value in matchers]
        for labels in self._candidates(matchers):
            values = self._values[labels]
            if all(test(values.get(label, "")) for label, test in tests):
                yield labels, self.series[labels]

    def _index(self) -> None:
        self._values = {labels: dict(labels) for labels in self.series}
        self._by_pair = defaultdict(list)
        for labels in self.series:
            for pair in labels:
                if pair[0] in _INDEXED:
                    self._by_pair[pair].append(labels)

    def _candidates(self, matchers: Matchers) -> Iterable[Labels]:
        """Those of the names that are asked for, where these are plain."""
        for label, operator, value in matchers:
            if label in _INDEXED and (operator == "=" or re.fullmatch(r"[-|a-z0-9]+", value)):
                names = [value] if operator == "=" else value.split("|")
                return [labels for name in names for labels in self._by_pair.get((label, name), ())]
        return self.series


def _test_of(operator: str, wanted: str) -> Callable[[str], object]:
    return wanted.__eq__ if operator == "=" else re.compile(wanted).fullmatch


def over_range(name: str, series: Mapping[Labels, Points], at_ms: int, window_ms: int) -> Vector:
    """`rate`, `increase` or `irate` of each."""
    found = {}
    for labels, points in series.items():
        if len(points) >= 2:
            value = _irate(points) if name == "irate" else _increase(points, at_ms, window_ms)
            found[_nameless(labels)] = value / (window_ms / 1000) if name == "rate" else value
    return found


def _irate(points: Points) -> float:
    (before_ms, before), (at_ms, value) = points[-2:]
    return (value if value < before else value - before) / ((at_ms - before_ms) / 1000)


def _increase(points: Points, at_ms: int, window_ms: int) -> float:
    (first_ms, first), (last_ms, last) = points[0], points[-1]
    grown = last - first + sum(a for (_, a), (_, b) in pairwise(points) if b < a)
    sampled_ms = last_ms - first_ms
    between_ms = sampled_ms / (len(points) - 1)
    before_ms: float = first_ms - (at_ms - window_ms)
    after_ms: float = at_ms - last_ms
    if before_ms >= between_ms * 1.1:
        before_ms = between_ms / 2
    if grown > 0:
        before_ms = min(before_ms, sampled_ms * (first / grown))
    if after_ms >= between_ms * 1.1:
        after_ms = between_ms / 2
    return grown * ((sampled_ms + before_ms + after_ms) / sampled_ms)


def aggregate(kind: str, by: frozenset[str], vector: Vector) -> Vector:
    """`sum` or `count` by labels."""
    groups: defaultdict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[frozenset(pair for pair in labels if pair[0] in by)].append(value)
    return {group: math.fsum(values) if kind == "sum" else float(len(values)) for group, values in groups.items()}


def quantile(share: float, vector: Vector) -> Vector:
    """`histogram_quantile` over classic buckets."""
    groups: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in vector.items():
        rest = frozenset(pair for pair in labels if pair[0] != "le")
        groups[rest].append((float(dict(labels)["le"]), value))
    return {group: _in_buckets(share, sorted(buckets)) for group, buckets in groups.items()}


def _in_buckets(share: float, buckets: list[tuple[float, float]]) -> float:
    total = buckets[-1][1]
    if not math.isinf(buckets[-1][0]) or total == 0 or len(buckets) < 2:
        return math.nan
    rank = share * total
    place = next(index for index, (_, count) in enumerate(buckets) if count >= rank)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    start, below = buckets[place - 1] if place else (0.0, 0.0)
    end, count = buckets[place]
    return start + (end - start) * ((rank - below) / (count - below))


def set_operation(operator: str, left: Vector, right: Vector, *, on_nothing: bool) -> Vector:
    """`or`, `and`, `unless`: by all labels but the name, or by none."""

    def key(labels: Labels) -> Labels:
        return frozenset() if on_nothing else _nameless(labels)

    if operator == "or":
        present = {key(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if key(labels) not in present}
    others = {key(labels) for labels in right}
    return {labels: value for labels, value in left.items() if (key(labels) in others) is (operator == "and")}


def arithmetic(operator: str, left: Result, right: Result) -> Result:
    """Between numbers, and of vectors matched by all labels."""
    if isinstance(left, float) and isinstance(right, float):
        return _compute(operator, left, right)
    if isinstance(left, float):
        return {_nameless(labels): _compute(operator, left, value) for labels, value in vector_of(right).items()}
    if isinstance(right, float):
        return {_nameless(labels): _compute(operator, value, right) for labels, value in vector_of(left).items()}
    others = {_nameless(labels): value for labels, value in vector_of(right).items()}
    own = {_nameless(labels): value for labels, value in vector_of(left).items()}
    return {labels: _compute(operator, value, others[labels]) for labels, value in own.items() if labels in others}


def _compute(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _ if right == 0:
            return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
        case _:
            return left / right


def relabel(vector: Vector, label: str, value: str) -> Vector:
    """With one label set."""
    return {frozenset({*labels, (label, value)}): number for labels, number in vector.items()}


def vector_of(result: Result) -> Vector:
    """What has to be a vector."""
    assert isinstance(result, dict), "an instant vector is expected"
    return result


def number_of(result: Result) -> float:
    """What has to be a number."""
    assert isinstance(result, float), "a number is expected"
    return result


def _nameless(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != "__name__")
