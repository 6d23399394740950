"""What happens, as lines for people: one for each thing in the cluster that changes, and what the storyteller says.

It hears of every change to the server. Whenever the routes change it says what clients have got since the last time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.demo.clock import Elapsing
from rollouts.demo.ledger import Ledger, Tally
from rollouts.demo.routes import shares_of
from rollouts.testing.memory_server import Change


class About(StrEnum):
    """What a line is about."""

    STORY = "story"
    """What the storyteller does, or finds."""
    PHASE = "phase"
    EVENT = "event"
    WARNING = "warning"
    ROUTES = "routes"
    PODS = "pods"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, `at_s` after the start."""

    at_s: float
    about: About
    text: str


class Chronicle:
    """All lines so far. Who wants to hear of each at once adds itself to `listeners`."""

    def __init__(self, clock: Elapsing, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._told_clients_at: datetime = clock.now()
        self.lines: list[Line] = []
        self.listeners: list[Callable[[Line], None]] = []

    def say(self, about: About, text: str) -> None:
        """One more line."""
        line = Line(self._clock.elapsed_s, about, text)
        self.lines.append(line)
        for listener in self.listeners:
            listener(line)

    def heard(self, change: Change) -> None:
        """Something in the cluster has changed: a watcher of the server."""
        (resource, key), before, after = change.place, change.before, change.after
        if resource == EVENTS and before is None and after is not None:
            about = About.WARNING if after.get("type") == "Warning" else About.EVENT
            self.say(about, f"{after.get('reason', '')}: {after.get('message', '')}")
        elif resource == CANARIES and (told := _told(_phase, before, after)):
            self.say(About.PHASE, f"canary {key.name}: {told}")
        elif resource == DEPLOYMENTS and (told := _told(_pods, before, after)):
            self.say(About.PODS, f"deployment {key.name}: {told}")
        elif resource == VIRTUAL_SERVICES and (told := _told(_routes, before, after)):
            self._say_clients(key)
            self.say(About.ROUTES, told)

    def _say_clients(self, route: ObjectKey) -> None:
        after, now = self._told_clients_at, self._clock.now()
        self._told_clients_at = now
        answers = [one for one in self._ledger.between(after, now) if one.route == route and not one.copied]
        if answers:
            by_version = Counter(answer.version or "nobody" for answer in answers)
            versions = ", ".join(f"version {version}: {count}" for version, count in sorted(by_version.items()))
            tally = Tally.of(answers)
            self.say(About.CLIENTS, f"until now {tally.total} requests, {tally.errors} errors ({versions})")


def _told(tell: Callable[[Manifest], str], before: Manifest | None, after: Manifest | None) -> str:
    """What is new to say; empty if nothing is."""
    if after is None:
        return "deleted"
    told = tell(after)
    return told if before is None or told != tell(before) else ""


def _phase(canary: Manifest) -> str:
    return str((canary.get("status") or {}).get("phase") or "")


def _pods(deployment: Manifest) -> str:
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    if wanted == 0:
        return "scaled down" if status.get("replicas") else "no pod"
    return f"{status.get('readyReplicas') or 0} of {wanted} pods ready"


def _routes(route: Manifest) -> str:
    shares = (f"{host} {percent:g} %" for host, percent in shares_of(route).items())
    return f"routes: {', '.join(shares) or 'none that takes everybody'}"
