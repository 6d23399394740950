"""The table of built-in types against a real server's OpenAPI: whatever it says of a field is true."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.schemas import schema_of
from tests.kube.kubectl import run_kubectl

pytestmark = pytest.mark.kube

GROUPS = {
    "Deployment": "apis/apps/v1",
    "DaemonSet": "apis/apps/v1",
    "ReplicaSet": "apis/apps/v1",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2",
    "Lease": "apis/coordination.k8s.io/v1",
    **dict.fromkeys(("Pod", "Service", "Namespace", "ConfigMap", "Secret", "ServiceAccount", "Event"), "api/v1"),
}
MERGE = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-patch-merge-key")


@cache
def published(group: str) -> dict[str, Manifest]:
    """The schemas of a group, as the server gives them."""
    done = run_kubectl("get", "--raw", f"/openapi/v3/{group}")
    assert done.returncode == 0, done.stderr
    schemas: dict[str, Manifest] = json.loads(done.stdout)["components"]["schemas"]
    return schemas


@pytest.mark.parametrize("kind", GROUPS)
def test_the_table_says_what_a_server_says(kind: str) -> None:
    """All fields of all types that are not open, what is required of them, and how their lists are merged."""
    schemas = published(GROUPS[kind])
    name = next(each for each in schemas if each.rpartition(".")[2] == kind)
    ours = schema_of(kind)
    assert ours is not None
    assert list(differences(ours, schemas[name], schemas, kind)) == []


def differences(ours: Manifest, theirs: Manifest, schemas: dict[str, Manifest], at: str) -> list[str]:
    """Where they are not the same."""
    theirs = resolved(theirs, schemas)
    if ours.get("x-kubernetes-map-type") != theirs.get("x-kubernetes-map-type"):
        return [f"{at}: one value, or not"]
    if ours.get("x-kubernetes-preserve-unknown-fields"):
        return []
    if "items" in ours:
        differing = [f"{at}: {key}" for key in MERGE if key in ours and ours[key] != theirs.get(key)]
        return differing + differences(ours["items"], theirs["items"], schemas, f"{at}[]")
    if "additionalProperties" in ours:
        return [] if "additionalProperties" in theirs else [f"{at}: no map"]
    if "properties" not in ours:
        return []
    lacking = set(theirs["properties"]) ^ set(ours["properties"])
    found = [f"{at}: {name}" for name in sorted(lacking)]
    for name in set(ours["properties"]) - lacking:
        found += differences(ours["properties"][name], theirs["properties"][name], schemas, f"{at}.{name}")
    return found


def resolved(schema: Manifest, schemas: dict[str, Manifest]) -> Manifest:
    """With what it refers to."""
    result: dict[str, Any] = dict(schema)
    for part in [*schema.get("allOf", []), schema]:
        if "$ref" in part:
            result = {**schemas[part["$ref"].rpartition("/")[2]], **result}
    return result
