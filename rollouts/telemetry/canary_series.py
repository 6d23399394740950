"""The series of each Canary: where it is, what was measured, what nobody was told yet. They go when the Canary goes.

Kept as a few numbers for each Canary and made into series only when somebody scrapes: there are many Canaries, looked
at often, and scraped seldom. Labels are bounded: names of Canaries, phases and verdicts, and the checks that a Canary
has now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from prometheus_client.core import GaugeMetricFamily

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, ConditionType, Phase, Verdict
from rollouts.telemetry.book import Book
from rollouts.telemetry.limits import Bound, Limits

_Make = partial[GaugeMetricFamily]
_NAMES = ("namespace", "name")


@dataclass(frozen=True, slots=True)
class _Check:
    """One check of a Canary."""

    name: str
    value: float | None
    verdict: Verdict
    limits: tuple[tuple[Bound, float], ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """One Canary. The fields mean what the series of their names do."""

    weight_percent: float
    observed_weight_percent: float | None
    phase: Phase | None
    step: int
    stalled: bool
    outbox: int
    notices_lost: int
    checks: tuple[_Check, ...]


class CanarySeries:
    """Gauges in one registry, which asks for them by `collect` (prometheus_client's protocol for a collector)."""

    def __init__(self, book: Book) -> None:
        def gauge(name: str, text: str, *labels: str) -> _Make:
            return book.scraped(f"rollouts_canary_{name}", text, *_NAMES, *labels)

        self._plain: tuple[tuple[_Make, Callable[[_Shown], float | None]], ...] = (
            (gauge("weight_percent", "Weight that is desired for the canary."), lambda one: one.weight_percent),
            (
                gauge("observed_weight_percent", "Weight that the routing objects give it."),
                lambda one: one.observed_weight_percent,
            ),
            (gauge("step", "The current step, from 1; 0 before the first."), lambda one: one.step),
            (
                gauge("stalled", "1 where a release failed, or something has to be mended."),
                lambda one: one.stalled,
            ),
            (
                gauge("outbox", "Notices that wait: not all receivers have confirmed them."),
                lambda one: one.outbox,
            ),
            (
                gauge("notices_lost", "Notices given up before all receivers had them, since the Canary was made."),
                lambda one: one.notices_lost,
            ),
        )
        """Those of which each Canary has one, with the number that they show; none where that is None."""
        self._phase = gauge("phase", "1 for the present phase, 0 for the others.", "phase")
        self._value = gauge("metric_value", "Last measurement of a check.", "metric")
        self._limit = gauge("metric_limit", "What may not be passed by it, where that is a number.", "metric", "bound")
        self._verdict = gauge("metric_verdict", "1 for the verdict of it, 0 for the others.", "metric", "verdict")
        self._canaries: dict[ObjectKey, _Shown] = {}
        book.registry.register(self)

    def show(self, key: ObjectKey, status: CanaryStatus, weight_percent: float, limits: Limits) -> None:
        """The state that was decided."""
        observed = status.observed_weight
        self._canaries[key] = _Shown(
            weight_percent=weight_percent,
            observed_weight_percent=None if observed is None else 100 * observed / status.weight_total,
            phase=status.phase,
            step=status.step_index,
            stalled=any(one.type == ConditionType.STALLED and one.status == "True" for one in status.conditions),
            outbox=len(status.outbox),
            notices_lost=status.notices_lost,
            checks=tuple(
                _Check(result.name, result.value, result.verdict, tuple(limits.get(result.name, {}).items()))
                for result in status.metrics
            ),
        )

    def shows(self, key: ObjectKey) -> bool:
        """Whether there are series of it."""
        return key in self._canaries

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone, or another replica's."""
        self._canaries.pop(key, None)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The series there may be, without any of them."""
        plain = (make for make, _ in self._plain)
        return [make() for make in (*plain, self._phase, self._value, self._limit, self._verdict)]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All of them as they are now."""
        canaries = [((key.namespace, key.name), shown) for key, shown in self._canaries.items()]
        for make, number in self._plain:
            yield _filled(make(), ((names, number(shown)) for names, shown in canaries))
        yield _filled(
            self._phase(), (((*names, phase), phase is shown.phase) for names, shown in canaries for phase in Phase)
        )
        yield from self._checks([((*names, one.name), one) for names, shown in canaries for one in shown.checks])

    def _checks(self, checks: list[tuple[tuple[str, ...], _Check]]) -> Iterator[GaugeMetricFamily]:
        yield _filled(self._value(), ((names, one.value) for names, one in checks))
        yield _filled(self._limit(), (((*names, bound), limit) for names, one in checks for bound, limit in one.limits))
        verdicts = (((*names, one), one is check.verdict) for names, check in checks for one in Verdict)
        yield _filled(self._verdict(), verdicts)


def _filled(family: GaugeMetricFamily, samples: Iterable[tuple[tuple[str, ...], float | None]]) -> GaugeMetricFamily:
    """With a sample for each that has a number."""
    for labels, number in samples:
        if number is not None:
            family.add_metric(labels, float(number))
    return family
