"""What every way to lead requests must do: the same cases for each, in memory and on a real API server."""

from __future__ import annotations

import copy
import json

import pytest

from rollouts.api.ownership import Owner
from rollouts.api.resources import DEPLOYMENTS
from rollouts.core.measurement import Rejected
from rollouts.engine.modes import mode_of
from rollouts.engine.rights import judge_rights
from rollouts.engine.routers import router_of
from rollouts.engine.subject import Subject
from rollouts.errors import Conflict
from rollouts.ports import PatchJson
from tests.contract.clusters import Arranged
from tests.contract.routers import ROUTES, THEIRS, Routes, Steered

EACH = pytest.mark.parametrize("routes", ROUTES)
STEPS = (10, 50, 100, 50, 0)


async def _begun(arranged: Arranged, routes: Routes) -> Steered:
    steered = Steered(arranged, routes)
    await steered.begin()
    return steered


@EACH
async def test_what_is_written_is_observed_and_not_written_again(arranged: Arranged, routes: Routes) -> None:
    """Up and down: the object says that weight, so does the router, and there is nothing more to write."""
    steered = await _begun(arranged, routes)
    for weight in STEPS:
        assert not steered.observe(weight).carried
        await steered.write(weight)
        seen = steered.observe(weight)
        assert (seen.weight, seen.carried, seen.takes_away) == (weight, True, False)
        assert routes.canary_part(steered.known()) == weight
        assert steered.missing(weight) == []


@EACH
async def test_rules_of_others_are_left_alone(arranged: Arranged, routes: Routes) -> None:
    """At every step, and when all is over: in their place, as they were."""
    steered = await _begun(arranged, routes)
    for weight in STEPS:
        await steered.write(weight)
        assert steered.rules()[0] == THEIRS
    await steered.release()
    assert steered.rules()[0] == THEIRS


@EACH
async def test_what_others_change_in_the_rule_stays(arranged: Arranged, routes: Routes) -> None:
    """A timeout that somebody writes in mid-run is there after the next step."""
    steered = await _begun(arranged, routes)
    await steered.write(10)
    rules = copy.deepcopy(steered.rules())
    rules[-1]["timeout"] = "9s"
    await arranged.other.edit(routes.kind, steered.key, {"spec": {"http": rules}})
    await steered.write(50)
    assert steered.rules()[-1]["timeout"] == "9s"
    assert steered.observe(50).weight == 50


@EACH
async def test_a_write_for_what_was_read_is_refused_if_it_has_changed(arranged: Arranged, routes: Routes) -> None:
    """Whatever has changed; the change stays, and the weight is as it was."""
    steered = await _begun(arranged, routes)
    await steered.write(10)
    [write] = steered.missing(50)
    await arranged.other.edit(routes.kind, steered.key, {"metadata": {"labels": {"team": "shop"}}})
    with pytest.raises(Conflict):
        await arranged.cluster.write(write)
    stored = await arranged.other.fetch(routes.kind, steered.key)
    assert stored is not None
    assert (routes.canary_part(stored), stored["metadata"]["labels"]["team"]) == (10, "shop")
    await steered.write(50)
    assert steered.observe(50).carried


@EACH
async def test_a_weight_that_somebody_resets_is_seen_and_put_back(arranged: Arranged, routes: Routes) -> None:
    """Drift."""
    steered = await _begun(arranged, routes)
    before = copy.deepcopy(steered.rules())
    await steered.write(50)
    await arranged.other.edit(routes.kind, steered.key, {"spec": {"http": before}})
    seen = steered.observe(50)
    assert (seen.weight, seen.carried) == (0, False)
    await steered.write(50)
    assert steered.observe(50).carried


@EACH
async def test_what_takes_requests_away_is_told_apart(arranged: Arranged, routes: Routes) -> None:
    """Such a write waits for no other."""
    steered = await _begun(arranged, routes)
    await steered.write(50)
    assert [steered.observe(weight).takes_away for weight in (0, 10, 50, 80)] == [True, True, False, False]


@EACH
async def test_once_released_nothing_leads_to_what_is_made_and_no_mark_is_left(
    arranged: Arranged, routes: Routes
) -> None:
    """From the middle of a run; the second time there is nothing to do."""
    steered = await _begun(arranged, routes)
    await steered.write(50)
    await steered.release()
    assert steered.releases() == []
    told = json.dumps([steered.rules(), steered.known()["metadata"].get("annotations")])
    assert not any(word in told for word in ("app-canary", "app-primary", "rollouts.dev"))
    assert routes.canary_part(steered.known()) == 0


@pytest.mark.parametrize("routes", [one for one in ROUTES if not one.values[0].made])
async def test_a_users_rule_is_as_it_was_when_it_is_released(arranged: Arranged, routes: Routes) -> None:
    """After a run through all steps; with subsets, the side that serves has everything, as it had at rest."""
    steered = await _begun(arranged, routes)
    before = steered.rules()
    for weight in STEPS[:-1]:
        await steered.write(weight)
    await steered.release()
    after = steered.rules()
    assert after == before


@EACH
async def test_an_object_that_is_gone_is_made_again_or_told(arranged: Arranged, routes: Routes) -> None:
    """Ours comes back as it was; of a user's the name is told, and what to do."""
    steered = await _begun(arranged, routes)
    await steered.write(50)
    assert steered.problems() == []
    await arranged.other.delete(routes.kind, steered.key)
    seen = steered.observe(50)
    assert (seen.weight, seen.carried) == (None, False)
    await steered.write(50)
    if routes.made:
        assert routes.canary_part(steered.known()) == 50
        return
    assert arranged.cluster.read(routes.kind, steered.key) is None
    [problem] = steered.problems()
    assert f"{routes.kind.kind} {arranged.namespace}/app" in problem
    assert "create it" in problem


@EACH
async def test_every_write_is_a_right_that_is_asked_for(arranged: Arranged, routes: Routes) -> None:
    """What a run and its end write is among the rights of the Canary; without them the missing one is named."""
    steered = await _begun(arranged, routes)
    subject = Subject(routes.canary, Owner(arranged.namespace, "app", "uid"), steered.spec)
    needed = {(right.verb, right.resource) for right in mode_of(steered.spec).rights(arranged.cluster, subject)}
    writes = steered.missing(50)
    await steered.write(50)
    writes += steered.releases()
    assert {("patch" if isinstance(write, PatchJson) else "create", write.resource) for write in writes} <= needed
    assert all(resource in router_of(steered.spec).kinds for resource in {write.resource for write in writes})


@EACH
async def test_a_right_that_is_missing_is_told(arranged: Arranged, routes: Routes) -> None:
    """By verb and kind, before anything is touched."""
    steered = Steered(arranged, routes)
    subject = Subject(routes.canary, Owner("shop", "app", "uid"), steered.spec)
    needed = mode_of(steered.spec).rights(steered.arranged.cluster, subject)
    granted = [{"verbs": ["*"], "apiGroups": ["", "apps", "rollouts.dev"], "resources": ["*"]}]
    outcome = judge_rights({"status": {"resourceRules": granted}}, "shop", needed)
    assert isinstance(outcome, Rejected)
    assert f"patch {routes.kind}" in outcome.reason
    assert str(DEPLOYMENTS) not in outcome.reason
