"""VirtualServices of users, drawn from Istio's own schema: whatever it admits, and what it does not know yet.

Their routes are biased to lead to the two sides of a Canary, as subsets of one host or as Services, among rules and
destinations of others, with names that are missing or stand there twice.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from rollouts.api.resources import Manifest
from tests.adapters.structural_values import values

SCHEMA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "schemas/virtual-service-v1.yaml").read_text())
SECTIONS = ("http", "tls", "tcp")
SUBSETS = ({"host": "app", "subset": "v1"}, {"host": "app", "subset": "v2"})
HOSTS = ("app", "app.shop", "app.shop.svc", "app.shop.svc.cluster.local")
"""Each means the clients' Service, to a VirtualService in the namespace shop."""
_NAMES = st.sampled_from([None, None, "default", "default", "api", ""])
_WEIGHTS = st.sampled_from([None, 0, 1, 7, 33, 50, 90, 100])
_OTHERS = st.sampled_from([{"host": "legacy"}, {"host": "app", "subset": "v3"}, {"host": "other", "subset": "v9"}])
_FEW = st.sampled_from([0, 0, 0, 2])
_FLAGS = st.booleans()
_BESIDE = ("redirect", "directResponse", "delegate")


def _items(section: str) -> dict[str, Any]:
    items: dict[str, Any] = SCHEMA["properties"][section]["items"]
    return items


def _route_schema(section: str) -> dict[str, Any]:
    items: dict[str, Any] = _items(section)["properties"]["route"]["items"]
    return items


@st.composite
def subset_services(draw: st.DrawFn) -> Manifest:
    """Of somebody whose two versions are subsets: one or both stand in some of the rules."""
    return draw(_services(_pairs_of_subsets()))


@st.composite
def host_services(draw: st.DrawFn) -> Manifest:
    """Of somebody whose clients know one Service: it stands in some of the rules, however it is spelled."""
    return draw(_services(_service_alone() | _both_services()))


@st.composite
def _services(draw: st.DrawFn, ours: st.SearchStrategy[list[Manifest]]) -> Manifest:
    spec = draw(values({**SCHEMA, "properties": {k: v for k, v in SCHEMA["properties"].items() if k not in SECTIONS}}))
    for section in SECTIONS:
        many: int = 3 if section == "http" else draw(_FEW)
        rules = draw(st.lists(_led(section, ours) | _led(section, ours) | _of_others(section), max_size=many))
        is_there: bool = draw(_FLAGS)
        if rules or is_there:
            spec[section] = rules
    metadata: Manifest = {"name": "app", "namespace": "shop", "resourceVersion": "77"}
    metadata |= draw(st.sampled_from([{}, {"annotations": {"team": "shop"}}, {"labels": {"a/b": "c"}}]))
    manifest = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}
    # As JSON, so that nothing stands in two places at once.
    alone: Manifest = json.loads(json.dumps(manifest))
    return alone


@st.composite
def _led(draw: st.DrawFn, section: str, ours: st.SearchStrategy[list[Manifest]]) -> Manifest:
    """A rule that leads to our sides, and to others perhaps."""
    rule = draw(_named(section))
    for field in _BESIDE:
        rule.pop(field, None)
    destinations = [*draw(ours), *draw(st.lists(_OTHERS, max_size=1))]
    rule["route"] = [draw(_routed(section, one)) for one in draw(st.permutations(destinations))]
    return rule


@st.composite
def _of_others(draw: st.DrawFn, section: str) -> Manifest:
    """A rule of others: as the schema has it."""
    return draw(_named(section))


@st.composite
def _named(draw: st.DrawFn, section: str) -> Manifest:
    rule: Manifest = draw(values(_items(section)))
    rule.pop("name", None)
    name = draw(_NAMES)
    return rule if name is None or section != "http" else {"name": name, **rule}


@st.composite
def _routed(draw: st.DrawFn, section: str, destination: Manifest) -> Manifest:
    route: Manifest = draw(values(_route_schema(section)))
    route.pop("weight", None)
    weight = draw(_WEIGHTS)
    return {**route, "destination": destination} | ({} if weight is None else {"weight": weight})


@st.composite
def _pairs_of_subsets(draw: st.DrawFn) -> list[Manifest]:
    both = draw(st.sampled_from([SUBSETS, SUBSETS, SUBSETS[:1], SUBSETS[1:]]))
    port = draw(st.sampled_from([{}, {"port": {"number": 80}}]))
    return [{**one, **port} for one in both]


@st.composite
def _service_alone(draw: st.DrawFn) -> list[Manifest]:
    further: list[Manifest] = [{}, {"port": {"number": 80}}, {"subset": "eu"}]
    more = draw(st.sampled_from(further))
    return [{"host": draw(st.sampled_from(HOSTS)), **more}]


@st.composite
def _both_services(draw: st.DrawFn) -> list[Manifest]:
    """As the peer's users write it: a Service for each side."""
    stable = draw(st.sampled_from(["app", "app-primary"]))
    return [{"host": stable}, {"host": "app-canary.shop.svc.cluster.local"}]
