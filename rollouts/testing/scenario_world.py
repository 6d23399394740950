"""The cluster of a scenario, and everybody in it but the controller: pods, people, traffic, receivers of webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any

from pydantic import ValidationError

from rollouts.api.actions import PREFIX
from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import (
    AUTOSCALERS,
    CANARIES,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    SCALED_OBJECTS,
    SECRETS,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import (
    Accepted,
    HookOutcome,
    NoData,
    Outcome,
    Probe,
    Refused,
    Rejected,
    Signal,
    Subject,
    Unreachable,
    Value,
)
from rollouts.core.revision import content_digest, revision_of, tracked_revision
from rollouts.engine.policy import POLICY
from rollouts.ports import Clock, HookRequest
from rollouts.testing.answers import probe_of, told_for
from rollouts.testing.autoscaler import AutoscalerController
from rollouts.testing.counters import Flow, ScriptedCounters
from rollouts.testing.fault_effects import aborted_percent, delayed_ms
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.metrics import ScriptedMetrics, probes_about
from rollouts.testing.pods import NEVER, PodsController, image_of
from rollouts.testing.scenario import Happening, Scenario, ScriptedAutoscaler
from rollouts.traffic.istio import observed_weight
from rollouts.workloads.kinds import kind_of

FIRST = "a"
"""The version that runs at the start."""
READY_AFTER_S = 3.0
CONFIG = "settings"
"""The ConfigMap that the target reads, in a script that changes it."""
_SIGNALS = (
    "success_rate", "duration_ms", "canary_rps", "stable_rps", "arrives", "test_requests", "metrics_down", "load",
    "unreached", "fault", "stable_success_rate", "stable_duration_ms",
)  # fmt: skip


class ScenarioWorld:
    """Implements `ports.Hooks` and `ports.Secrets`; `metrics` implements `ports.MetricSource`."""

    def __init__(self, scenario: Scenario, clock: Clock, random: Random) -> None:
        self._script = scenario.script
        self.server = MemoryServer(clock.now)
        self.pods = PodsController(self.server, random, self._ready_after_s)
        self.autoscalers = AutoscalerController(self.server, self._load)
        self.metrics = ScriptedMetrics()
        self.counters = ScriptedCounters(self.metrics, clock, self._flows)
        self.server.watchers.append(self._changed)
        self._last: Manifest = {}
        """The Canary, also when it is gone."""
        self.key = ObjectKey.of(self.server.put(CANARIES, scenario.canary))
        self.spec = CanarySpec.model_validate(scenario.canary["spec"])
        """The last that was valid."""
        self._kind = kind_of(self.spec).resource
        self._target = ObjectKey(self.key.namespace, self.spec.target.name)
        self._names: dict[str, str] = {}
        self._version = self._content = FIRST
        self._traffic: dict[str, Any] = {name: Happening.model_fields[name].default for name in _SIGNALS}
        self._answers: dict[str, str | bool] = {}
        self._told: dict[str, tuple[str | float, ...] | None] = {}
        self._create_target()
        self._create_autoscaler()
        self._announce()

    def _announce(self) -> None:
        self.metrics.read_as, self.metrics.others = self.spec.analysis.metrics, self._of_the_users_own
        for workload, subject in ((self._target.name, Subject.CANARY), (self.spec.primary_name, Subject.STABLE)):
            probes = probes_about(subject, self.metrics.read_as)
            self.metrics.announce(self.key.namespace, workload, probes, self._measured)

    def start(self) -> None:
        """Kubernetes' own controllers take up their work; within a running loop."""
        self.pods.start()
        if self._script.autoscaler is not None:
            self.autoscalers.start()

    def stop(self) -> None:
        """They end it."""
        self.autoscalers.stop()

    @property
    def status(self) -> CanaryStatus:
        """What the controller has written last."""
        return CanaryStatus.model_validate(self._canary.get("status") or {})

    def do(self, happening: Happening) -> None:
        """All of it but what befalls the controller."""
        told = happening.model_fields_set
        self.counters.accrue()
        self._traffic |= {name: getattr(happening, name) for name in _SIGNALS if name in told}
        self._answers |= happening.hooks
        self._told |= happening.answers
        annotations = {PREFIX + verb: text for verb, text in happening.ask.items()}
        if annotations or happening.spec is not None:
            patch = {"metadata": {"annotations": annotations}, "spec": happening.spec or {}}
            self.server.edit(CANARIES, self.key, patch)
            with suppress(ValidationError):  # the controller tells what is wrong with it
                self.spec = CanarySpec.model_validate(self._canary["spec"])
                self._announce()
        if happening.apply is not None:
            self.server.edit(self._kind, self._target, {"spec": {"template": self._template(happening.apply)}})
        if happening.configure is not None:
            self._configure(happening.configure)
        if "fault" in told:
            self._set_fault(happening.fault)
        if "policy" in told:
            self._set_policy(happening.policy)
        if happening.delete == "target":
            self.server.delete(self._kind, self._target)
        if happening.delete == "canary":
            self.server.delete(CANARIES, self.key)
        self.counters.down = self._traffic["metrics_down"]
        self.counters.accrue()

    def _set_fault(self, fault: Manifest | None) -> None:
        """Somebody puts it into our rule for everything, or takes it out."""
        key = ObjectKey(self.key.namespace, self.spec.service_name)
        rules = (self.server.stored(VIRTUAL_SERVICES, key) or {})["spec"]["http"]
        bare = {name: value for name, value in rules[-1].items() if name != "fault"}
        changed = bare if fault is None else {**bare, "fault": fault}
        self.server.edit(VIRTUAL_SERVICES, key, {"spec": {"http": [*rules[:-1], changed]}})

    def _set_policy(self, data: dict[str, str] | None) -> None:
        if data is not None:
            metadata = {"name": POLICY.name, "namespace": POLICY.namespace}
            self.server.put(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        elif self.server.stored(CONFIG_MAPS, POLICY) is not None:
            self.server.delete(CONFIG_MAPS, POLICY)

    def named(self, text: str) -> str:
        """A text with the script's names of the versions instead of their revisions."""
        for revision, name in self._names.items():
            text = text.replace(revision, name)
        return text

    async def call(self, request: HookRequest) -> HookOutcome:
        """As the port says."""
        names = [hook.name for hook in self.spec.analysis.webhooks if hook.url == request.url]
        told = next((self._answers[name] for name in names if name in self._answers), True)
        if told is True:
            return Accepted()
        return Unreachable("no answer") if told == "down" else Refused(str(told))

    async def secret(self, _namespace: str, name: str) -> Mapping[str, bytes]:
        """As the port says: every Secret that a hook names is there."""
        hooks = self.spec.analysis.webhooks
        refs = [header.secret_key_ref for hook in hooks for header in hook.headers_from]
        refs += [hook.signing.secret_key_ref for hook in hooks if hook.signing is not None]
        return {ref.key: b"simulated" for ref in refs if ref.name == name}

    async def manifest(self, namespace: str, name: str) -> Manifest | None:
        """As the port says: what the target refers to was made by somebody, or it is absent."""
        return self.server.stored(SECRETS, ObjectKey(namespace, name))

    def _changed(self, change: Change) -> None:
        if change.place[0] == CANARIES:
            self._last = change.after or self._last
        if change.place[0] == VIRTUAL_SERVICES and self._last:
            self.counters.accrue()

    @property
    def _canary(self) -> Manifest:
        return self._last

    def _create_target(self) -> None:
        metadata = {"name": self._target.name, "namespace": self._target.namespace}
        if self._script.configured:
            self._configure(FIRST)
        selector = {"matchLabels": {"app": self._target.name}}
        spec: Manifest = {"selector": selector, "template": self._template(FIRST)}
        if self._kind != DAEMON_SETS:
            spec["replicas"] = self._script.replicas
        header = {"apiVersion": self._kind.api_version, "kind": self._kind.kind}
        self.server.put(self._kind, {**header, "metadata": metadata, "spec": spec})

    def _create_autoscaler(self) -> None:
        """What the Canary names is there, in any case: without a script for it nobody scales."""
        told, ref = self._script.autoscaler or ScriptedAutoscaler(), self.spec.autoscaler_ref
        if ref is None:
            return
        resource = SCALED_OBJECTS if ref.is_keda else AUTOSCALERS
        least, most = ("minReplicaCount", "maxReplicaCount") if ref.is_keda else ("minReplicas", "maxReplicas")
        spec: Manifest = {"scaleTargetRef": {"kind": DEPLOYMENTS.kind, "name": self._target.name}}
        spec |= {least: told.min_replicas, most: told.max_replicas}
        if not ref.is_keda:
            spec["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": told.down_after_s}}
        header = {"apiVersion": resource.api_version, "kind": resource.kind}
        metadata = {"name": ref.name, "namespace": self._target.namespace}
        self.server.put(resource, {**header, "metadata": metadata, "spec": spec})

    def _load(self, key: ObjectKey) -> float:
        """The work of one workload: its share of all of it."""
        routes = self.server.stored(VIRTUAL_SERVICES, ObjectKey(self.key.namespace, self.spec.service_name)) or {}
        weight = observed_weight(Owner.of(self._canary), self.spec, routes)
        canary = key == self._target
        total = self.spec.analysis.weight_total
        share = (weight or 0) if canary else total - (weight or 0)
        alone = total if canary else 0  # before there are routes
        return float(self._traffic["load"]) * (alone if weight is None else share) / total

    def _template(self, version: str) -> Manifest:
        wanted = self.spec.exposure.target_port or self.spec.exposure.port
        port = {"containerPort": 8080, "name": wanted} if isinstance(wanted, str) else {"containerPort": wanted}
        container: Manifest = {"name": "app", "image": version, "ports": [port]}
        if self._script.configured:
            container["envFrom"] = [{"configMapRef": {"name": CONFIG}}]
        template = {"metadata": {"labels": {"app": self._target.name}}, "spec": {"containers": [container]}}
        self._version = version
        self._names[self._revision(template)] = version
        return template

    def _configure(self, content: str) -> None:
        """The ConfigMap that pods read has other content: that is a version too."""
        metadata = {"name": CONFIG, "namespace": self._target.namespace}
        data = {"CONTENT": content}
        self._content = content
        template = self._template(self._version)
        self._names[self._revision(template)] = content
        self.server.put(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def _revision(self, template: Manifest) -> str:
        digest = content_digest({"data": {"CONTENT": self._content}})
        read = [("ConfigMap", CONFIG, digest)] if self._script.configured else []
        return tracked_revision(revision_of(template), read)

    def _ready_after_s(self, template: Manifest) -> float:
        told = self._script.ready_after_s.get(image_of(template), READY_AFTER_S)
        return NEVER if told == "never" else told

    def _of_the_users_own(self, query: str) -> Outcome:
        """What a metric's own query gives: the script says so, or it has no value."""
        probe = probe_of(query, self.spec.analysis.metrics)
        if probe is None:
            return Rejected("the simulated metric source knows the queries of the spec only")
        return self._measured(probe)

    def _measured(self, probe: Probe) -> Outcome:
        now = self._traffic
        if now["metrics_down"]:
            return Unreachable(now["metrics_down"])
        if (told := told_for(probe, self._told)) is not None:
            return told
        if probe.signal is Signal.CUSTOM:
            return NoData()
        if probe.signal is Signal.REQUESTS:
            return self._counted(probe)
        if probe.signal is Signal.UNREACHED:
            return Value(max(now["unreached"], aborted_percent(now["fault"])))
        if probe.signal is Signal.CALLERS_DURATION:
            return Value(delayed_ms(now["fault"]))
        number: float | None = 1.0
        canary_rps = now["canary_rps"] if now["test_requests"] or self._is_reached() else 0.0
        if probe.signal is Signal.REQUEST_RATE:
            number = canary_rps if probe.subject is Subject.CANARY else now["stable_rps"]
        elif probe.signal is not Signal.SOURCE_ALIVE:
            told = now["success_rate"] if probe.signal is Signal.SUCCESS_RATE else now["duration_ms"]
            number = told if canary_rps else None
        return NoData() if number is None else Value(number)

    def _counted(self, probe: Probe) -> Outcome:
        """The requests of one side in the window, shared as the routes share them now."""
        now, (weight, copied) = self._traffic, self._shares()
        if now["stable_rps"] is None or now["canary_rps"] is None:
            return NoData()
        everything = now["stable_rps"] * probe.window_s
        part = now["arrives"] / 10000 if now["canary_rps"] else 0.0
        if probe.subject is Subject.STABLE:
            return Value(everything * (1 - weight * part))
        tests = now["canary_rps"] * probe.window_s if now["test_requests"] else 0.0
        return Value(everything * (weight + copied) * part + tests)

    def _flows(self) -> dict[str, Flow]:
        """What each version gets now, and what becomes of it."""
        now, (weight, copied) = self._traffic, self._shares() if self._last else (0.0, 0.0)
        everything, alive = now["stable_rps"] or 0.0, bool(now["canary_rps"])
        part = now["arrives"] / 10000 if alive else 0.0
        canary = everything * (weight + copied) * part
        canary += (now["canary_rps"] or 0.0) if now["test_requests"] else 0.0
        measured = now["success_rate"] is not None
        return {
            self._target.name: Flow(
                pod=f"{self._target.name}-{self._version}", rps=canary if measured else 0.0,
                success_rate=now["success_rate"] or 0.0, duration_ms=now["duration_ms"] or 0.0,
            ),
            self.spec.primary_name: Flow(
                pod=self.spec.primary_name, rps=everything * (1 - weight * part),
                success_rate=now["stable_success_rate"], duration_ms=now["stable_duration_ms"],
            ),
        }  # fmt: skip

    def _is_reached(self) -> bool:
        """Whether the routes bring the canary requests, or copies of some."""
        return any(self._shares()) and self._traffic["arrives"] > 0

    def _shares(self) -> tuple[float, float]:
        """Percent of the requests that the routes give the canary, and of those that they copy to it."""
        routes = self.server.stored(VIRTUAL_SERVICES, ObjectKey(self.key.namespace, self.spec.service_name)) or {}
        rules = (routes.get("spec") or {}).get("http") or ()
        mirrored = (rule.get("mirrorPercentage", {}).get("value", 100.0) for rule in rules if "mirror" in rule)
        weight = observed_weight(Owner.of(self._canary), self.spec, routes) or 0
        return 100 * weight / self.spec.analysis.weight_total, next(mirrored, 0.0)
