"""Which pods are on stage: starts, updates and ends the played pods as the cluster's objects come and go.

It is told of pods and Services and tells a Reporter what to write into a pod's status; it must not
know how either gets through the API.
"""

import asyncio
import logging
import ssl
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from e2e.lab.workload.behaviour import BadVariableError, Behaviour, read_behaviour
from e2e.lab.workload.environment import MissingConfigError, read_env
from e2e.lab.workload.exposition import Source
from e2e.lab.workload.meter import NO_SERVICE
from e2e.lab.workload.played_pod import PlayedPod
from e2e.lab.workload.pod_metrics import Usage
from e2e.lab.workload.readiness import Fault
from e2e.lab.workload.usage import RequestRates
from e2e.lab.workload.views import PodView, ServiceView

log = logging.getLogger(__name__)

LISTEN_AGAIN_S = 1.0


class Reporter(Protocol):
    """Writes into a pod's status; returns when it is written or has become pointless."""

    async def report_ready(self, pod: PodView) -> None:
        """Make the pod Ready."""

    async def report_fault(self, pod: PodView, fault: Fault) -> None:
        """Say why the pod stays unready."""


class Stage:
    """All pods that are played now. Use inside the TaskGroup given, whose end ends the starts under way."""

    def __init__(self, reporter: Reporter, tasks: asyncio.TaskGroup, tls: ssl.SSLContext | None = None) -> None:
        """Play no pod yet. `tls` has the certificate of all pods that speak TLS."""
        self._reporter = reporter
        self._tasks = tasks
        self._tls = tls
        self._pods: dict[str, PlayedPod] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._services: dict[str, dict[str, ServiceView]] = {}
        self._configs: dict[tuple[str, str, str], Mapping[str, str]] = {}
        self._wanting: dict[str, PodView] = {}
        """Pods that need a ConfigMap or Secret that is not there."""
        self._rates = RequestRates()

    def put_pod(self, pod: PodView) -> None:
        """A pod is there, or has changed."""
        if pod.played_elsewhere:
            return
        played = self._pods.get(pod.uid)
        if played is not None:
            self._update(played, pod)
        elif pod.uid in self._wanting:
            self._wanting[pod.uid] = pod
        elif pod.playable and pod.uid not in self._starting:
            self._start(pod)

    def remove_pod(self, uid: str) -> None:
        """A pod's object is gone: its containers are killed and its counts forgotten."""
        self._wanting.pop(uid, None)
        starting = self._starting.pop(uid, None)
        if starting is not None:
            starting.cancel()
        played = self._pods.pop(uid, None)
        if played is not None:
            played.kill()

    def put_service(self, service: ServiceView) -> None:
        """A Service is there, or has changed."""
        self._services.setdefault(service.namespace, {})[service.name] = service
        for played in self._pods.values():
            if played.meter.service == service.name or service.selects(played.pod.namespace, played.pod.labels):
                self._match(played)

    def remove_service(self, namespace: str, name: str) -> None:
        """A Service is gone."""
        self._services.get(namespace, {}).pop(name, None)
        for played in self._pods.values():
            if played.meter.service == name:
                self._match(played)

    def put_config(self, kind: str, namespace: str, name: str, data: Mapping[str, str]) -> None:
        """A ConfigMap or Secret is there, or has changed: pods that start from now on see it so."""
        self._configs[namespace, kind, name] = data
        for uid, pod in [*self._wanting.items()]:
            if pod.namespace == namespace:
                self.remove_pod(uid)
                self.put_pod(pod)

    def remove_config(self, kind: str, namespace: str, name: str) -> None:
        """A ConfigMap or Secret is gone."""
        self._configs.pop((namespace, kind, name), None)

    def note_usage(self, at_s: float) -> None:
        """Remember how much each pod has served until now; to be called about once a second."""
        self._rates.note(at_s, {uid: played.meter.total for uid, played in self._pods.items()})

    def usages(self) -> list[Usage]:
        """The CPU that each pod on stage uses, but for those that have just come."""
        rates = ((played, self._rates.rate(uid)) for uid, played in self._pods.items())
        return [Usage(played.pod, rate * played.behaviour.cpu_s) for played, rate in rates if rate is not None]

    def sources(self) -> list[Source]:
        """The counts of the pods on stage."""
        return [played.source for played in self._pods.values()]

    def clear(self) -> None:
        """End every pod."""
        for uid in [*self._pods, *self._starting]:
            self.remove_pod(uid)

    def _start(self, pod: PodView) -> None:
        try:
            env = read_env(pod.containers, lambda kind, name: self._configs.get((pod.namespace, kind, name)))
            behaviour = read_behaviour(env)
        except MissingConfigError as error:
            self._wanting[pod.uid] = pod
            self._launch(pod, self._reporter.report_fault(pod, Fault("CreateContainerConfigError", str(error))))
            return
        except BadVariableError as error:
            self._launch(pod, self._reporter.report_fault(pod, Fault("BadEnvironment", str(error))))
            return
        played = self._pods[pod.uid] = PlayedPod(pod, behaviour, self._tls)
        self._match(played)
        self._launch(pod, self._bring_up(played, behaviour))

    def _launch(self, pod: PodView, work: Coroutine[Any, Any, None]) -> None:
        self._starting[pod.uid] = self._tasks.create_task(work, name=f"start {pod.namespace}/{pod.name}")

    async def _bring_up(self, played: PlayedPod, behaviour: Behaviour) -> None:
        # A pod that is Ready before anyone plays it outlived a restart of this process: it has started long ago.
        if not played.pod.ready:
            await asyncio.sleep(behaviour.startup_s)
        await self._listen(played)
        if not (behaviour.never_ready or played.pod.ready or played.pod.terminating):
            await self._reporter.report_ready(played.pod)
        if behaviour.refuse_after_s is not None:
            # No probe of a kubelet's would tell: it is as a process that has lost its listener and does not know.
            await asyncio.sleep(behaviour.refuse_after_s)
            played.kill()

    async def _listen(self, played: PlayedPod) -> None:
        said = ""
        while True:
            try:
                played.listen()
            except OSError as error:
                problem = f"cannot listen on {played.pod.address} {list(played.pod.ports)}: {error}"
                if problem != said:
                    log.warning("%s/%s %s", played.pod.namespace, played.pod.name, problem)
                    await self._reporter.report_fault(played.pod, Fault("CannotListen", problem))
                said = problem
                await asyncio.sleep(LISTEN_AGAIN_S)
            else:
                return

    def _update(self, played: PlayedPod, pod: PodView) -> None:
        if not pod.playable:
            self.remove_pod(pod.uid)
            return
        relabelled = pod.labels != played.pod.labels
        played.pod = pod
        if relabelled:
            self._match(played)

    def _match(self, played: PlayedPod) -> None:
        """Count for the first Service by name that selects the pod."""
        pod = played.pod
        services = self._services.get(pod.namespace, {}).values()
        behind = (service.name for service in services if service.selects(pod.namespace, pod.labels))
        played.meter.stand_behind(min(behind, default=NO_SERVICE))
