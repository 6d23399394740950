"""Faults that somebody has put into the http rules of a VirtualService, and whose requests they hit. Pure.

A fault is made by the calling proxy before any pod has the request, so no pod's metrics show an abort, or a delay. Only
aborts with a status that counts as a failure are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.core.measurement import Subject
from rollouts.core.observed import Fault
from rollouts.traffic.istio_rules import rules_of

WhoseRule = Callable[[int, Manifest], Subject | None]
"""Which sides a rule leads to, by its place and what it says; None if to neither."""


def faults_in(manifest: Manifest, whose: WhoseRule) -> Iterator[Fault]:
    """Those in rules that lead to either side, in their order."""
    metadata = manifest["metadata"]
    name = f"VirtualService {metadata['namespace']}/{metadata['name']}"
    for index, rule in enumerate(rules_of(manifest)):
        fault = rule.get("fault")
        of = whose(index, rule) if isinstance(fault, dict) else None
        if not isinstance(fault, dict) or of is None:
            continue
        called = f"http rule {rule.get('name') or index + 1} of {name}"
        abort = fault.get("abort") or {}
        if words := _aborts(abort):
            yield Fault(called, words, of, code=abort["httpStatus"])
        if words := _delays(fault.get("delay") or {}):
            yield Fault(called, words, of, delays=True)


def side_of_weights(stable: int, canary: int) -> Subject | None:
    """Whose the requests of a rule are that gives each side so much."""
    if stable and canary:
        return Subject.BOTH
    return Subject.STABLE if stable else Subject.CANARY if canary else None


def _aborts(abort: Manifest) -> str:
    status, percent = abort.get("httpStatus"), _percent(abort)
    if not isinstance(status, int) or status < 500 or not percent:
        return ""
    return f"aborts {percent:g} % of its requests with {status}"


def _delays(delay: Manifest) -> str:
    lasts, percent = delay.get("fixedDelay"), _percent(delay)
    return f"delays {percent:g} % of its requests by {lasts}" if lasts and percent else ""


def _percent(fault: Manifest) -> float:
    """Istio hits no request where it is not said; `percent` is its older field."""
    told: Any = (fault.get("percentage") or {}).get("value", fault.get("percent"))
    return float(told) if isinstance(told, int | float) else 0.0
