"""The play's Flux: what it leaves alone, what it takes for drift, and whose fields it takes for its own; and all of it,
by kubectl on a server of ours: what it reverts of a running release, with examples/gitops/flux.yaml and without.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.gitops.compare import LAST_APPLIED
from e2e.gitops.drifting import objects_of_git
from e2e.gitops.flux import EXAMPLE, MANAGER, Kustomization, compared, skips, taking_over
from e2e.gitops.ignore import Ignored
from e2e.gitops.tool import FLUX, Healed, Tool
from e2e.play.kubectl import apply, kubectl
from rollouts.embedded import serving, write_kubeconfig
from rollouts.testing.memory_server import MemoryServer

Json = dict[str, Any]
GROUP = "kustomize.toolkit.fluxcd.io"
TEXT = EXAMPLE.read_text(encoding="utf-8")
SHIPPED = Kustomization.of(TEXT)
PLAIN = replace(SHIPPED, patches=())
ROUTE, TARGET, SERVICE = "VirtualService", "Deployment", "Service"


def one(*, annotations: Json | None = None, **more: Any) -> Json:
    """An object."""
    metadata = {"name": "app", "namespace": "default", "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": SERVICE, "metadata": metadata, "spec": {"selector": {"app": "app"}}, **more}


@pytest.mark.parametrize(
    ("wanted", "live", "left"),
    [
        ({}, {}, False),
        ({f"{GROUP}/ssa": "IfNotPresent"}, {}, True),
        ({}, {f"{GROUP}/ssa": "IfNotPresent"}, False),
        ({f"{GROUP}/ssa": "Merge"}, {}, False),
        ({f"{GROUP}/ssa": "Ignore"}, {}, True),
        ({}, {f"{GROUP}/ssa": "Ignore"}, True),
        ({}, {f"{GROUP}/reconcile": "disabled"}, True),
        ({}, {f"{GROUP}/reconcile": "enabled"}, False),
    ],
)
def test_what_is_left_alone(wanted: Json, live: Json, left: bool) -> None:  # noqa: FBT001 - a row of a table
    """By an annotation in Git; some by one on the object, too: `IfNotPresent` counts where Git has it."""
    assert skips(one(annotations=wanted), one(annotations=live)) is left


def test_the_status_is_no_drift() -> None:
    """Nor who owns what, nor a finalizer; another annotation is."""
    grown = one(status={"loadBalancer": {}})
    grown["metadata"] |= {"finalizers": ["a"], "managedFields": [], "annotations": {LAST_APPLIED: "{}"}}
    assert compared(grown) == compared(one())
    assert compared(one(annotations={"a": "b"})) != compared(one())


def entry(manager: str, fields: Json, operation: str = "Update", **more: str) -> Json:
    """Of managedFields."""
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def test_the_fields_of_kubectl_become_its_own() -> None:
    """With those that are its own already, as one; those of the controller stay the controller's."""
    ours = entry("rollouts", {"f:spec": {"f:selector": {}}}, "Apply")
    scaled = entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    live = one(annotations={LAST_APPLIED: "{}"})
    live["metadata"]["managedFields"] = [
        entry("kubectl-client-side-apply", {"f:spec": {"f:ports": {}}}),
        ours,
        entry(MANAGER, {"f:spec": {"f:type": {}}}, "Apply"),
        scaled,
        entry("kubectl-annotate", {"f:metadata": {"f:annotations": {"f:a": {}}}}),
    ]
    removed, replaced = taking_over(one(), live)
    assert removed == {
        "op": "remove",
        "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
    }
    fields = {"f:spec": {"f:ports": {}, "f:type": {}}, "f:metadata": {"f:annotations": {"f:a": {}}}}
    assert replaced["value"] == [entry(MANAGER, fields, "Apply"), ours, scaled]
    assert taking_over(one(annotations={f"{GROUP}/ssa": "Merge"}), live) == []
    live["metadata"] |= {"managedFields": [ours], "annotations": {}}
    assert taking_over(one(), live) == []


def test_a_patch_that_is_not_played_fails() -> None:
    """What users are shown and what is played must not part ways."""
    with pytest.raises(ValueError, match="not played"):
        Kustomization.of(TEXT.replace("{kind: Service, name: app}", "{kind: Service, labelSelector: app}"))


