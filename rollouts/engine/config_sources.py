"""What configuration a target reads now, and the revision that it has with it: the one place that puts both together.

ConfigMaps come from the store, Secrets as answers that were asked for. Only digests are seen. Pure but for reading the
stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import TRACKING_ANNOTATION
from rollouts.api.resources import CONFIG_MAPS, SECRETS, Manifest, ObjectKey
from rollouts.api.status import SECRETS_MAX, CanaryStatus
from rollouts.core.measurement import ABSENT, UNTRACKED, Content, Rejected, Sample, SecretProbe, Unreachable
from rollouts.core.observed import Problem, SecretSeen
from rollouts.core.revision import content_digest, revision_of, tracked_revision
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster
from rollouts.workloads.config_copies import copy_name
from rollouts.workloads.config_refs import ConfigRef, references
from rollouts.workloads.kinds import kind_of

_SETTING = {"all": (CONFIG_MAPS.kind, SECRETS.kind), "configMaps": (CONFIG_MAPS.kind,), "none": ()}


@dataclass(frozen=True, slots=True)
class Tracked:
    """A pod template, and the configuration that it reads."""

    template: str
    """Hash of the template alone."""
    found: tuple[tuple[ConfigRef, str], ...]
    """Each reference that counts, with the digest of its content, or ABSENT."""

    @property
    def revision(self) -> str:
        """Of both."""
        return tracked_revision(self.template, ((ref.kind, ref.name, digest) for ref, digest in self.present))

    @property
    def present(self) -> list[tuple[ConfigRef, str]]:
        """Those that exist: they are to be copied."""
        return [(ref, digest) for ref, digest in self.found if digest != ABSENT]

    def copies(self, primary: str) -> dict[tuple[str, str], str]:
        """The name of the copy of each, for that workload.

        What is absent gets one too, which nobody makes: else what appears later would be read before it is judged.
        """
        return {(ref.kind, ref.name): copy_name(ref.name, primary, digest) for ref, digest in self.found}


def tracked_refs(spec: CanarySpec, template: Manifest) -> tuple[ConfigRef, ...]:
    """What the template refers to, of the kinds that the spec tracks."""
    return tuple(ref for ref in references(template) if ref.kind in _SETTING[spec.config_tracking])


def look_at(cluster: Cluster, subject: Subject, template: Manifest, secrets: Iterable[SecretSeen]) -> Tracked:
    """A template of the target with all that is known of what it reads."""
    digests = {secret.name: secret.digest for secret in secrets}
    found = []
    for ref in tracked_refs(subject.spec, template):
        config_map = ref.kind == CONFIG_MAPS.kind
        digest = _config_map(cluster, subject, ref) if config_map else digests.get(ref.name)
        if digest is not None and digest != UNTRACKED:
            found.append((ref, digest))
    return Tracked(revision_of(template), tuple(found))


def look_at_secrets(
    subject: Subject, status: CanaryStatus, target: Manifest | None, samples: Sequence[Sample]
) -> tuple[SecretSeen, ...]:
    """The Secrets that the target refers to: as they were answered, else as the status remembers them."""
    if target is None:
        return ()
    template = kind_of(subject.spec).template_of(target)
    names = [ref.name for ref in tracked_refs(subject.spec, template) if ref.kind == SECRETS.kind][:SECRETS_MAX]
    record, digests = status.secrets_read, tuple[str | None, ...]()
    if names and record is not None and record.template == revision_of(template):
        digests = record.digests
    remembered = digests if len(digests) == len(names) else (None,) * len(names)
    answers = {sample.probe.name: sample for sample in samples if isinstance(sample.probe, SecretProbe)}
    return tuple(_seen(name, before, answers.get(name)) for name, before in zip(names, remembered, strict=True))


def config_problems(cluster: Cluster, subject: Subject, target: Manifest) -> Iterator[Problem]:
    """What the stores can tell: a ConfigMap that pods need and that is not there, or too many Secrets."""
    refs = tracked_refs(subject.spec, target["spec"]["template"])
    if any(ref.kind == CONFIG_MAPS.kind for ref in refs) and (trouble := cluster.trouble(CONFIG_MAPS)):
        yield Problem("KindUnavailable", f"{trouble}; or set spec.configTracking to none")
    for ref in refs:
        if ref.kind == CONFIG_MAPS.kind and not ref.optional and _config_map(cluster, subject, ref) == ABSENT:
            yield _missing(subject, ref)
    count = sum(ref.kind == SECRETS.kind for ref in refs)
    if count > SECRETS_MAX:
        many = f"{subject.spec.target} refers to {count} Secrets, and {SECRETS_MAX} can be tracked"
        yield Problem("TooManySecrets", f"{many}: set spec.configTracking to configMaps, or refer to fewer")


def secret_problems(
    cluster: Cluster, subject: Subject, secrets: Sequence[SecretSeen], samples: Sequence[Sample]
) -> Iterator[Problem]:
    """What the answers tell: a Secret that pods need and that is not there, or that can't be read."""
    if not secrets:
        return
    kind = kind_of(subject.spec)
    target = cluster.read(kind.resource, ObjectKey(subject.owner.namespace, subject.spec.target.name))
    if target is None:
        return
    refs = {ref.name: ref for ref in references(kind.template_of(target)) if ref.kind == SECRETS.kind}
    answers = {sample.probe: sample.outcome for sample in samples}
    for secret in secrets:
        outcome = answers.get(SecretProbe(secret.name))
        if isinstance(outcome, Rejected) and outcome.kind == "SecretsOff":
            yield _switched_off(subject, secret.name, outcome.reason)
        elif isinstance(outcome, Rejected) or (isinstance(outcome, Unreachable) and secret.digest is None):
            yield _unreadable(subject, secret.name, outcome.reason)
        elif secret.digest == ABSENT and not refs[secret.name].optional:
            yield _missing(subject, refs[secret.name])


