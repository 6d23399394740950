"""Which images a release has, told only where it is sure: by the template that the revision was made of.

Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.resources import DEPLOYMENTS, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, Notice
from rollouts.core.revision import revision_of
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster
from rollouts.workloads.kinds import kind_of

_VERSION_MAX = 256
_DIGEST = 12


def version_of(cluster: Cluster, subject: Subject, status: CanaryStatus, notice: Notice) -> str:
    """The images of the workload that has the notice's revision; empty if none has it any more."""
    wanted = {notice.revision} - {""}
    if status.last_applied_spec == notice.revision:
        wanted |= {status.applied_template} - {""}
    for workload in _workloads(cluster, subject):
        template = workload["spec"]["template"]
        if wanted and revision_of(template) in wanted:
            images = [_short(str(one.get("image", ""))) for one in template["spec"].get("containers") or ()]
            return ", ".join(dict.fromkeys(image for image in images if image))[:_VERSION_MAX]
    return ""


def _workloads(cluster: Cluster, subject: Subject) -> Iterator[Manifest]:
    spec, namespace = subject.spec, subject.owner.namespace
    if spec.swaps:
        places = [(DEPLOYMENTS, subset.target_ref.name) for subset in spec.subsets]
    else:
        places = [(kind_of(spec).resource, spec.target.name)]
    for resource, name in places:
        found = cluster.read(resource, ObjectKey(namespace, name))
        if found is not None:
            yield found


def _short(image: str) -> str:
    """Without the registry and its folders, and with the beginning of a digest."""
    name, _, digest = image.rpartition("/")[2].partition("@sha256:")
    return f"{name}@{digest[:_DIGEST]}" if digest else name