def test_the_example_changes_the_service_alone() -> None:
    """The labels of Flux are on everything; by the example's patch the Service is made once."""
    for manifest in objects_of_git():
        built = SHIPPED.built(manifest)
        assert built["metadata"].pop("labels").items() >= {f"{GROUP}/name": "app"}.items()
        once = manifest["kind"] == SERVICE and manifest["metadata"]["name"] == "app"
        assert skips(built, manifest) is once
        if once:
            assert built["metadata"].pop("annotations") == {f"{GROUP}/ssa": "IfNotPresent"}
        assert built["spec"] == manifest["spec"]


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Where kubectl goes, with all of Git applied by it, and a release of the Deployment under way: its routes, its
    size and its Service are no more what Git says.
    """
    async with serving(MemoryServer(lambda: datetime.now(UTC))) as url:
        write_kubeconfig(tmp_path / "kubeconfig", url)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
        await apply(*objects_of_git())
        to = [("app-primary", 60), ("app-canary", 40)]
        routes = [{"destination": {"host": f"{host}.default.svc.cluster.local"}, "weight": share} for host, share in to]
        await patch("virtualservice/app", {"op": "replace", "path": "/spec/http/1/route", "value": routes})
        await patch("service/app", {"op": "replace", "path": "/spec/selector", "value": {"app": "app-primary"}})
        await patch("deployment/app", {"op": "add", "path": "/spec/replicas", "value": 3})
        yield


async def patch(what: str, operation: Json) -> None:
    """As the controller does it, by its name."""
    await kubectl("patch", what, "--type=json", "--field-manager=rollouts", f"--patch={json.dumps([operation])}")


async def stands(what: str) -> Json:
    """The spec of an object."""
    spec: Json = json.loads(await kubectl("get", what, "--output=json"))["spec"]
    return spec


async def looked(tool: Tool) -> Healed:
    """What it did in one look."""
    tool.healed = Healed()
    await tool.look()
    return tool.healed


@pytest.mark.kube
async def test_without_a_word_it_reverts_routes_selector_and_size(server: None) -> None:
    """Once; and then it finds nothing."""
    sized = [
        {**one, "spec": {**one["spec"], "replicas": 2}} if one["kind"] == TARGET else one for one in objects_of_git()
    ]
    tool = Tool(FLUX, sized, Ignored(), PLAIN)
    reverted = (await looked(tool)).reverted
    assert {f"{kind} app {path}" for kind, path in (
        (ROUTE, ".spec.http[].route[].weight"), (ROUTE, ".spec.http[].route[].destination.host"),
        (SERVICE, ".spec.selector.app"), (TARGET, ".spec.replicas"),
    )} <= reverted.keys()  # fmt: skip
    assert (await stands("service/app"))["selector"] == {"app": "app"}
    assert (await stands("deployment/app"))["replicas"] == 2
    assert (await looked(tool)).differed == {}


@pytest.mark.kube
async def test_with_the_example_service_and_size_stay(server: None) -> None:
    """The weights do not, for this server has no policy; a commit comes in, and the tool is quiet after that."""
    tool = Tool(FLUX, objects_of_git(), Ignored(), SHIPPED)
    reverted = (await looked(tool)).reverted
    assert {name.split(" .")[0] for name in reverted} == {"VirtualService app"}
    assert (await stands("service/app"))["selector"] == {"app": "app-primary"}
    assert (await stands("deployment/app"))["replicas"] == 3
    assert (await looked(tool)).differed == {}
    changed = copy.deepcopy(tool.git[ROUTE, "app"])
    changed["spec"]["http"][1]["timeout"] = "7s"
    tool.commit(changed)
    healed = await looked(tool)
    assert (healed.differed, healed.reverted) == ({"VirtualService app": 1}, {})
    assert (await stands("virtualservice/app"))["http"][1]["timeout"] == "7s"


@pytest.mark.kube
@pytest.mark.parametrize(
    ("how", "weights", "waits"), [("IfNotPresent", [60, 40], "5s"), ("Merge", [None], "7s")], ids=["once", "merged"]
)
async def test_a_route_by_its_annotation(server: None, how: str, weights: list[int | None], waits: str) -> None:
    """Where there is no policy: what is made once keeps its weights, and no commit comes in; `Merge` reverts them."""
    tool = Tool(FLUX, objects_of_git(), Ignored(), PLAIN)
    route = copy.deepcopy(tool.git[ROUTE, "app"])
    route["metadata"]["annotations"] = {f"{GROUP}/ssa": how}
    route["spec"]["http"][1]["timeout"] = "7s"
    tool.commit(route)
    await tool.look()
    rule = (await stands("virtualservice/app"))["http"][1]
    assert [one.get("weight") for one in rule["route"]] == weights
    assert rule["timeout"] == waits


@pytest.mark.kube
async def test_what_kubectl_has_put_on_goes(server: None) -> None:
    """Fields that are in none of its files: those of kubectl go at the first look, those of the controller stay."""
    await kubectl("annotate", "virtualservice/app", "by-hand=1")
    await patch(
        "virtualservice/app", {"op": "add", "path": "/metadata/annotations/original.rollouts.dev~1app", "value": "x"}
    )
    await Tool(FLUX, objects_of_git(), Ignored(), SHIPPED).look()
    annotations = json.loads(await kubectl("get", "virtualservice/app", "--output=json"))["metadata"]["annotations"]
    assert annotations == {"original.rollouts.dev/app": "x"}
