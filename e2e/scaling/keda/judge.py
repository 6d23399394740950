"""What is expected of the primary's ScaledObject and of the pause of the user's own. Pure.

What was written first is told by resourceVersions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from e2e.play.result import Result
from e2e.play.seen import PRIMARY, TARGET
from e2e.scaling.facts import OWN_LEAST
from e2e.scaling.keda.facts import SIZE, KedaRun, PodsSeen, ScaledSeen, Seen

MOST = 10
"""What examples/scaling/canary.yaml says of the copy."""
_THEIRS, _OURS = "app", "app-primary"


def judge_begin(seen: Seen) -> Iterator[Result]:
    """Before any release: the copy is there, and the user's own is paused."""
    story, ours, theirs = "start", seen.of(_OURS), seen.of(_THEIRS)
    last = ours[-1] if ours else None
    fits = last is not None and (last.target, last.least, last.most) == (PRIMARY, OWN_LEAST, MOST)
    detail = "absent" if last is None else f"{last.target}, {last.least} to {last.most}"
    yield Result(story, "the copy scales the primary, by the bounds of the Canary", fits, detail)
    asked = last is not None and f'"{PRIMARY}"' in last.query and f'"{TARGET}"' not in last.query
    yield Result(story, "its query asks for the primary", asked, "absent" if last is None else last.query)
    yield Result(story, "the user's own is paused at zero, beside our mark", _rests(theirs), _paused(theirs))
    paused = _first(theirs, lambda one: one.paused == "0")
    yield _before(story, "it was paused before the target went to zero", paused, _emptied(seen))


def judge_run(facts: KedaRun) -> Iterator[Result]:
    """Every expectation of one release."""
    run, seen = facts.run, facts.seen
    end = "Succeeded" if run.promotes else "Failed"
    came = run.reached(end) is not None and not run.overdue
    yield Result(run.story, f"the run ends as {end}", came, run.overdue or "it does")
    yield from _pause_of(facts)
    yield from _least_of(facts)
    sizes = [one.replicas for one in seen.pods_of(PRIMARY)]
    yield Result(run.story, "the primary keeps its size", set(sizes) == {SIZE}, f"sizes {_row(sizes)}")
    most = max((one.replicas for one in seen.pods_of(TARGET)), default=0)
    yield Result(run.story, "the canary gets as many pods", most == SIZE, f"{most}")
    kept = "its spec, before and after"
    yield Result(run.story, "the user's own is what it was", facts.spec_kept, kept)
    failed = sum(record.failed for record in run.records)
    by_canary = sum(record.workload == TARGET for record in run.records)
    detail = f"{failed} of {len(run.records)} requests failed, {by_canary} by the canary"
    yield Result(run.story, "no client error", by_canary > 0 and not failed, detail)


def judge_left(seen: Seen, *, spec_kept: bool) -> Iterator[Result]:
    """After the Canary was deleted: the user has what there was before it."""
    story, theirs = "deleted", seen.of(_THEIRS)
    yield Result(story, "the copy is gone", _OURS in seen.gone, f"gone: {', '.join(seen.gone) or 'none'}")
    free = bool(theirs) and not theirs[-1].paused and not theirs[-1].marked
    yield Result(story, "the user's own is neither paused nor marked", free, _paused(theirs))
    let_go = _first(theirs, lambda one: not one.paused)
    yield _before(story, "it was let go before the target got its pods", let_go, _filled(seen))
    sizes = [one.replicas for one in seen.pods_of(TARGET)]
    yield Result(story, "the target has as many as have served", sizes[-1:] == [SIZE], f"sizes {_row(sizes)}")
    yield Result(story, "the user's own is what it was", spec_kept, "its spec, before and after")


def _pause_of(facts: KedaRun) -> Iterator[Result]:
    """KEDA is to size the canary, and to leave it at zero afterwards."""
    story, seen, theirs = facts.run.story, facts.seen, facts.seen.of(_THEIRS)
    let_go = _first(theirs, lambda one: not one.paused and not one.marked)
    yield _before(story, "the user's own is let go before the canary gets its pods", let_go, _filled(seen))
    again = _first(theirs, lambda one: one.paused == "0", after=let_go)
    yield _before(story, "and is paused again before these go", again, _emptied(seen))
    yield Result(story, "so it stays", _rests(theirs), _paused(theirs))


def _least_of(facts: KedaRun) -> Iterator[Result]:
    """KEDA may take no pod of the primary while it may need it back."""
    run, ours = facts.run, facts.seen.of(_OURS)
    leasts = [one.least for one in ours]
    row = f"least {_row(leasts)}"
    held = _first(ours, lambda one: one.least == SIZE)
    yield _before(run.story, "the primary's least is its size before the canary gets pods", held, _filled(facts.seen))
    let = _first(ours, lambda one: one.least == OWN_LEAST, after=held)
    back_s = max((one.at_s for one in run.shares if one.shares.others_percent == 0), default=None)
    late = let is not None and back_s is not None and let.at_s >= back_s
    yield Result(run.story, "until all requests are back at the primary", late, row)
    once = [least for place, least in enumerate(leasts) if place == 0 or least != leasts[place - 1]]
    yield Result(run.story, "and at no other time", once == [OWN_LEAST, SIZE, OWN_LEAST], row)


def _before(story: str, expected: str, first: ScaledSeen | None, second: PodsSeen | None) -> Result:
    if first is None or second is None:
        return Result(story, expected, ok=False, detail="it did not happen")
    detail = f"at resourceVersion {first.version}, that at {second.version}"
    return Result(story, expected, first.version < second.version, detail)


def _first(
    seen: Sequence[ScaledSeen], fits: Callable[[ScaledSeen], bool], *, after: ScaledSeen | None = None
) -> ScaledSeen | None:
    """The first that fits, not counting those up to `after`."""
    return next((one for one in seen if fits(one) and (after is None or one.version > after.version)), None)


def _emptied(seen: Seen) -> PodsSeen | None:
    """When the target went to zero, having had pods."""
    return _changed(seen, lambda one: one.replicas == 0)


def _filled(seen: Seen) -> PodsSeen | None:
    """When it got pods, having had none."""
    return _changed(seen, lambda one: one.replicas > 0)


def _changed(seen: Seen, fits: Callable[[PodsSeen], bool]) -> PodsSeen | None:
    states = seen.pods_of(TARGET)
    changes = (one for before, one in pairwise(states) if not fits(before) and fits(one))
    return next(changes, None)


def _rests(theirs: Sequence[ScaledSeen]) -> bool:
    return bool(theirs) and theirs[-1].paused == "0" and theirs[-1].marked


def _paused(theirs: Sequence[ScaledSeen]) -> str:
    if not theirs:
        return "absent"
    return f"paused at {theirs[-1].paused or 'none'}, {'with' if theirs[-1].marked else 'without'} our mark"


def _row(numbers: Sequence[int]) -> str:
    changes = [one for place, one in enumerate(numbers) if place == 0 or one != numbers[place - 1]]
    return " ".join(map(str, changes)) or "none"
