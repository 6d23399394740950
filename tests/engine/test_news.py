from __future__ import annotations

import re
from typing import Any

import pytest

from rollouts.api.resources import CANARIES, EVENTS, Manifest
from rollouts.core.decision import Announcement
from rollouts.engine.editor import Edition
from rollouts.engine.news import render_event
from rollouts.testing.virtual_time import START

NEWS = Announcement("Advance", "Weight 0 -> 20 %")


def canary(name: str = "app", version: str = "7", uid: str = "u1") -> Manifest:
    """A stored Canary."""
    return {"metadata": {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": version}}


def name_of(manifest: Manifest, news: Announcement = NEWS) -> str:
    """The name of the Event."""
    name: str = render_event(manifest, Edition(news, 1, START), START).manifest["metadata"]["name"]
    return name


def test_the_event_says_it_on_the_canary() -> None:
    """Where `kubectl describe` looks for it."""
    write = render_event(canary(), Edition(Announcement("Rollback", "it failed", warning=True), 1, START), START)
    event = write.manifest
    assert (write.resource, event["kind"], event["metadata"]["namespace"]) == (EVENTS, "Event", "shop")
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Rollback", "it failed")
    about = event["involvedObject"]
    assert (about["apiVersion"], about["kind"]) == (CANARIES.api_version, CANARIES.kind)
    assert (about["namespace"], about["name"], about["uid"]) == ("shop", "app", "u1")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-02T12:00:00Z"
    assert render_event(canary(), Edition(NEWS, 1, START), START).manifest["type"] == "Normal"


def test_the_same_news_of_the_same_state_has_the_same_name() -> None:
    """Sent again by the next process, at another time, it is the same Event."""
    later = START.replace(hour=13)
    assert render_event(canary(), Edition(NEWS, 1, later), later).manifest["metadata"]["name"] == name_of(canary())


@pytest.mark.parametrize(
    ("manifest", "news"),
    [
        (canary(version="8"), NEWS),
        (canary(uid="u2"), NEWS),
        (canary(), Announcement("Advance", "Weight 20 -> 50 %")),
        (canary(), Announcement("Advancing", "Weight 0 -> 20 %")),
    ],
    ids=["later state", "another Canary of that name", "another message", "another reason"],
)
def test_other_news_has_another_name(manifest: Manifest, news: Announcement) -> None:
    """Nothing that is new is taken for something old."""
    assert name_of(manifest, news) != name_of(canary())


@pytest.mark.parametrize("length", [1, 63, 236, 237, 253])
def test_the_name_is_one_that_the_server_takes(length: int) -> None:
    """A DNS subdomain of at most 253 characters, however long the Canary's name is."""
    name = name_of(canary("a" * length))
    assert len(name) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


def test_a_cut_name_ends_well() -> None:
    """A dot or a dash where a long name is cut would make an empty label."""
    for odd in ("-", "."):
        name: Any = name_of(canary("a" * 235 + odd + "b" * 17))
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


def test_a_long_message_is_cut() -> None:
    """The server takes 1024 characters."""
    event = render_event(canary(), Edition(Announcement("X", "ä" * 2000), 1, START), START).manifest
    assert event["message"] == "ä" * 1024
