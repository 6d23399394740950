"""Each builder's request, literally: what the server, RBAC and the audit log will see."""

from __future__ import annotations

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, RULES_REVIEWS, SECRETS, ObjectKey
from rollouts.errors import InvariantViolated
from rollouts.kube import requests
from rollouts.kube.requests import Request

KEY = ObjectKey("shop", "app")
CANARY = "/apis/rollouts.dev/v1beta1/namespaces/shop/canaries/app"

CASES = {
    "list": (requests.list_page(CANARIES), "list canaries.rollouts.dev", "GET", "/apis/rollouts.dev/v1beta1/canaries"),
    "watch": (
        requests.watch(CANARIES, resource_version="7", timeout_s=240),
        "watch canaries.rollouts.dev",
        "GET",
        "/apis/rollouts.dev/v1beta1/canaries",
    ),
    "get": (requests.get(CANARIES, KEY), "get canaries.rollouts.dev", "GET", CANARY),
    "create": (
        requests.create(EVENTS, {"metadata": {"namespace": "shop", "name": "e"}}),
        "create events",
        "POST",
        "/api/v1/namespaces/shop/events",
    ),
    "review": (
        requests.create(RULES_REVIEWS, {"spec": {"namespace": "shop"}}),
        "create selfsubjectrulesreviews.authorization.k8s.io",
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    ),
    "apply": (
        requests.apply(DEPLOYMENTS, {"metadata": {"namespace": "shop", "name": "app"}}, field_manager="rollouts"),
        "patch deployments.apps",
        "PATCH",
        "/apis/apps/v1/namespaces/shop/deployments/app",
    ),
    "json-patch": (requests.patch_json(CANARIES, KEY, []), "patch canaries.rollouts.dev", "PATCH", CANARY),
    "status": (
        requests.patch_status(CANARIES, KEY, resource_version="7", status={}),
        "patch canaries.rollouts.dev/status",
        "PATCH",
        f"{CANARY}/status",
    ),
    "delete": (
        requests.delete(CANARIES, KEY, propagation="Background", uid="", resource_version=""),
        "delete canaries.rollouts.dev",
        "DELETE",
        CANARY,
    ),
}


@pytest.mark.parametrize(("request_", "name", "method", "path"), CASES.values(), ids=CASES.keys())
def test_a_request_names_its_right_method_and_path(request_: Request, name: str, method: str, path: str) -> None:
    """Verb and resource are written as RBAC writes them, the path as the API server expects it."""
    assert (str(request_), request_.method, request_.path) == (name, method, path)


def test_lists_come_in_pages() -> None:
    """The first page has a limit only, the next ones the token too."""
    assert requests.list_page(CANARIES).query == (("limit", "500"),)
    assert requests.list_page(CANARIES, continue_token="t").query == (("limit", "500"), ("continue", "t"))


def test_a_watch_asks_for_bookmarks_from_its_place_and_for_an_end() -> None:
    """Without bookmarks an idle kind's position would grow too old; without an end a dead peer would go unnoticed."""
    asked = dict(requests.watch(CANARIES, resource_version="7", timeout_s=240).query)
    assert asked == {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7", "timeoutSeconds": "240"}


def test_apply_is_forced_and_completes_the_type() -> None:
    """The body carries apiVersion and kind in any case, and the caller's value stays as it is."""
    manifest = {"metadata": {"namespace": "shop", "name": "app"}, "spec": {"replicas": 1}}
    request = requests.apply(DEPLOYMENTS, manifest, field_manager="rollouts-scale")
    assert dict(request.query) == {"fieldManager": "rollouts-scale", "force": "true"}
    assert request.body == {**manifest, "apiVersion": "apps/v1", "kind": "Deployment"}
    assert request.content_type == "application/apply-patch+yaml"
    assert "kind" not in manifest


def test_patches_carry_their_own_content_type() -> None:
    """The library would send every patch as JSON Patch: each of ours says what it is."""
    operations = [{"op": "test", "path": "/a", "value": 1}]
    json_patch = requests.patch_json(CANARIES, KEY, operations)
    assert (json_patch.content_type, json_patch.body) == ("application/json-patch+json", operations)
    merge = requests.patch_status(CANARIES, KEY, resource_version="7", status={"phase": "Failed"})
    assert merge.content_type == "application/merge-patch+json"
    assert merge.body == {"metadata": {"resourceVersion": "7"}, "status": {"phase": "Failed"}}


def test_a_status_without_a_version_is_never_sent() -> None:
    """The server takes an empty version for no precondition at all: a lost update, made by us."""
    with pytest.raises(InvariantViolated):
        requests.patch_status(CANARIES, KEY, resource_version="", status={})


def test_a_delete_demands_only_what_is_named() -> None:
    """An empty uid would be a demand that no object meets."""
    free = requests.delete(CANARIES, KEY, propagation="Orphan", uid="", resource_version="")
    bound = requests.delete(CANARIES, KEY, propagation="Foreground", uid="u", resource_version="7")
    options = {"kind": "DeleteOptions", "apiVersion": "v1"}
    assert free.body == {**options, "propagationPolicy": "Orphan", "preconditions": {}}
    demanded = {"uid": "u", "resourceVersion": "7"}
    assert bound.body == {**options, "propagationPolicy": "Foreground", "preconditions": demanded}


def test_where_all_secrets_are_asked_for_their_content_is_not() -> None:
    """The server sends metadata, if it can; one that is asked for by name comes whole."""
    watched = requests.watch(SECRETS, resource_version="1", timeout_s=1)
    asked = requests.list_page(SECRETS), watched, requests.get(SECRETS, KEY)
    kinds = ("as=PartialObjectMetadataList;", "as=PartialObjectMetadata;", "")
    for request, kind in zip(asked, kinds, strict=True):
        accepted = dict(request.headers)["Accept"]
        assert kind in accepted
        assert accepted.split(",")[-1] == "application/json"
        assert ("PartialObjectMetadata" in accepted) is bool(kind)
    assert dict(requests.list_page(DEPLOYMENTS).headers)["Accept"] == "application/json"
