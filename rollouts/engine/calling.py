"""Calls webhooks of a Canary: finds the hook in the spec, fetches the secrets it needs, sends, and says what came back.

Whatever goes wrong is an outcome. When a hook is called, and what its answer does, is decided elsewhere.
"""

from __future__ import annotations

from rollouts.api.hooks import HookType, Webhook
from rollouts.api.resources import Manifest
from rollouts.api.status import Notice
from rollouts.core.measurement import Call, HookOutcome, Refused, Unreachable
from rollouts.engine.subject import Subject
from rollouts.errors import Forbidden, KubeError
from rollouts.hooks.payload import About, Announcement, event_payload, hook_payload
from rollouts.hooks.render import render_request, secret_names
from rollouts.ports import Hooks, Secrets


class Caller:
    """Calls the hooks of any Canary."""

    def __init__(self, hooks: Hooks, secrets: Secrets) -> None:
        self._hooks = hooks
        self._secrets = secrets

    async def ask(self, call: Call, subject: Subject) -> HookOutcome:
        """Ask one hook of the spec."""
        named = (hook for hook in subject.spec.analysis.hooks(call.kind) if hook.name == call.hook)
        hook = next(named, None)
        if hook is None:
            return Refused(f"there is no {call.kind} hook {call.hook} any more")
        about = _about(subject, call.phase, call.revision)
        return await self._send(hook, hook_payload(about, hook.metadata), subject)

    async def tell(self, hook: Webhook, notice: Notice, subject: Subject) -> HookOutcome:
        """Deliver a notice to one hook; every attempt bears the same id."""
        about = _about(subject, notice.phase, notice.revision)
        known_as = f"{subject.owner.uid}-{notice.number}"
        if hook.type is HookType.EVENT:
            told = Announcement(notice.message, "Warning" if notice.warning else "Normal", notice.at)
            payload = event_payload(about, hook.metadata, told, delivery_id=known_as)
        else:
            payload = hook_payload(about, hook.metadata, delivery_id=known_as)
        return await self._send(hook, payload, subject)

    async def _send(self, hook: Webhook, payload: Manifest, subject: Subject) -> HookOutcome:
        try:
            names = secret_names(hook)
            secrets = {name: await self._secrets.secret(subject.owner.namespace, name) for name in names}
        except Forbidden as forbidden:
            return Refused(str(forbidden))
        except KubeError as failed:
            return Unreachable(str(failed))
        request = render_request(hook, payload, secrets)
        return request if isinstance(request, Refused) else await self._hooks.call(request)


def _about(subject: Subject, phase: str, revision: str) -> About:
    return About(subject.owner.name, subject.owner.namespace, phase, revision)
