"""The controllers of Deployments and DaemonSets, in virtual time: pods take their time, roll, die, or never get ready.

No pod objects are made: what anybody can see of them is the status of what they belong to, a moment late, as on a real
server. A Deployment's way of rolling is here, a DaemonSet's in daemon_pods.py.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, Manifest, ObjectKey
from rollouts.core.revision import revision_of
from rollouts.testing.daemon_pods import counted, rolled
from rollouts.testing.memory_metadata import waits
from rollouts.testing.memory_server import Change, MemoryServer, Place
from rollouts.testing.pod import NEVER, Pod

__all__ = ["NEVER", "Pod", "PodsController", "image_of"]

KINDS = (DEPLOYMENTS, DAEMON_SETS)
PROGRESS_DEADLINE_S = 600.0
"""Kubernetes' own default."""


@dataclass(slots=True)
class _Crew:
    """The pods of one workload."""

    uid: str = ""
    pods: list[Pod] = field(default_factory=list)
    progress: tuple[str, int] = ("", 0)
    progressed_at: float = 0.0
    due: asyncio.TimerHandle | None = None


class PodsController:
    """Rolls every workload on the server; `startup_s` is how long a pod of a template takes to become ready, in
    seconds. Make it, and `start` it within a running loop.
    """

    def __init__(self, server: MemoryServer, random: Random, startup_s: Callable[[Manifest], float]) -> None:
        self._server = server
        self._random = random
        self._startup_s = startup_s
        self._crews: dict[Place, _Crew] = {}
        self._doomed: set[str] = set()
        """Workloads, by uid, that are deleted in the foreground: whatever else holds them, their pods go first."""
        self.latency_max_s = 0.2
        """How late the controller sees what happens."""
        self.nodes: dict[str, dict[str, str]] = {"node-1": {}, "node-2": {}}
        """The nodes that a DaemonSet's pods are for, by name, each with its labels. Deployments find room anywhere."""

    def start(self) -> None:
        """Take up the work."""
        self._server.watchers.append(self._changed)
        for kind in KINDS:
            for manifest in self._server.all_of(kind):
                self._look_within((kind, ObjectKey.of(manifest)), self.latency_max_s)

    def ready_images(self, key: ObjectKey) -> list[str]:
        """What the pods that serve now run."""
        return [image_of(template) for template in self.ready_templates(key)]

    def ready_templates(self, key: ObjectKey) -> list[Manifest]:
        """What each of the pods that serve now was made from."""
        now, crews = _now(), [self._crews[kind, key] for kind in KINDS if (kind, key) in self._crews]
        return [pod.template for crew in crews for pod in crew.pods if pod.ready_at <= now]

    def kill(self, key: ObjectKey, count: int) -> None:
        """That many pods die, the oldest first; the controller will notice."""
        for kind in KINDS:
            if crew := self._crews.get((kind, key)):
                del crew.pods[:count]
                self._look_within((kind, key), self.latency_max_s)

    def _crew(self, place: Place) -> _Crew:
        return self._crews.setdefault(place, _Crew())

    def _changed(self, change: Change) -> None:
        if change.place[0] in KINDS:
            if change.after is not None and waits(change.after):
                self._doomed.add(change.after["metadata"]["uid"])
            self._look_within(change.place, self.latency_max_s)

    def _look_within(self, place: Place, seconds: float) -> None:
        self._look_at(place, _now() + self._random.uniform(0.0, seconds))

    def _look_at(self, place: Place, at: float) -> None:
        crew = self._crew(place)
        if crew.due is not None and not crew.due.cancelled() and crew.due.when() > _now():
            if crew.due.when() <= at:
                return
            crew.due.cancel()
        crew.due = asyncio.get_running_loop().call_at(at, self._look, place)

    def _look(self, place: Place) -> None:
        manifest, crew, began = self._server.stored(*place), self._crew(place), _now()
        crew.due = None
        if manifest is None:
            del self._crews[place]
            return
        uid = manifest["metadata"]["uid"]
        if crew.uid != uid:  # its predecessor's pods are gone with it
            crew = self._crews[place] = _Crew(uid)
        if uid in self._doomed:
            crew.pods.clear()
        elif "deletionTimestamp" not in manifest["metadata"]:
            self._roll(place, manifest["spec"], crew)
        counts = self._counts(place, manifest, crew)
        self._server.set_status(*place, {"observedGeneration": manifest["metadata"]["generation"], **counts})
        # Also what has become ready since this look began: it may have been counted as not ready.
        instants = [pod.ready_at for pod in crew.pods if began < pod.ready_at < NEVER]
        if instants:
            self._look_at(place, min(instants))

    def _counts(self, place: Place, manifest: Manifest, crew: _Crew) -> Manifest:
        """What the status says of the pods, and whether they come on."""
        now, revision = _now(), revision_of(manifest["spec"]["template"])
        if place[0] == DAEMON_SETS:
            return counted(manifest["spec"], crew.pods, self.nodes, now)
        ready = sum(pod.ready_at <= now for pod in crew.pods)
        updated = [pod for pod in crew.pods if pod.revision == revision]
        progress = (revision, len(updated) * 1000 + sum(pod.ready_at <= now for pod in updated))
        if progress != crew.progress:
            crew.progress, crew.progressed_at = progress, now
        counts = {"replicas": len(crew.pods), "updatedReplicas": len(updated)}
        counts |= {"readyReplicas": ready, "availableReplicas": ready}
        status: dict[str, Any] = counts
        self._judge(manifest, crew, status)
        return status

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
            self._look_at((DEPLOYMENTS, ObjectKey.of(manifest)), ends_at)

    def _roll(self, place: Place, spec: Manifest, crew: _Crew) -> None:
        if place[0] == DAEMON_SETS:
            crew.pods = rolled(spec, crew.pods, self.nodes, _now(), lambda node: self._made(spec["template"], node))
        else:
            self._roll_deployment(spec, crew)

    def _roll_deployment(self, spec: Manifest, crew: _Crew) -> None:
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
        crew.pods = [*old, *new, *(self._made(spec["template"]) for _ in missing)]

    def _made(self, template: Manifest, node: str = "") -> Pod:
        start_s = self._startup_s(template) * self._random.uniform(0.8, 1.2)
        return Pod(revision_of(template), template, _now() + start_s, node)


def image_of(template: Manifest) -> str:
    """Of its first container."""
    image: str = template["spec"]["containers"][0]["image"]
    return image


def _now() -> float:
    return asyncio.get_running_loop().time()
