"""What is released in each story: the Canary's analysis, how the version behaves, the load, and the end. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.play.manifests import example
from rollouts.api.canary import CanarySpec

Json = dict[str, Any]
INTERVAL_S = 5.0
SOUND: Mapping[str, str] = {"ERROR_RATE": "0", "LATENCY_MS": "5", "LATENCY_P99_MS": "20", "REFUSE_AFTER_S": "86400"}
OBJECTIVE = 99
SUCCESS_RATE: Mapping[str, Any] = {"name": "request-success-rate"}
RATE_BY_EVIDENCE: Mapping[str, Any] = {**SUCCESS_RATE, "objective": OBJECTIVE, "compare": "primary"}
"""All requests of the run, held against the primary's."""
RATE_ALONE: Mapping[str, Any] = {**SUCCESS_RATE, "objective": OBJECTIVE, "evaluation": "sequential"}
"""All requests of the run, held against the objective."""
RATE_BY_THRESHOLD: Mapping[str, Any] = {
    **SUCCESS_RATE, "interval": "10s", "thresholdRange": {"min": OBJECTIVE}
}  # fmt: skip
"""The last ten seconds."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version, and what is to become of it."""

    story: str
    name: str
    """For people."""
    metric: Mapping[str, Any]
    ends: str
    """The Canary's last phase."""
    words: tuple[str, ...]
    """What the reason says."""
    analysis: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    percent: int = 50
    """The canary's share, in its one step."""
    rate_per_s: float = 50.0
    """Of the clients; 0 for none."""
    may_fail: bool = False
    """Whether clients may see errors: it is the canary that gives them."""
    exact: bool = False
    """Whether its counts are held against the workload server's and the clients'."""

    @property
    def title(self) -> str:
        """How results call it."""
        return f"{self.story}, {self.name}" if self.name else self.story

    @property
    def interval_s(self) -> float:
        """Between evaluations."""
        return self.spec.analysis.interval_s

    @property
    def canary(self) -> Json:
        """The manifest, as a user would apply it."""
        changed = copy.deepcopy(example("canary"))
        changed["spec"]["analysis"] = {
            "interval": f"{INTERVAL_S:g}s", "threshold": 1, "stepWeights": [self.percent],
            "metrics": [dict(self.metric)], **self.analysis,
        }  # fmt: skip
        return changed

    @property
    def spec(self) -> CanarySpec:
        """The same as the controller reads it."""
        return CanarySpec.model_validate(self.canary["spec"])


ERRORS = Release(
    "errors", "", RATE_BY_EVIDENCE, "Failed", ("failed (", "limit ", "primary 0 of"),
    env={"ERROR_RATE": "0.02"}, percent=10, rate_per_s=100.0, may_fail=True, exact=True,
)  # fmt: skip
"""2 % of the canary's answers, at 10 % of 100 requests a second."""
GOOD = Release(
    "good", "", RATE_BY_EVIDENCE, "Succeeded", (), analysis={"interval": "10s"}, rate_per_s=100.0, exact=True,
)  # fmt: skip
"""On the grid, where other Canaries' evaluations fall too."""

