from __future__ import annotations

import copy

import pytest

from rollouts.api.resources import (
    ANALYSIS_TEMPLATES,
    CANARIES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    SECRETS,
    VIRTUAL_SERVICES,
    Manifest,
)
from rollouts.core.revision import content_digest
from rollouts.kube.selection import LAST_APPLIED, SELECTIONS, is_object, select_whole
from rollouts.testing.json_patch import patched
from rollouts.traffic.istio_metadata import annotation_operations

MANIFEST = {
    "metadata": {
        "name": "app",
        "uid": "u",
        "labels": {"a": "b"},
        "annotations": {LAST_APPLIED: "{}", "mine": "kept"},
        "managedFields": [{"manager": "kubectl"}],
    },
    "spec": {"replicas": 2},
    "status": {
        "readyReplicas": 1,
        "terminatingReplicas": 1,
        "conditions": [{"type": "Available", "status": "True", "lastUpdateTime": "now", "message": "m"}],
    },
}


def test_bookkeeping_is_dropped_and_the_rest_kept() -> None:
    """ManagedFields and the text of kubectl's annotation go, other annotations, labels, spec and status stay."""
    kept = select_whole(MANIFEST)
    annotations = {LAST_APPLIED: "", "mine": "kept"}
    assert kept["metadata"] == {"name": "app", "uid": "u", "labels": {"a": "b"}, "annotations": annotations}
    assert (kept["spec"], kept["status"]) == (MANIFEST["spec"], MANIFEST["status"])


@pytest.mark.parametrize("others", [{}, {"mine": "kept"}], ids=["alone", "with others"])
def test_our_annotation_comes_and_goes_beside_kubectls(others: dict[str, str]) -> None:
    """What kubectl needs for its next apply is there as it was, though the store does not hold it."""
    before: Manifest = {"metadata": {"name": "a", "annotations": {LAST_APPLIED: '{"kind":"x"}', **others}}}

    marked = patched(before, annotation_operations(select_whole(before), "ours", "1"))
    assert marked["metadata"]["annotations"] == before["metadata"]["annotations"] | {"ours": "1"}
    assert patched(marked, annotation_operations(select_whole(marked), "ours", None)) == before


def test_a_deployments_ticking_fields_are_dropped() -> None:
    """Times of conditions and counts that nobody reads would wake a Canary for nothing."""
    kept = SELECTIONS[DEPLOYMENTS](MANIFEST)
    assert kept["spec"] == MANIFEST["spec"]
    assert kept["status"] == {
        "readyReplicas": 1,
        "conditions": [{"type": "Available", "status": "True", "message": "m"}],
    }
    assert SELECTIONS[DEPLOYMENTS]({"metadata": {"name": "a"}})["status"] == {}


def test_a_route_has_no_status_and_a_canary_keeps_its_own() -> None:
    """What others write into a route's status is not ours to follow; a Canary's status is the truth we go on from."""
    assert "status" not in SELECTIONS[VIRTUAL_SERVICES](MANIFEST)
    assert CANARIES not in SELECTIONS
    assert "status" in SELECTIONS[ANALYSIS_TEMPLATES](MANIFEST)


def test_of_a_config_map_a_digest_is_kept() -> None:
    """Not what is in it, nor annotations of others: leader election beats in them."""
    metadata = {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "labels": {"x": "y"}}
    beats = {"control-plane.alpha.kubernetes.io/leader": "{}"}
    ours = {"rollouts.dev/config-tracking": "disabled", "rollouts.dev/copy-of": "c"}
    content = {"data": {"k": "v"}, "binaryData": {"b": "AA=="}}
    kept = SELECTIONS[CONFIG_MAPS]({"metadata": metadata | {"annotations": beats | ours}} | content)
    assert kept == {"metadata": metadata | {"annotations": ours}, "contentDigest": content_digest(content)}
    assert SELECTIONS[CONFIG_MAPS]({"metadata": {"name": "a"}})["contentDigest"] == content_digest({})


def test_selecting_changes_nothing_in_its_argument() -> None:
    """The answer to a write is handed to the caller whole, after the store has taken its part."""
    before = copy.deepcopy(MANIFEST)
    for select in (*SELECTIONS.values(), select_whole):
        select(MANIFEST)
    assert before == MANIFEST


def test_what_has_no_name_is_no_object() -> None:
    """Only an object with metadata and a name can be stored."""
    assert is_object({"metadata": {"name": "a"}})
    assert not any(map(is_object, ([], {}, {"metadata": []}, {"metadata": {}}, {"metadata": {"name": 1}}, None)))


def test_of_a_secret_nothing_is_kept_but_that_it_changed() -> None:
    """Neither its data nor an annotation, which may repeat them; each new version is a change."""
    metadata = {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "annotations": {LAST_APPLIED: "x"}}
    kept = [
        SELECTIONS[SECRETS]({"metadata": metadata | {"resourceVersion": version}, "data": {"password": "x"}})
        for version in ("7", "8")
    ]
    assert kept[0] == {
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7"},
        "changedAt": "7",
    }
    assert kept[0]["changedAt"] != kept[1]["changedAt"]
