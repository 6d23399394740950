"""The forms that our queries about one workload have, and how what their sums give is put together.

The same operations in the same order as in the query, in the same floating point: so what is worked out here is to the
last bit what Prometheus would have. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Numbers = Mapping[str, float]
"""What the parts of a query give for one workload; those that give nothing are absent."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a query looks like: each named group of the pattern is a part that gives one number or none."""

    pattern: re.Pattern[str]
    put_together: Callable[[Numbers], float | None]
    """None where the query gives no series."""


def _over(numerator: float, denominator: float) -> float:
    """As PromQL divides."""
    if denominator:
        return numerator / denominator
    return math.nan if not numerator or math.isnan(numerator) else math.copysign(math.inf, numerator)


def _share(of: Numbers) -> float | None:
    return None if "all" not in of else 100 * (1 - _over(of.get("failed", 0.0), of["all"]))


def _unreached(of: Numbers) -> float | None:
    lost, uncounted, arrived = (of.get(name, 0.0) for name in ("lost", "uncounted", "arrived"))
    return _over(100 * (lost + uncounted), lost + arrived)


def _requests(of: Numbers) -> float | None:
    return None if "veto" in of else of.get("grown", 0.0) + of.get("born", 0.0)


_SERIES = r"[a-zA-Z_:][\w:]*\{[^{}]*\}"
SELECTOR = re.compile(rf"{_SERIES}\[\w+\]")
_VECTOR = rf"(?:(?:rate|irate|increase)\({_SERIES}\[\w+\]\)|{_SERIES}(?: offset \w+)?)"
_VECTORS = rf"{_VECTOR}(?: (?:and|or|unless) {_VECTOR})*"
"""Matched by all their labels, so that what is of one workload never meets what is of another."""
_SUM = rf"sum\({_VECTORS}\)"
FORMS: Mapping[str, Form] = MappingProxyType({
    "value": Form(
        re.compile(rf"(?P<value>{_SUM}|histogram_quantile\([\d.]+, sum by \(le\) \({_VECTORS}\)\))"),
        lambda of: of.get("value"),
    ),
    "success": Form(
        re.compile(rf"100 \* \(1 - \((?P<failed>{_SUM}) or vector\(0\)\) / (?P<all>{_SUM})\)"), _share
    ),
    "unreached": Form(
        re.compile(
            rf"100 \* \(\((?P<lost>{_SUM}) or vector\(0\)\) \+ \((?P<uncounted>{_SUM}) or vector\(0\)\)\)"
            rf" / \(\((?P=lost) or vector\(0\)\) \+ \((?P<arrived>{_SUM}) or vector\(0\)\)\)"
        ),
        _unreached,
    ),
    "requests": Form(
        re.compile(
            rf"\(\((?P<grown>{_SUM}) or vector\(0\)\) \+ \((?P<born>{_SUM}) or vector\(0\)\)\)"
            rf" unless on\(\) \((?P<veto>\({_VECTORS}\) unless {_VECTOR})\)"
        ),
        _requests,
    ),
})  # fmt: skip
