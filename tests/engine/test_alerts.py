"""What people hear of a Canary by AlertProviders: which news, of whom, with which words, and once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rollouts.api.alert import Severity
from rollouts.api.alert_provider import AlertProviderSpec, ProviderType, SecretRef
from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import ALERT_PROVIDERS, CANARIES, ObjectKey
from rollouts.api.status import CanaryStatus, Notice, Phase
from rollouts.core.measurement import Value
from rollouts.core.notification import Notification
from rollouts.core.receipts import read_receipts
from rollouts.engine.alerting import Alerter, Listener, Sender
from rollouts.engine.destinations import Unusable, find_destination
from rollouts.engine.message_links import Telling
from rollouts.engine.subject import Subject
from rollouts.ports import Delivered, Destination, Undelivered
from rollouts.testing.hooks import YES
from rollouts.testing.virtual_time import run_virtually
from tests.engine.alerts import URL, alert, provider, secret
from tests.engine.world import HOME, KEY, SUCCESS_RATE, Crash, World, canary_manifest

MILESTONES = ["NewRevision", "Promoting", "Succeeded"]


CHAT = (alert(),)


def world_with(*others: Any, alerts: Any = CHAT, **analysis: Any) -> World:
    """A Canary with these alerts."""
    return World(canary=canary_manifest(alerts=list(alerts), **analysis), others=[secret(), *others])


def told(world: World) -> list[str]:
    """The reasons of what was told, in order."""
    return [one.reason for one in world.notifier.posted]


async def released(world: World) -> World:
    """A second version is promoted."""
    await world.initialize()
    world.notifier.posted.clear()
    world.notifier.threads.clear()
    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    return world


async def test_a_release_is_told_in_one_thread() -> None:
    """Its start begins the thread, the rest follows in it; each says which version, since when, and what is next."""
    world = await released(world_with(provider()))

    assert told(world) == MILESTONES
    first, *rest = world.notifier.threads
    assert first == ""
    assert set(rest) == {read_receipts(world.status.receipts).popitem()[1].thread}
    for one in world.notifier.posted:
        assert (one.version, one.name, one.namespace, one.cluster) == ("app:2", "app", "shop", "eu-1")
        assert (one.revision, one.target) == (world.status.last_applied_spec, "Deployment app")
        assert one.next
    assert [one.since == world.status.started_at for one in world.notifier.posted] == [True] * 3
    assert world.status.outbox == ()


async def test_a_release_after_it_has_a_thread_of_its_own() -> None:
    """What is told of another revision does not follow in the old thread."""
    world = await released(world_with(provider()))
    world.notifier.threads.clear()
    world.release("app:3")
    await world.run_until(lambda: world.status.last_promoted_spec == world.status.last_applied_spec)
    await world.run_until_quiet()

    assert [thread == "" for thread in world.notifier.threads] == [True, False, False]


async def test_a_failure_says_which_number_broke() -> None:
    """Severity error, the value against its limit, how much traffic it had, and what a person can do."""
    world = world_with(provider(severity="error"))
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    world.metrics.set(SUCCESS_RATE, Value(47.9))
    await world.run_until_phase(Phase.FAILED)
    await world.run_until_quiet()

    (one,) = world.notifier.posted
    assert (one.severity, one.reason) == (Severity.ERROR, "Rollback")
    assert re.fullmatch(r"eu-1/shop/app: rolled back after \d+ s", one.title)
    assert "at 20 % failed: request-success-rate 47.90 % (limit at least 99 %)" in one.message
    assert "actions.rollouts.dev/retry" in one.next
    assert one.since_words.endswith("s before)")


async def test_the_secret_is_read_when_it_is_needed_and_shown_nowhere() -> None:
    """It goes to the notifier; no Event, status or repr has it."""
    world = await released(world_with(provider()))

    assert world.notifier.destinations[-1].secret == {"address": URL}
    shown = repr(world.notifier.destinations) + repr(world.events()) + str(world.get(CANARIES))
    assert "secret-part" not in shown + str(world.get(ALERT_PROVIDERS, ObjectKey("shop", "chat")))


CHOICES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "everything": ({"detail": "all"}, ["NewRevision", "Advance", "Advance", "Promoting", "Succeeded"]),
    "from warn": ({"severity": "warn"}, []),
    "by phase": ({"phases": ["Succeeded"]}, ["Succeeded"]),
    "muted reason": ({"mute": ["Promoting"]}, ["NewRevision", "Succeeded"]),
    "muted for a time": ({"muteUntil": "2099-01-01T00:00:00Z"}, []),
    "muted before": ({"muteUntil": "2020-01-01T00:00:00Z"}, MILESTONES),
    "suspended": ({"suspend": True}, []),
}


@pytest.mark.parametrize(("spec", "reasons"), CHOICES.values(), ids=CHOICES.keys())
async def test_a_provider_chooses_what_it_tells(spec: dict[str, Any], reasons: list[str]) -> None:
    """By severity, phase, reason, time and detail; what it does not tell keeps nothing in the outbox."""
    world = await released(world_with(provider(**spec)))
    assert told(world) == reasons
    assert (world.status.outbox, world.status.notices_lost) == ((), 0)


async def test_two_alerts_by_one_provider_are_one() -> None:
    """The one that wants more counts."""
    alerts = (alert() | {"name": "quiet", "severity": "error"}, alert())
    assert told(await released(world_with(provider(), alerts=alerts))) == MILESTONES


async def test_providers_elsewhere_say_whose_canaries_they_are_for() -> None:
    """Named by a pattern it tells; without, the Event says what to do, and the provider's status too."""
    alerts = (alert("team", namespace="infra"),)
    places = [secret("chat", "infra"), provider("team", "infra", namespaces=["sh*"])]
    assert told(await released(world_with(*places, alerts=alerts))) == MILESTONES


