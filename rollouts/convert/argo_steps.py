"""The steps of a Rollout's canary: weights, how long each is held, where somebody is asked, and what is checked when.

There the steps are a program; here they are a schedule of weights, each held and judged. What a program can say beyond
that (steps back, several tests in between) is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rollouts.convert.argo_checks import Checks
from rollouts.convert.ledger import Cursor
from rollouts.convert.words import seconds

WEIGHT_MAX = 100
_EXPERIMENT = (
    "no further copies are started beside the canary: compare: primary holds the canary against the version that "
    "serves, at the same time"
)
_SCALE = "auto, as many pods as serve: a canary that gets all requests needs all pods"


@dataclass(slots=True)
class Steps:
    """What the steps come to."""

    weights: list[int] = field(default_factory=list)
    dwells_s: list[float] = field(default_factory=list)
    """Of each weight."""
    asked_at: list[int] = field(default_factory=list)
    """After which weights somebody is asked; -1 is before the first."""
    matches: list[dict[str, Any]] = field(default_factory=list)
    mirror: dict[str, Any] = field(default_factory=dict)
    size: int | str | None = None
    before_s: float = 0.0
    """Pauses before the first weight."""

    @property
    def elapsed_s(self) -> float:
        """From the start of a release on."""
        return self.before_s + sum(self.dwells_s)


def steps_of(strategy: Cursor, checks: Checks) -> Steps:
    """All steps, and into `checks` what they check."""
    found = Steps()
    for step in strategy.items("steps"):
        for name in step.names():
            handler = _HANDLERS.get(name)
            if handler is not None:
                handler(step.at(name), found)
            elif name == "analysis":
                checks.add(step.at(name), found.elapsed_s)
                step.changed("it is judged from here to the end of the release, and not once", name)
            else:
                step.lost(_UNKNOWN.get(name, f"there is no step {name}"), name)
    return found


_UNKNOWN = {
    "experiment": _EXPERIMENT,
    "plugin": "there are no plugins: call a service of yours by a webhook of type confirm-traffic-increase",
}


def _weight(step: Cursor, found: Steps) -> None:
    weight = step.number() if not isinstance(step.value, bool) else None
    if weight == 0 and not found.weights:
        step.needless("a release starts without any request")
    elif weight is None or weight <= max(found.weights, default=0):
        step.lost("weights only ascend here: a release takes no step back but to 0")
    else:
        if weight > WEIGHT_MAX:
            step.changed("100 is all there is")
        found.weights.append(min(weight, WEIGHT_MAX))
        found.dwells_s.append(0.0)


def _pause(step: Cursor, found: Steps) -> None:
    length = step.at("duration")
    if length.value is None:
        found.asked_at.append(len(found.weights) - 1)
        if step.value == {}:
            step.take()
        return
    length_s = seconds(step.text("duration"))
    if length_s is None:
        step.lost("no duration: write seconds, or such as 10m", "duration")
    elif found.weights:
        found.dwells_s[-1] += length_s
    elif found.matches:
        found.before_s += length_s
    else:
        step.lost("before its first request a release waits for its pods alone", "duration")


def _header_route(step: Cursor, found: Steps) -> None:
    name = step.text("name")
    if not step.items("match"):
        step.needless(f"route {name} is taken away by itself when the release has ended")
        return
    if found.weights:
        step.lost("who matches, and who is drawn by weight, are not both led to the canary by a rule of ours: "
                  "name a rule of yours in routeRefs[].canaryRules")  # fmt: skip
        return
    matches: list[dict[str, Any]] = []
    for one in step.items("match"):
        value = one.at("headerValue")
        ways = [way for way in ("exact", "regex", "prefix") if value.has(way)]
        if len(ways) != 1 or not one.has("headerName"):
            one.lost("a header is compared by one of exact, regex and prefix")
            step.lost("the whole route, for a condition that can't be said")
            return
        # There each condition is a match of its own: one is enough.
        matches.append({"headers": {one.text("headerName").lower(): {ways[0]: value.text(ways[0])}}})
    step.changed("the rule for it has no name of yours", "name")
    found.matches += matches


def _mirror_route(step: Cursor, found: Steps) -> None:
    name = step.text("name")
    if not step.items("match") and not step.has("percentage"):
        step.needless(f"route {name} is taken away by itself when the release takes its first step")
    elif found.weights:
        step.lost("requests are copied before the first weight, and not beside one")
    elif found.mirror:
        step.lost("there is one way of copying requests before the first weight")
    else:
        found.mirror = {"mirror": True}
        share = step.number("percentage")
        if share is not None and 0 < share < WEIGHT_MAX:
            found.mirror["mirrorWeight"] = share
        step.lost("every request is copied, or a share of all: none by its path, method or headers", "match")
        step.changed("the copies are made in the rule for everything", "name")


def _canary_scale(step: Cursor, found: Steps) -> None:
    replicas, weight = step.number("replicas"), step.number("weight")
    if step.at("matchTrafficWeight").value is True:
        step.lost("the canary's size does not follow its weight: it is set once, by canaryReplicas")
    elif found.size is not None:
        step.lost("the canary's size is set once, by canaryReplicas")
    elif replicas is not None and replicas > 0:
        found.size = replicas
    elif weight is not None and 0 < weight <= WEIGHT_MAX:
        found.size = f"{weight}%"
    else:
        step.lost(f"canaryReplicas is a number of pods or a percentage; it is {_SCALE}")


_HANDLERS = {
    "setWeight": _weight,
    "pause": _pause,
    "setHeaderRoute": _header_route,
    "setMirrorRoute": _mirror_route,
    "setCanaryScale": _canary_scale,
}
