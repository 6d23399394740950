"""A scenario as values: its manifests, which Deployment stands for which subset, where its requests go. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from e2e.play.manifests import EXAMPLES, paced

Json = dict[str, Any]
SCALE_DOWN_DELAY_S = 10.0
"""Shorter than in the examples, so that a story need not wait long for it."""


@dataclass(frozen=True)
class Stage:
    """One scenario."""

    name: str
    """Folder of examples/."""
    host: str
    """What clients ask for."""
    service: str
    stable: str
    """The subset that serves at first."""
    interval_s: float

    @cached_property
    def objects(self) -> tuple[Json, ...]:
        """What the user has before there is a Canary."""
        return tuple(document for file in ("app", "routing") for document in self._read(file))

    @cached_property
    def canary(self) -> Json:
        """The Canary, paced for a story."""
        changed = paced(copy.deepcopy(self._read("canary")[0]), self.interval_s)
        changed["spec"]["scaleDownDelay"] = f"{SCALE_DOWN_DELAY_S:g}s"
        return changed

    @property
    def canary_name(self) -> str:
        """The Canary's name."""
        return str(self.canary["metadata"]["name"])

    @property
    def route_name(self) -> str:
        """The VirtualService's."""
        return str(self.canary["spec"]["routeRefs"][0]["name"])

    @cached_property
    def deployments(self) -> Mapping[str, str]:
        """The Deployment of each subset."""
        return {item["name"]: item["targetRef"]["name"] for item in self.canary["spec"]["subsets"]}

    @property
    def weights(self) -> tuple[int, ...]:
        """The weights of a release, in order."""
        return tuple(self.canary["spec"]["analysis"]["stepWeights"])

    def other(self, subset: str) -> str:
        """The subset beside it."""
        return next(name for name in self.deployments if name != subset)

    @property
    def bystander_percent(self) -> int:
        """What the user's VirtualService gives to subsets that are not the Canary's, in its first rule with both."""
        routes = next(item for item in self.objects if (item["kind"], item["metadata"]["name"]) == self.key)
        for rule in routes["spec"]["http"]:
            weights = {item["destination"]["subset"]: item.get("weight", 0) for item in rule.get("route", ())}
            if self.deployments.keys() <= weights.keys():
                return int(sum(weight for name, weight in weights.items() if name not in self.deployments))
        return 0

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name of the VirtualService."""
        return "VirtualService", self.route_name

    def _read(self, file: str) -> list[Json]:
        return list(yaml.safe_load_all((EXAMPLES / self.name / f"{file}.yaml").read_text(encoding="utf-8")))
