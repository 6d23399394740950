"""What is left of the runs: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.gitops.drifting import drift_lines
from e2e.gitops.judge import SyncedRun, falls_in
from e2e.play.result import Json
from e2e.scenarios.facts import failures_of


def run_json(run: SyncedRun) -> Json:
    """All figures of one run, in seconds."""
    facts = run.facts
    return {
        "way": run.way,
        "run": facts.plan.story,
        "policy": run.policy,
        "lasted_s": round(facts.ended_at_s - facts.applied_at_s, 3),
        "syncs": len(run.told),
        "falls_in_virtual_service_s": [round(one, 3) for one in falls_in(run, facts.written)],
        "falls_in_envoy_s": [round(one, 3) for one in falls_in(run, facts.in_force)],
        "requests": len(facts.records),
        "errors": len(failures_of(facts.records)),
        "contested": run.contested,
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """Each run's figures."""
    return [line for one in figures for line in (drift_lines(one) if "looks" in one else _lines(one))]


def _lines(run: Json) -> list[str]:
    in_object, in_envoy = run["falls_in_virtual_service_s"], run["falls_in_envoy_s"]
    head = f"{run['way']}, {run['run']}: {run['lasted_s']:.1f} s, {run['syncs']} syncs"
    falls = (
        f"    fell back {len(in_object)} times in the VirtualService (longest {max(in_object, default=0):.2f} s), "
        f"{len(in_envoy)} in Envoy (longest {max(in_envoy, default=0):.2f} s)"
    )
    return [head, falls, f"    {run['errors']} errors of {run['requests']} requests"]
