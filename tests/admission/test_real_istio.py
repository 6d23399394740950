"""Istio's kinds as a server with Istio's definitions judges them, and as `admit` does with the same definitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.admission.admit import admit
from rollouts.admission.definition import Definition, definitions_of
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest
from tests.admission.real_server import real_server, refusal_of_ours
from tests.kube.kubectl import kubectl_json

pytestmark = pytest.mark.lab

GATEWAY_NAME = "gateways.networking.istio.io"
EXAMPLES = Path(__file__).parents[2] / "examples"


def _examples() -> Iterator[tuple[str, Manifest]]:
    for file in sorted(EXAMPLES.rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document and document["apiVersion"] == VIRTUAL_SERVICES.api_version:
                name = f"{file.parent.name}/{document['kind']}/{document['metadata']['name']}"
                yield name, document


def definition(name: str) -> Definition:
    """The version of a kind that we use, as the server defines it."""
    served = definitions_of(kubectl_json("get", "crd", name))
    return next(one for one in served if one.resource.api_version == VIRTUAL_SERVICES.api_version)


@pytest.mark.parametrize("manifest", [manifest for _, manifest in _examples()], ids=[name for name, _ in _examples()])
def test_the_routing_of_the_examples_is_admitted_as_it_is(manifest: Manifest) -> None:
    """Every field is known, and none is filled in."""
    plural = {"VirtualService": str(VIRTUAL_SERVICES), "DestinationRule": str(DESTINATION_RULES)}
    known = definition(plural.get(manifest["kind"], GATEWAY_NAME))

    assert admit(known, manifest).manifest == manifest


def _route(**http: Any) -> dict[str, Any]:
    return {"hosts": ["app"], "http": [{"route": [{"destination": {"host": "app"}}]} | http]}


@pytest.mark.parametrize(
    "spec",
    [
        _route(timeout="soon"),
        _route(timeout="0s"),
        _route(nope=1),
        _route(route=[{"weight": 1}]),
        _route(route=[{"destination": {"host": "app"}, "weight": "x"}]),
        _route(match=[{"uri": {"exact": "a", "prefix": "b"}}]),
        _route(match=[{"uri": {"exact": 1}}]),
        _route(match=[{"port": -1}]),
        _route(redirect={"port": 1, "derivePort": "FROM_PROTOCOL_DEFAULT"}),
        _route(fault={"delay": {"fixedDelay": "1s", "exponentialDelay": "1s"}}),
        {"hosts": "app"},
        {"http": [None]},
    ],
    ids=str,
)
async def test_a_bad_virtual_service_is_refused_in_the_servers_words(spec: Any) -> None:
    """Choices among fields, formats of numbers, durations."""
    manifest = {
        "apiVersion": VIRTUAL_SERVICES.api_version,
        "kind": VIRTUAL_SERVICES.kind,
        "metadata": {"name": "row", "namespace": "default"},
        "spec": spec,
    }
    async with real_server(VIRTUAL_SERVICES) as real:
        theirs = await real.refusal("POST", "", "dryRun=All&fieldValidation=Strict", manifest)

    assert refusal_of_ours(definition(str(VIRTUAL_SERVICES)), manifest) == theirs