async def test_a_provider_may_hear_of_every_canary() -> None:
    """In the Canary's namespace, or in the controller's for the namespaces that it lists; elsewhere it may not."""
    everywhere = {"everyCanary": True, "namespaces": ["*"]}
    for place, spec, reasons in (
        ("shop", {"everyCanary": True}, MILESTONES),
        (HOME, everywhere, MILESTONES),
        (HOME, {"everyCanary": True}, []),
        ("elsewhere", everywhere, []),
    ):
        world = await released(world_with(secret("chat", place), provider("all", place, **spec), alerts=()))
        assert told(world) == reasons, place


async def test_a_muted_gate_is_told_to_hooks_alone() -> None:
    """MuteAlert keeps the alert that a gate waits from people; programs hear of it."""
    for mute, reasons in ((False, ["Waiting"]), (True, [])):
        gate = {"type": "confirm-rollout", "name": "gate", "muteAlert": mute}
        event = {"type": "event", "name": "log", "url": "http://log.test/"}
        world = world_with(provider(), webhooks=[gate, event])
        world.hooks.script("http://log.test/", YES)
        await world.initialize()
        world.notifier.posted.clear()
        world.hooks.received.clear()
        world.release()
        await world.run_until_phase(Phase.WAITING)
        await world.settle()
        assert told(world) == reasons
        assert len(world.hooks.received) == 1


