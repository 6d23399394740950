"""What kubectl says of the embedded cluster alone: what is served there, and where it is not like every server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rollouts.api.resources import Manifest
from tests.embedded.cluster import embedded
from tests.embedded.kubectl_objects import canary, config, patch
from tests.embedded.kubectl_script import Kubectl, Said, Step

pytestmark = pytest.mark.kube


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    """With a cluster of its own."""
    async with embedded("own", tmp_path) as made:
        yield made


async def said(kubectl: Kubectl, line: str, *objects: Manifest) -> Said:
    """What a command says."""
    return await kubectl.run(Step(line, objects))


async def test_what_is_served(kubectl: Kubectl) -> None:
    """By name, short name and category; also what the controller needs of Istio."""
    told = await said(kubectl, "api-resources --no-headers")
    rows = {line.split()[0]: line.split()[1:] for line in told.out.splitlines()}
    assert rows["canaries"] == ["rcn", "rollouts.dev/v1beta1", "true", "Canary"]
    assert {"deployments", "services", "events", "configmaps", "virtualservices", "destinationrules"} < set(rows)
    everything = await said(kubectl, "api-resources --categories=all -o name")
    assert {"canaries.rollouts.dev", "deployments.apps", "services"} < set(everything.out.split())
    assert (await said(kubectl, "version")).status == 0
    assert "rollouts.dev/v1beta1" in (await said(kubectl, "api-versions")).out


async def test_all_namespaces(kubectl: Kubectl) -> None:
    """With the namespace in front."""
    assert (await said(kubectl, "create -f -", canary())).status == 0
    head, row = (await said(kubectl, "get canaries -A")).out.splitlines()
    assert head.split()[:2] == ["NAMESPACE", "NAME"]
    assert row.split()[:2] == [kubectl.namespace, "app"]
    watched = await said(kubectl, "get namespaces --request-timeout=5s")
    assert kubectl.namespace in watched.out


async def test_an_unknown_field_in_an_apply_on_the_server(kubectl: Kubectl) -> None:
    """Refused in the words that are used elsewhere."""
    told = await said(kubectl, "apply --server-side -f -", canary(stepweight=20))
    assert told.status == 1
    assert 'strict decoding error: unknown field "spec.analysis.stepweight"' in told.err


async def test_a_new_kind_is_served_at_once(kubectl: Kubectl) -> None:
    """With its columns, its checks and its explanation, as soon as its definition is there."""
    size = {"type": "integer", "description": "How big it is.", "maximum": 9}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": size}}}}
    column = {"name": "Size", "type": "integer", "jsonPath": ".spec.size"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
               "additionalPrinterColumns": [column]}  # fmt: skip
    names = {"plural": "boxes", "singular": "box", "kind": "Box"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
           "metadata": {"name": "boxes.example.com"}, "spec": spec}  # fmt: skip
    box = {"apiVersion": "example.com/v1", "kind": "Box", "metadata": {"name": "a"}, "spec": {"size": 3}}
    assert (await said(kubectl, "apply -f -", crd)).status == 0
    assert (await said(kubectl, "wait crd boxes.example.com --for=condition=Established --timeout=5s")).status == 0
    assert (await said(kubectl, "apply -f -", box)).out == "box.example.com/a created\n"
    assert (await said(kubectl, "get boxes")).out.split() == ["NAME", "SIZE", "a", "3"]
    assert "How big it is." in (await said(kubectl, "explain box.spec.size")).out
    refused = await said(kubectl, f"patch box a --type merge {patch(spec={'size': 10})}")
    assert "spec.size in body should be less than or equal to 9" in refused.err


async def test_a_namespace_takes_all_with_it(kubectl: Kubectl) -> None:
    """As on a cluster with its controllers."""
    assert (await said(kubectl, "create -f -", config("settings"), canary())).status == 0
    assert (await said(kubectl, f"delete namespace {kubectl.namespace}")).status == 0
    assert (await said(kubectl, "get configmaps -A -o name")).out == ""
    assert "not found" in (await said(kubectl, "create -f -", config("late"))).err
