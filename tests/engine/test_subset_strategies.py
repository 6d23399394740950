"""Two subsets and every strategy: what is laid over the user's routes in a run, and that nothing of it stays."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES, Manifest
from rollouts.api.status import Phase
from rollouts.core.measurement import Signal, Value
from tests.engine.swap_world import V2, Swap, routes, swap_canary
from tests.engine.world import KEY


def canary(**analysis: Any) -> Manifest:
    """With subsets; a field that is None is left out."""
    made = swap_canary()
    told = made["spec"]["analysis"] | analysis
    made["spec"]["analysis"] = {name: value for name, value in told.items() if value is not None}
    return made


def rules(swap: Swap) -> list[Manifest]:
    """The http rules now."""
    found: list[Manifest] = swap.world.get(VIRTUAL_SERVICES)["spec"]["http"]
    return found


def shares(rule: Manifest) -> dict[str, int | None]:
    """What one gives each subset."""
    return {item["destination"]["subset"]: item.get("weight") for item in rule["route"]}


A_B = {"stepWeights": None, "iterations": 2, "match": [{"headers": {"x-canary": {"exact": "yes"}}}]}


async def test_those_who_match_get_the_canary_and_all_get_it_at_the_end() -> None:
    """By a rule above the user's that inherits all of it, and that goes when the roles swap."""
    swap = await Swap.initialized(canary=canary(**A_B))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: len(rules(swap)) == 3)
    _, picked, rest = rules(swap)

    assert (picked["name"], picked["timeout"], picked["retries"]) == ("rollouts-app-match", "5s", {"attempts": 2})
    assert (shares(picked), shares(rest)) == ({"v1": 0, "v2": 100}, {"v1": 100, "v2": 0})
    await swap.world.run_until_phase(Phase.FINALISING)
    assert (len(rules(swap)), swap.weights) == (2, {"v1": 0, "v2": 100})
    await swap.world.run_until_quiet()
    assert (swap.world.status.stable_subset, swap.users_objects()) == ("v2", before)


async def test_those_who_match_are_led_back_at_once() -> None:
    """In the evaluation that found it, and the rule goes."""
    swap = await Swap.initialized(canary=canary(**A_B))
    swap.release(V2, "app:bad")
    await swap.world.run_until(lambda: len(rules(swap)) == 3)
    swap.measure("app-v2", Signal.SUCCESS_RATE, Value(50.0))
    await swap.world.run_until_phase(Phase.FAILED)

    assert (len(rules(swap)), swap.weights) == (2, {"v1": 100, "v2": 0})


async def test_a_deletion_while_requests_are_matched_takes_the_rule_away() -> None:
    """No mark stays."""
    swap = await Swap.initialized(canary=canary(**A_B))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: len(rules(swap)) == 3)
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)

    assert (len(rules(swap)), swap.weights) == (2, {"v1": 100, "v2": 0})
    assert swap.world.get(VIRTUAL_SERVICES)["metadata"]["annotations"] == {"team": "shop"}
    assert swap.users_objects() == before


async def test_copies_are_judged_before_anybody_is_answered() -> None:
    """They go to the subset that is released, and are gone before it gets weight."""
    swap = await Swap.initialized(canary=canary(mirror=True, mirrorWeight=30))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: "mirror" in rules(swap)[-1])
    rule = rules(swap)[-1]
    assert (rule["mirror"], rule["mirrorPercentage"]) == ({"host": "app", "subset": "v2"}, {"value": 30})
    assert shares(rule) == {"v1": 100, "v2": 0}
    await swap.world.run_until(lambda: swap.weights["v2"] == 20)
    assert "mirror" not in rules(swap)[-1]
    await swap.world.run_until_quiet()

    assert (swap.world.status.stable_subset, swap.users_objects()) == ("v2", before)


async def test_a_mirror_of_the_users_own_comes_back() -> None:
    """Though it leads to the version that is released, by another share."""
    route = routes(v1=90, v2=10)
    route["spec"]["http"][-1] |= {"mirror": {"host": "app", "subset": "v2"}, "mirrorPercentage": {"value": 100}}
    swap = await Swap.initialized(route, canary(mirror=True, mirrorWeight=30))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: rules(swap)[-1]["mirrorPercentage"] == {"value": 30})
    await swap.world.run_until_quiet()

    assert swap.users_objects() == before


async def test_clients_stay_with_their_version_by_a_cookie() -> None:
    """For as long as the release lasts."""
    swap = await Swap.initialized(canary=canary(sessionAffinity={"cookieName": "side"}))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)
    _, session, rest = rules(swap)
    assert (session["name"], shares(session)) == ("rollouts-app-session", {"v1": 0, "v2": 100})
    assert "side=" in rest["route"][1]["headers"]["response"]["add"]["Set-Cookie"]
    await swap.world.run_until_quiet()

    assert (swap.world.status.stable_subset, swap.users_objects()) == ("v2", before)
