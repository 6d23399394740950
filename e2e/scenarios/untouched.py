"""Whether the user's objects are what they were, but for what is ours in them. Pure.

Compared is canonical JSON (sorted keys, no blanks) without status, resourceVersion, generation and managedFields. Ours
are, and nothing else: annotations and labels of our group, the weights of the Canary's two subsets in rules that name
both, copies of requests to either, the second one where the user wrote one of them alone, and the replicas of its two
Deployments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from e2e.play.users_part import Json, Kept, canonical, users_part
from e2e.scenarios.stage import Stage


def kept(objects: Iterable[Json], stage: Stage) -> Kept:
    """The user's part of each object."""
    return {
        (item["kind"], item["metadata"]["name"]): canonical(_as_users(item, stage)) for item in objects
    }  # fmt: skip


def differences(before: Kept, now: Kept) -> Iterator[str]:
    """What is gone, new or changed, in words."""
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            how = "gone" if key not in now else "new" if key not in before else _first_difference(before[key], now[key])
            yield f"{' '.join(key)}: {how}"


def faults_of(kept_objects: Kept, key: tuple[str, str]) -> dict[str, Any]:
    """The fault of each http rule of one object that has one, by the rule's name."""
    rules = json.loads(kept_objects[key])["spec"]["http"] if key in kept_objects else []
    return {rule.get("name", ""): rule["fault"] for rule in rules if "fault" in rule}


def without_fault(kept_objects: Kept, key: tuple[str, str], rule: str) -> Kept:
    """The same objects, but for the fault in one http rule of one of them."""
    if key not in kept_objects:
        return kept_objects
    item = json.loads(kept_objects[key])
    for one in item["spec"]["http"]:
        if one.get("name") == rule:
            one.pop("fault", None)
    return {**kept_objects, key: canonical(item)}


def _as_users(item: Json, stage: Stage) -> Json:
    user = users_part(item)
    name = user["metadata"]["name"]
    if user["kind"] == "Deployment" and name in stage.deployments.values():
        user["spec"].pop("replicas", None)
    if (user["kind"], name) == stage.key:
        _without_weights(user, frozenset(stage.deployments), stage.alone)
    return user


def _without_weights(virtual_service: Json, subsets: frozenset[str], alone: Mapping[str, str]) -> None:
    """Also without the sum's sign: a rule whose two weights are ours keeps the third's as it is."""
    for rule in virtual_service["spec"].get("http", ()):
        routes = {route["destination"].get("subset"): route for route in rule.get("route", ())}
        if subsets <= routes.keys():
            for subset in subsets:
                routes[subset].pop("weight", None)
            if rule.get("name") in alone:
                rule["route"] = [route for route in rule["route"] if route is routes[alone[rule["name"]]]]
        _without_copies(rule, subsets)


def _without_copies(rule: Json, subsets: frozenset[str]) -> None:
    kept = [one for one in rule.pop("mirrors", ()) if one["destination"].get("subset") not in subsets]
    rule |= {"mirrors": kept} if kept else {}
    if rule.get("mirror", {}).get("subset") in subsets:
        del rule["mirror"]
        rule.pop("mirrorPercentage", None)


def _first_difference(before: str, now: str) -> str:
    at = next((place for place, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(0, at - 60)
    return f"...{before[begin : at + 60]}... has become ...{now[begin : at + 60]}..."
