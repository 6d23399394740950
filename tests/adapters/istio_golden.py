"""Golden pages of what is made for each feature: what a user writes, and the manifests at each stage of a release.

A page is one YAML file in golden/istio. With UPDATE_GOLDEN=1 its manifests are written anew; what is asked stays.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from rollouts.api.canary import CanarySpec
from rollouts.core.routing import Routing
from rollouts.core.selector import SelectorLabel
from rollouts.traffic.destination_rules import find_inherited, render_destination_rules
from rollouts.traffic.istio import render_virtual_service
from rollouts.traffic.services import render_services
from tests.adapters.manifests import OWNER

PAGES = sorted(Path(__file__).with_name("golden").joinpath("istio").glob("*.yaml"))
_METRIC = {"name": "request-success-rate", "thresholdRange": {"min": 99}}


def read_page(path: Path) -> dict[str, Any]:
    """The page as it is; with UPDATE_GOLDEN=1 as it is to be, and written."""
    page: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if os.environ.get("UPDATE_GOLDEN") == "1":
        stages = [
            {"asked": stage["asked"], "made": made(page, stage["asked"])}  # keys in the order in which they are read
            for stage in page["stages"]
        ]
        page |= {"stages": stages}
        path.write_text(yaml.safe_dump(page, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")
    return page


def spec_of(page: dict[str, Any]) -> CanarySpec:
    """The Canary of the page; what every Canary has besides is not written there."""
    return CanarySpec.model_validate(
        {
            "targetRef": {"name": "checkout"},
            "service": page["service"],
            "analysis": {"metrics": [_METRIC]} | page["analysis"],
        }
    )


def routing_of(asked: dict[str, Any]) -> Routing:
    """What is asked at a stage."""
    return Routing(
        asked["weight"],
        mirror_percent=asked.get("mirrorPercent", 0),
        matched=asked.get("matched", False),
        session=asked.get("session", ""),
    )


def made(page: dict[str, Any], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The manifests of the kinds that the page shows."""
    spec = spec_of(page)
    services = render_services(OWNER, spec, SelectorLabel("app", "checkout"))
    rules = [one for one in page.get("yours", ()) if one["kind"] == "DestinationRule"]
    everything = [
        services.apex,
        services.primary,
        services.canary,
        *render_destination_rules(OWNER, spec, find_inherited(OWNER, spec, rules), "app"),
        render_virtual_service(OWNER, spec, routing_of(asked)),
    ]
    return [one for one in everything if one["kind"] in page["shows"]]
