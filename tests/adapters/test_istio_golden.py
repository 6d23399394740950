from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rollouts.testing.json_patch import patched
from rollouts.traffic.istio import carries, observed_weight, route_operations
from rollouts.traffic.release import release_route_operations
from tests.adapters.istio_golden import PAGES, made, read_page, routing_of, spec_of, stages_of
from tests.adapters.manifests import OWNER


def _virtual_service(page: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    (found,) = made(page | {"shows": ["VirtualService"]}, asked)
    stored: dict[str, Any] = json.loads(json.dumps(found))
    stored["metadata"]["resourceVersion"] = "77"
    return stored


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_each_feature_is_rendered_as_its_page_says(path: Path) -> None:
    """What a user writes, and what is made of it at rest, in mid-run and at the end."""
    page = read_page(path)
    assert [stage["made"] for stage in page["stages"]] == stages_of(page)


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_each_stage_is_reached_from_each_other_by_a_patch(path: Path) -> None:
    """Whatever stood there, the rules end as if they had been rendered so at once."""
    page = read_page(path)
    spec, stages = spec_of(page), [stage["asked"] for stage in page["stages"]]
    for before in stages:
        for after in stages:
            known, share = _virtual_service(page, before), routing_of(after)
            result = patched(known, route_operations(OWNER, spec, known, share))
            assert result["spec"] == _virtual_service(page, after)["spec"]
            assert observed_weight(OWNER, spec, result) == share.weight
            assert carries(OWNER, spec, result, share)
            assert route_operations(OWNER, spec, result, share) == []


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_what_is_made_leads_to_the_clients_service_when_the_canary_goes(path: Path) -> None:
    """No destination of ours is left, and none of our marks but the Canary's name."""
    page = read_page(path)
    for stage in page["stages"]:
        known = _virtual_service(page, stage["asked"])
        left = patched(known, release_route_operations(OWNER, spec_of(page), known))
        assert not {"checkout-primary", "checkout-canary"} & _hosts(left["spec"])
        assert not [key for key in left["metadata"]["annotations"] if "rollouts.dev/" in key]


def _hosts(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["host"]} if isinstance(node.get("host"), str) else set()
        return found.union(*(_hosts(child) for child in node.values()))
    return set().union(*(_hosts(child) for child in node)) if isinstance(node, list) else set()
