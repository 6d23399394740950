"""What is expected of each way to leave: what clients got, what is left, whether all is the user's again. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.leaving.cast import Role
from e2e.play.kubectl import Answer
from e2e.play.result import Json, Result
from e2e.play.seen import TARGET
from e2e.play.users_part import Kept
from e2e.scenarios.untouched import differences

LAST_S = 3.0
"""Who answers in the last seconds has the traffic."""
ENTRANCE = frozenset({("Service", TARGET), ("VirtualService", TARGET)})
"""What stays where the user had none of his own: clients come in by them."""


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """One Canary's user: what clients got from when the command was given, and what the namespace has."""

    role: Role
    records: tuple[Record, ...]
    running: frozenset[str]
    """Deployments with pods."""
    before: Kept
    now: Kept
    marks: tuple[tuple[tuple[str, str], str], ...]
    """Of ours, with the kind and name of the object."""

    @property
    def marked(self) -> list[str]:
        """Those that should have gone: what stays for clients keeps a label, by which a Canary takes it up again."""
        kept = frozenset[tuple[str, str]]() if self.role.brings_its_entrance else ENTRANCE
        return [f"{' '.join(key)}: {mark}" for key, mark in self.marks if key not in kept]

    @property
    def failed(self) -> list[Record]:
        """Requests that a user would call an error."""
        return [one for one in self.records if one.failed]

    @property
    def last(self) -> set[tuple[str, str]]:
        """Workload and version of who answered at the end."""
        ends_at_s = max((one.sent_at_s for one in self.records), default=0.0)
        return {(one.workload, one.version) for one in self.records if one.sent_at_s >= ends_at_s - LAST_S}

    @property
    def differences(self) -> list[str]:
        """What the user would find changed."""
        added = self.now.keys() - self.before.keys()
        stays = frozenset[tuple[str, str]]() if self.role.brings_its_entrance else ENTRANCE
        now = {key: text for key, text in self.now.items() if key not in added & stays}
        return list(differences(self.before, now))


@dataclass(frozen=True, slots=True)
class LeaveFacts:
    """One way to leave as it was seen."""

    way: str
    answer: Answer
    took_s: float
    """The command."""
    gone_s: float
    """Until nothing of the program was left."""
    left: tuple[str, ...]
    roles: tuple[RoleFacts, ...]
    ended_cleanly: bool | None
    overdue: str = ""


def judge_leaving(facts: LeaveFacts) -> Iterator[Result]:
    """Every expectation."""
    way = facts.way
    said = facts.answer.said.strip() or f"exit code 0 after {facts.took_s:.1f} s"
    yield Result(way, "the command ends well", facts.answer.code == 0, said)
    nothing = ", ".join(facts.left) or facts.overdue or f"nothing, {facts.gone_s:.1f} s after the command"
    yield Result(way, "nothing of what was installed is left", not facts.left and not facts.overdue, nothing)
    if way != "killed":
        clean = "within its grace, exit code 0" if facts.ended_cleanly else "it did not"
        yield Result(way, "the controller ends by itself", facts.ended_cleanly is True, clean)
    for seen in facts.roles:
        story, failed = f"{way}, {seen.role.name}", seen.failed
        detail = f"{len(failed)} of {len(seen.records)}{f', the first {failed[0]}' if failed else ''}"
        yield Result(story, "no request fails", bool(seen.records) and not failed, detail)
        served = len(seen.last) == 1 and {workload for workload, _ in seen.last} <= seen.running
        yield Result(story, "one version that runs has the traffic", served, f"{sorted(seen.last)}")
        changed = seen.differences
        yield Result(
            story, "what the user has is as it was", not changed, "; ".join(changed) or f"{len(seen.before)} objects"
        )
        yield Result(story, "no mark of ours is left", not seen.marked, ", ".join(seen.marked) or "none")


def leaving_json(facts: LeaveFacts) -> Json:
    """All figures of one way."""
    return {
        "way": facts.way,
        "took_s": round(facts.took_s, 3),
        "gone_s": round(facts.gone_s, 3),
        "said": f"{facts.answer.out}{facts.answer.said}",
        "requests": sum(len(seen.records) for seen in facts.roles),
        "errors": sum(len(seen.failed) for seen in facts.roles),
        "served_by": {seen.role.name: dict(_shares(seen.records)) for seen in facts.roles},
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each way."""
    return [
        f"{one['way']}: the command took {one['took_s']:.1f} s, nothing was left after {one['gone_s']:.1f} s; "
        f"{one['errors']} errors of {one['requests']} requests"
        for one in figures
    ]


def _shares(records: Sequence[Record]) -> Counter[str]:
    return Counter(f"{one.workload or 'nobody'} {one.version}".strip() for one in records)
