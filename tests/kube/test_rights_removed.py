"""Rights of the shipped role, taken away for real: the Canary says which, and nothing is left half made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES
from rollouts.api.status import ConditionType
from tests.engine.swap_world import service
from tests.engine.world import canary_manifest, deployment_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl
from tests.kube.release_world import real_world
from tests.kube.waiting import until

pytestmark = [pytest.mark.kube, pytest.mark.timeout(180)]

ROLE = "clusterrole/rollouts-controller"


def _set_rules(rules: list[dict[str, Any]]) -> None:
    done = run_kubectl("patch", ROLE, "--type=merge", f"--patch={json.dumps({'rules': rules})}")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def rules() -> Iterator[list[dict[str, Any]]]:
    """The role's, which are back after the test."""
    rules: list[dict[str, Any]] = kubectl_json("get", ROLE)["rules"]
    yield rules
    _set_rules(rules)


@pytest.mark.parametrize(
    ("verb", "resource", "named"),
    [
        ("create", "deployments", "create deployments.apps"),
        ("patch", "virtualservices", "patch virtualservices.networking.istio.io"),
        ("delete", "services", "delete services"),
    ],
    ids=["make the copy", "move traffic", "take away what was made"],
)
async def test_a_right_that_is_taken_away_is_named(
    rules: list[dict[str, Any]], verb: str, resource: str, named: str
) -> None:
    """The Canary is not Ready, names the right and who grants it, and nothing was made; granted, it goes on."""
    without = [
        {**rule, "verbs": [one for one in rule["verbs"] if one != verb]} if resource in rule["resources"] else rule
        for rule in rules
    ]
    _set_rules(without)
    async with real_world() as world:
        await world.create((DEPLOYMENTS, deployment_manifest()), (SERVICES, service()), (CANARIES, canary_manifest()))
        await until(lambda: len(world.left()) == 3, within_s=30)
        before = world.left()
        world.start()

        def not_ready() -> str:
            told = [one for one in world.status.conditions if one.type == ConditionType.READY and one.status == "False"]
            return told[0].message if told else ""

        await until(lambda: named in not_ready(), within_s=60)
        assert f"may not {named} in namespace {world.namespace}" in not_ready()
        assert "deploy/base/rbac.yaml" in not_ready()
        assert world.left() == before

        _set_rules(rules)
        await until(lambda: world.left() > before, within_s=90)
