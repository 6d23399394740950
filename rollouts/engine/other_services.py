"""Services of the user's beside the one of the Canary: they must not lead requests past the weights, nor to nobody.

A Service by a label that target and copy share sends requests to the canary whatever its weight. One by the label in
which they part has no pods between releases, when the target is scaled to zero. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rollouts.api.canary import CanarySpec
from rollouts.api.known import Known
from rollouts.api.resources import SERVICES, Manifest, ObjectKey, Resource
from rollouts.core.decision import Desired
from rollouts.core.label_selector import selects
from rollouts.core.observed import Observed, Problem
from rollouts.core.selector import selector_label
from rollouts.engine.belonging import is_ours
from rollouts.engine.pod_labels import PodLabels, is_blocked_by, pod_labels_for, target_of, workloads_of
from rollouts.engine.policies import CONSENT
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, Write

_REASONS = frozenset({"ServiceNotParting", "ServiceLeftBehind"})


class OtherServices:
    """Implements `Companion`. Writes nothing: these Services are the user's."""

    kinds: tuple[Resource, ...] = (SERVICES,)

    def rights(self, _cluster: Cluster, _subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says."""
        return ()

    def concerns(self, cluster: Cluster, canary: Known, _resource: Resource, key: ObjectKey) -> bool:
        """As the Protocol says."""
        target = canary.told(target_of)
        if target is None:
            return False
        workloads = cluster.list_all(workloads_of(target[0]), key.namespace)
        workload = workloads.find(ObjectKey(key.namespace, target[1]))
        labels = None if workload is None else workload.told(_labels)
        if labels is None:
            return False
        service = cluster.list_all(SERVICES, key.namespace).find(key)
        touched = service is not None and any(_selects(service.told(_pairs), one) for one in labels)
        return touched or is_blocked_by(canary, _REASONS)

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """As the Protocol says."""
        labels = pod_labels_for(cluster, subject)
        if labels is None or subject.spec.allow_uncovered:
            return
        # Each look goes through all: it asks only for what is told of them.
        services, target = cluster.list_all(SERVICES, subject.owner.namespace), _told(labels.target)
        # The Canary's own one is led to the copy, and those that we made part by that one label.
        meant = [one.read() for one in services.known if _selects(one.told(_pairs), target)]
        for service in sorted(meant, key=lambda service: str(service["metadata"]["name"])):
            apart = service["metadata"]["name"] != subject.spec.service_name
            # Asked of few: it looks through all Canaries, and each of a thousand brings three Services.
            if apart and not is_ours(cluster, subject.owner, service):
                yield from _problems(service, labels, subject.spec)

    def before(self, _cluster: Cluster, _subject: Subject, _seen: Observed, _desired: Desired) -> Iterator[Write]:
        """Nothing."""
        yield from ()

    def after(self, _cluster: Cluster, _subject: Subject, _seen: Observed, _desired: Desired) -> Iterator[Write]:
        """Nothing."""
        yield from ()

    def removable(self, _cluster: Cluster, _subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """Nothing."""
        yield from ()


def _problems(service: Manifest, labels: PodLabels, spec: CanarySpec) -> Iterator[Problem]:
    name = f"Service {service['metadata']['namespace']}/{service['metadata']['name']}"
    selector, target = _selector(service), f"the pods of {spec.target}"
    if labels.parted(selector):
        behind = f"{name} selects {target} by {labels.owned_by_target}, and these are none between releases"
        way_out = f"call Service {spec.service_name} instead and delete it, let it select {labels.owned_by_copy}"
        yield Problem("ServiceLeftBehind", f"{behind}, when {spec.primary_name} serves: {way_out}, or {CONSENT}")
    elif selects(selector, labels.target) and not _is_headless(service):
        both = f"{name} selects {target} and those of its copy {spec.primary_name} alike"
        cost = "so it would send requests to the canary whatever its weight"
        way_out = f"let it select {labels.owned_by_copy}, make it headless (clusterIP: None) if it serves discovery"
        yield Problem("ServiceNotParting", f"{both}, {cost}: {way_out} alone, or {CONSENT}")


def _selector(service: Manifest) -> Manifest | None:
    """A Service without a selector has pods by no label."""
    selector = (service.get("spec") or {}).get("selector")
    return {"matchLabels": selector} if selector and service["spec"].get("type") != "ExternalName" else None


def _pairs(service: Manifest) -> tuple[str, ...]:
    """The labels that it selects by, each as `key=value`; none for one without a selector."""
    selector = _selector(service)
    return () if selector is None else _told(selector["matchLabels"])


def _labels(workload: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Those of its pods, and those of its copy's, in the same words; None if no label could part them."""
    label = selector_label(workload)
    target = (workload["spec"]["template"]["metadata"].get("labels") or {}) if label is not None else {}
    return None if label is None else (_told(target), _told(target | label.primary()))


def _told(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in labels.items())


def _selects(pairs: tuple[str, ...], labels: tuple[str, ...]) -> bool:
    """What core/label_selector.py says of such a selector."""
    return bool(pairs) and all(pair in labels for pair in pairs)


def _is_headless(service: Manifest) -> bool:
    """Whether its clients find every pod and choose by themselves, as scrapers do."""
    return bool(service["spec"].get("clusterIP") == "None")
