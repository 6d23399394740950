"""What is left of a run: the figures of each release as JSON, and the summary that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.first_light.facts import ReleaseFacts
from e2e.first_light.steps import Step, in_force_since, is_bad, read_steps
from e2e.play.logs import count_requests
from e2e.play.result import Json

PROMISED_GOOD_S = 65.0
"""What a good release of five steps at 10 s may take, from apply to Succeeded; printed, not demanded."""


def release_json(facts: ReleaseFacts) -> Json:
    """All figures of one release; times in seconds since its `apply`."""
    steps = read_steps(facts)
    return {
        "story": facts.plan.story,
        "version": facts.plan.version,
        "env": facts.plan.env,
        "interval_s": facts.plan.interval_s,
        "phases": _phases(facts),
        "apply_to_end_of_release_s": _end_of_release_s(facts),
        "steps": [_step_json(step, facts) for step in steps],
        "client_requests": len(facts.records),
        "client_errors": sum(record.failed for record in facts.records),
        **_badness(facts),
        "api_requests": count_requests(facts.requests),
        "api_requests_but_watches": sum(request.verb != "watch" for request in facts.requests),
        "prometheus_queries": len(facts.queries),
    }


def figure_lines(releases: Sequence[Json]) -> list[str]:
    """Each release's figures."""
    return [line for release in releases for line in _figures(release)]


def _phases(facts: ReleaseFacts) -> list[Json]:
    phases: list[Json] = []
    for seen in facts.statuses:
        if not phases or phases[-1]["phase"] != seen.phase:
            phases.append({"phase": seen.phase, "at_s": _since_apply(facts, seen.at_s)})
    return phases


def _end_of_release_s(facts: ReleaseFacts) -> float | None:
    ends = [seen.at_s for seen in facts.statuses if seen.phase in {"Succeeded", "Failed"}]
    began = next((seen.at_s for seen in facts.statuses if seen.phase == "Progressing"), None)
    ended = next((at_s for at_s in ends if began is not None and at_s > began), None)
    return _since_apply(facts, ended)


def _step_json(step: Step, facts: ReleaseFacts) -> Json:
    return {
        "desired_percent": step.weight_percent,
        "real_percent": round(100 * step.by_canary / step.answered, 2) if step.answered else None,
        "answered": step.answered,
        "by_canary": step.by_canary,
        "band": [step.band.low, step.band.high],
        "written_at_s": _since_apply(facts, step.written_at_s),
        "in_force_at_s": _since_apply(facts, step.in_force_at_s),
        "held_s": round(step.dwell_s, 3),
    }


def _badness(facts: ReleaseFacts) -> Json:
    """Bad answers, and how long they came; None where there were none."""
    bad = [record for record in facts.records if is_bad(record, facts)]
    if not bad:
        return {"bad_answers": 0, "first_bad_to_weight_0_s": None, "first_bad_to_last_bad_s": None}
    first_s = min(record.done_at_s for record in bad)
    last_s = max(record.done_at_s for record in bad)
    zero_s = in_force_since(facts, 0)
    return {
        "bad_answers": len(bad),
        "first_bad_to_weight_0_s": None if zero_s is None else round(zero_s - first_s, 3),
        "first_bad_to_last_bad_s": round(last_s - first_s, 3),
    }


def _since_apply(facts: ReleaseFacts, at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s - facts.applied_at_s, 3)


def _figures(release: Json) -> list[str]:
    shares = ", ".join(f"{step['desired_percent']}->{step['real_percent']}" for step in release["steps"])
    took_s = release["apply_to_end_of_release_s"]
    ended = release["phases"][-1]["phase"] if release["phases"] else "nothing"
    bound = f" (promised at 10 s a step: {PROMISED_GOOD_S:.0f} s)" if ended == "Succeeded" else ""
    requests = ", ".join(f"{count} {what}" for what, count in release["api_requests"].items())
    lines = [
        f"{release['story']} (version {release['version']}): apply to {ended} {took_s} s{bound}",
        f"    desired -> real share in percent: {shares}",
        f"    clients: {release['client_requests']} requests, {release['client_errors']} errors",
        f"    controller: {release['api_requests_but_watches']} API requests but watches ({requests})",
        f"    Prometheus: {release['prometheus_queries']} queries",
    ]
    if release["bad_answers"]:
        lines.append(
            f"    bad answers: {release['bad_answers']}; from the first to weight 0 in force"
            f" {release['first_bad_to_weight_0_s']} s, to the last {release['first_bad_to_last_bad_s']} s"
        )
    return lines
