from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts.core.revision import content_digest, revision_of, tracked_revision

TEMPLATE: dict[str, Any] = {
    "metadata": {"creationTimestamp": None, "labels": {"app": "app"}},
    "spec": {
        "containers": [{
            "name": "app", "image": "registry.example/app:1", "env": [{"name": "VERSION", "value": "a"}],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}], "resources": {},
            "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent",
        }],
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "securityContext": {}, "schedulerName": "default-scheduler",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "revision"),
    [
        pytest.param({}, "44136fa355b3678a", id="empty"),
        pytest.param({"metadata": {"labels": {"app": "app"}}}, "19a2fbd08d0fd181", id="labels only"),
        pytest.param(TEMPLATE, "313ef3ef276a626b", id="as a server stores it"),
        pytest.param({"metadata": {"annotations": {"note": "größer ≥ 1"}}}, "8cc414beba991aaf", id="beyond ASCII"),
    ],
)
def test_revision_never_changes(template: dict[str, Any], revision: str) -> None:
    """Fixed values: another one would make every Canary release again what it has released."""
    assert revision_of(template) == revision


def test_order_and_nulls_are_no_difference() -> None:
    """What the server never stores, and the order in which it tells, change nothing."""
    shuffled = dict(reversed(TEMPLATE.items()))
    shuffled["metadata"] = {"labels": {"app": "app"}, "annotations": None}

    assert revision_of(shuffled) == revision_of(TEMPLATE)


def test_order_of_a_list_is_a_difference() -> None:
    """The order of containers or of variables has a meaning."""
    other = copy.deepcopy(TEMPLATE)
    other["spec"]["containers"][0]["env"].append({"name": "MORE", "value": "1"})
    turned = copy.deepcopy(other)
    turned["spec"]["containers"][0]["env"].reverse()

    assert len({revision_of(TEMPLATE), revision_of(other), revision_of(turned)}) == 3


def test_the_template_is_left_as_it_is() -> None:
    """Nulls are left out of the hash, not of the object."""
    before = copy.deepcopy(TEMPLATE)

    revision_of(TEMPLATE)

    assert before == TEMPLATE


CONFIG = {"data": {"MODE": "a"}, "binaryData": {"KEY": "AAEC"}}


def test_digests_of_content_never_change() -> None:
    """Fixed values, as for templates."""
    assert content_digest({}) == "d827049039f82a8b"
    assert content_digest(CONFIG) == "9e50f904dfa44d04"
    assert content_digest(CONFIG, "uid") == "9a60fe5235af3206"
    tracked = [("Secret", "s", "1"), ("ConfigMap", "c", "2")]
    assert tracked_revision("313ef3ef276a626b", tracked) == "ae122c2555e8dc4b"
    assert tracked_revision("313ef3ef276a626b", reversed(tracked)) == "ae122c2555e8dc4b"


def test_without_configuration_the_revision_is_the_templates() -> None:
    """So that a Canary whose target reads none never notices that others do."""
    assert tracked_revision(revision_of(TEMPLATE), []) == revision_of(TEMPLATE) == "313ef3ef276a626b"


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"MODE": "b"}, "binaryData": {"KEY": "AAEC"}},
        {"data": {"MODE": "a"}, "binaryData": {"KEY": "AAED"}},
        {"data": {"MODE": "a", "KEY": "AAEC"}},
        {"data": {"MODE": "a"}},
        {"binaryData": {"MODE": "a", "KEY": "AAEC"}},
    ],
    ids=["text", "binary", "binary that is text now", "without binary", "text that is binary now"],
)
def test_every_difference_of_content_counts(other: dict[str, Any]) -> None:
    """Text and binary are told apart."""
    assert content_digest(other) != content_digest(CONFIG)


def test_what_is_no_content_does_not_count() -> None:
    """Labels, versions, types: pods see none of it; and empty is absent."""
    assert content_digest(CONFIG | {"metadata": {"labels": {"a": "b"}}, "type": "Opaque"}) == content_digest(CONFIG)
    assert content_digest({"data": {}, "binaryData": None}) == content_digest({})


def test_a_digest_in_place_of_the_content_is_the_digest() -> None:
    """The stores keep no more of a ConfigMap."""
    assert content_digest({"contentDigest": "0123"}) == "0123"


@pytest.mark.parametrize("change", [("ConfigMap", "c", "3"), ("ConfigMap", "d", "2"), ("Secret", "c", "2")], ids=str)
def test_kind_name_and_content_count(change: tuple[str, str, str]) -> None:
    """Each of them is part of the revision."""
    assert tracked_revision("t", [change]) != tracked_revision("t", [("ConfigMap", "c", "2")])
