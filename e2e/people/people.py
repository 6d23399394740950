"""Who acts: ServiceAccounts with a right or two each, and how they show the API server who they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.lab.credentials import kubeconfig
from e2e.lab.layout import Layout
from e2e.play.kubectl import kubectl

Json = dict[str, Any]
NAMESPACE = "default"
APPROVER, DEVELOPER = "approver", "developer"
LOOKS = ("get", "list", "watch")
RIGHTS = {APPROVER: (*LOOKS, "approve"), DEVELOPER: (*LOOKS, "patch")}
"""The approver may change no Canary; the developer may, and has none of our verbs."""
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a token."""

    name: str
    namespace: str
    token: str
    kubeconfig: Path

    @property
    def user(self) -> str:
        """As the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def account(name: str, verbs: tuple[str, ...]) -> tuple[Json, ...]:
    """A ServiceAccount that may do that with the Canaries of its namespace."""
    metadata = {"name": name, "namespace": NAMESPACE}
    rules = [{"apiGroups": ["rollouts.dev"], "resources": ["canaries"], "verbs": list(verbs)}]
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
        },
    )


async def person(layout: Layout, name: str, namespace: str = NAMESPACE) -> Person:
    """A token for an account that exists, and a kubeconfig with it. Raises KubectlError."""
    token = (await kubectl("create", "token", name, f"--namespace={namespace}", "--duration=1h")).strip()
    path = layout.kubeconfig(f"{namespace}-{name}")
    path.touch(mode=0o600)
    path.write_text(kubeconfig(user=name, token=token, certificate=layout.certificate), encoding="utf-8")
    return Person(name, namespace, token, path)
