"""The Canaries that are there when the program leaves: what their user has, what is released, when that is far enough.

All files are those of examples/, in namespaces and with hosts of their own. Pure.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from e2e.configuration.stage import config_map, deployment, secret
from e2e.play.manifests import Json, example, inward, moved, paced
from e2e.play.seen import TARGET
from e2e.scenarios.stage import Stage

STAGE = Stage("scenario-1", "subsets.example", "canary", "v1", 5.0)
GATEWAY = "default/canary-gateway"
LONG_S = 300.0
"""An interval in which nothing goes on: who is in mid-release stays there."""
SHORT_S = 5.0
NOWHERE = "http://127.0.0.1:9/"
"""Nobody answers there, so that the gate stays shut."""


@dataclass(frozen=True, slots=True)
class Role:
    """One Canary."""

    name: str
    namespace: str
    canary: Json
    objects: tuple[Json, ...]
    """What the user has beside it."""
    released: str = ""
    """The Deployment that gets version 2; empty for none."""
    phase: str = "Initialized"
    """What it has to have come to."""
    weight: int = 0
    """The canary's, in percent."""

    @property
    def host(self) -> str:
        """What clients ask for."""
        return f"{self.name}.example"

    @property
    def brings_its_entrance(self) -> bool:
        """Whether the user has what clients come in by; else what was made for them stays."""
        return any(item["kind"] == "Service" for item in self.objects)

    @property
    def canary_name(self) -> str:
        """The Canary's name."""
        return str(self.canary["metadata"]["name"])


def cast() -> tuple[Role, ...]:
    """All of them. Subsets come first: the way in is theirs."""
    return (_subsets(), _at_rest(), _midway(), _at_a_gate(), _blue_green())


def _subsets() -> Role:
    canary = copy.deepcopy(STAGE.canary)
    canary["spec"]["analysis"] |= {"interval": f"{LONG_S:g}s", "stepWeights": [30, 60, 100]}
    return Role("subsets", "default", canary, STAGE.objects, "appv2", "Progressing", 30)


def _at_rest() -> Role:
    """Its user has all that a target may come with: a way in, an autoscaler, a budget, configuration."""
    canary = inward(_copied("rest", example("canary"), SHORT_S))
    scaler = moved(example("autoscaler", "scaling"), "rest")
    scaler["spec"] |= {"minReplicas": 2}
    reference = {"apiVersion": scaler["apiVersion"], "kind": scaler["kind"], "name": TARGET}
    canary["spec"] |= {"routeRefs": [{"name": "way-in"}], "autoscalerRef": reference}
    service = _object("v1", "Service", TARGET) | {
        "spec": {"selector": {"app": TARGET}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }
    rule = {"route": [{"destination": {"host": TARGET, "port": {"number": 80}}}], "timeout": "30s"}
    route = _object("networking.istio.io/v1", "VirtualService", "way-in") | {
        "spec": {"hosts": ["rest.example"], "gateways": [GATEWAY], "http": [rule]},
    }
    budget = _object("policy/v1", "PodDisruptionBudget", TARGET) | {
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": TARGET}}},
    }
    moved_in = [moved(one, "rest") for one in (config_map("1"), secret("0"), deployment())]
    return Role("rest", "rest", canary, (*moved_in, service, route, scaler, budget))


def _object(api_version: str, kind: str, name: str) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "rest"}}


def _midway() -> Role:
    canary = _copied("midway", example("canary"), LONG_S)
    analysis = canary["spec"]["analysis"]
    analysis |= {"stepWeight": 30, "maxWeight": 60}
    return Role("midway", "midway", canary, (_deployment("midway"),), TARGET, "Progressing", 30)


def _at_a_gate() -> Role:
    canary = _copied("gate", example("gates", "strategies"), SHORT_S)
    hooks = canary["spec"]["analysis"]["webhooks"]
    gate = next(hook for hook in hooks if hook["type"] == "confirm-promotion")
    canary["spec"]["analysis"]["webhooks"] = [{**gate, "url": NOWHERE}]
    return Role("gate", "gate", canary, (_deployment("gate"),), TARGET, "WaitingPromotion", 50)


def _blue_green() -> Role:
    canary = _copied("blue", example("blue-green", "strategies"), LONG_S)
    return Role("blue", "blue", canary, (_deployment("blue"),), TARGET, "Progressing", 0)


def _copied(namespace: str, document: Json, interval_s: float) -> Json:
    canary = paced(moved(document, namespace), interval_s)
    canary["spec"]["service"] |= {"hosts": [f"{namespace}.example"], "gateways": [GATEWAY]}
    return canary


def _deployment(namespace: str) -> Json:
    return moved(example("deployment"), namespace)
