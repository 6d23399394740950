from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts.core.revision import revision_of

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
