"""What a user's rule was in the fields that we change, as an annotation on the object tells it, and how it is again.

Pure. One annotation for each Canary, a JSON object: `rules` by the key of each rule (its section, and its name or a
digest of its `match`), `inserted` the names of rules that are ours. `ours` are the destinations whose weights are, as
`host` or as `host|subset`, and `added` those of them that were not written: these, and the keys of rules, are read by
deploy/policies/keep-weights.yaml too, as text. In a rule: `weights` as written, null for none, of those sides that were
there; `mirror` the fields about copies as written, and the side that ours go `to`; `cookies` that destinations get
some, and `headers` as these had them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rollouts.api.ownership import Owner, original_routes_annotation
from rollouts.api.resources import Manifest
from rollouts.traffic.istio_cookie import with_cookie
from rollouts.traffic.istio_metadata import annotation_operations, annotations_of
from rollouts.traffic.istio_mirror import MIRROR_FIELDS, copied
from rollouts.traffic.istio_weight import total_of
from rollouts.traffic.user_rules import others_in, side_in, weights_in
from rollouts.traffic.user_sides import Pair

Entry = dict[str, Any]
"""What is told of one rule."""


def read_record(owner: Owner, manifest: Manifest) -> dict[str, Entry]:
    """What the annotation says of each rule; nothing if somebody has mangled it."""
    try:
        found = json.loads(annotations_of(manifest).get(original_routes_annotation(owner), "{}"))
    except (ValueError, RecursionError):
        return {}
    rules = found.get("rules") if isinstance(found, dict) else None
    return {key: entry for key, entry in rules.items() if isinstance(entry, dict)} if isinstance(rules, dict) else {}


def is_marked(owner: Owner, manifest: Manifest | None) -> bool:
    """Whether the object bears our mark."""
    return manifest is not None and original_routes_annotation(owner) in annotations_of(manifest)


def mark_operations(
    owner: Owner, manifest: Manifest, rules: Mapping[str, Entry], **lists: Sequence[str]
) -> list[Manifest]:
    """Operations after which the annotation says this, with these of its lists: `inserted`, `ours`, `added`.

    Empty if it does. Without any rule there is to be none.
    """
    if not rules and not lists.get("inserted"):
        return unmark_operations(owner, manifest)
    told = {"rules": rules} | {name: list(found) for name, found in lists.items() if found}
    # In this order and as short as this, the policy finds in it what it looks for.
    value = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return annotation_operations(manifest, original_routes_annotation(owner), value)


def unmark_operations(owner: Owner, manifest: Manifest) -> list[Manifest]:
    """Operations that take the annotation off; empty if there is none."""
    return annotation_operations(manifest, original_routes_annotation(owner), None)


def keys_of(section: str, rules: Sequence[Manifest]) -> list[str]:
    """By what each rule is found again, wherever it stands by then."""
    keys: list[str] = []
    for rule in rules:
        text = json.dumps(rule.get("match"), sort_keys=True, separators=(",", ":"))
        base = f"{section}/{rule.get('name') or '#' + hashlib.sha256(text.encode()).hexdigest()[:12]}"
        again = sum(key == base or key.startswith(f"{base}/") for key in keys)
        keys.append(f"{base}/{again + 1}" if again else base)
    return keys


def weights_as_written(rule: Manifest, pair: Pair) -> dict[str, int | None]:
    """By side; without those that the rule does not name."""
    found = {side_in(route, pair): route.get("weight") for route in rule.get("route") or []}
    return {name: found[name] for name in pair.names if name in found}


def mirror_as_written(rule: Manifest, to: str) -> Entry:
    """What the rule says of copies before ours go to that side."""
    return {"to": to, "written": {field: rule[field] for field in MIRROR_FIELDS if field in rule}}


def restored(rule: Manifest, entry: Entry, pair: Pair, *, cookies: frozenset[str], parts: int) -> Manifest:
    """The rule without our copies and cookies and, with targetRef, without our weights and destination."""
    rule = _without_cookies(_without_copies(rule, entry, pair), entry, pair, cookies)
    return _without_weights(rule, entry.get("weights"), pair, parts) if pair.service is not None else rule


def narrowed(rule: Manifest, entry: Entry, pair: Pair) -> Manifest:
    """The rule without a subset that was added and gets nothing; one that is alone again has the weight as written."""
    known = entry.get("weights")
    if not isinstance(known, dict) or len(known) != 1:
        return rule
    added = next((name for name in pair.names if name not in known), "")
    if weights_in(rule, pair).get(added) != 0:
        return rule
    routes = [route for route in rule["route"] if side_in(route, pair) != added]
    if len(routes) == 1:
        # Alone it has everything, whatever weight was written.
        routes = [_weighed(routes[0], next(iter(known.values())), side_in(routes[0], pair))]
    return {**rule, "route": routes}


def _without_copies(rule: Manifest, entry: Entry, pair: Pair) -> Manifest:
    mirror = entry.get("mirror")
    if not isinstance(mirror, dict) or not isinstance(mirror.get("written"), dict):
        return rule
    to, written = mirror.get("to"), mirror["written"]

    def strip(fields: Manifest) -> Manifest:
        return copied(fields, 0, {}, lambda destination: pair.side_of(destination) == to)

    rest = {key: value for key, value in rule.items() if key not in MIRROR_FIELDS}
    now = strip({key: rule[key] for key in MIRROR_FIELDS if key in rule})
    # Somebody's own copies that were changed meanwhile stay; ours had them written as a list.
    theirs = as_list(now) == as_list(strip(written))
    return rest | (written if theirs else now)


def as_list(fields: Manifest) -> Any:
    """The copies as `mirrors`, in which one that is written alone means the same."""
    return copied(fields, 1, {"host": ""}, lambda _: False).get("mirrors", [])[:-1]


def _without_cookies(rule: Manifest, entry: Entry, pair: Pair, cookies: frozenset[str]) -> Manifest:
    known, routes = entry.get("headers"), rule.get("route") or []
    if not entry.get("cookies"):
        return rule
    written = known if isinstance(known, dict) else {}
    bare = [_bare(route, written.get(side), cookies) if (side := side_in(route, pair)) else route for route in routes]
    return rule if bare == routes else {**rule, "route": bare}


def _bare(route: Manifest, written: Any, cookies: frozenset[str]) -> Manifest:
    """Maps that were empty come back, and a cookie of that name that the user gave."""
    after = with_cookie(route, "", cookies)
    if not isinstance(written, dict):
        return after
    before = with_cookie({"headers": written}, "", cookies)
    same = _pruned(after.get("headers")) == _pruned(before.get("headers"))
    return {**after, "headers": written} if same else after


def _pruned(value: Any) -> Any:
    """Without what is empty: a cookie that goes takes the maps with it that it leaves empty."""
    if not isinstance(value, dict):
        return value
    inner = {key: _pruned(one) for key, one in value.items()}
    return {key: one for key, one in inner.items() if one not in ({}, None)} or None


def _without_weights(rule: Manifest, known: Any, pair: Pair, parts: int) -> Manifest:
    """As it was, unless somebody has given both another sum meanwhile: then the user's side has that."""
    if not isinstance(known, dict) or not known or not known.keys() <= set(pair.names):
        return rule
    routes = [route for route in rule.get("route") or [] if side_in(route, pair) in {"", *known}]
    if {side_in(route, pair) for route in routes} - {""} != known.keys():
        return rule
    before = {
        **rule,
        "route": [_weighed(route, known.get(side), side) for route in routes for side in [side_in(route, pair)]],
    }
    both, others, then = (
        sum(weights_in(rule, pair).values()),
        others_in(rule, pair),
        sum(weights_in(before, pair).values()),
    )
    if both in {then, total_of(then + others, others, parts)}:
        return before
    if len(known) > 1:
        return rule
    return {**rule, "route": [_weighed(route, both, side_in(route, pair)) for route in routes]}


def _weighed(route: Manifest, weight: int | None, side: str) -> Manifest:
    if not side:
        return route
    rest = {key: value for key, value in route.items() if key != "weight"}
    return rest if weight is None else rest | {"weight": weight}
