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
EVERYONE, PICKED = "all", "picked"
"""Kinds of clients: those without a header of their own, and those whom a rule of the user's picks by one."""
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
    picked_by: tuple[str, str] = ("", "")
    """Name and value of the header by which a rule of the user's picks testers; empty where none does."""

    @property
    def clients(self) -> Mapping[str, Mapping[str, str]]:
        """The kinds of clients with the headers that each sends."""
        everyone, (name, value) = {"Host": self.host}, self.picked_by
        return {EVERYONE: everyone, **({PICKED: {**everyone, name: value}} if name else {})}

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
        return tuple(self._analysis.get("stepWeights", (100,)))

    @property
    def checked_apart_s(self) -> float:
        """For how long a version is tested at least before everybody gets it, all at once; 0 where it is in steps."""
        return float(self.interval_s * (self._analysis.get("iterations", 1) - 1))

    @property
    def copies_percent(self) -> int:
        """What part of the requests is copied to a new version before it answers any; 0 where none is."""
        return int(self._analysis.get("mirrorWeight", 100)) if self._analysis.get("mirror") else 0

    @property
    def steered(self) -> frozenset[str]:
        """Names of the rules that are the Canary's to steer; none where its file names none."""
        ref = self.canary["spec"]["routeRefs"][0]
        return frozenset([*ref.get("rules", ()), *ref.get("canaryRules", ())])

    @property
    def shared(self) -> frozenset[str]:
        """Of those the ones in which everybody's requests are shared."""
        return frozenset(self.canary["spec"]["routeRefs"][0].get("rules", ()))

    @cached_property
    def alone(self) -> Mapping[str, str]:
        """The subset of each steered rule in which the user wrote one of the two alone."""
        routes = next(item for item in self.objects if (item["kind"], item["metadata"]["name"]) == self.key)
        found = {
            rule["name"]: [route["destination"].get("subset", "") for route in rule.get("route", ())]
            for rule in routes["spec"]["http"]
            if rule.get("name") in self.steered
        }
        return {name: subsets[0] for name, subsets in found.items() if len(subsets) == 1}

    @property
    def _analysis(self) -> Json:
        analysis: Json = self.canary["spec"]["analysis"]
        return analysis

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
