"""What is expected of a release under kill -9, beside what is expected of any: only its duration may differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from e2e.first_light.facts import ReleaseFacts
from e2e.first_light.steps import distinct, read_steps
from e2e.play.result import Result
from e2e.strategies.kills import KILLS, Kill

CLOCK_S = 1.0
"""Each process sets its clock by the API server's, whose answers are cut to whole seconds."""
LONGER_BY_S = 6.0
"""What one kill may cost: a start of the process and a list of everything."""


def judge_kills(steady: ReleaseFacts, killed: ReleaseFacts, kills: Sequence[Kill], seed: int) -> Iterator[Result]:
    """The release with kills against the one without."""
    story = killed.plan.story
    took_s, steady_s = lasted_s(killed), lasted_s(steady)
    inside = [kill for kill in kills if took_s is not None and kill.killed_at_s < killed.applied_at_s + took_s]
    where = ", ".join(
        f"{kill.killed_at_s - killed.applied_at_s:.1f} s {kill.phase} {kill.weight_percent} %" for kill in kills
    )
    expected = f"the controller is killed {KILLS} times while it lasts (seed {seed})"
    yield Result(story, expected, len(inside) == KILLS, where)
    ours, theirs = course_of(killed), course_of(steady)
    same = "the same phases and desired weights as without kills"
    yield Result(story, same, bool(ours) and ours == theirs, ", ".join(ours))
    dwells = [step.dwell_s for step in read_steps(killed)[:-1]]
    floor_s = killed.plan.interval_s - CLOCK_S
    told = ", ".join(f"{dwell_s:.1f} s" for dwell_s in dwells)
    held = bool(dwells) and all(dwell_s >= floor_s for dwell_s in dwells)
    yield Result(story, f"no dwell is shorter than its interval (clocks differ by {CLOCK_S:g} s)", held, told)
    longer = took_s is not None and steady_s is not None and took_s <= steady_s + LONGER_BY_S * KILLS
    detail = f"{took_s or 0:.1f} s with kills, {steady_s or 0:.1f} s without"
    yield Result(story, f"a kill costs at most {LONGER_BY_S:g} s", longer, detail)


def lasted_s(facts: ReleaseFacts) -> float | None:
    """From apply to Succeeded; None if it never came."""
    seen = (status.at_s for status in facts.statuses if status.phase == "Succeeded" and status.at_s > _began_s(facts))
    ended = next(seen, None)
    return None if ended is None else ended - facts.applied_at_s


def course_of(facts: ReleaseFacts) -> list[str]:
    """Phases with desired weights, each once, from the release's begin on."""
    since = [status for status in facts.statuses if status.at_s >= _began_s(facts)]
    return distinct([f"{status.phase} {status.desired_weight} %" for status in since])


def _began_s(facts: ReleaseFacts) -> float:
    return next((status.at_s for status in facts.statuses if status.phase == "Progressing"), float("inf"))