def is_opted_out(manifest: Manifest) -> bool:
    """Whether the user wants an object left alone."""
    return (manifest["metadata"].get("annotations") or {}).get(TRACKING_ANNOTATION) == "disabled"


def _config_map(cluster: Cluster, subject: Subject, ref: ConfigRef) -> str:
    stored = cluster.read(CONFIG_MAPS, ObjectKey(subject.owner.namespace, ref.name))
    if stored is None:
        return ABSENT
    return UNTRACKED if is_opted_out(stored) else content_digest(stored)


def _seen(name: str, remembered: str | None, answer: Sample | None) -> SecretSeen:
    if answer is None:
        return SecretSeen(name, remembered)
    if isinstance(answer.outcome, Content):
        return SecretSeen(name, answer.outcome.digest, answer.at)
    return SecretSeen(name, remembered, answer.at, refused=True)


def _missing(subject: Subject, ref: ConfigRef) -> Problem:
    absent = f"{ref.kind} {subject.owner.namespace}/{ref.name}, which {subject.spec.target} refers to"
    return Problem("ConfigNotFound", f"{absent}, does not exist: create it, or make the reference optional")


def _switched_off(subject: Subject, name: str, reason: str) -> Problem:
    said = f"Secret {subject.owner.namespace}/{name}, which {subject.spec.target} refers to, is not read"
    return Problem("SecretsOff", f"{said}. {reason}; or spec.configTracking: configMaps in the Canary")


def _unreadable(subject: Subject, name: str, reason: str) -> Problem:
    said = f"Secret {subject.owner.namespace}/{name}, which {subject.spec.target} refers to"
    way_out = "grant the controller's account get on secrets, see deploy/base/rbac.yaml, or set spec.configTracking"
    return Problem("SecretUnreadable", f"{said}, can't be read ({reason}): {way_out} to configMaps")
