"""Golden pages of what is made for each feature: what a user writes, and the manifests at each stage of a release.

A page is one YAML file in golden/istio. With UPDATE_GOLDEN=1 its manifests are written anew; what is asked stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
        page |= {"stages": [{"asked": stage["asked"], "made": shown} for stage, shown in _told(page)]}
        # What was read from JSON shares nothing, so that no part of a manifest is a reference to another.
        text = yaml.safe_dump(json.loads(json.dumps(page)), sort_keys=False, width=110, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
    return page


def stages_of(page: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """What is made at each stage; what is the same at all of them is shown at the first."""
    return [shown for _, shown in _told(page)]


def _told(page: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    first = made(page, page["stages"][0]["asked"])
    for index, stage in enumerate(page["stages"]):
        found = made(page, stage["asked"])
        lasting = [one for one in found if one["kind"] != "VirtualService" and one in first]
        yield stage, [one for one in found if index == 0 or one not in lasting]


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
