"""Specs and happenings by chance, and statuses and observations that nobody would make."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel

from rollouts.api.actions import Action, Verb
from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import GATES, HookType
from rollouts.api.status import (
    OUTBOX_MAX,
    ActionTaken,
    Approval,
    CanaryStatus,
    Condition,
    ConditionType,
    GateStatus,
    MetricResult,
    Notice,
    Phase,
    Verdict,
)
from rollouts.core.measurement import (
    Accepted,
    Call,
    NoData,
    Probe,
    Refused,
    Rejected,
    Sample,
    Signal,
    Subject,
    Unreachable,
    Value,
)
from rollouts.core.observed import Observed, Problem, WorkloadState
from tests.core.acts import Act
from tests.core.given import METRICS, at, hook, spec_of
from tests.core.pods import NEVER

_Model = TypeVar("_Model", bound=BaseModel)

REVISIONS = ("a", "b", "c")
PROBLEMS = (None, Problem("PortMissing", "Service app has no port 80"), Problem("KindMissing", "no VirtualService"))


MATCH = [{"headers": {"x-tester": {"exact": "yes"}}}]
_WEIGHTS, _WEIGHT_LISTS = ("stepWeight", "maxWeight", "stepWeightPromotion"), ("stepWeights", "stepWeightsPromotion")
_SECONDS = st.sampled_from(["1s", "7s", "20s"])
_PERCENTS = st.sampled_from([4, 20, 25, 40, 60, 100])
HOOKS = (*map(str, HookType), *(f"{kind}-2" for kind in sorted(GATES)))


def _some(known: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these keys, or none."""
    return st.fixed_dictionaries({}, optional=known)


def _wired(model: type[_Model], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[_Model]:
    """One with just these fields: `builds` would draw those that must be there once more, by their names outside."""
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


def _schedules() -> st.SearchStrategy[dict[str, Any]]:
    """All strategies, with what may go with each."""
    ascending = st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True).map(sorted)
    even = st.fixed_dictionaries({"stepWeight": _PERCENTS, "maxWeight": st.integers(1, 100)})
    listed = st.builds(
        lambda weights, dwells: {"stepWeights": weights, "stepDwells": dwells[: len(weights)]},
        ascending, st.lists(_SECONDS, max_size=2),
    )  # fmt: skip
    back: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({}), st.builds(dict, stepWeightPromotion=_PERCENTS),
        st.builds(dict, stepWeightsPromotion=ascending.map(lambda weights: weights[::-1])),
    )  # fmt: skip
    matched, affine = st.just({"match": MATCH}), st.just({"sessionAffinity": {"cookieName": "canary"}})
    mirrored = st.builds(lambda share: {"mirror": True} | share, _some({"mirrorWeight": _PERCENTS}))
    weights = st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        even | listed, back, st.one_of(st.just({}), st.just({}), matched, affine, mirrored),
    )  # fmt: skip
    checks = st.builds(
        lambda iterations, how: {"iterations": iterations} | how,
        st.integers(1, 4), st.one_of(st.just({}), matched, mirrored),
    )  # fmt: skip
    return weights | weights | checks