async def test_that_it_works_stands_in_the_providers_status() -> None:
    """Ready is written when that changes, and not with each message."""
    world = await released(world_with(provider()))
    stored = world.get(ALERT_PROVIDERS, ObjectKey("shop", "chat"))
    (ready,) = stored["status"]["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "True", "Delivered")
    written = [write for write in world.cluster.writes if write.resource == ALERT_PROVIDERS]
    assert len(written) == 1


class Dying:
    """Implements `ports.Notifier`: posts, and dies at the given attempt, before it or just after."""

    def __init__(self, world: World, at: int, *, after: bool) -> None:
        self._double = world.notifier
        self._left = at
        self._after = after

    async def notify(self, to: Destination, notification: Notification, thread: str) -> Delivered | Undelivered:
        """As the port says."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Crash
        outcome = await self._double.notify(to, notification, thread)
        if self._left == 0:
            raise Crash
        return outcome


async def _all_told(world: World) -> None:
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    ids = [one.id for one in world.notifier.posted]
    counts = {one: ids.count(one) for one in ids}
    assert list(dict.fromkeys(told(world))) == MILESTONES
    assert set(counts.values()) <= {1, 2}
    assert sum(counts.values()) - len(counts) <= world.crashes
    assert list(counts) == sorted(counts, key=lambda known: int(known.rpartition("-")[2]))
    assert (world.status.outbox, world.status.notices_lost) == ((), 0)


@pytest.mark.parametrize("after", [False, True], ids=["before sending", "before recording"])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_crash_around_a_message_loses_none(at: int, *, after: bool) -> None:
    """It is told by the next process under the same id: once, or twice if it had been sent."""
    world = world_with(provider())
    await world.initialize()
    world.notifier.posted.clear()
    dying: Any = Dying(world, at, after=after)
    world.notifier, double = dying, world.notifier
    world.restart()
    world.notifier = double
    world.release()
    await _all_told(world)
    assert world.crashes == 1
    ids = [one.id for one in world.notifier.posted]
    assert len(ids) == len(MILESTONES) + int(after)


async def test_a_crash_at_any_write_loses_none() -> None:
    """Before it or after it, for each write that a release makes."""
    world = world_with(provider())
    await world.initialize()
    quiet = len(world.cluster.writes)
    await released(world)
    for number in range(1, len(world.cluster.writes) - quiet + 1):
        world = world_with(provider())
        await world.initialize()
        world.notifier.posted.clear()
        left = [number]

        def die(_write: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Crash

        setattr(world.cluster, "after" if number % 2 else "before", die)
        world.release()
        await _all_told(world)
        assert world.crashes == 1


def test_what_reaches_nobody_is_said_on_the_canary() -> None:
    """An Event with whom it did not reach and why, a count in the status, and the provider is not Ready."""
    world = world_with(provider())

    async def story() -> None:
        await world.initialize()
        world.notifier.outage = Undelivered("HTTP 404: no_service", lasting=True)
        world.cluster.edit(CANARIES, KEY, {"spec": {"suspend": True}})
        await world.run_until_quiet(within_s=2 * 3600.0)

    run_virtually(world.clock, story())

    assert (world.status.outbox, world.status.notices_lost) == ((), 1)
    said = [message for reason, message in world.events() if reason == "NoticeLost"]
    assert said == ["Given up: notice 2 (Suspended): AlertProvider shop/chat did not get it: HTTP 404: no_service"]
    (ready,) = world.get(ALERT_PROVIDERS, ObjectKey("shop", "chat"))["status"]["conditions"]
    assert (ready["status"], ready["message"]) == ("False", "HTTP 404: no_service")


WAYS_TO_FAIL: dict[str, tuple[list[Any], str]] = {
    "no provider": ([secret()], "there is none of that name: make it, or take it out of analysis.alerts"),
    "no secret": ([provider(secretRef={"name": "absent"})], "Secret shop/absent does not exist"),
    "invalid": ([secret(), provider(type="pigeon")], "its spec is invalid: spec.type"),
}


@pytest.mark.parametrize(("others", "why"), WAYS_TO_FAIL.values(), ids=WAYS_TO_FAIL.keys())
def test_what_is_missing_is_named(others: list[Any], why: str) -> None:
    """In the Event, when it is given up; it holds up no release."""
    world = World(canary=canary_manifest(alerts=[alert()]), others=others)

    async def story() -> None:
        await world.initialize()

    run_virtually(world.clock, story())
    (said,) = [message for reason, message in world.events() if reason == "NoticeLost"]
    assert said.startswith("Given up: notice 1 (Initialized): AlertProvider shop/chat did not get it: ")
    assert why in said


async def test_a_provider_of_another_namespace_is_not_for_everybody() -> None:
    """Unless it says so, and the words say where."""
    world = world_with(provider("chat", "infra"), secret("chat", "infra"))
    canary = world.get(CANARIES)
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    alerter = Alerter(world.cluster, world.notifier, world.secrets, world.clock, Sender(HOME))
    notice = Notice(number=1, reason="Rollback", message="x", phase=Phase.FAILED, at=world.clock.now())
    listener = Listener(ObjectKey("infra", "chat"), Severity.INFO)
    told = await alerter.tell(listener, Telling(notice, subject, CanaryStatus()), "")
    assert told == Undelivered("it is not for namespace shop: add that to its spec.namespaces", lasting=True)
    assert world.notifier.posted == []


async def test_an_account_without_the_right_says_so() -> None:
    """Which right is missing, and nothing is posted."""
    world = world_with(provider())
    await world.initialize()
    world.notifier.posted.clear()
    world.secrets.forbidden = True
    spec = AlertProviderSpec(type=ProviderType.SLACK, secret_ref=SecretRef(name="chat"))
    found = await find_destination(world.secrets, spec, "shop")
    assert isinstance(found, Unusable)
    assert "get secrets" in found.reason


async def test_headers_and_keys_come_from_secrets() -> None:
    """And one that is none is refused by its name, never by its value."""
    ref = {"secretKeyRef": {"name": "chat", "key": "token"}}
    spec = AlertProviderSpec.model_validate(
        {"type": "webhook", "secretRef": {"name": "chat"}, "signing": ref, "headersFrom": [{"name": "X-Key", **ref}]}
    )
    world = world_with()
    for token, refused in (("good-token", ""), ("two\nlines", "is no value for a header"), ("", "is no value")):
        world.cluster.put(*secret(address=URL, token=token))
        found = await find_destination(world.secrets, spec, "shop")
        if refused:
            assert isinstance(found, Unusable)
            assert refused in found.reason
            assert "lines" not in found.reason.replace("one line", "")
        else:
            assert isinstance(found, Destination)
            assert (dict(found.headers), found.signing_key) == ({"X-Key": "good-token"}, b"good-token")
    world.cluster.put(*secret(address=URL, token="whsec_!"))
    found = await find_destination(world.secrets, spec, "shop")
    assert isinstance(found, Unusable)
    assert "is no signing key" in found.reason
