"""A user's VirtualService, in which two subsets share requests: the weights are ours, everything else is the user's.

Pure. Changed by a JSON Patch that tests what it hits and the version that was read. What the weights were when they
became ours stands in an annotation on the object, one for each Canary, which goes when the Canary goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rollouts.api.ownership import Owner, original_routes_annotation
from rollouts.api.resources import Manifest
from rollouts.api.subsets import RouteRef
from rollouts.core.routing import Routing
from rollouts.traffic.istio_patch import rule_operations
from rollouts.traffic.istio_rules import Placed, rules_of
from rollouts.traffic.subset_rules import Pair, Steered, find_steered, percent_in, several_hosts, shared, weights_in


def steered_rules(manifest: Manifest | None, ref: RouteRef, pair: Pair) -> list[Manifest]:
    """The rules that share their requests; none where that can't be told."""
    return [rules_of(manifest)[index] for index in _shared_indices(manifest, ref, pair)]


def route_flaw(manifest: Manifest | None, ref: RouteRef, pair: Pair) -> str:
    """Why its requests can't be shared, for a person; empty if they can."""
    sharing, testing, rules = _sharing(manifest, ref, pair), _testing(manifest, ref, pair), rules_of(manifest)
    ours = [rules[index] for index in (*sharing.indices, *testing.indices)]
    return sharing.flaw or testing.flaw or several_hosts(ours, pair)


def routed_percent(manifests: Sequence[Manifest | None], refs: Sequence[RouteRef], pair: Pair) -> int | None:
    """The canary's percent in all steered rules; None if they differ, or there is none."""
    found = {percent_in(rule, pair) for rule in _all_steered(manifests, refs, pair)}
    return found.pop() if len(found) == 1 else None


def subsets_carry(manifests: Sequence[Manifest | None], refs: Sequence[RouteRef], pair: Pair, share: Routing) -> bool:
    """Whether every object is there, and all its rules do what is asked of them."""
    for manifest, ref in zip(manifests, refs, strict=True):
        percents, rules = _percents(manifest, ref, pair, share), rules_of(manifest)
        if not percents or any(shared(rules[i], pair, percent) != rules[i] for i, percent in percents.items()):
            return False
    return True


def total_weights(manifests: Sequence[Manifest | None], refs: Sequence[RouteRef], pair: Pair) -> dict[str, int]:
    """What each subset has in all steered rules together."""
    found = [weights_in(rule, pair) for rule in _all_steered(manifests, refs, pair)]
    return {name: sum(weights[name] for weights in found) for name in pair.names}


def steering_operations(
    owner: Owner, manifest: Manifest, ref: RouteRef, *, pair: Pair, share: Routing
) -> list[Manifest]:
    """RFC 6902 operations after which the rules share the requests so, and say what they were; empty if they do."""
    percents, rules = _percents(manifest, ref, pair, share), rules_of(manifest)
    if not percents:
        return []
    operations = _rule_changes(rules, {i: shared(rules[i], pair, percent) for i, percent in percents.items()})
    if original_routes_annotation(owner) not in _annotations(manifest):
        operations += _remember(owner, manifest, [(index, rules[index]) for index in sorted(percents)], pair)
    return _at_version(manifest, operations)


def release_operations(
    owner: Owner, manifest: Manifest, ref: RouteRef, *, pair: Pair, share: Routing
) -> list[Manifest]:
    """Operations after which the object bears no mark of ours; empty if it bears none.

    Its requests are shared as `share` says, for the weights that were there may lead to a version without pods; a
    destination that was added goes, where it gets nothing.
    """
    key = original_routes_annotation(owner)
    if key not in _annotations(manifest):
        return []
    known, rules = _parsed(_annotations(manifest)[key]), rules_of(manifest)
    after = {}
    for index, percent in _percents(manifest, ref, pair, share).items():
        rule = shared(rules[index], pair, percent)
        after[index] = _narrowed(rule, known.get(_place(rules[index], index)), pair)
    operations = _rule_changes(rules, after)
    operations.append({"op": "remove", "path": f"/metadata/annotations/{_escaped(key)}"})
    return _at_version(manifest, operations)


