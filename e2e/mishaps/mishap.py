"""The mishaps as values: how each is brought about in the middle of a release, how it is mended, what is to be said.

All in scenario 1: two Deployments of the user, one VirtualService, one DestinationRule.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import Json
from e2e.play.parts import Parts
from e2e.play.rivals import let_rival_in
from e2e.scenarios.stage import Stage

Act = Callable[[Stage, str], Awaitable[None]]
"""Also told: the subset that serves."""


class Safety(StrEnum):
    """What clients may get while it lasts, once the controller has had a moment."""

    STABLE_ONLY = "every request is answered by the stable side"
    AS_BEFORE = "no request fails, and the share is that of before"
    NOBODY = "no request reaches a pod: the user took the way in away, and it is not ours to make"


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong."""

    name: str
    bring_about: Act
    mend: Act
    reason: str
    """Of the condition that tells it."""
    words: tuple[str, ...]
    """What its message names."""
    safety: Safety
    told_by: str = ""
    """The Canary whose condition tells it; empty for the one that releases."""
    told_within_s: float = 3.0
    lasts_s: float = 8.0
    """How long it is left unmended after it was told: longer than an interval, so that a judgement falls into it."""


def routing_of(stage: Stage, kind: str) -> Json:
    """The user's object of that kind, as the user's file has it."""
    return copy.deepcopy(next(item for item in stage.objects if item["kind"] == kind))


async def _delete_route(stage: Stage, _stable: str) -> None:
    await kubectl("delete", f"virtualservice/{stage.route_name}", "--wait")


async def _apply_route(stage: Stage, _stable: str) -> None:
    await apply(routing_of(stage, "VirtualService"))


async def _spoil_route(stage: Stage, stable: str) -> None:
    """Both destinations name one subset: nobody can tell any more whose share is whose."""
    route = routing_of(stage, "VirtualService")
    for destination in route["spec"]["http"][0]["route"]:
        destination["destination"]["subset"] = stable
    await apply(route)


async def _lead_nowhere(stage: Stage, _stable: str) -> None:
    """A host that no Service has."""
    route = routing_of(stage, "VirtualService")
    for destination in route["spec"]["http"][0]["route"]:
        destination["destination"]["host"] = "nobody.default.svc.cluster.local"
    await apply(route)


async def _drop_subset(stage: Stage, stable: str) -> None:
    rule = routing_of(stage, "DestinationRule")
    rule["spec"]["subsets"] = [item for item in rule["spec"]["subsets"] if item["name"] == stable]
    await apply(rule)


async def _apply_destination_rule(stage: Stage, _stable: str) -> None:
    await apply(routing_of(stage, "DestinationRule"))


async def _stop_istiod(_stage: Stage, _stable: str) -> None:
    await Parts(os.environ).stop("istiod")


async def _start_istiod(_stage: Stage, _stable: str) -> None:
    await Parts(os.environ).start("istiod")


async def _apply_rival(stage: Stage, _stable: str) -> None:
    """A second Canary that steers the same rule, with Deployments of the same names."""
    await let_rival_in(_rival(stage))
    await apply(_rival(stage))


async def _delete_rival(stage: Stage, _stable: str) -> None:
    await kubectl("delete", f"canaries.rollouts.dev/{_rival(stage)['metadata']['name']}", "--wait")


def _rival(stage: Stage) -> Json:
    canary = copy.deepcopy(stage.canary)
    canary["metadata"]["name"] = "rival"
    return canary


MISHAPS = (
    Mishap(
        "VirtualService deleted",
        _delete_route,
        _apply_route,
        reason="RouteNotFound",
        words=("VirtualService default/canary", "spec.routeRefs"),
        safety=Safety.NOBODY,
    ),
    Mishap(
        "VirtualService invalid",
        _spoil_route,
        _apply_route,
        reason="RouteUnusable",
        words=("VirtualService default/canary", "subset"),
        safety=Safety.STABLE_ONLY,
    ),
    Mishap(
        "host that matches nothing",
        _lead_nowhere,
        _apply_route,
        reason="HostNotFound",
        words=("nobody", "VirtualService default/canary"),
        safety=Safety.NOBODY,
    ),
    Mishap(
        "DestinationRule without the subset",
        _drop_subset,
        _apply_destination_rule,
        reason="SubsetNotFound",
        words=("subset", "DestinationRule"),
        safety=Safety.STABLE_ONLY,
    ),
    Mishap(
        "two Canaries on one route",
        _apply_rival,
        _delete_rival,
        reason="TargetContested",
        words=("Canary default/canary", "older"),
        safety=Safety.AS_BEFORE,
        told_by="rival",
    ),
    Mishap(
        "istiod down for 30 s",
        _stop_istiod,
        _start_istiod,
        reason="WeightNotInForce",
        words=("requests",),
        safety=Safety.AS_BEFORE,
        told_within_s=25.0,
        lasts_s=10.0,
    ),
)
