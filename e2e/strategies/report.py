"""What is left of the runs: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.first_light.report import figure_lines as release_lines
from e2e.play.logs import count_requests
from e2e.play.result import Json
from e2e.strategies.facts import RunFacts
from e2e.strategies.spans import answered_by, read_spans


def run_json(facts: RunFacts) -> Json:
    """All figures of one run; times in seconds since its `apply`."""
    ended_s = facts.reached(facts.plan.phases[-1])
    return {
        "run": facts.plan.story,
        "version": facts.plan.version,
        "env": dict(facts.plan.env),
        "ended": facts.plan.phases[-1] if ended_s is not None else "",
        "apply_to_end_of_release_s": None if ended_s is None else round(ended_s - facts.applied_at_s, 3),
        "phases": [
            {"phase": seen.phase, "step": seen.step_index, "at_s": round(seen.at_s - facts.applied_at_s, 3)}
            for seen in facts.statuses
        ],
        "shares": _shares(facts),
        "client_requests": {name: len(records) for name, records in facts.records.items()},
        "client_errors": {name: sum(item.failed for item in records) for name, records in facts.records.items()},
        "api_requests": count_requests(facts.requests),
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """Each run's figures, and those of the releases by plain weights."""
    return [line for figure in figures for line in (_lines(figure) if "run" in figure else release_lines([figure]))]


def _shares(facts: RunFacts) -> list[Json]:
    found = []
    for span in read_spans(facts):
        share = span.shares
        real = {name: answered_by(span.of(records)) for name, records in facts.records.items()}
        found.append({
            "matched_percent": share.matched_percent, "others_percent": share.others_percent,
            "mirror_percent": share.mirror_percent, "in_force_at_s": round(span.since_s - facts.applied_at_s, 3),
            "held_s": round(span.length_s, 3), "by_canary_of_answered": real,
        })  # fmt: skip
    return found


def _lines(run: Json) -> list[str]:
    requests = ", ".join(f"{count} {what}" for what, count in run["api_requests"].items())
    lines = [f"{run['run']} (version {run['version']}): apply to {run['ended']} {run['apply_to_end_of_release_s']} s"]
    for share in run["shares"]:
        routes = f"{share['matched_percent']} % of matching, {share['others_percent']} % of others"
        copies = f", {share['mirror_percent']} % copied" if share["mirror_percent"] else ""
        real = "; ".join(f"{name} {got} of {of}" for name, (got, of) in share["by_canary_of_answered"].items())
        lines.append(f"    {share['held_s']:5.1f} s {routes}{copies}: {real}")
    return [*lines, f"    controller: {requests}"]
