"""A user's VirtualService, in which two sides share requests: how they do, and the writes that change it.

Pure. Changed by a JSON Patch that tests what it hits and the version that was read. What we changed stands in an
annotation on the object, one for each Canary: with targetRef as long as it differs from what the user wrote, with
subsets until the Canary goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollouts.api.resources import Manifest
from rollouts.api.wire import WEIGHT_TOTAL_MAX
from rollouts.core.routing import Routing
from rollouts.traffic.istio_metadata import at_version
from rollouts.traffic.istio_mirror import copied, mirror_percent
from rollouts.traffic.istio_patch import rule_operations
from rollouts.traffic.istio_rules import Placed
from rollouts.traffic.istio_shape import match_rule_name
from rollouts.traffic.istio_weight import weight_of
from rollouts.traffic.user_record import is_marked, mark_operations, narrowed, unmark_operations
from rollouts.traffic.user_rules import SECTIONS, Place, part_in, shared, side_in, weights_in
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Found, Steering, inserted_kind, look, plan


@dataclass(frozen=True, slots=True)
class _Exposure:
    """What the canary has of one steered route's requests."""

    matched: int | None
    """Of those that match, where a rule of ours takes them; else of all."""
    others: int | None
    stays: bool
    """Whether its clients are kept there."""
    copies: float

    def answered(self) -> tuple[int, int, bool]:
        """What clients see."""
        return self.matched or 0, self.others or 0, self.stays


Seen = Sequence[tuple[Steering, Manifest | None]]
"""All objects of a Canary's `routeRefs`."""
Lists = Mapping[str, list[Placed]]
"""The routes of one object as they are to be, by section."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How all objects share requests now, beside how they are to."""

    weight: int | None
    """The canary's part, of the spec's weightTotal, in all steered rules; None if they differ, or there is none, or an
    object is gone. In a rule above which one of ours takes the requests that match, that one's."""
    carried: bool
    """Whether every object is there, and all its rules do what is asked of them."""
    takes_away: bool
    """Whether what is asked takes requests from the canary and gives it none: such a write waits for no other."""


def steered_rules(steering: Steering, manifest: Manifest | None) -> list[Manifest]:
    """The rules that share their requests, as they are without us; none where that can't be told."""
    if manifest is None:
        return []
    found = look(steering, manifest)
    return [found.bare[place.section][place.index].rule for place in found.sharing]


def places_of(steering: Steering, manifest: Manifest) -> tuple[set[Place], set[Place]]:
    """Where the routes were read that share their requests, and those of testers; none where that can't be told."""
    found = look(steering, manifest)

    def read(places: Sequence[Place]) -> set[Place]:
        at = ((place.section, found.bare[place.section][place.index].index) for place in places)
        return {Place(section, index) for section, index in at if index is not None}

    return read(found.sharing), read(found.testing)


def route_flaw(steering: Steering, manifest: Manifest) -> str:
    """Why its requests can't be shared, for a person; empty if they can."""
    return look(steering, manifest).flaw


def read_sharing(seen: Seen, share: Routing) -> Sharing:
    """What all objects do, where `share` is what they are to do. Each is looked at, and planned, once."""
    looked = [(steering, look(steering, manifest) if manifest is not None else None) for steering, manifest in seen]
    planned = [
        (steering, found, plan(steering, found, share).placed) for steering, found in looked if found is not None
    ]
    carried = len(planned) == len(looked) and all(
        not found.flaw and not _rule_changes(found, placed) for _, found, placed in planned
    )
    return Sharing(_weight_in(looked), carried, _take_away(planned))


def _weight_in(looked: Sequence[tuple[Steering, Found | None]]) -> int | None:
    shares: set[int | None] = set()
    for steering, found in looked:
        total = steering.spec.analysis.weight_total
        # Rules whose sums differ can't say the same share in finer parts.
        shares |= {None} if found is None else {one.matched for one in _exposures(steering, found, parts=total)}
    return shares.pop() if len(shares) == 1 else None


def total_weights(seen: Seen, pair: Pair) -> dict[str, int]:
    """What each side has in all steered rules together."""
    totals = dict.fromkeys(pair.names, 0)
    for steering, manifest in seen:
        for rule in steered_rules(steering, manifest):
            for side, weight in weights_in(rule, pair).items():
                totals[side] += weight
    return totals


def _take_away(planned: Sequence[tuple[Steering, Found, Lists]]) -> bool:
    pairs: list[tuple[_Exposure, _Exposure]] = []
    for steering, found, placed in planned:
        if not found.flaw:
            pairs += zip(_exposures(steering, found), _exposures(steering, found, placed), strict=True)
    answered = [two for old, new in pairs for two in zip(old.answered(), new.answered(), strict=True)]
    if any(old < new for old, new in answered):
        return False
    return any(old > new for old, new in answered) or any(old.copies > new.copies for old, new in pairs)


