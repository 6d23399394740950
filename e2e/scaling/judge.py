"""What is expected of the stable side's size, of the clients and of both autoscalers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from e2e.scaling.facts import NEEDED, OWN_LEAST, RunFacts, ScalerSeen, SizeSeen

_OURS, _THEIRS = "app-primary", "app"


def judge_begin(sizes: Sequence[SizeSeen], scalers: Sequence[ScalerSeen]) -> Iterator[Result]:
    """Before any run: the autoscaler works, and the target's own leaves the target at zero."""
    primary = [seen.replicas for seen in sizes if seen.name == PRIMARY]
    grew = bool(primary) and primary[0] < NEEDED == primary[-1]
    yield Result("start", f"the primary's autoscaler brings it to {NEEDED} pods", grew, f"sizes {_row(primary)}")
    theirs = [seen for seen in scalers if seen.name == _THEIRS]
    active = theirs[-1].active if theirs else "absent"
    detail = f"ScalingActive: {active}"
    yield Result("start", "the target's own is switched off at zero", active == "ScalingDisabled", detail)
    ours = [seen for seen in scalers if seen.name == _OURS]
    bounds = (ours[-1].least, ours[-1].most) if ours else (0, 0)
    yield Result("start", "the copy has the bounds of the Canary", bounds == (OWN_LEAST, 10), f"{bounds}")


def judge_run(facts: RunFacts) -> Iterator[Result]:
    """Every expectation of one run."""
    end = "Succeeded" if facts.promotes else "Failed"
    came = facts.reached(end) is not None
    yield _result(facts, f"the run ends as {end}", came and not facts.overdue, facts.overdue or "it does")
    yield from _held(facts)
    if facts.aborted_at_s is not None:
        yield _whole_at_rollback(facts)
    yield _canary_scaled(facts)
    yield _no_errors(facts)
    version = facts.version if facts.promotes else "the old one"
    served = (facts.primary_version == facts.version) is facts.promotes
    yield _result(facts, f"the primary runs {version}", served, f"version {facts.primary_version}")


def judge_release_of_hold(sizes: Sequence[SizeSeen], scalers: Sequence[ScalerSeen], wanted: int) -> Iterator[Result]:
    """After the run, with half of the clients gone."""
    story = "afterwards"
    least = [seen.least for seen in scalers if seen.name == _OURS]
    let = bool(least) and least[-1] == OWN_LEAST
    yield Result(story, "the copy's least is its own again", let, f"{_row(least)}")
    primary = [seen.replicas for seen in sizes if seen.name == PRIMARY]
    fell = bool(primary) and primary[-1] == wanted
    yield Result(story, "with half of the load gone the size falls", fell, f"sizes {_row(primary)}")


def _held(facts: RunFacts) -> Iterator[Result]:
    """From the first news of the version until all traffic is back, whatever the load says."""
    seen = facts.sizes_of(PRIMARY)
    begin = seen[0].replicas if seen else 0
    until_s = facts.reached("Succeeded", "Failed") or facts.ended_at_s
    during = [one for one in seen if one.at_s <= until_s]
    least = min((one.replicas for one in during), default=0)
    detail = f"{begin} at the start, at least {least}, sizes {_row([one.replicas for one in seen])}"
    yield _result(facts, "the stable side is never below its size at the start", 0 < begin <= least, detail)
    if not facts.promotes:  # a promotion rolls the pods
        ready = min((one.ready for one in during), default=0)
        yield _result(facts, "and all of these pods are ready", 0 < begin <= ready, f"at least {ready} ready")
    scalers = [one for one in facts.scalers_of(_OURS) if one.at_s <= until_s]
    limits = {one.limited for one in scalers}
    kept = max((one.least for one in scalers), default=0)
    detail = f"least {kept}, ScalingLimited: {', '.join(sorted(limits - {''})) or 'never'}"
    expected = "its autoscaler wants fewer meanwhile, and is kept from it"
    yield _result(facts, expected, kept == begin and "TooFewReplicas" in limits, detail)


def _whole_at_rollback(facts: RunFacts) -> Result:
    """The first request that comes back meets as many pods as the last one before the run."""
    seen, back_s = facts.sizes_of(PRIMARY), None
    if facts.aborted_at_s is not None:
        later = (one for one in facts.shares if one.at_s >= facts.aborted_at_s)
        back_s = next((one.at_s for one in later if one.shares.others_percent == 0), None)
    at = [one for one in seen if back_s is not None and one.at_s <= back_s]
    ready, begin = (at[-1].ready, seen[0].replicas) if at else (0, 0)
    waited = (
        "" if back_s is None or facts.aborted_at_s is None else f", {back_s - facts.aborted_at_s:.2f} s after abort"
    )
    detail = f"{ready} of {begin} pods{waited}"
    return _result(facts, "the rollback at 50 % under load meets full capacity", 0 < begin <= ready, detail)


def _canary_scaled(facts: RunFacts) -> Result:
    sizes = [one.replicas for one in facts.sizes_of(TARGET)]
    ok = bool(sizes) and max(sizes) > 0 == sizes[-1]
    active = {one.active for one in facts.scalers_of(_THEIRS)}
    detail = f"sizes {_row(sizes)}, ScalingActive: {', '.join(sorted(active))}"
    expected = "the canary is scaled by its own autoscaler, and at zero in the end"
    return _result(facts, expected, ok and "ValidMetricFound" in active, detail)


def _no_errors(facts: RunFacts) -> Result:
    failed = [record for record in facts.records if record.failed]
    words = sorted({record.error or str(record.status) for record in failed})
    by_canary = sum(record.workload == TARGET for record in facts.records)
    detail = f"{len(failed)} of {len(facts.records)} requests failed {words or ''}, {by_canary} by the canary"
    return _result(facts, "no client error", by_canary > 0 and not failed, detail)


def _result(facts: RunFacts, expected: str, ok: bool, detail: str) -> Result:  # noqa: FBT001 - as Result has it
    return Result(facts.story, expected, ok, detail)


def _row(sizes: Sequence[int]) -> str:
    """Sizes in order, each once while it lasts."""
    changes = [size for place, size in enumerate(sizes) if place == 0 or size != sizes[place - 1]]
    return " ".join(map(str, changes)) or "none"