def is_marked(owner: Owner, manifest: Manifest | None) -> bool:
    """Whether the object bears our mark."""
    return manifest is not None and original_routes_annotation(owner) in _annotations(manifest)


def _sharing(manifest: Manifest | None, ref: RouteRef, pair: Pair) -> Steered:
    return find_steered(rules_of(manifest), ref.rules, pair, apart=ref.canary_rules)


def _testing(manifest: Manifest | None, ref: RouteRef, pair: Pair) -> Steered:
    return find_steered(rules_of(manifest), ref.canary_rules, pair) if ref.canary_rules else Steered()


def _shared_indices(manifest: Manifest | None, ref: RouteRef, pair: Pair) -> tuple[int, ...]:
    return () if route_flaw(manifest, ref, pair) else _sharing(manifest, ref, pair).indices


def _percents(manifest: Manifest | None, ref: RouteRef, pair: Pair, share: Routing) -> dict[int, int]:
    """The canary's share in each rule that is ours to steer, by its place; empty where that can't be told."""
    indices = _shared_indices(manifest, ref, pair)
    testing = _testing(manifest, ref, pair).indices if indices else ()
    return dict.fromkeys(testing, 100 if share.testers else 0) | dict.fromkeys(indices, share.weight)


def _all_steered(manifests: Sequence[Manifest | None], refs: Sequence[RouteRef], pair: Pair) -> list[Manifest]:
    return [rule for one, ref in zip(manifests, refs, strict=True) for rule in steered_rules(one, ref, pair)]


def _rule_changes(rules: list[Manifest], after: dict[int, Manifest]) -> list[Manifest]:
    return rule_operations(rules, [Placed(index, after.get(index, rule)) for index, rule in enumerate(rules)])


def _remember(owner: Owner, manifest: Manifest, rules: list[tuple[int, Manifest]], pair: Pair) -> list[Manifest]:
    told = {_place(rule, index): _weights_as_written(rule, pair) for index, rule in rules}
    value = json.dumps(told, sort_keys=True, separators=(",", ":"))
    key = original_routes_annotation(owner)
    if not _annotations(manifest):
        return [{"op": "add", "path": "/metadata/annotations", "value": {key: value}}]
    return [{"op": "add", "path": f"/metadata/annotations/{_escaped(key)}", "value": value}]


def _weights_as_written(rule: Manifest, pair: Pair) -> dict[str, int | None]:
    """By subset; without those that the rule does not name."""
    routes = rule.get("route") or []
    found = {route.get("destination", {}).get("subset"): route.get("weight") for route in routes}
    return {name: found[name] for name in pair.names if name in found}


def _narrowed(rule: Manifest, known: Any, pair: Pair) -> Manifest:
    """The rule without a destination that was added and gets nothing, and without a weight that was not written."""
    if not isinstance(known, dict) or len(known) != 1:
        return rule
    added = next((name for name in pair.names if name not in known), "")
    if weights_in(rule, pair).get(added) != 0:
        return rule
    routes = [route for route in rule["route"] if route.get("destination", {}).get("subset") != added]
    if len(routes) == 1 and None in known.values():
        routes = [{key: value for key, value in routes[0].items() if key != "weight"}]
    return {**rule, "route": routes}


def _place(rule: Manifest, index: int) -> str:
    """By what a rule is found again: its name, else where it stands."""
    return str(rule.get("name") or f"#{index}")


def _parsed(text: str) -> dict[str, Any]:
    """What the annotation says; nothing if somebody has mangled it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _annotations(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _at_version(manifest: Manifest, operations: list[Manifest]) -> list[Manifest]:
    version = manifest["metadata"]["resourceVersion"]
    checked = [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]
    return [*operations, *checked] if operations else []
