"""The examples as a user would apply them, and variations: files below examples/ read and changed, no more."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Json = dict[str, Any]


def example(name: str, of: str = "first-light") -> Json:
    """One of an example's files."""
    document: Json = yaml.safe_load((EXAMPLES / of / f"{name}.yaml").read_text(encoding="utf-8"))
    return document


def paced(canary: Json, interval_s: float) -> Json:
    """The Canary with another interval between its steps."""
    changed = copy.deepcopy(canary)
    changed["spec"]["analysis"]["interval"] = f"{interval_s:g}s"
    return changed


def planned_weights(canary: Json) -> tuple[int, ...]:
    """The weights that stepWeight and maxWeight make."""
    analysis = canary["spec"]["analysis"]
    step, last = analysis["stepWeight"], analysis["maxWeight"]
    return (*range(step, last, step), last)


def longest_ms(canary: Json) -> float:
    """The limit of request-duration."""
    return next(
        float(metric["thresholdRange"]["max"])
        for metric in canary["spec"]["analysis"]["metrics"]
        if metric["name"] == "request-duration"
    )


def moved(document: Json, namespace: str, name: str = "") -> Json:
    """The same object in another namespace, maybe under another name."""
    changed = copy.deepcopy(document)
    changed["metadata"]["namespace"] = namespace
    changed["metadata"]["name"] = name or changed["metadata"]["name"]
    return changed


def inward(canary: Json) -> Json:
    """The Canary without the way in from outside, which belongs to the example alone."""
    changed = copy.deepcopy(canary)
    for field in ("hosts", "gateways"):
        changed["spec"]["service"].pop(field, None)
    return changed
