"""Whatever stands in the objects of users that the engine reads while a release runs.

Types are the API server's to see to. What it lets through of them, of annotations that somebody has mangled and of
fields that are not there, ends in a decision or in a problem that is told: never in a defect of ours, by which a
Canary would stand still without a word.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.ownership import (
    APPLIED_FIELDS_ANNOTATION,
    ORIGINAL_SELECTOR_ANNOTATION,
    Owner,
    original_routes_annotation,
)
from rollouts.api.resources import (
    AUTOSCALERS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    POLICY_NAME,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.measurement import NoData, Outcome
from rollouts.embedded.schemas import schema_of
from rollouts.engine.interest import interested
from rollouts.errors import RolloutsError
from rollouts.traffic.istio_fields import applied_fields
from rollouts.traffic.user_record import read_record
from tests.adapters.virtual_services import SCHEMA as VIRTUAL_SERVICE_SCHEMA
from tests.engine.scaled_world import HPA, autoscaler, scaled_canary
from tests.engine.swap_world import V1, V2, others, routes, service, subsets_rule, swap_canary, version
from tests.engine.test_user_routes import EDGE, edge, users_canary
from tests.engine.world import HOME, KEY, NAMESPACE, ScriptedMetrics, World, canary_manifest, deployment_manifest
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.lawful import lawful
from tests.fuzz.matter import TIMES, spoilt, stored, texts

DESTINATION_RULE_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {
    "spec": {"type": "object", "required": ["host"], "properties": {
        "host": {"type": "string"}, "exportTo": {"type": "array", "items": {"type": "string"}},
        "trafficPolicy": {"type": "object", "properties": {"portLevelSettings": {"type": "array", "items": {
            "type": "object", "properties": {
                "port": {"type": "object", "properties": {"number": {"type": "integer"}}}}}},
            "loadBalancer": {"type": "object", "properties": {"simple": {"type": "string"}}}}},
        "workloadSelector": {"type": "object", "properties": {"matchLabels": {
            "type": "object", "additionalProperties": {"type": "string"}}}},
        "subsets": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "trafficPolicy": {"type": "object", "properties": {}}}}}}}}}  # fmt: skip
MANGLED = st.one_of(
    texts, st.sampled_from(["[" * 5000, "{}", "[]", "null", "5", '"x"', '{"rules": 5}',
                           '{"rules": {"a": {"weights": 5}}}']),
    spoilt({"rules": {"http/default": {"weights": {"v1": 90}, "mirror": {"to": "v2", "written": {}},
                                       "headers": {"v1": {}},
                                       "cookies": True}}, "inserted": ["a"], "ours": ["app|v1"], "added": []}).map(
        lambda one: json.dumps(stored(one))),
).map(stored)  # fmt: skip
MARK = original_routes_annotation(Owner(NAMESPACE, "app", "uid-1"))


def schema(kind: str) -> Mapping[str, Any]:
    """Of a built-in kind."""
    found = schema_of(kind)
    assert found is not None
    return found


class AnyMetrics(ScriptedMetrics):
    """Has no data for what nobody expects: names may be others."""

    async def measure(self, query: str, at: datetime) -> Outcome:
        try:
            return await super().measure(query, at)
        except KeyError:
            return NoData()


def _played(world: World, resource: Resource, key: ObjectKey, changed: Manifest) -> None:
    """To the middle of a release; there the object becomes another one, and the release goes on, a while."""
    world.metrics.__class__ = AnyMetrics
    # What the world notes for other tests needs routes that are as these know them.
    world.cluster.on_change = lambda _resource, _key: setattr(world, "_dirty", True)
    with bounded_work(20):
        asyncio.run(_play(world, resource, key, changed))


async def _play(world: World, resource: Resource, key: ObjectKey, changed: Manifest) -> None:
    """Whatever is no error of ours ends the test."""
    for turn in range(6):
        try:
            wake_at = await world.settle()
        except RolloutsError:
            wake_at = None
        if turn == 1:
            _release(world)
        if turn == 3:
            world.cluster.put(resource, changed)
            # In the process a watch asks that, and what it let through would end the process.
            list(interested(world.cluster, resource, key))
        if wake_at is not None:
            world.clock.advance(max(0.0, (wake_at - world.clock.now()).total_seconds()))


def _release(world: World) -> None:
    key = KEY if world.cluster.stored(DEPLOYMENTS, KEY) is not None else V2
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}}
    world.cluster.edit(DEPLOYMENTS, key, image)


BY_NAME = {"type": "object", "properties": {"spec": VIRTUAL_SERVICE_SCHEMA}}
CONFIG = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": POLICY_NAME, "namespace": HOME},
    "data": {"freeze": "false", "freezeUntil": TIMES[0], "maxConcurrent": "2"},
}  # fmt: skip


def _of_target() -> World:
    return World(canary=canary_manifest())


def _of_users_route() -> World:
    return World(canary=users_canary(), others=[(VIRTUAL_SERVICES, edge()), (CONFIG_MAPS, CONFIG)])


def _of_subsets() -> World:
    return World(canary=swap_canary(), deployment=version(V1, "app:1"), others=others(routes(v1=90, v2=10)))


def _of_autoscaler() -> World:
    return World(canary=scaled_canary(), others=[(AUTOSCALERS, autoscaler())])


KEPT = {
    DEPLOYMENTS: frozenset({"spec", "selector", "template", "containers", "replicas", "matchLabels"}),
    SERVICES: frozenset({"spec", "ports", "port"}),
    AUTOSCALERS: frozenset({"spec", "scaleTargetRef", "maxReplicas", "minReplicas"}),
}
PLAYS = {
    "the target": (_of_target, DEPLOYMENTS, KEY, deployment_manifest(), schema("Deployment")),
    "the Service": (_of_subsets, SERVICES, KEY, service(), schema("Service")),
    "a Service of ours": (_of_target, SERVICES, KEY, service(), schema("Service")),
    "the users VirtualService": (_of_users_route, VIRTUAL_SERVICES, EDGE, edge(), BY_NAME),
    "our VirtualService": (_of_target, VIRTUAL_SERVICES, KEY, routes(v1=90, v2=10), BY_NAME),
    "the VirtualService of subsets": (_of_subsets, VIRTUAL_SERVICES, KEY, routes(v1=90, v2=10), BY_NAME),
    "the DestinationRule": (_of_subsets, DESTINATION_RULES, KEY, subsets_rule(), DESTINATION_RULE_SCHEMA),
    "a subset": (_of_subsets, DEPLOYMENTS, V2, version(V2, "app:9"), schema("Deployment")),
    "the stable subset": (_of_subsets, DEPLOYMENTS, V1, version(V1, "app:9"), schema("Deployment")),
    "the autoscaler": (_of_autoscaler, AUTOSCALERS, HPA, autoscaler(), schema("HorizontalPodAutoscaler")),
    "the policy": (_of_users_route, CONFIG_MAPS, ObjectKey(HOME, POLICY_NAME), CONFIG, schema("ConfigMap")),
}  # fmt: skip


@pytest.mark.parametrize("what", PLAYS)
@examples(6)
@given(data=st.data())
def test_an_object_may_become_anything(what: str, data: st.DataObject) -> None:
    """In the middle of a release, by another write of whoever owns it."""
    begin, resource, key, whole, known = PLAYS[what]
    changed = stored(data.draw(lawful(whole, known, KEPT.get(resource, frozenset()))))
    changed["metadata"] = {**(changed.get("metadata") or {}), "name": key.name, "namespace": key.namespace}
    _played(begin(), resource, key, changed)


MARKS = (APPLIED_FIELDS_ANNOTATION, ORIGINAL_SELECTOR_ANNOTATION, MARK)


@pytest.mark.parametrize("what", ["the Service", "a Service of ours", "the users VirtualService", "our VirtualService"])
@examples(6)
@given(texts_=st.tuples(MANGLED, MANGLED, MANGLED))
def test_our_marks_may_be_mangled(what: str, texts_: tuple[str, ...]) -> None:
    """What we remember on the objects of others, others can write."""
    begin, resource, key, whole, _ = PLAYS[what]
    marks = {**dict(zip(MARKS, texts_, strict=True)), **{mark.replace("uid-1", "x"): "[" * 5000 for mark in MARKS}}
    changed = copy.deepcopy(whole)
    changed["metadata"] |= {"annotations": marks}
    assert isinstance(applied_fields(changed), dict)
    assert isinstance(read_record(Owner(NAMESPACE, "app", "uid-1"), changed), dict)
    _played(begin(), resource, key, changed)
