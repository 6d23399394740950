"""A simulation as JSON, for programs: the shape is described in docs/simulate.md, and only grows. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rollouts.core.plan import plan_of
from rollouts.simulate.simulation import Simulation

_NAMES = {"at_s": "at", "step_index": "step"}


def render_json(simulation: Simulation, *, trace: bool = False) -> str:
    """One object, indented; times are seconds."""
    timeline = simulation.timeline
    told: dict[str, Any] = {
        "canary": simulation.name,
        "signal": simulation.signal,
        "seed": simulation.seed,
        "ending": simulation.ending,
        "endedAt": simulation.ended_s,
        "failedChecks": timeline.status.failed_checks,
        "plan": [
            {"weight": step.weight, "dwell": step.dwell_s, "checks": step.checks, "mirrored": step.mirrored}
            for step in plan_of(simulation.spec.analysis)
        ],
        "decisions": [_fields(made) for made in timeline.decisions],
        "events": [_fields(news) for news in timeline.news],
        "measured": [_fields(seen) for seen in timeline.measured],
    }
    if trace:
        told["waits"] = [_fields(made) for made in timeline.waits]
    return json.dumps(told, indent=1) + "\n"


def _fields(moment: Any) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in asdict(moment).items()}
