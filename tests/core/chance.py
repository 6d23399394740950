"""Specs and happenings by chance, and statuses and observations that nobody would make."""

from __future__ import annotations

from hypothesis import strategies as st

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Condition, ConditionType, MetricResult, Phase, Verdict
from rollouts.core.measurement import NoData, Probe, Rejected, Sample, Signal, Subject, Unreachable, Value
from rollouts.core.observed import Observed, Problem, WorkloadState
from tests.core.acts import Act
from tests.core.given import METRICS, at, spec_of
from tests.core.pods import NEVER

REVISIONS = ("a", "b", "c")
PROBLEMS = (None, Problem("PortMissing", "Service app has no port 80"), Problem("KindMissing", "no VirtualService"))


_REQUESTS = st.sampled_from(["1", "2", "3", '{"id": "4", "full": true}', '{"id": "5", "revision": "b"}', "{", ""])


def specs() -> st.SearchStrategy[CanarySpec]:
    """Both kinds of schedule, one metric or both."""
    by_step = st.fixed_dictionaries({"stepWeight": st.integers(1, 100), "maxWeight": st.integers(1, 100)})
    listed = st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True).map(
        lambda w: {"stepWeights": sorted(w)}
    )
    rest = st.fixed_dictionaries(
        {
            "interval": st.sampled_from(["1s", "7s", "10s"]),
            "threshold": st.integers(1, 4),
            "metrics": st.sampled_from([METRICS[:1], METRICS]),
        }
    )
    return st.builds(lambda d, w, r: spec_of(d, **w, **r), st.integers(5, 60), by_step | listed, rest)


def acts() -> st.SearchStrategy[Act]:
    """What can happen, the likely more often."""
    life = st.builds(Act, st.sampled_from(["lose", "find", "give up"]), st.sampled_from(["target", "primary"]))
    apply = st.builds(Act, st.just("apply"), st.sampled_from(REVISIONS))
    signals = [
        st.builds(Act, st.just("success_rate"), st.sampled_from([100.0, 100.0, 100.0, 50.0, None])),
        st.builds(Act, st.just("duration_ms"), st.sampled_from([20.0, 20.0, 2000.0])),
        st.builds(Act, st.sampled_from(["canary_rps", "stable_rps"]), st.sampled_from([None, 0.0, 5.0, 5.0])),
        st.builds(Act, st.just("metrics_down"), st.sampled_from(["", "", "no answer within 5 s"])),
        st.builds(Act, st.just("rights_missing"), st.sampled_from(["", "may not patch services"])),
    ]
    rest = [
        st.builds(Act, st.just("controller"), st.sampled_from([True, True, True, False])),
        st.builds(Act, st.just("refused"), st.sampled_from([False, False, True])),
        st.builds(Act, st.just("blocked"), st.sampled_from([None, *PROBLEMS])),
        st.builds(Act, st.just("routes"), st.integers(0, 100)),
        st.builds(Act, st.just("scale"), st.integers(0, 3)),
        st.builds(Act, st.just("delete"), st.sampled_from(["target", "primary"])),
        st.builds(Act, st.just("spec"), specs()),
        st.builds(Act, st.just("ask"), st.tuples(st.sampled_from(Verb), _REQUESTS)),
    ]
    return st.one_of([apply] * 6 + [life] * 2 + signals + rest)


def happenings() -> st.SearchStrategy[list[tuple[float, Act]]]:
    """A day in the life: gaps of nothing to half a minute between what happens."""

    def timed(pairs: list[tuple[int, Act]]) -> list[tuple[float, Act]]:
        instants, second = [(1.0, Act("apply", "b"))], 1.0
        for gap, act in pairs:
            second += gap / 2
            instants.append((second, act))
        return instants

    return st.lists(st.tuples(st.integers(0, 60), acts()), min_size=8, max_size=30).map(timed)


def delays() -> st.SearchStrategy[dict[str, float]]:
    """How long each revision's pods take."""
    return st.fixed_dictionaries({revision: st.sampled_from([0.0, 3.0, 20.0, NEVER]) for revision in ("b", "c")})


INSTANTS = st.integers(-90_000, 90_000).map(lambda tenths: at(tenths / 10))
_WORKLOADS = st.none() | st.builds(
    WorkloadState,
    revision=st.sampled_from(REVISIONS),
    source_revision=st.sampled_from(["", *REVISIONS]),
    replicas=st.integers(0, 3),
    available=st.integers(0, 3),
    ready=st.booleans(),
    deadline_exceeded=st.booleans(),
)
_OUTCOMES = st.one_of(
    st.builds(Value, st.floats(0, 1e6)), st.just(NoData()), st.just(Rejected("no")), st.just(Unreachable("gone"))
)
_PROBES = st.builds(Probe, st.sampled_from(Signal), st.sampled_from(Subject), st.sampled_from([0.0, 10.0]))
_RESULTS = st.builds(
    MetricResult, name=st.just("request-duration"), verdict=st.sampled_from(Verdict), measured_at=INSTANTS
)
_CONDITIONS = st.builds(
    Condition, type=st.sampled_from(ConditionType), status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.just("Told"), message=st.sampled_from(["", "Service app has no port 80"]), last_transition_time=INSTANTS,
)  # fmt: skip


_ACTIONS = st.builds(
    Action, verb=st.sampled_from(Verb), id=st.sampled_from(["1", "2"]), full=st.booleans(), user=st.just("ann"),
    revision=st.sampled_from(["", *REVISIONS]), flaw=st.sampled_from(["", "not JSON"]),
)  # fmt: skip


def observations() -> st.SearchStrategy[Observed]:
    """Anything that the types allow."""
    return st.builds(
        Observed, now=INSTANTS, generation=st.integers(0, 9), target=_WORKLOADS, primary=_WORKLOADS,
        route_weight=st.none() | st.integers(0, 100), apex_on_primary=st.booleans(), problem=st.sampled_from(PROBLEMS),
        actions=st.lists(_ACTIONS, max_size=2, unique_by=lambda a: a.verb).map(tuple),
        samples=st.lists(st.builds(Sample, _PROBES, INSTANTS, _OUTCOMES), max_size=6).map(tuple),
    )  # fmt: skip


def statuses() -> st.SearchStrategy[CanaryStatus]:
    """Anything that the types allow."""
    instants = st.none() | INSTANTS
    revisions = st.sampled_from(["", *REVISIONS])
    return st.builds(
        CanaryStatus, phase=st.none() | st.sampled_from(Phase), step_index=st.integers(0, 100),
        step_count=st.integers(0, 100), desired_weight=st.sampled_from([0, 10, 100]), failed_checks=st.integers(0, 3),
        last_applied_spec=revisions, last_promoted_spec=revisions, canary_replicas=st.integers(0, 3),
        started_at=instants, last_transition_time=instants, dwell_started_at=instants, last_check_at=instants,
        not_ready_since=instants, no_data_since=instants, drained=st.booleans(), drain_started_at=instants,
        metrics=st.lists(_RESULTS, max_size=2).map(tuple),
        conditions=st.lists(_CONDITIONS, max_size=4, unique_by=lambda c: c.type).map(tuple),
    )  # fmt: skip
