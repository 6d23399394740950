"""From a hook as the user wrote it to the request that is sent, purely; what is missing is told, not raised.

Whoever calls this fetches the Secrets first: `secret_names` says which. Values of secrets go into the request, and
never into a reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from rollouts.api.hooks import SecretKeyRef, Webhook
from rollouts.api.resources import Manifest
from rollouts.core.measurement import Refused
from rollouts.hooks.signature import read_key
from rollouts.ports import HookRequest

SecretData = Mapping[str, Mapping[str, bytes] | None]
"""The data of Secrets by name; None for one that does not exist."""


def secret_names(hook: Webhook) -> tuple[str, ...]:
    """The Secrets of the Canary's namespace that a call of this hook needs, each once."""
    refs = [header.secret_key_ref for header in hook.headers_from]
    if hook.signing is not None:
        refs.append(hook.signing.secret_key_ref)
    return tuple(dict.fromkeys(ref.name for ref in refs))


def render_request(hook: Webhook, payload: Manifest, secrets: SecretData) -> HookRequest | Refused:
    """The request, or why there can be none until somebody changes the hook or a Secret."""
    if hook.url is None:
        return Refused("the hook has no url: it is opened by an action")
    headers: dict[str, str] = {}
    for header in hook.headers_from:
        value = _header_value(header.secret_key_ref, secrets)
        if isinstance(value, Refused):
            return value
        headers[header.name] = value
    key = None if hook.signing is None else _signing_key(hook.signing.secret_key_ref, secrets)
    if isinstance(key, Refused):
        return key
    return HookRequest(
        url=hook.url,
        payload=payload,
        timeout_s=hook.timeout_s,
        retries=hook.retries,
        headers=headers,
        signing_key=key,
        verify_tls=not hook.disable_tls,
    )


def _header_value(ref: SecretKeyRef, secrets: SecretData) -> str | Refused:
    stored = _stored(ref, secrets)
    if isinstance(stored, Refused):
        return stored
    try:
        value = stored.decode().strip()
    except UnicodeDecodeError:
        value = ""
    if not value.isprintable() or not value:
        return Refused(f"key {ref.key} of Secret {ref.name} is no value for a header: it must be one line of text")
    return value


def _signing_key(ref: SecretKeyRef, secrets: SecretData) -> bytes | Refused:
    stored = _stored(ref, secrets)
    if isinstance(stored, Refused):
        return stored
    key = read_key(stored)
    return key or Refused(f"key {ref.key} of Secret {ref.name} is no signing key: it is empty, or no base64")


def _stored(ref: SecretKeyRef, secrets: SecretData) -> bytes | Refused:
    data = secrets.get(ref.name)
    if data is None:
        return Refused(f"Secret {ref.name} does not exist")
    if ref.key not in data:
        return Refused(f"Secret {ref.name} has no key {ref.key}")
    return data[ref.key]
