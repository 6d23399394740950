"""What is expected of the dashboard and of the alerts, and how it went. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from types import MappingProxyType

from e2e.dashboard.looking import Shown
from e2e.play.result import Json, Result

ONLY_IN_TROUBLE = MappingProxyType({
    "Reconcile failures per minute": "a kind of failure has no series before it has happened",
})  # fmt: skip
"""Panels that may stay empty where nothing goes wrong, and why."""
RAISED_BY_A_FAILURE = frozenset({"RolloutFailed"})
"""Alerts whose condition holds after the bad release, and no other's."""


def judge_panels(shown: Iterable[Shown]) -> list[Result]:
    """Each panel's query has shown something, and none was refused or doubtful."""
    return [_judge_panel(one) for one in shown if not one.query.alert]


def judge_alerts(shown: Iterable[Shown]) -> list[Result]:
    """After a release that failed one alert's condition holds; of the others' none does."""
    alerts = [one for one in shown if one.query.alert]
    raised = {one.query.owner for one in alerts if one.last}
    results = [
        Result("alerts", f"{one.query.owner} is evaluated", ok=_is_sound(one), detail=_evaluated(one)) for one in alerts
    ]
    detail = ", ".join(sorted(raised)) or "none"
    results.append(
        Result("alerts", "after the bad release, RolloutFailed alone", ok=raised == RAISED_BY_A_FAILURE, detail=detail)
    )
    return results


def judge_variables(values: dict[str, list[str]], expected: dict[str, list[str]]) -> Result:
    """What can be chosen is what there is."""
    return Result("variables", "offer what there is", ok=values == expected, detail=f"{values}")


def judge_gone(left: Collection[str], took_s: float) -> Result:
    """Of a deleted Canary nothing is left at Prometheus."""
    detail = f"{len(left)} series {took_s:.1f} s after the end"
    return Result("deleted", "no series of the Canary", ok=not left, detail=detail)


def figures_of(shown: Iterable[Shown]) -> list[Json]:
    """What each query showed."""
    return [
        {
            "alert": one.query.alert,
            "owner": one.query.owner,
            "query": one.query.text,
            "evaluated": one.evaluated,
            "with_series": one.with_series,
            "most_series": one.most_series,
            "first_s": None if one.first_s is None else round(one.first_s, 1),
        }
        for one in shown
    ]


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """One line a query."""
    return [
        f"{'alert' if one['alert'] else 'panel'} {one['owner']}: {one['most_series']} series at most, "
        f"in {one['with_series']} of {one['evaluated']} evaluations{_first(one['first_s'])}"
        for one in figures
    ]


def _first(first_s: float | None) -> str:
    return "" if first_s is None else f", first after {first_s:.1f} s"


def _judge_panel(one: Shown) -> Result:
    reason = ONLY_IN_TROUBLE.get(one.query.owner, "")
    expected = f"{one.query.owner}: evaluated; {reason}" if reason else f"{one.query.owner}: has series"
    ok = _is_sound(one) and (bool(reason) or one.with_series > 0)
    return Result("dashboard", expected, ok=ok, detail=f"{_evaluated(one)}: {one.query.text}")


def _is_sound(one: Shown) -> bool:
    return one.evaluated > 0 and not one.troubles


def _evaluated(one: Shown) -> str:
    troubles = f", {'; '.join(sorted(one.troubles))}" if one.troubles else ""
    return f"series in {one.with_series} of {one.evaluated} evaluations, {one.most_series} at most{troubles}"
