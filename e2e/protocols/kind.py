"""The three kinds of routes as values: their manifests, their two sides, and how each is released. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from e2e.play.manifests import EXAMPLES, paced

Json = dict[str, Any]
FOLDER = "protocols"
STEPS = (30, 60, 100)
SLOW_MS = 800
"""What the bad version takes to answer."""
_SCALE_DOWN_DELAY_S = 3.0
"""Shorter than in the examples, so that a story need not wait long for it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions of an application."""

    cluster: tuple[str, str]
    """Service and subset, by which Envoy's cluster is known."""
    workload: str


@dataclass(frozen=True, slots=True)
class Release:
    """A new version of one side."""

    name: str
    version: str
    canary: Side
    primary: Side
    deployment: str
    """Which gets the version; it is at zero before, and after a release that ends badly."""
    loser: str
    """The Deployment that is at zero in the end."""
    end: str
    """The Canary's last phase."""
    shares: tuple[int, ...]
    """What Envoy is to give the canary, in percent, one after the other."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One protocol: what its user has, and the Canary."""

    name: str
    """File of examples/protocols."""
    canary: str
    first: Side
    """Which serves at first."""
    second: Side
    swaps: bool
    """Whether the sides change their roles with a good release."""
    user: str
    """Name of the VirtualService that is the user's; empty if there is none."""
    bystander_percent: int = 0
    """What part of its clients the user's route gives to the application that is not released."""

    @property
    def sides(self) -> Mapping[tuple[str, str], str]:
        """The workload of each side, by Service and subset."""
        return {side.cluster: side.workload for side in (self.first, self.second)}

    @property
    def good(self) -> Release:
        """Is promoted: with a copy everything goes back to it, else the sides swap."""
        back = () if self.swaps else (0,)
        loser = self.first.workload if self.swaps else self.second.workload
        return self._release("good", "2", loser, "Succeeded", (0, *STEPS, *back))

    @property
    def bad(self) -> Release:
        """Goes back from the first step."""
        return self._release("bad", "3", "", "Failed", (0, STEPS[0], 0))

    def _release(self, name: str, version: str, loser: str, end: str, shares: tuple[int, ...]) -> Release:
        turned = self.swaps and name == "bad"
        canary, primary = (self.first, self.second) if turned else (self.second, self.first)
        return Release(name, version, canary, primary, canary.workload, loser or canary.workload, end, shares)

    def objects(self) -> list[Json]:
        """What the user has before there is a Canary."""
        return _read(self.name)

    def manifest(self, interval_s: float, hook_url: str) -> Json:
        """The Canary, paced for a story, and with its hook at that address."""
        changed = paced(_read(f"{self.name}-canary")[0], interval_s)
        for hook in changed["spec"]["analysis"].get("webhooks", ()):
            hook["url"] = f"{hook_url}/{self.name}"
        for metric in changed["spec"]["analysis"].get("metrics", ()):
            metric["interval"] = f"{interval_s:g}s"
        if "scaleDownDelay" in changed["spec"]:
            changed["spec"]["scaleDownDelay"] = f"{_SCALE_DOWN_DELAY_S:g}s"
        return changed


def shared_objects() -> list[Json]:
    """The gateway, and the application that is not released."""
    return _read("gateway")


def _read(file: str) -> list[Json]:
    text = (EXAMPLES / FOLDER / f"{file}.yaml").read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


def _copied(service: str) -> tuple[Side, Side]:
    """The sides of a Canary with targetRef: the copy serves."""
    return Side((f"{service}-primary", ""), f"{service}-primary"), Side((f"{service}-canary", ""), service)


BYSTANDER = "plain"
TCP = Kind("tcp", "queue", *_copied("queue"), swaps=False, user="")
TLS = Kind(
    "tls", "vault", Side(("vault", "v1"), "vault-v1"), Side(("vault", "v2"), "vault-v2"),
    swaps=True, user="vault", bystander_percent=20,
)  # fmt: skip
DELEGATION = Kind("delegation", "shop", *_copied("shop"), swaps=False, user="root")
KINDS = (TCP, TLS, DELEGATION)
