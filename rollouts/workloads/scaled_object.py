"""KEDA's ScaledObject of the primary: the target's own, with other names and queries; and the pause of the target's.

Pure. Between releases the target is at zero, and KEDA would give it pods again: so its ScaledObject is paused at zero,
by KEDA's own annotation. Beside it stands a mark of ours, so that a pause of the user's is never taken away.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import GROUP, SCALED_OBJECTS, Manifest
from rollouts.api.scaling import AutoscalerRef
from rollouts.core.revision import without_nulls
from rollouts.workloads.autoscaler import is_deployment, whole_copy

PAUSED = "autoscaling.keda.sh/paused-replicas"
OUR_PAUSE = f"{GROUP}/paused"
LEAST, MOST = 0, 100
"""KEDA's own defaults of minReplicaCount and maxReplicaCount."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')


def render_scaled_object(owner: Owner, spec: CanarySpec, ref: AutoscalerRef, source: Manifest, floor: int) -> Manifest:
    """The primary's ScaledObject; KEDA leaves the primary at least `floor` pods, but never more than its most."""
    copied = copy.deepcopy(without_nulls(source["spec"]))
    least, most = scaled_bounds_of(ref, source)
    copied["scaleTargetRef"]["name"] = spec.primary_name
    copied |= {"minReplicaCount": max(least, min(floor, most)), "maxReplicaCount": most}
    if floor > 0:
        copied.pop("idleReplicaCount", None)  # below the least by its nature
    named = (copied.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    if named.get("name"):
        named["name"] = f"{named['name']}-primary"
    for trigger in copied.get("triggers") or ():
        _rewrite(trigger, spec, ref)
    labelled = source["metadata"].get("labels") or {}
    labels = {key: value for key, value in labelled.items() if not key.startswith("scaledobject.keda.sh/")}
    bare = {**source, "metadata": source["metadata"] | {"labels": labels}}
    return whole_copy(owner, ref, SCALED_OBJECTS, bare, copied)


def scaled_bounds_of(ref: AutoscalerRef, source: Manifest) -> tuple[int, int]:
    """The copy's least and most between releases."""
    known, bounds = source["spec"], ref.bounds
    least = bounds.min_replicas if bounds.min_replicas is not None else known.get("minReplicaCount", LEAST)
    most = bounds.max_replicas if bounds.max_replicas is not None else known.get("maxReplicaCount", MOST)
    return int(least), int(most)


def render_pause(source: Manifest, *, paused: bool) -> Manifest:
    """What is applied to the user's ScaledObject: the pause and our mark, or nothing, which takes both away."""
    metadata = source["metadata"]
    annotations = {"annotations": {PAUSED: "0", OUR_PAUSE: "true"}} if paused else {}
    return {
        "apiVersion": SCALED_OBJECTS.api_version,
        "kind": SCALED_OBJECTS.kind,
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], **annotations},
    }


def is_paused_by_us(source: Manifest) -> bool:
    """Whether our mark is there."""
    return OUR_PAUSE in (source["metadata"].get("annotations") or {})


def is_at_rest(source: Manifest) -> bool:
    """Whether it is paused at zero, by us."""
    return is_paused_by_us(source) and source["metadata"]["annotations"].get(PAUSED) == "0"


def is_paused_by_others(source: Manifest) -> bool:
    """Whether the user holds its target at some size."""
    return PAUSED in (source["metadata"].get("annotations") or {}) and not is_paused_by_us(source)


def scales_object(source: Manifest, name: str) -> bool:
    """Whether that ScaledObject is about the Deployment of that name."""
    return is_deployment(source["spec"].get("scaleTargetRef") or {}, name)


def primary_query(query: str, target: str, primary: str) -> str:
    """The same query about the primary: its name in the place of the target's, and of `<target>-canary`.

    A name stands for itself or before a pattern (`app-.*`), not within a longer one. Where the query has quotes it is
    only looked for in them: outside it would be a label or a metric that happens to be called so.
    """
    after = r"(?=$|[^\w-]|-(?:$|[^\w-]))"
    name = re.compile(rf"(?<![\w-]){re.escape(target)}(?:-canary)?{after}")

    def renamed(text: str) -> str:
        return name.sub(primary, text)

    if _QUOTED.search(query):
        return _QUOTED.sub(lambda quoted: renamed(quoted.group()), query)
    return renamed(query)


def _rewrite(trigger: dict[str, Any], spec: CanarySpec, ref: AutoscalerRef) -> None:
    metadata = trigger.get("metadata") or {}
    told = ref.primary_scaler_queries.get(trigger.get("name") or "")
    if told is not None:
        trigger["metadata"] = {**metadata, "query": told}
    elif isinstance(query := metadata.get("query"), str):
        metadata["query"] = primary_query(query, spec.target.name, spec.primary_name)
