"""What the controller itself would say of a Canary, told by its own checks, with the files in the place of a cluster.

What only says that something is not there is no error here: it may be in the cluster, and is told as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, DESTINATION_RULES, SERVICES, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.observed import Problem
from rollouts.engine.contest import find_contest
from rollouts.engine.modes import mode_of
from rollouts.engine.recipes import Standing, find_recipe, flaw_of
from rollouts.engine.routers import router_of
from rollouts.engine.subject import Subject
from rollouts.engine.user_routes import led_to, seen_of
from rollouts.lint.files import Files
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item
from rollouts.traffic.istio_host import service_of
from rollouts.workloads.kinds import kind_of

ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "TargetNotFound": "spec.targetRef.name",
        "RouteNotFound": "spec.routeRefs",
        "HostNotFound": "spec.routeRefs",
        "AutoscalerNotFound": "spec.autoscalerRef.name",
        "TemplateNotFound": "spec.analysis.metrics",
        "ConfigNotFound": "spec.configTracking",
    }
)
"""Problems that say that an object is not there, and the field that names it."""
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        **ABSENT,
        "AutoscalerBounds": "spec.autoscalerRef",
        "AutoscalerElsewhere": "spec.autoscalerRef",
        "AutoscalerNotNamed": "spec.autoscalerRef",
        "AutoscalerOnPrimary": "spec.autoscalerRef",
        "AutoscalerPaused": "spec.autoscalerRef",
        "HostPortUnsupported": "spec.targetRef",
        "NodeNameTaken": "spec.targetRef",
        "NotSelected": "spec.subsets",
        "PortNotFound": "spec.service.port",
        "RouteUnusable": "spec.routeRefs",
        "SelectorUnsupported": "spec.targetRef",
        "StableUnknown": "spec.initialStable",
        "StrategyUnsupported": "spec.targetRef",
        "SubsetMismatch": "spec.subsets",
        "SubsetNotFound": "spec.subsets",
        "TargetContested": "spec.targetRef",
        "TooManySecrets": "spec.configTracking",
    }
)
_OLDER = ", which is older,"


def check_canary(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """All that the controller would say of one Canary whose spec is valid."""
    manifest = files.read(CANARIES, item.key) or item.manifest
    subject = Subject(manifest, Owner.of(manifest), spec)
    rivals = find_contest(files, subject.owner, spec)
    found = chain(rivals, mode_of(spec).problems(files, subject, ""), _without_target(files, subject))
    for problem in dict.fromkeys(found):
        yield _finding(files, item, subject, problem, _FIELDS.get(problem.reason, ""))
    for index, metric in enumerate(spec.analysis.metrics):
        if not metric.built_in:
            yield from _metric(files, item, subject, index)


def _without_target(files: Files, subject: Subject) -> Iterator[Problem]:
    """The controller looks no further where the target is missing. The routes can be looked at all the same."""
    spec, owner = subject.spec, subject.owner
    if spec.swaps or files.read(kind_of(spec).resource, ObjectKey(owner.namespace, spec.target.name)) is not None:
        return
    yield from router_of(spec).problems(files, owner, spec, "")
    service = files.read(SERVICES, ObjectKey(owner.namespace, spec.service_name))
    ports = [port["port"] for port in service["spec"]["ports"]] if service is not None else []
    if service is not None and spec.exposure.port not in ports:
        found = f"Service {owner.namespace}/{spec.service_name} has no port {spec.exposure.port} (it has {ports})"
        yield Problem("PortNotFound", f"{found}: correct spec.service.port, or add the port to the Service")


def _metric(files: Files, item: Item, subject: Subject, index: int) -> Iterator[Finding]:
    metric = subject.spec.analysis.metrics[index]
    field = f"spec.analysis.metrics[{index}]"
    recipe = find_recipe(files, subject.owner.namespace, metric)
    problem = recipe if isinstance(recipe, Problem) else flaw_of(recipe, Standing(files, subject, CanaryStatus()))
    if problem is not None:
        field += ".templateRef" if metric.template_ref is not None else ".query"
        yield _finding(files, item, subject, problem, field)


def _finding(files: Files, item: Item, subject: Subject, problem: Problem, field: str) -> Finding:
    level = Level.INFO if _is_elsewhere(files, subject, problem) else Level.ERROR
    said = problem.message.replace(_OLDER, "").replace(" does not exist", " is not in the files")
    message = said if level is Level.INFO else problem.message.replace(_OLDER, "")
    return item.finding(level, problem.reason, message, field)


def _is_elsewhere(files: Files, subject: Subject, problem: Problem) -> bool:
    """Whether it may be all right in a cluster that has more than the files."""
    if problem.reason in ABSENT:
        return True
    spec = subject.spec
    seen = seen_of(files, subject.owner, spec, "") if spec.route_refs else ()
    if problem.reason == "StableUnknown":
        return any(manifest is None for _, manifest in seen)
    if problem.reason != "SubsetNotFound":
        return False
    rules = files.list_all(DESTINATION_RULES)
    known = {service_of(str(rule["spec"].get("host", "")), rule["metadata"]["namespace"]) for rule in rules}
    return not known & led_to(seen).keys()
