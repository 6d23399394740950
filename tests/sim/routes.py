"""What a VirtualService does with requests, read as Istio reads it, and what it is meant to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus
from tests.sim.meaning import Meaning

INSIDER = ("x-canary", "insider")
"""The header of the requests that match, wherever a plan has matches."""
COOKIE = "stay"
"""The cookie of session affinity, wherever a plan has it."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Percent that the canary gets of each kind of request."""

    everyone: int
    matching: int
    mirror: int
    sticky: bool
    """Whether clients that had the canary before stay with it."""

    def exceeds(self, other: Shares) -> bool:
        """Whether any kind of request has more of the canary."""
        return (
            self.everyone > other.everyone
            or self.matching > other.matching
            or self.mirror > other.mirror
            or self.sticky > other.sticky
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What is there, and how exactly it can be said."""

    shares: Shares
    coarse: bool = False
    """Whether others have a part of the sum, so that single percents can't be told apart."""

    def does(self, wanted: Shares) -> bool:
        """Whether that is what is wanted, as near as can be."""
        if not self.coarse:
            return self.shares == wanted
        mine = self.shares
        near = abs(mine.everyone - wanted.everyone) <= 1 and abs(mine.matching - wanted.matching) <= 1
        return near and (mine.mirror, mine.sticky) == (wanted.mirror, wanted.sticky)


def meant(status: CanaryStatus, meaning: Meaning) -> Shares:
    """What a status of a Canary with that spec stands for."""
    weight = status.desired_weight
    return Shares(
        everyone=0 if meaning.matched and not status.stranded else weight,
        matching=weight,
        mirror=meaning.mirror_percent if status.mirrored else 0,
        sticky=meaning.sticky and weight > 0 and bool(status.session),
    )


def read_route(route: Manifest | None, name: str, session: str = "") -> Read | None:
    """What is done with requests; None where ours can't be told."""
    rules = rules_of(route)
    plain = next((rule for rule in rules if not rule.get("match")), None)
    insider = next((rule for rule in rules if _takes(rule, INSIDER)), None)
    sticky = next((rule for rule in rules if _takes(rule, ("cookie", f"{COOKIE}={session}"))), None)
    percents = [_percent(rule, name) for rule in (plain, insider, sticky)]
    everyone, matching, staying = percents
    if plain is None or everyone is None or matching is None or staying is None:
        return None
    stays = bool(session) and sticky is not plain and staying == 100
    coarse = any(others_of(rule, name) for rule in (plain, insider) if rule is not None)
    return Read(Shares(everyone, matching, _mirror(plain, f"{name}-canary"), stays), coarse)


def rules_of(route: Manifest | None) -> list[Manifest]:
    """The rules, in the order in which they are tried."""
    return [] if route is None else (route.get("spec") or {}).get("http") or []


def ours_of(rule: Manifest, name: str) -> tuple[int, int] | None:
    """The weights of primary and canary in a rule; None if it has not both."""
    weights = {part["destination"]["host"]: part.get("weight", 0) for part in rule.get("route") or ()}
    if not {f"{name}-primary", f"{name}-canary"} <= set(weights):
        return None
    return weights[f"{name}-primary"], weights[f"{name}-canary"]


def others_of(rule: Manifest, name: str) -> int:
    """What destinations of others have in a rule."""
    ours = {f"{name}-primary", f"{name}-canary"}
    return sum(part.get("weight", 0) for part in rule.get("route") or () if part["destination"]["host"] not in ours)


def _takes(rule: Manifest, header: tuple[str, str]) -> bool:
    """Whether a rule takes a request that is plain but for one header."""
    matches = rule.get("match")
    return not matches or any(set(one) == {"headers"} and _fits(one["headers"], header) for one in matches)


def _fits(conditions: Manifest, header: tuple[str, str]) -> bool:
    name, value = header
    if set(conditions) != {name}:
        return False
    wanted = conditions[name]
    return bool(wanted.get("exact") == value or ("regex" in wanted and re.fullmatch(wanted["regex"], value)))


def _percent(rule: Manifest | None, name: str) -> int | None:
    weights = None if rule is None else ours_of(rule, name)
    if weights is None or not sum(weights):
        return None
    return int(100 * weights[1] / sum(weights) + 0.5)


def _mirror(rule: Manifest, host: str) -> int:
    single = {"destination": rule.get("mirror") or {}, "percentage": rule.get("mirrorPercentage") or {}}
    for one in (single, *(rule.get("mirrors") or ())):
        if one["destination"].get("host") == host:
            return int((one.get("percentage") or {}).get("value", 100))
    return 0