def _webhooks() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Gates over HTTP or by hand, some with a deadline, more often than other hooks."""
    gate = st.builds(
        lambda name, by_hand, over, persons: hook(
            _kind(name), name, **({"url": None, "approvals": persons} if by_hand else {}), **over
        ),
        st.sampled_from([name for name in HOOKS if HookType(_kind(name)) in GATES]), st.booleans(),
        _some({"deadline": _SECONDS, "onDeadline": st.sampled_from(["fail", "advance"])}), st.integers(1, 3),
    )  # fmt: skip
    other = st.builds(lambda name: hook(_kind(name), name), st.sampled_from(HOOKS))
    return st.lists(gate | other, max_size=4, unique_by=lambda known: known["name"])


def _kind(name: str) -> str:
    return name.removesuffix("-2")


def specs() -> st.SearchStrategy[CanarySpec]:
    """Every strategy and schedule, one metric or both or only tests, hooks of each type, now and then no analysis."""
    rest = st.fixed_dictionaries(
        {
            "total": st.sampled_from([100, 100, 1000, 10000]),
            "interval": st.sampled_from(["1s", "7s", "10s"]),
            "threshold": st.integers(1, 4),
            "metrics": st.sampled_from([METRICS[:1], METRICS, []]),
            "webhooks": _webhooks(),
        },
        optional={"consecutiveErrorLimit": st.integers(2, 4)},
    )
    return st.builds(_spec, st.integers(5, 60), _schedules(), rest, st.sampled_from([False] * 9 + [True]))


def _in_parts(schedule: dict[str, Any], total: int) -> dict[str, Any]:
    """A schedule in percent as one in parts of that total, with a first listed step that no percent could say."""
    if total == 100:
        return schedule
    parts = {key: schedule[key] * total // 100 for key in _WEIGHTS if key in schedule}
    lists = {key: [weight * total // 100 for weight in schedule[key]] for key in _WEIGHT_LISTS if key in schedule}
    if "stepWeights" in lists:
        lists["stepWeights"][0] -= 1
    return schedule | parts | lists | {"weightTotal": total}


def _spec(deadline_s: int, schedule: dict[str, Any], rest: dict[str, Any], skip: bool) -> CanarySpec:  # noqa: FBT001
    schedule = _in_parts(schedule, rest.pop("total"))
    tested = rest["metrics"] or any(known["type"] == HookType.ROLLOUT for known in rest["webhooks"])
    evidence = {} if tested else {"metrics": METRICS}
    return spec_of(deadline_s, **schedule, **(rest | evidence)).model_copy(update={"skip_analysis": skip})


_APPLY = st.builds(Act, st.just("apply"), st.sampled_from(REVISIONS))
_LIFE = st.builds(Act, st.sampled_from(["lose", "find", "give up"]), st.sampled_from(["target", "primary"]))
_SIGNALS = [
    st.builds(Act, st.just("success_rate"), st.sampled_from([100.0, 100.0, 100.0, 50.0, None])),
    st.builds(Act, st.just("duration_ms"), st.sampled_from([20.0, 20.0, 2000.0])),
    st.builds(Act, st.sampled_from(["canary_rps", "stable_rps"]), st.sampled_from([None, 0.0, 5.0, 5.0])),
    st.builds(Act, st.just("metrics_down"), st.sampled_from(["", "", "no answer within 5 s"])),
    st.builds(Act, st.just("rights_missing"), st.sampled_from(["", "may not patch services"])),
    st.builds(Act, st.just("tested"), st.booleans()),
]
_REQUESTS: st.SearchStrategy[str | dict[str, Any]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"weight": st.sampled_from([0, 5, 40, 100, 1000])}), st.just({"full": True}),
    st.just({"revision": "b"}), st.sampled_from(["1", "{", ""]),
)  # fmt: skip
_PEACEFUL = [
    Verb.OVERRIDE,
    Verb.PAUSE,
    Verb.RESUME,
    Verb.RESUME,
    Verb.PROMOTE,
    Verb.APPROVE,
    Verb.SET_WEIGHT,
    Verb.RETRY,
]
_HOOK = st.builds(Act, st.just("hook"), st.tuples(st.integers(0, 3), st.sampled_from(["yes", "yes", "no", "down"])))
_HOLD = st.builds(
    Act,
    st.just("hold"),
    st.tuples(
        st.sampled_from([(), ("window",), ("start",), ("turn",), ("start", "turn"), ("window", "turn")]),
        st.sampled_from([None, 3.0, 8.0, 25.0]),
    ),
)
_REST = [
    st.builds(Act, st.just("controller"), st.sampled_from([True, True, True, False])),
    st.builds(Act, st.just("refused"), st.sampled_from([False, False, True])),
    st.builds(Act, st.just("blocked"), st.sampled_from([None, None, *PROBLEMS])),
    st.builds(Act, st.just("routes"), st.integers(0, 100)),
    st.builds(Act, st.just("scale"), st.integers(0, 3)),
    st.builds(Act, st.just("delete"), st.sampled_from(["target", "primary"])),
    st.builds(Act, st.just("receivers"), st.booleans()),
    st.builds(Act, st.just("spec"), specs()),
]


def _asked(*verbs: Verb) -> st.SearchStrategy[Act]:
    weight = st.fixed_dictionaries({"weight": st.sampled_from([0, 5, 40, 100])})
    fitting = st.sampled_from(verbs).flatmap(
        lambda verb: st.tuples(st.just(verb), weight if verb is Verb.SET_WEIGHT else _REQUESTS)
    )
    return st.builds(Act, st.just("ask"), fitting)


def rough_acts() -> st.SearchStrategy[Act]:
    """All that can happen, the likely more often. (Not by one_of, which takes each of its strategies once.)"""
    kinds = [_APPLY] * 6 + [_LIFE] * 3 + [_asked(*Verb), _HOOK] * 4 + [_HOLD] * 3 + _SIGNALS * 2 + _REST
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


def gentle_acts() -> st.SearchStrategy[Act]:
    """What happens to releases that get far: people and hooks say yes and no, and now and then something breaks."""
    kinds = [_asked(*_PEACEFUL), _HOOK] * 6 + [_HOLD] * 3 + [_APPLY, _LIFE, _SIGNALS[0], _REST[2], _REST[-1]]
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


def happenings() -> st.SearchStrategy[list[tuple[float, Act]]]:
    """A day in the life: gaps of nothing to half a minute between what happens."""

    def timed(pairs: list[tuple[int, Act]]) -> list[tuple[float, Act]]:
        instants, second = [(1.0, Act("apply", "b"))], 1.0
        for gap, act in pairs:
            second += gap / 2
            instants.append((second, act))
        return instants

    rough = st.lists(st.tuples(st.integers(0, 60), rough_acts()), min_size=8, max_size=30)
    gentle = st.lists(st.tuples(st.integers(0, 30), gentle_acts()), min_size=8, max_size=30)
    return (rough | gentle).map(timed)


def delays() -> st.SearchStrategy[dict[str, float]]:
    """How long each revision's pods take."""
    return st.fixed_dictionaries(
        {revision: st.sampled_from([0.0, 3.0, 3.0, 3.0, 20.0, NEVER]) for revision in ("b", "c")}
    )


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
_ANSWERS = st.sampled_from([Accepted(), Refused("no"), Unreachable("gone")])
_CALLS = st.builds(
    Call, st.sampled_from(HOOKS), st.sampled_from(HookType), st.sampled_from([Phase.WAITING, Phase.PROGRESSING]),
    st.sampled_from(REVISIONS),
)  # fmt: skip
_PROBES = st.builds(Probe, st.sampled_from(Signal), st.sampled_from(Subject), st.sampled_from([0.0, 10.0]))
_RESULTS = _wired(
    MetricResult, name=st.just("request-duration"), verdict=st.sampled_from(Verdict), measured_at=INSTANTS
)
_CONDITIONS = _wired(
    Condition, type=st.sampled_from(ConditionType), status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.just("Told"), message=st.sampled_from(["", "Service app has no port 80"]), last_transition_time=INSTANTS,
)  # fmt: skip