_SILENT = {"sequential": "no request of the canary was counted", "threshold": "no request of the canary was measured"}
HELD_THEN_FAILED = Release(
    "zero-traffic", "onNoData: hold, then fail", {**RATE_BY_EVIDENCE, "onNoData": "hold"}, "Failed",
    (_SILENT["sequential"], "onNoData: fail", "failed check 1 of 1"), rate_per_s=0.0,
)  # fmt: skip
ADVANCED = Release(
    "zero-traffic", "onNoData: advance", {**RATE_BY_THRESHOLD, "onNoData": "advance"}, "Succeeded", (), rate_per_s=0.0,
)  # fmt: skip
UNDECIDED = Release(
    "trickle", "onInconclusive: hold, then advance", RATE_ALONE, "Succeeded", (),
    analysis={"maxHold": "40s", "onInconclusive": "hold"}, percent=99, rate_per_s=0.1,
)  # fmt: skip
TOO_FEW = Release(
    "trickle", "minRequests: 50, onNoData: fail",
    {**RATE_BY_THRESHOLD, "interval": "20s", "minRequests": 50, "onNoData": "fail"}, "Failed",
    ("of the canary in 2", "50 make a judgement (minRequests)", "onNoData: fail"),
    analysis={"interval": "20s"}, percent=99, rate_per_s=0.1,
)  # fmt: skip
REFUSING = Release(
    "refusing", "", RATE_BY_EVIDENCE, "Failed",
    ("% of the canary's requests failed before they reached a pod", "limit "),
    env={"REFUSE_AFTER_S": "0"}, may_fail=True,
)  # fmt: skip
OUTLASTED = Release("restart", "no limit", RATE_ALONE, "Succeeded", (), percent=20, exact=True)
GIVEN_UP = Release(
    "restart", "consecutiveErrorLimit: 2", RATE_ALONE, "Failed",
    ("Prometheus at http://127.0.0.1:9090", "2 judgements in a row had no answer"),
    analysis={"consecutiveErrorLimit": 2}, percent=20,
)  # fmt: skip


def _lied(name: str, metric: Mapping[str, Any], words: tuple[str, ...], **analysis: Any) -> Release:
    ends = "Failed" if words else "Succeeded"
    return Release("lying", name, metric, ends, words, analysis=analysis, percent=20, exact=not words)


NAN_MEASURED = _lied(
    "NaN, threshold, noDataDeadline: 10s", {**RATE_BY_THRESHOLD, "noDataDeadline": "10s"},
    ("no request of the canary was measured for", "the primary has some"),
)  # fmt: skip
INF_MEASURED = _lied(
    "Inf, threshold, consecutiveErrorLimit: 2 of the metric", {**RATE_BY_THRESHOLD, "consecutiveErrorLimit": 2},
    ("the query gives +Inf, which no limit can judge", "2 errors in a row, its limit is 2"),
)  # fmt: skip
TWICE_MEASURED = _lied(
    "duplicate series, threshold, consecutiveErrorLimit: 2", RATE_BY_THRESHOLD,
    ("the query gives 2 series instead of one: aggregate them", "2 judgements in a row had no answer"),
    consecutiveErrorLimit=2,
)  # fmt: skip
STALE_MEASURED = _lied(
    "stale, threshold, onNoData: fail", {**RATE_BY_THRESHOLD, "onNoData": "fail"},
    (_SILENT["threshold"], "onNoData: fail", "failed check 1 of 1"),
)  # fmt: skip
NAN_COUNTED = _lied(
    "NaN, sequential, consecutiveErrorLimit: 2", RATE_ALONE,
    ("istio_requests_total has a sample that is no finite number", "2 judgements in a row had no answer"),
    consecutiveErrorLimit=2,
)  # fmt: skip
TWICE_COUNTED = _lied("duplicate counters, sequential", RATE_ALONE, ())
"""Two replicas of one Prometheus: each request counts once."""
STALE_COUNTED = _lied(
    "stale in mid-run, sequential, onInconclusive: fail", RATE_BY_EVIDENCE,
    ("undecided", "after 30s still"), maxHold="30s", onInconclusive="fail",
)  # fmt: skip
SILENCED = _lied(
    "stale from the start, sequential, noDataDeadline: 10s", {**RATE_BY_EVIDENCE, "noDataDeadline": "10s"},
    ("no request of the canary was measured for", "the primary has some"),
)  # fmt: skip
RELEASES = (
    ERRORS, GOOD, HELD_THEN_FAILED, ADVANCED, UNDECIDED, TOO_FEW, REFUSING, OUTLASTED, GIVEN_UP, NAN_MEASURED,
    INF_MEASURED, TWICE_MEASURED, STALE_MEASURED, NAN_COUNTED, TWICE_COUNTED, STALE_COUNTED, SILENCED,
)  # fmt: skip
