"""Before anything is touched: rights and metrics are looked at, and what is missing is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.status import Phase
from rollouts.core.measurement import Sample, Unreachable, Value
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from rollouts.core.resting import PREFLIGHT, PREFLIGHT_RETRY, RIGHTS
from rollouts.core.routing import Routing
from rollouts.core.step import step
from tests.core.given import at, copy, pods, seen_at, spec_of, status_in
from tests.core.invariants import check
from tests.core.pods import Pods
from tests.core.world import World


def _new_world() -> World:
    world = World(spec_of(), Pods("a"))
    world.watchers.append(lambda before, seen, decision: check(world.spec, before, seen, decision))
    return world


@pytest.mark.parametrize(
    ("signal", "why", "reason"),
    [
        ("rights_missing", "may not patch virtualservices.networking.istio.io in namespace default", "Forbidden"),
        ("metrics_down", "http://prometheus:9090 refused the connection", "MetricsUnavailable"),
    ],
)
def test_nothing_is_made_while_something_is_missing(signal: str, why: str, reason: str) -> None:
    """Not Ready with the reason, asked again every 30 s, said once, and neither primary nor route made."""
    world, asked, said = _new_world(), [], []
    world.watchers.append(lambda _, seen, decision: asked.append(seen.now) if decision.asks else None)
    world.watchers.append(lambda _, __, decision: said.append(decision.announcement) if decision.announcement else None)
    setattr(world.signals, signal, why)

    world.run(100)

    ready = world.status.conditions[0]
    assert (ready.type, ready.status, ready.reason) == ("Ready", "False", reason)
    assert ready.message.startswith(why)
    assert asked == [at(0), at(30), at(60), at(90)]
    assert [news.reason for news in said] == [reason]
    assert (world.primary, world.route, world.apex_on_primary) == (None, None, False)


def test_a_review_that_nobody_answers_is_no_refusal() -> None:
    """What is unreachable is said, and when it is asked again; it is in fact, and goes on with the answer."""
    refused = "create selfsubjectrulesreviews.authorization.k8s.io: no answer within 10 s"
    samples = tuple(
        Sample(probe, at(9), Unreachable(refused) if probe == RIGHTS else Value(1.0)) for probe in PREFLIGHT
    )
    seen = seen_at(9, target=pods("a"), primary=None, route_weight=None, apex_on_primary=False, samples=samples)
    status = status_in(Phase.INITIALIZING)

    blocked = step(spec_of(), status, seen)

    ready = blocked.status.conditions[0]
    assert (ready.type, ready.status, ready.reason) == ("Ready", "False", "RightsUnknown")
    assert refused in ready.message
    assert "the API server" in ready.message
    assert "asked again every 30 s" in ready.message
    assert "may not" not in ready.message
    assert (blocked.wake_at, blocked.desired.copy_to_primary) == (at(9) + PREFLIGHT_RETRY, False)
    assert step(spec_of(), status, replace(seen, now=at(9) + PREFLIGHT_RETRY)).asks


def test_an_empty_answer_shows_that_the_source_is_alive() -> None:
    """No data is an answer: it does not keep a Canary from being made."""
    world = _new_world()
    world.signals.stable_rps = world.signals.canary_rps = None

    world.run(10)

    assert world.status.phase == "Initialized"


def test_order_of_making() -> None:
    """Routes are made when the primary is ready, and the Canary is initialized when they point at it."""
    world = _new_world()
    world.run(2)
    half = (world.primary is not None, world.route)

    world.run(3)

    assert half == (True, None)
    assert (world.route, world.apex_on_primary, world.status.phase) == (Routing(0), True, "Initialized")


def test_an_apex_that_points_elsewhere_is_waited_for() -> None:
    """Initialized is said only when the Service that clients use selects the primary."""
    world = _new_world()
    world.run(60)
    status = world.status.model_copy(update={"phase": "Initializing"})

    waiting = step(world.spec, status, replace(world.observe(), apex_on_primary=False))

    assert (waiting.event, waiting.message) == (
        Event.WAITED, "waiting for Services and routes to point at the primary",
    )  # fmt: skip


NEVER_UP = seen_at(9, target=pods("b"), primary=copy("a", 0, ready=False), route_weight=None, apex_on_primary=False)


@pytest.mark.parametrize(
    ("seen", "made"),
    [
        pytest.param(NEVER_UP, True, id="never up, and left behind"),
        pytest.param(replace(NEVER_UP, target=pods("a")), False, id="the target has no other version"),
        pytest.param(replace(NEVER_UP, target=None), False, id="no target"),
        pytest.param(replace(NEVER_UP, primary=copy("a", 1, ready=False)), False, id="it serves"),
        pytest.param(replace(NEVER_UP, route_weight=0), False, id="a route leads to it"),
        pytest.param(replace(NEVER_UP, apex_on_primary=True), False, id="clients are sent to it"),
    ],
)
def test_a_first_version_that_never_came_up_may_be_replaced(seen: Observed, *, made: bool) -> None:
    """A copy that nobody was ever sent to is made again; any other is what was proven."""
    decision = step(spec_of(), status_in(Phase.INITIALIZING), seen)

    assert (decision.event, decision.desired.copy_to_primary) == (Event.WAITED, made)


def test_nothing_is_made_before_the_queries_are_known_to_be_taken() -> None:
    """Whether a query is wrong is known before the target is copied; the answer wakes the Canary."""
    samples = tuple(Sample(probe, at(9), Value(1.0)) for probe in PREFLIGHT)
    seen = seen_at(9, target=pods("a"), primary=None, route_weight=None, apex_on_primary=False, samples=samples)
    status = status_in(Phase.INITIALIZING)

    waits, goes_on = (step(spec_of(), status, replace(seen, unvetted=unvetted)) for unvetted in (True, False))

    assert (waits.asks, waits.desired.copy_to_primary, goes_on.desired.copy_to_primary) == ((), False, True)