def steering_operations(steering: Steering, manifest: Manifest, share: Routing) -> list[Manifest]:
    """RFC 6902 operations after which the rules share the requests so, and say what they were; empty if they do."""
    found = look(steering, manifest)
    if found.flaw:
        return []
    wanted = plan(steering, found, share)
    operations = _rule_changes(found, wanted.placed)
    lists = {"inserted": wanted.inserted, "ours": wanted.ours, "added": wanted.added}
    operations += mark_operations(steering.owner, manifest, wanted.record, **lists)
    return at_version(manifest, operations)


def release_operations(steering: Steering, manifest: Manifest, share: Routing) -> list[Manifest]:
    """Operations after which the object bears no mark of ours and names nothing that goes; empty if so already.

    With subsets the requests are shared as `share` says, for the weights that were there may lead to a version without
    pods; a destination that was added goes, where it gets nothing. With targetRef they go to the clients' Service.
    """
    marked, pair = is_marked(steering.owner, manifest), steering.pair
    if not marked and pair.service is None:
        return []
    found = look(steering, manifest)
    placed = {section: list(bare) for section, bare in found.bare.items()}
    if pair.service is not None:
        placed = {key: [Placed(one.index, _past_us(one.rule, pair)) for one in rules] for key, rules in placed.items()}
    else:
        weights = dict.fromkeys(found.testing, share.weight_total if share.testers else 0) | dict.fromkeys(
            found.sharing, share.weight
        )
        for place, weight in weights.items():
            one, key = placed[place.section][place.index], found.keys[place.section][place.index]
            rule = narrowed(shared(one.rule, pair, weight, share.weight_total), found.record.get(key, {}), pair)
            placed[place.section][place.index] = Placed(one.index, rule)
    operations = _rule_changes(found, placed) + unmark_operations(steering.owner, manifest)
    return at_version(manifest, operations)


def _rule_changes(found: Found, placed: Lists) -> list[Manifest]:
    return [
        operation
        for section in SECTIONS
        for operation in rule_operations(found.lists[section], placed[section], section)
    ]


def _exposures(
    steering: Steering, found: Found, wanted: Lists | None = None, *, parts: int = WEIGHT_TOTAL_MAX
) -> list[_Exposure]:
    """Of each steered route, as read, or as `wanted` has it. Of tls and tcp routes only where nothing is matched."""
    read = {section: [Placed(i, rule) for i, rule in enumerate(rules)] for section, rules in found.lists.items()}
    placed, exposures = wanted or read, []
    for place in found.sharing:
        if place.section == "http" or not steering.spec.analysis.match:
            at = found.bare[place.section][place.index].index
            where = next(i for i, one in enumerate(placed[place.section]) if one.index == at)
            exposures.append(_exposure(steering, placed[place.section], where, section=place.section, parts=parts))
    return exposures


def _exposure(steering: Steering, placed: list[Placed], where: int, *, section: str, parts: int) -> _Exposure:
    pair, rule = steering.pair, placed[where].rule
    above = _above(steering, placed, where) if section == "http" else {}
    others = part_in(rule, pair, parts)
    matching = above.pop(match_rule_name(steering.owner), None)
    return _Exposure(
        part_in(matching, pair, parts) if matching is not None else others,
        others,
        any(part_in(one, pair, parts) for one in above.values()),
        mirror_percent(rule, lambda destination: pair.side_of(destination) == pair.canary),
    )


def _above(steering: Steering, placed: list[Placed], where: int) -> dict[str, Manifest]:
    """Rules of ours directly above one of the user's."""
    found: dict[str, Manifest] = {}
    for one in reversed(placed[:where]):
        kind = inserted_kind(steering, one.rule)
        if not kind:
            break
        found[kind] = one.rule
    return found


def _past_us(rule: Manifest, pair: Pair) -> Manifest:
    """The rule with the clients' Service in place of those that are made for the Canary, and no copies to these."""
    after = copied(rule, 0, {}, pair.goes_past_clients_service)
    routes = list(rule.get("route") or [])
    if not any(pair.goes_past_clients_service(route.get("destination") or {}) for route in routes):
        return after
    both = [route for route in routes if side_in(route, pair)]
    first = {**both[0], "destination": pair.destination_of(pair.stable, both[0]["destination"])}
    if len(both) < len(routes):
        first["weight"] = sum(weight_of(route) for route in both)
    elif len(both) > 1:
        first.pop("weight", None)
    place = routes.index(both[0])
    rest = [route for route in routes[place + 1 :] if route not in both]
    return {**after, "route": [*routes[:place], first, *rest]}
