"""What is left of the releases: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.people.facts import ReleaseFacts
from e2e.play.result import Json


def release_json(facts: ReleaseFacts) -> Json:
    """All figures of one release; times in seconds."""
    decision, promoting_s = facts.decision, facts.reached("Promoting")
    told_s = None if decision is None else decision.message.at_s - decision.waiting_at_s
    went_on_s = None if decision is None or promoting_s is None else promoting_s - decision.asked_at_s
    return {
        "release": facts.release.name,
        "version": facts.version,
        "ended": facts.end,
        "lasted_s": round(facts.ended_at_s - facts.began_at_s, 2),
        "told_s": None if told_s is None else round(told_s, 3),
        "went_on_s": None if went_on_s is None else round(went_on_s, 3),
        "who": [one.get("user", "") for one in facts.status.get("actions") or () if one["verb"] == "approve"],
        "pipeline": facts.pipeline.code,
        "requests": len(facts.records),
        "failed": sum(one.failed for one in facts.records),
        "messages": [
            {"after_s": round(one.at_s - facts.began_at_s, 2), "headline": one.headline, "sentence": one.sentence}
            for one in facts.messages
        ],
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """For each release a line, and below it its messages."""
    lines: list[str] = []
    for one in figures:
        gate = ""
        if one["told_s"] is not None and one["went_on_s"] is not None:
            gate = (
                f"told of its gate after {one['told_s']:.2f} s, promoting {one['went_on_s']:.2f} s after the approval; "
            )
        lines.append(
            f"{one['release']}: {one['ended']} in {one['lasted_s']:.1f} s; {gate}pipeline {one['pipeline']}; "
            f"{one['failed']} of {one['requests']} requests failed"
        )
        lines += [f"  {told['after_s']:6.1f} s  {told['headline']}: {told['sentence']}" for told in one["messages"]]
    return lines
