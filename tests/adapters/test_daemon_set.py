"""A DaemonSet's object: the copy that is made of it, its switch, its versions, and when its pods are ready."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import Manifest
from rollouts.core.revision import revision_of
from rollouts.testing.json_patch import patched
from rollouts.workloads.daemon_set import (
    NOWHERE,
    is_off,
    observe_daemon_set,
    render_daemon_set_copy,
    switch_operations,
    template_of,
)
from tests.adapters.golden import assert_golden
from tests.adapters.manifests import OWNER, canary_spec, target

COUNTS = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable")


def spec() -> CanarySpec:
    """A Canary for the DaemonSet."""
    wire = canary_spec().model_dump(by_alias=True)
    return CanarySpec.model_validate(wire | {"targetRef": {"kind": "DaemonSet", "name": "checkout"}})


def daemon_set(status: dict[str, Any] | None = None, **fields: Any) -> Manifest:
    """The user's DaemonSet on three nodes; `fields` are laid over its spec, `status` over a status without a flaw."""
    manifest = target() | {"kind": "DaemonSet"}
    for field in ("replicas", "strategy", "progressDeadlineSeconds"):
        del manifest["spec"][field]
    manifest["spec"] |= {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}, **fields}
    manifest["status"] = {
        "observedGeneration": 3,
        "numberMisscheduled": 0,
        **dict.fromkeys(COUNTS, 3),
        **(status or {}),
    }
    return manifest


def switched(manifest: Manifest, size: int) -> Manifest:
    """The same after our patch."""
    after: Manifest = patched(manifest, switch_operations(manifest, size))
    return after


def test_the_copy_is_rendered_whole() -> None:
    """As a Deployment's, with no number of pods, and rolled by a surge; of one that is off, without the switch."""
    assert_golden("primary-daemon-set", [render_daemon_set_copy(OWNER, spec(), daemon_set(), "9f86d081884c7d65")])
    off = switched(daemon_set(), 0)
    assert render_daemon_set_copy(OWNER, spec(), off, "r") == render_daemon_set_copy(OWNER, spec(), daemon_set(), "r")


@pytest.mark.parametrize(
    ("rolling", "surge"),
    [
        (None, 1), ({}, 1), ({"maxUnavailable": 1, "maxSurge": 0}, 1), ({"maxUnavailable": "20%"}, "20%"),
        ({"maxUnavailable": 3}, 3), ({"maxSurge": 2, "maxUnavailable": 0}, 2),
        ({"maxSurge": "0%", "maxUnavailable": 2}, 2),
    ],
    ids=["nothing said", "nothing said of it", "the default", "a share", "three at once", "a surge", "a surge of 0 %"],
)  # fmt: skip
def test_a_copy_is_rolled_at_the_targets_pace_and_never_with_a_gap(rolling: Any, surge: Any) -> None:
    """The primary has all traffic while it is rolled: on a node the old pod goes when the new one is there."""
    strategy = {"type": "RollingUpdate", **({} if rolling is None else {"rollingUpdate": rolling})}
    copy = render_daemon_set_copy(OWNER, spec(), daemon_set(updateStrategy=strategy), "r")
    assert copy["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": surge, "maxUnavailable": 0}


def test_switching_changes_one_field_and_back() -> None:
    """A choice of nodes that the user made stays; a second switch does nothing."""
    on = daemon_set()
    on["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    off = switched(on, 0)
    assert off["spec"]["template"]["spec"] == {**on["spec"]["template"]["spec"], "nodeName": NOWHERE}
    assert (is_off(on), is_off(off)) == (False, True)
    assert switched(off, 1) == on
    assert (switch_operations(on, 1), switch_operations(off, 0)) == ([], [])


@pytest.mark.parametrize(
    "status", [{"numberMisscheduled": 1}, {"observedGeneration": 2}], ids=["a pod is going", "nobody has seen it yet"]
)
def test_it_is_not_switched_on_while_pods_are_going(status: dict[str, Any]) -> None:
    """The controller would call them available, as long as they end, though no Service leads to them any more."""
    off = switched(daemon_set(status), 0)
    assert is_off(off)
    assert switch_operations(off, 1) == []


def test_a_node_name_of_the_user_is_not_touched() -> None:
    """It is no switch, in neither direction, and part of the version."""
    manifest = daemon_set()
    manifest["spec"]["template"]["spec"]["nodeName"] = "node-7"
    assert (switch_operations(manifest, 0), switch_operations(manifest, 1), is_off(manifest)) == ([], [], False)
    assert template_of(manifest)["spec"]["nodeName"] == "node-7"
    assert observe_daemon_set(manifest).revision != observe_daemon_set(daemon_set()).revision


@pytest.mark.parametrize(
    ("pod", "revision"),
    [
        pytest.param({}, "b11ce49df9b492ad", id="plain"),
        pytest.param({"nodeName": NOWHERE}, "b11ce49df9b492ad", id="plain and off"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, "e053a5650beba1df", id="on some nodes"),
        pytest.param(
            {"nodeSelector": {"disk": "ssd"}, "nodeName": NOWHERE}, "e053a5650beba1df", id="on some nodes and off"
        ),
        pytest.param({"nodeName": "node-7"}, "1d911148fb334012", id="on one node by its name"),
    ],
)
def test_revision_never_changes(pod: dict[str, Any], revision: str) -> None:
    """Fixed values, the same whether it is scaled to zero or not: another one would release everything again."""
    manifest = daemon_set()
    manifest["spec"]["template"]["spec"] |= pod
    assert observe_daemon_set(manifest).revision == revision


def test_the_revision_is_the_templates_as_of_any_kind() -> None:
    """Nothing but the switch is left out."""
    assert observe_daemon_set(daemon_set()).revision == revision_of(target()["spec"]["template"])


@pytest.mark.parametrize(
    ("manifest", "ready"),
    [
        pytest.param(daemon_set(), True, id="all there"),
        pytest.param(daemon_set({"observedGeneration": 2}), False, id="status of an older spec"),
        pytest.param(daemon_set({"updatedNumberScheduled": 2}), False, id="an old pod left"),
        pytest.param(daemon_set({"numberAvailable": 2}), False, id="one not available"),
        pytest.param(daemon_set({"currentNumberScheduled": 2}), False, id="a node without a pod"),
        pytest.param(daemon_set({"numberMisscheduled": 1}), True, id="a pod left on a node that fits no more"),
        pytest.param(daemon_set(dict.fromkeys(COUNTS, 0)), False, id="no node fits"),
        pytest.param(daemon_set() | {"status": {}}, False, id="no status yet"),
        pytest.param(switched(daemon_set(dict.fromkeys(COUNTS, 0)), 0), True, id="scaled to zero"),
        pytest.param(
            switched(daemon_set({"observedGeneration": 2}), 0), False, id="scaled to zero, but nobody has seen it",
        ),
        pytest.param(
            switched(daemon_set({**dict.fromkeys(COUNTS, 0), "numberMisscheduled": 3}), 0), False, id="pods that go",
        ),
    ],
)  # fmt: skip
def test_ready_means_on_all_nodes_that_fit(manifest: Manifest, ready: bool) -> None:  # noqa: FBT001
    """With the present template, and available; none where none is wanted."""
    assert observe_daemon_set(manifest).ready is ready


def test_its_size_is_a_switch() -> None:
    """One for all nodes, whatever their number; Kubernetes never gives its roll-out up."""
    on, off = observe_daemon_set(daemon_set()), observe_daemon_set(switched(daemon_set(), 0))
    assert (on.replicas, on.available, off.replicas, on.deadline_exceeded) == (1, 3, 0, False)
