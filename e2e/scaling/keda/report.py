"""What is left of the runs: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from e2e.play.result import Json
from e2e.scaling.keda.facts import KedaRun


def run_json(facts: KedaRun) -> Json:
    """All figures of one run; times in seconds since its `apply`."""
    run, seen = facts.run, facts.seen

    def after(at_s: float) -> float:
        return round(max(at_s - run.applied_at_s, 0.0), 2)

    return {
        "run": run.story,
        "requests": len(run.records),
        "errors": sum(record.failed for record in run.records),
        "scaled_objects": [
            {"name": one.name, "least": one.least, "most": one.most, "paused": one.paused, "at_s": after(one.at_s)}
            for one in seen.scaled
        ],
        "pods": [{"name": one.name, "replicas": one.replicas, "at_s": after(one.at_s)} for one in seen.pods],
    }


def lines(figure: Json) -> list[str]:
    """One run, in the order of events."""
    told = [
        (
            one["at_s"],
            f"ScaledObject {one['name']}: {one['least']} to {one['most']}"
            + (f", paused at {one['paused']}" if one["paused"] else ""),
        )
        for one in figure["scaled_objects"]
    ]
    told += [(one["at_s"], f"{one['name']}: {one['replicas']} pods") for one in figure["pods"]]
    head = f"{figure['run']}: {figure['requests']} requests, {figure['errors']} errors"
    return [head, *(f"  {at_s:6.2f} s  {text}" for at_s, text in sorted(told, key=lambda pair: pair[0]))]
