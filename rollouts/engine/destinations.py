"""From an AlertProvider to where its messages go: its Secrets are read, and nothing of them is said in a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.errors import Forbidden, KubeError
from rollouts.hooks.signature import read_key
from rollouts.ports import Destination, Secrets


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a provider can't be used now. `lasting`: somebody has to change something first."""

    reason: str
    lasting: bool = True


async def find_destination(secrets: Secrets, spec: AlertProviderSpec, namespace: str) -> Destination | Unusable:
    """The provider with all that its Secrets say."""
    named = [] if spec.secret_ref is None else [spec.secret_ref.name]
    named += [header.secret_key_ref.name for header in spec.headers_from]
    named += [] if spec.signing is None else [spec.signing.secret_key_ref.name]
    try:
        data = {name: await secrets.secret(namespace, name) for name in dict.fromkeys(named)}
    except Forbidden as forbidden:
        return Unusable(str(forbidden))
    except KubeError as failed:
        return Unusable(str(failed), lasting=False)
    absent = next((name for name, found in data.items() if found is None), None)
    if absent is not None:
        return Unusable(f"Secret {namespace}/{absent} does not exist")
    return _destination(spec, {name: found or {} for name, found in data.items()})


def _destination(spec: AlertProviderSpec, data: Mapping[str, Mapping[str, bytes]]) -> Destination | Unusable:
    headers: dict[str, str] = {}
    for header in spec.headers_from:
        ref = header.secret_key_ref
        value = _text(data[ref.name].get(ref.key, b"")).strip()
        if not value.isprintable() or not value:
            return Unusable(f"key {ref.key} of Secret {ref.name} is no value for a header: it must be one line of text")
        headers[header.name] = value
    key = None
    if spec.signing is not None:
        ref = spec.signing.secret_key_ref
        key = read_key(data[ref.name].get(ref.key, b""))
        if key is None:
            return Unusable(f"key {ref.key} of Secret {ref.name} is no signing key: it is absent, empty, or no base64")
    stored = {} if spec.secret_ref is None else data[spec.secret_ref.name]
    return Destination(spec, {name: _text(value) for name, value in stored.items()}, headers, key)


def _text(stored: bytes) -> str:
    """What is no text is as good as nothing."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return ""
