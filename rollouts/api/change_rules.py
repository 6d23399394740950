"""What the API server checks between a Canary as it was and as it is to be: names that what was made bears stay.

No model says the same: none knows what the Canary was before. Rules on what a Canary is by itself are in rules.py.
"""

from __future__ import annotations

from rollouts.api.schema import Rule


def _target_of(canary: str) -> str:
    return f"(has({canary}.spec.targetRef) ? {canary}.spec.targetRef.name : '')"


def _kind_of(canary: str) -> str:
    return f"(has({canary}.spec.targetRef) ? {canary}.spec.targetRef.kind : '')"


def _service_of(canary: str) -> str:
    named = f"has({canary}.spec.service) && has({canary}.spec.service.name)"
    return f"({named} ? {canary}.spec.service.name : {_target_of(canary)})"


def _scaled_object_of(canary: str) -> str:
    ref = f"{canary}.spec.autoscalerRef"
    return f"(has({ref}) && {ref}.kind == 'ScaledObject' ? {ref}.name : '')"


_NOTHING_MADE = "!has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase == 'Initializing'"
CHANGES = (
    Rule(
        f"{_NOTHING_MADE} || {_target_of('self')} == {_target_of('oldSelf')}",
        "targetRef.name can't be changed any more: delete this Canary, and make one for the other target",
    ),
    Rule(
        f"{_NOTHING_MADE} || {_kind_of('self')} == {_kind_of('oldSelf')}",
        "targetRef.kind can't be changed any more: delete this Canary, and make one for the other target",
    ),
    Rule(
        f"{_NOTHING_MADE} || {_service_of('self')} == {_service_of('oldSelf')}",
        "service.name can't be changed any more: delete this Canary, and make one with the other name",
    ),
    Rule(
        f"{_NOTHING_MADE} || self.spec.subsets == oldSelf.spec.subsets",
        "subsets can't be changed any more: delete this Canary, which leaves the traffic as it is, and make another",
    ),
    Rule(
        f"{_NOTHING_MADE} || self.spec.routeRefs == oldSelf.spec.routeRefs",
        "routeRefs can't be changed any more: delete this Canary, which leaves the traffic as it is, and make another",
    ),
    Rule(
        f"{_NOTHING_MADE} || {_scaled_object_of('oldSelf')} == '' || "
        f"{_scaled_object_of('self')} == {_scaled_object_of('oldSelf')}",
        "autoscalerRef can't be changed any more, since its ScaledObject is paused for this Canary: delete the Canary, "
        "and make another",
    ),
)
"""Of the whole object, before and after. All that was made bears these names, and would be left without anybody who
takes traffic off a bad version."""
