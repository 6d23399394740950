"""What is left of the runs: their figures as JSON, and the lines that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.play.result import Json
from e2e.scaling.facts import RunFacts
from e2e.scaling.keda.report import lines as keda_lines


def run_json(facts: RunFacts) -> Json:
    """All figures of one run; times in seconds since its `apply`."""

    def after(at_s: float) -> float:
        return round(at_s - facts.applied_at_s, 2)

    return {
        "run": facts.story,
        "phases": [
            {"phase": one.phase, "weight": one.desired_weight, "at_s": after(one.at_s)} for one in facts.statuses
        ],
        "envoy": [{"percent": one.shares.others_percent, "at_s": after(one.at_s)} for one in facts.shares],
        "sizes": [
            {"name": one.name, "replicas": one.replicas, "ready": one.ready, "at_s": after(one.at_s)}
            for one in facts.sizes
        ],
        "autoscalers": [
            {
                "name": one.name,
                "least": one.least,
                "desired": one.desired,
                "limited": one.limited,
                "at_s": after(one.at_s),
            }
            for one in facts.scalers
        ],
        "aborted_at_s": None if facts.aborted_at_s is None else after(facts.aborted_at_s),
        "requests": len(facts.records),
        "errors": sum(record.failed for record in facts.records),
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """Each run: its sizes and its autoscalers in the order of events."""
    return [
        line for figure in figures for line in (keda_lines(figure) if "scaled_objects" in figure else _lines(figure))
    ]


def _lines(figure: Json) -> list[str]:
    told = [(one["at_s"], f"phase {one['phase']}, {one['weight']} %") for one in figure["phases"]]
    told += [(one["at_s"], f"Envoy gives the canary {one['percent']} %") for one in figure["envoy"]]
    told += [(one["at_s"], f"{one['name']}: {one['ready']} of {one['replicas']} ready") for one in figure["sizes"]]
    told += [
        (
            one["at_s"],
            f"autoscaler {one['name']}: least {one['least']}, wants {one['desired']} {one['limited']}".rstrip(),
        )
        for one in figure["autoscalers"]
    ]
    if figure["aborted_at_s"] is not None:
        told.append((figure["aborted_at_s"], "abort"))
    head = f"{figure['run']}: {figure['requests']} requests, {figure['errors']} errors"
    rows = [f"  {max(at_s, 0.0):6.2f} s  {text}" for at_s, text in sorted(told, key=lambda pair: pair[0])]
    return [head, *[row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]]
