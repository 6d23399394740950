"""The Deployment controller, in virtual time: pods that take their time, roll with a surge, die, or never become ready.

No pod objects are made: what anybody can see of them is the Deployment's status, a moment late, as on a real server.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rollouts.api.resources import DEPLOYMENTS, Manifest, ObjectKey
from rollouts.core.revision import revision_of
from rollouts.testing.memory_metadata import waits
from rollouts.testing.memory_server import Change, MemoryServer

NEVER = math.inf
PROGRESS_DEADLINE_S = 600.0
"""Kubernetes' own default."""


@dataclass(slots=True)
class Pod:
    """One pod; `ready_at` in seconds of the loop's time, NEVER for one that does not start."""

    revision: str
    template: Manifest
    ready_at: float


@dataclass(slots=True)
class _Crew:
    """The pods of one Deployment."""

    uid: str = ""
    pods: list[Pod] = field(default_factory=list)
    progress: tuple[str, int] = ("", 0)
    progressed_at: float = 0.0
    due: asyncio.TimerHandle | None = None


class PodsController:
    """Rolls every Deployment on the server; `startup_s` is how long a pod of a template takes to become ready, in
    seconds. Make it, and `start` it within a running loop.
    """

    def __init__(self, server: MemoryServer, random: Random, startup_s: Callable[[Manifest], float]) -> None:
        self._server = server
        self._random = random
        self._startup_s = startup_s
        self._crews: dict[ObjectKey, _Crew] = {}
        self._doomed: set[str] = set()
        """Deployments, by uid, that are deleted in the foreground: whatever else holds them, their pods go first."""
        self.latency_max_s = 0.2
        """How late the controller sees what happens."""

    def start(self) -> None:
        """Take up the work."""
        self._server.watchers.append(self._changed)
        for manifest in self._server.all_of(DEPLOYMENTS):
            self._look_within(ObjectKey.of(manifest), self.latency_max_s)

    def ready_images(self, key: ObjectKey) -> list[str]:
        """What the pods that serve now run."""
        return [image_of(template) for template in self.ready_templates(key)]

    def ready_templates(self, key: ObjectKey) -> list[Manifest]:
        """What each of the pods that serve now was made from."""
        now = _now()
        crew = self._crews.get(key)
        return [] if crew is None else [pod.template for pod in crew.pods if pod.ready_at <= now]

    def kill(self, key: ObjectKey, count: int) -> None:
        """That many pods die, the oldest first; the controller will notice."""
        del self._crew(key).pods[:count]
        self._look_within(key, self.latency_max_s)

    def _crew(self, key: ObjectKey) -> _Crew:
        return self._crews.setdefault(key, _Crew())

    def _changed(self, change: Change) -> None:
        resource, key = change.place
        if resource == DEPLOYMENTS:
            if change.after is not None and waits(change.after):
                self._doomed.add(change.after["metadata"]["uid"])
            self._look_within(key, self.latency_max_s)

    def _look_within(self, key: ObjectKey, seconds: float) -> None:
        self._look_at(key, _now() + self._random.uniform(0.0, seconds))

    def _look_at(self, key: ObjectKey, at: float) -> None:
        crew = self._crew(key)
        if crew.due is not None and not crew.due.cancelled() and crew.due.when() > _now():
            if crew.due.when() <= at:
                return
            crew.due.cancel()
        crew.due = asyncio.get_running_loop().call_at(at, self._look, key)

    def _look(self, key: ObjectKey) -> None:
        manifest, crew = self._server.stored(DEPLOYMENTS, key), self._crew(key)
        crew.due = None
        if manifest is None:
            del self._crews[key]
            return
        uid = manifest["metadata"]["uid"]
        if crew.uid != uid:  # its predecessor's pods are gone with it
            crew = self._crews[key] = _Crew(uid)
        if uid in self._doomed:
            crew.pods.clear()
        elif "deletionTimestamp" not in manifest["metadata"]:
            self._roll(manifest["spec"], crew)
        now, revision = _now(), revision_of(manifest["spec"]["template"])
        ready = sum(pod.ready_at <= now for pod in crew.pods)
        updated = [pod for pod in crew.pods if pod.revision == revision]
        progress = (revision, len(updated) * 1000 + sum(pod.ready_at <= now for pod in updated))
        if progress != crew.progress:
            crew.progress, crew.progressed_at = progress, now
        counts = {"replicas": len(crew.pods), "updatedReplicas": len(updated)}
        counts |= {"readyReplicas": ready, "availableReplicas": ready}
        status: dict[str, Any] = {"observedGeneration": manifest["metadata"]["generation"], **counts}
        self._judge(manifest, crew, status)
        self._server.set_status(DEPLOYMENTS, key, status)
        instants = [pod.ready_at for pod in crew.pods if now < pod.ready_at < NEVER]
        if instants:
            self._look_at(key, min(instants))

    def _judge(self, manifest: Manifest, crew: _Crew, status: dict[str, Any]) -> None:
        """Give up a roll-out that does not come on."""
        wanted = manifest["spec"].get("replicas", 1)
        complete = {status["replicas"], status["updatedReplicas"], status["availableReplicas"]} == {wanted}
        ends_at = crew.progressed_at + manifest["spec"].get("progressDeadlineSeconds", PROGRESS_DEADLINE_S)
        if complete:
            return
        if _now() >= ends_at:
            told = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            status["conditions"] = [told]
        else:
            self._look_at(ObjectKey.of(manifest), ends_at)

    def _roll(self, spec: Manifest, crew: _Crew) -> None:
        """Make and remove pods as far as the surge and the ready ones allow."""
        now, wanted, revision = _now(), spec.get("replicas", 1), revision_of(spec["template"])
        if wanted == 0:
            crew.pods.clear()
            return
        new = [pod for pod in crew.pods if pod.revision == revision]
        old = [pod for pod in crew.pods if pod.revision != revision]
        del new[wanted:]
        old = [pod for pod in old if pod.ready_at <= now]
        spare = len(old) + sum(pod.ready_at <= now for pod in new) - wanted
        del old[: max(0, spare)]
        room = wanted + math.ceil(wanted / 4) - len(new) - len(old)
        missing = range(min(room, wanted - len(new)))
        template = spec["template"]
        crew.pods = [*old, *new, *(Pod(revision, template, now + self._start_s(template)) for _ in missing)]

    def _start_s(self, template: Manifest) -> float:
        return self._startup_s(template) * self._random.uniform(0.8, 1.2)


def image_of(template: Manifest) -> str:
    """Of its first container."""
    image: str = template["spec"]["containers"][0]["image"]
    return image


def _now() -> float:
    return asyncio.get_running_loop().time()
