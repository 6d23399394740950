"""Where the operator lets us read no Secret: nobody is asked for one, and who needs one hears what to set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rollouts.api.resources import SECRETS, Manifest
from rollouts.core.observed import Problem
from rollouts.engine.subject import Subject
from rollouts.errors import SecretsOff
from rollouts.hooks.render import secret_names

WAY_OUT = (
    "Secrets are switched off: set secrets.enabled=true in the Helm chart, or ROLLOUTS_SECRETS=get and the rule for "
    "secrets of deploy/base/rbac.yaml"
)


def hook_problems(subject: Subject) -> Iterator[Problem]:
    """Webhooks that can't be called without a Secret."""
    for hook in subject.spec.analysis.webhooks:
        for name in secret_names(hook):
            said = f"webhook {hook.name} needs Secret {subject.owner.namespace}/{name}, which is not read"
            yield Problem("SecretsOff", f"{said}. {WAY_OUT}; or take headersFrom and signing out of the webhook")


class NoSecrets:
    """Implements `ports.Secrets` without any."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:  # noqa: ARG002
        """Raises SecretsOff."""
        raise _refusal()

    async def manifest(self, namespace: str, name: str) -> Manifest | None:  # noqa: ARG002
        """Raises SecretsOff."""
        raise _refusal()


def _refusal() -> SecretsOff:
    return SecretsOff(WAY_OUT, verb="get", resource=str(SECRETS))
