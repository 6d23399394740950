from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.errors import SpecInvalid
from rollouts.workloads.primary_copy import render_primary, render_scale
from rollouts.workloads.state import find_target_port_problem, observe_deployment
from tests.adapters.golden import assert_golden
from tests.adapters.manifests import OWNER, canary_spec, target


def test_the_copy_is_rendered_whole() -> None:
    """The template and what rules its rollout are the target's; labels, selector and self-selection are the copy's."""
    assert_golden("primary", [render_primary(OWNER, canary_spec(), target(), "9f86d081884c7d65", 4)])


def test_rendering_leaves_the_target_alone() -> None:
    """Stored objects are shared, so nothing is changed in them."""
    original = target()
    render_primary(OWNER, canary_spec(), original, "r", 1)
    assert original == target()


def test_the_copys_pods_are_never_the_targets() -> None:
    """The target's selector does not match the copy's pods, nor the other way round."""
    original = target()
    primary = render_primary(OWNER, canary_spec(), original, "r", 1)
    for selected, pods in ((original, primary), (primary, original)):
        demanded = selected["spec"]["selector"]["matchLabels"].items()
        assert not demanded <= pods["spec"]["template"]["metadata"]["labels"].items()
        assert demanded <= selected["spec"]["template"]["metadata"]["labels"].items()


def test_a_target_without_a_label_to_part_by_is_refused() -> None:
    """The error names the Deployment and the labels that would do."""
    original = target()
    original["spec"]["selector"]["matchLabels"] = {"tier": "web"}
    with pytest.raises(SpecInvalid, match=r"checkout.*app, name, app\.kubernetes\.io/name"):
        render_primary(OWNER, canary_spec(), original, "r", 1)


def test_a_bare_target_gives_a_bare_copy() -> None:
    """What the target leaves out is not invented."""
    bare = {
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "checkout"}},
            "template": {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "web"}]}},
        },
    }
    primary = render_primary(OWNER, canary_spec(), bare, "r", 2)
    assert set(primary["spec"]) == {"replicas", "selector", "template"}
    assert primary["metadata"]["labels"] == OWNER.labels()


def test_scaling_says_replicas_and_nothing_else() -> None:
    """So that server-side apply takes no other field of the user's Deployment."""
    assert_golden("scale", [render_scale(target(), 0)])


def _changed(status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    manifest = target()
    manifest["spec"] |= spec
    manifest["status"] = {} if status is None else manifest["status"] | status
    return manifest


@pytest.mark.parametrize(
    ("manifest", "ready"),
    [
        pytest.param(target(), True, id="all there"),
        pytest.param(_changed({"observedGeneration": 2}), False, id="status of an older spec"),
        pytest.param(_changed({"updatedReplicas": 2}), False, id="an old pod left"),
        pytest.param(_changed({"availableReplicas": 2}), False, id="one not available"),
        pytest.param(_changed({"replicas": 4}), False, id="one too many"),
        pytest.param(_changed(), False, id="no status yet"),
        pytest.param(_changed({}, replicas=5), False, id="asked for more"),
        pytest.param(
            _changed({"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}, replicas=0),
            True,
            id="scaled to zero",
        ),
    ],
)
def test_ready_means_all_pods_run_this_template_and_are_available(manifest: dict[str, Any], ready: bool) -> None:  # noqa: FBT001
    """Any other count, or a status about another generation, is not ready."""
    assert observe_deployment(manifest).ready is ready


@pytest.mark.parametrize(
    ("condition", "generation", "exceeded"),
    [
        pytest.param(("Progressing", "False", "ProgressDeadlineExceeded"), 3, True, id="given up"),
        pytest.param(("Progressing", "False", "ProgressDeadlineExceeded"), 2, False, id="given up an older one"),
        pytest.param(("Progressing", "True", "ReplicaSetUpdated"), 3, False, id="on its way"),
        pytest.param(("Available", "False", "MinimumReplicasUnavailable"), 3, False, id="not available"),
    ],
)
def test_the_deadline_is_kubernetes_own_word(condition: tuple[str, str, str], generation: int, exceeded: bool) -> None:  # noqa: FBT001
    """Only the Progressing condition about the present spec counts."""
    fields = dict(zip(("type", "status", "reason"), condition, strict=True))
    manifest = _changed({"conditions": [fields], "observedGeneration": generation})
    assert observe_deployment(manifest).deadline_exceeded is exceeded


def test_a_deployment_is_observed_with_defaults() -> None:
    """Absent replicas mean one, an absent status nothing available, an absent annotation no source."""
    manifest = _changed()
    del manifest["spec"]["replicas"]
    state = observe_deployment(manifest)
    assert (state.replicas, state.available, state.source_revision) == (1, 0, "")


def test_the_copy_tells_what_it_was_copied_from() -> None:
    """Its annotation is read back; its own revision is another, since its labels differ."""
    primary = render_primary(OWNER, canary_spec(), target(), observe_deployment(target()).revision, 3)
    state = observe_deployment(primary)
    assert state.source_revision == primary["metadata"]["annotations"][REVISION_ANNOTATION]
    assert state.source_revision != state.revision


def test_scaling_and_status_do_not_change_the_revision() -> None:
    """A revision is the template's alone."""
    assert observe_deployment(_changed({}, replicas=9)).revision == observe_deployment(target()).revision


@pytest.mark.parametrize(
    ("port", "fine"),
    [
        pytest.param("http", True, id="a container's"),
        pytest.param("http-proxy", True, id="a sidecar's"),
        pytest.param(12345, True, id="a number"),
        pytest.param(None, True, id="the service's own"),
        pytest.param("debug", False, id="an init container's"),
        pytest.param("stats", False, id="UDP"),
        pytest.param("grpc", False, id="unknown"),
    ],
)
def test_a_named_target_port_has_to_exist(port: int | str | None, fine: bool) -> None:  # noqa: FBT001
    """Else the message names the port, the containers with their ports, and the ways out."""
    problem = find_target_port_problem(canary_spec(targetPort=port), target())
    if fine:
        assert problem == ""
    else:
        assert f'targetPort "{port}"' in problem
        assert "web: http; proxy: http-proxy" in problem
