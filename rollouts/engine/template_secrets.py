"""The Secrets of a template: read one by one when they are needed, and kept out of all that is told."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from rollouts.api.template import AnalysisTemplateSpec
from rollouts.core.measurement import Rejected, Unreachable
from rollouts.engine.recipes import Recipe
from rollouts.errors import Forbidden, KubeError, SecretsOff
from rollouts.ports import SecretData, Secrets

_HIDDEN = "***"
_CREDENTIAL_LEAST = 6
"""Characters of what is taken for one: less may stand in any sentence."""


async def read_secrets(
    secrets: Secrets, spec: AnalysisTemplateSpec, namespace: str
) -> SecretData | Rejected | Unreachable:
    """The Secrets that a template refers to, by name: for its arguments and for its provider."""
    provider = spec.provider
    names = [arg.value_from.secret_key_ref.name for arg in spec.args if arg.value_from is not None]
    names += [header.secret_key_ref.name for header in provider.headers_from]
    names += [provider.secret_ref.name] if provider.secret_ref is not None else []
    data: dict[str, Mapping[str, bytes]] = {}
    for name in dict.fromkeys(names):
        shown = f"Secret {namespace}/{name}, which a template refers to,"
        try:
            found = await secrets.secret(namespace, name)
        except SecretsOff as off:
            return Rejected(f"{shown} is not read. {off}", "SecretsOff")
        except Forbidden as refused:
            way_out = "grant the controller's account get on secrets, see deploy/base/rbac.yaml"
            return Rejected(f"{shown} can't be read ({refused}): {way_out}", "SecretUnreadable")
        except KubeError as failed:
            return Unreachable(f"{shown} can't be read: {failed}")
        if found is None:
            return Rejected(f"{shown} does not exist: create it, or correct the template", "SecretNotFound")
        data[name] = found
    return data


def secret_values(recipe: Recipe, data: SecretData) -> dict[str, str] | Rejected:
    """The arguments that are in Secrets, by name."""
    values: dict[str, str] = {}
    for arg in recipe.secret_args:
        if arg.value_from is None:
            continue
        ref = arg.value_from.secret_key_ref
        shown = f"Secret {recipe.namespace}/{ref.name}"
        stored = data[ref.name].get(ref.key)
        if stored is None:
            said = f"{shown} has no key {ref.key}, which argument {arg.name} of {recipe.named} is to have"
            return Rejected(f"{said}: add it, or correct the template", "SecretKeyNotFound")
        try:
            values[arg.name] = stored.decode().strip()
        except UnicodeDecodeError:
            return Rejected(f"key {ref.key} of {shown} is no text: an argument must be", "SecretKeyInvalid")
    return values


def credentials_in(spec: AnalysisTemplateSpec, data: SecretData) -> tuple[str, ...]:
    """What is sent to the provider beside the question, as a source might send it back to whoever may ask it."""
    provider = spec.provider
    stored = [data[ref.name].get(ref.key, b"") for ref in (one.secret_key_ref for one in provider.headers_from)]
    if provider.secret_ref is not None:
        own = data[provider.secret_ref.name]
        user, password = own.get("username", b"").strip(), own.get("password", b"").strip()
        stored += [own.get("token", b""), password, base64.b64encode(user + b":" + password) if user else b""]
    texts = (value.decode(errors="replace").strip() for value in stored)
    return tuple(text for text in texts if len(text) >= _CREDENTIAL_LEAST)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without them, however they may be quoted in it."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in (secret, repr(secret)[1:-1], secret.replace("\\", "\\\\").replace('"', '\\"')):
            text = text.replace(form, _HIDDEN)
    return text
