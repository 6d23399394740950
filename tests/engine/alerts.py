"""AlertProviders and their Secrets, as users write them."""

from __future__ import annotations

import base64
from typing import Any

from rollouts.api.resources import ALERT_PROVIDERS, SECRETS, Manifest, Resource
from tests.engine.world import NAMESPACE

URL = "https://hooks.test/services/T000/B000/secret-part"


def alert(name: str = "chat", severity: str = "info", namespace: str = "") -> Manifest:
    """An alert of a Canary by the provider of that name."""
    ref = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"name": name, "severity": severity, "providerRef": ref}


def provider(name: str = "chat", namespace: str = NAMESPACE, **spec: Any) -> tuple[Resource, Manifest]:
    """An AlertProvider of Slack, with `spec` laid over it."""
    whole = {"type": "slack", "secretRef": {"name": "chat"}} | spec
    return ALERT_PROVIDERS, {"metadata": {"name": name, "namespace": namespace}, "spec": whole}


def secret(name: str = "chat", namespace: str = NAMESPACE, **data: str) -> tuple[Resource, Manifest]:
    """A Secret with the URL, or with `data`."""
    stored = {key: base64.b64encode(value.encode()).decode() for key, value in (data or {"address": URL}).items()}
    return SECRETS, {"metadata": {"name": name, "namespace": namespace}, "data": stored}
