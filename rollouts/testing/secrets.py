"""Secrets of a server in memory, behind `ports.Secrets`.

tests/contract holds it and a real API server to the same cases.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from rollouts.api.resources import SECRETS, Manifest, ObjectKey
from rollouts.errors import Forbidden
from rollouts.testing.memory_server import MemoryServer


class MemorySecrets:
    """Implements `ports.Secrets`. Somebody makes Secrets with `server.put(SECRETS, manifest)`, in base64 as always."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self.forbidden = False
        """While set, the account may not read Secrets."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """As the port says."""
        stored = await self.manifest(namespace, name)
        if stored is None:
            return None
        return {key: base64.b64decode(value) for key, value in stored.get("data", {}).items()}

    async def manifest(self, namespace: str, name: str) -> Manifest | None:
        """As the port says."""
        if self.forbidden:
            refusal = f'get secrets: not allowed: secrets "{name}" is forbidden'
            raise Forbidden(refusal, verb="get", resource=str(SECRETS), status=403)
        return self._server.stored(SECRETS, ObjectKey(namespace, name))