_SAMPLES = st.builds(Sample, _PROBES | _CALLS, INSTANTS, _OUTCOMES | _ANSWERS)
_GATES = _wired(
    GateStatus,
    type=st.sampled_from(sorted(GATES)),
    since=INSTANTS,
    approved=st.booleans(),
    message=st.just("no"),
    needed=st.integers(1, 3),
    approvals=st.lists(_wired(Approval, user=st.sampled_from(["ann", "bob"]), at=INSTANTS), max_size=3).map(tuple),
)
_TAKEN = _wired(
    ActionTaken, verb=st.sampled_from([str(verb) for verb in Verb]), id=st.sampled_from(["1", "2"]),
    outcome=st.sampled_from(["Done", "Refused"]), taken_at=INSTANTS,
)  # fmt: skip
_NOTICES = _wired(
    Notice, number=st.integers(1, 20), type=st.sampled_from([HookType.EVENT, HookType.POST_ROLLOUT]),
    reason=st.just("Told"), message=st.just("so"), phase=st.sampled_from(Phase), at=INSTANTS,
)  # fmt: skip


_ACTIONS = st.builds(
    Action, verb=st.sampled_from(Verb), id=st.sampled_from(["1", "2"]), full=st.booleans(),
    user=st.sampled_from(["ann", "bob", ""]), verified=st.booleans(), key=st.sampled_from(["", "", "ann"]),
    revision=st.sampled_from(["", *REVISIONS]), flaw=st.sampled_from(["", "", "not JSON"]),
    weight=st.sampled_from([None, 0, 5, 40, 100, 1000]),
)  # fmt: skip


def observations() -> st.SearchStrategy[Observed]:
    """Anything that the types allow."""
    return st.builds(
        Observed, now=INSTANTS, generation=st.integers(0, 9), target=_WORKLOADS, primary=_WORKLOADS,
        route_weight=st.none() | st.integers(0, 100), apex_on_primary=st.booleans(), problem=st.sampled_from(PROBLEMS),
        actions=st.lists(_ACTIONS, max_size=2, unique_by=lambda a: (a.verb, a.key)).map(tuple),
        samples=st.lists(_SAMPLES, max_size=6).map(tuple), routed=st.booleans(),
        delivered=st.frozensets(st.integers(1, 20), max_size=3), deleting=st.sampled_from([False] * 4 + [True]),
        made=st.booleans(), released=st.booleans(),
    )  # fmt: skip


def statuses() -> st.SearchStrategy[CanaryStatus]:
    """Anything that the types allow."""
    instants = st.none() | INSTANTS
    revisions = st.sampled_from(["", *REVISIONS])
    return _wired(
        CanaryStatus, phase=st.none() | st.sampled_from(Phase), step_index=st.integers(0, 100),
        step_count=st.integers(0, 100), desired_weight=st.sampled_from([0, 10, 100]), failed_checks=st.integers(0, 3),
        weight_total=st.sampled_from([100, 1000]),
        strategy=st.sampled_from(["", *map(str, Strategy)]), mirrored=st.booleans(), stranded=st.booleans(),
        session=st.sampled_from(["", "0123456789ab"]), iterations=st.integers(0, 5),
        consecutive_errors=st.integers(0, 5), gate=st.none() | _GATES, paused_at=instants, finished_at=instants,
        actions=st.lists(_TAKEN, max_size=2, unique_by=lambda t: t.verb).map(tuple), notices=st.integers(0, 30),
        notices_lost=st.integers(0, 3),
        outbox=st.lists(_NOTICES, max_size=OUTBOX_MAX, unique_by=lambda n: n.number).map(tuple),
        last_applied_spec=revisions, last_promoted_spec=revisions, canary_replicas=st.integers(0, 3),
        started_at=instants, last_transition_time=instants, dwell_started_at=instants, last_check_at=instants,
        not_ready_since=instants, no_data_since=instants, drained=st.booleans(), drain_started_at=instants,
        metrics=st.lists(_RESULTS, max_size=2).map(tuple),
        conditions=st.lists(_CONDITIONS, max_size=4, unique_by=lambda c: c.type).map(tuple),
    )  # fmt: skip
