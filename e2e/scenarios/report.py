"""What is left of the runs: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.play.result import Json
from e2e.scenarios.facts import RunFacts, answered_by, failures_of, read_spans


def run_json(facts: RunFacts) -> Json:
    """All figures of one run; times in seconds since it was asked for."""
    plan, began_s = facts.plan, facts.applied_at_s
    return {
        "scenario": plan.stage.name,
        "run": plan.story,
        "lasted_s": round(facts.ended_at_s - began_s, 3),
        "requests": len(facts.records),
        "errors": len(failures_of(facts.records)),
        "phases": [
            {"phase": seen.phase, "step": seen.step_index, "stable": seen.stable, "at_s": round(seen.at_s - began_s, 3)}
            for seen in facts.statuses
        ],
        "shares": [
            {
                "percent": span.percent,
                "in_force_at_s": round(span.since_s - began_s, 3),
                "held_s": round(span.until_s - span.since_s, 3),
                "by_canary_of_answered": answered_by(span.of(facts.records), plan),
            }
            for span in read_spans(facts)
        ],
        "replicas": [
            {"at_s": round(seen.at_s - began_s, 3), **dict(seen.replicas)} for seen in facts.objects
        ],
    }  # fmt: skip


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """Each run's figures."""
    return [line for figure in figures for line in _lines(figure)]


def _lines(run: Json) -> list[str]:
    head = (
        f"{run['scenario']}, {run['run']}: {run['lasted_s']:.1f} s, {run['requests']} requests, {run['errors']} errors"
    )
    shares = [
        f"    {share['held_s']:5.1f} s at {share['percent']:3} %: {share['by_canary_of_answered'][0]} of "
        f"{share['by_canary_of_answered'][1]} by the canary"
        for share in run["shares"]
    ]
    return [head, *shares]
