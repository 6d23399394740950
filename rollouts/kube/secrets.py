"""The port `Secrets` over a transport: one GET for each question, no list, no watch, nothing kept.

So the controller's account needs `get` for the Secrets that users refer to, by name if they like, and nothing more.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from rollouts.api.resources import SECRETS, Manifest, ObjectKey
from rollouts.errors import NotFound
from rollouts.kube.connection import unavailable
from rollouts.kube.requests import get
from rollouts.kube.transport import Transport


class KubeSecrets:
    """Implements `ports.Secrets`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The data of one Secret as it is now, or None if there is none. Raises KubeError."""
        request = get(SECRETS, ObjectKey(namespace, name))
        found = await self.manifest(namespace, name)
        if found is None:
            return None
        data = found.get("data") or {}
        try:
            return {key: base64.b64decode(value, validate=True) for key, value in data.items()}
        except (AttributeError, TypeError, ValueError):
            # Not chained: the cause would quote what it could not read.
            raise unavailable(request, "the answer is no Secret") from None

    async def manifest(self, namespace: str, name: str) -> Manifest | None:
        """One whole Secret as it is now, or None if there is none. Raises KubeError."""
        try:
            return (await self._transport.send(get(SECRETS, ObjectKey(namespace, name)))).manifest()
        except NotFound:
            return None
