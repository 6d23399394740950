from __future__ import annotations

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.core.routing import Routing
from rollouts.traffic.istio import render_virtual_service
from rollouts.traffic.istio_exposure import takes_away
from tests.adapters.istio_routes import MATCHED, MIRRORED, PLAIN, SESSION, STICKY, virtual_service
from tests.adapters.manifests import OWNER

ALL = Routing(100)


@pytest.mark.parametrize(
    ("spec", "before", "after"),
    [
        pytest.param(PLAIN, Routing(30), Routing(0), id="weight goes"),
        pytest.param(MIRRORED, Routing(0, mirror_percent=100), Routing(0), id="copies end"),
        pytest.param(MIRRORED, Routing(0, mirror_percent=100), Routing(0, mirror_percent=10), id="copies become fewer"),
        pytest.param(MIRRORED, Routing(50), Routing(0, mirror_percent=10), id="copies follow answers"),
        pytest.param(MATCHED, ALL, Routing(100, matched=True), id="narrowed to what matches"),
        pytest.param(MATCHED, Routing(40, matched=True), Routing(20, matched=True), id="less of what matches"),
        pytest.param(MATCHED, ALL, Routing(0, matched=True), id="all is taken"),
        pytest.param(STICKY, Routing(10, session=SESSION), Routing(0, session=SESSION), id="clients sent back"),
        pytest.param(STICKY, Routing(10, session=SESSION), Routing(10), id="clients no longer kept"),
    ],
)
def test_what_only_takes_from_the_canary_waits_for_nothing(spec: CanarySpec, before: Routing, after: Routing) -> None:
    """Weights, matches, copies and cookies."""
    assert takes_away(OWNER, spec, render_virtual_service(OWNER, spec, before), after)


@pytest.mark.parametrize(
    ("spec", "before", "after"),
    [
        pytest.param(PLAIN, Routing(30), Routing(30), id="nothing changes"),
        pytest.param(PLAIN, Routing(30), Routing(40), id="weight comes"),
        pytest.param(MIRRORED, Routing(0), Routing(0, mirror_percent=10), id="copies begin"),
        pytest.param(MIRRORED, Routing(0, mirror_percent=10), Routing(10), id="answers follow copies"),
        pytest.param(MATCHED, Routing(100, matched=True), ALL, id="given what does not match too"),
        pytest.param(STICKY, Routing(10), Routing(10, session=SESSION), id="clients kept"),
    ],
)
def test_what_gives_the_canary_more_waits_for_what_it_needs(spec: CanarySpec, before: Routing, after: Routing) -> None:
    """Also where it takes something at once; and where nothing changes there is nothing to hurry."""
    assert not takes_away(OWNER, spec, render_virtual_service(OWNER, spec, before), after)


def test_where_nothing_is_routed_nothing_can_be_taken() -> None:
    """No object, or one without a rule of ours."""
    assert not takes_away(OWNER, PLAIN, None, Routing(0))
    assert not takes_away(OWNER, PLAIN, virtual_service({"match": [{}]}), Routing(0))
