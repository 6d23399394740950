"""In which order a route and what it names are written: the canary loses requests first, and gains them last."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed
from rollouts.core.routing import Routing
from rollouts.engine.converge import missing_writes
from rollouts.engine.subject import Subject
from rollouts.ports import PatchJson, Write
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import VirtualClock
from rollouts.traffic.istio import render_virtual_service
from tests.engine.world import KEY, canary_manifest, deployment_manifest

MATCH = {"match": [{"headers": {"x-try": {"exact": "1"}}}]}
STICKY = {"sessionAffinity": {"cookieName": "app"}}


def _first_write(analysis: dict[str, Any], before: Routing, after: Routing) -> Write:
    """What is written first where the routes say `before`, are to say `after`, and all Services are gone."""
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(DEPLOYMENTS, deployment_manifest())
    cluster.put(CANARIES, canary_manifest(**analysis))
    canary = cluster.stored(CANARIES, KEY)
    assert canary is not None
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    cluster.put(VIRTUAL_SERVICES, render_virtual_service(subject.owner, subject.spec, before))
    seen = Observed(now=VirtualClock().now(), generation=1, target=None, primary=None, route_weight=None)
    return next(missing_writes(cluster, subject, seen, Desired(after, routing=True)))


@pytest.mark.parametrize(
    ("analysis", "before", "after"),
    [
        pytest.param({}, Routing(50), Routing(20), id="weight"),
        pytest.param({"mirror": True}, Routing(0, mirror_percent=100), Routing(0), id="copies"),
        pytest.param(MATCH, Routing(50), Routing(50, matched=True), id="requests that do not match"),
        pytest.param(STICKY, Routing(50, session="a1"), Routing(0, session="a1"), id="kept clients"),
    ],
)
def test_what_is_taken_from_the_canary_is_taken_first(
    analysis: dict[str, Any], before: Routing, after: Routing
) -> None:
    """It waits for no Service, whatever may be wrong with that."""
    write = _first_write(analysis, before, after)
    assert isinstance(write, PatchJson)
    assert write.resource == VIRTUAL_SERVICES


@pytest.mark.parametrize(
    ("analysis", "before", "after"),
    [
        pytest.param({}, Routing(20), Routing(50), id="weight"),
        pytest.param({"mirror": True}, Routing(0), Routing(0, mirror_percent=100), id="copies"),
        pytest.param({"mirror": True}, Routing(0, mirror_percent=100), Routing(20), id="answers in place of copies"),
        pytest.param(MATCH, Routing(50, matched=True), Routing(50), id="requests that do not match"),
        pytest.param(STICKY, Routing(0, session="a1"), Routing(50, session="a1"), id="kept clients"),
    ],
)
def test_what_the_canary_gains_waits_for_its_services(
    analysis: dict[str, Any], before: Routing, after: Routing
) -> None:
    """A route never names what is not there."""
    assert _first_write(analysis, before, after).resource == SERVICES
