"""Who may speak to the lab's API server: users, their tokens and kubeconfigs, and the token key.

One user for each part, so that the audit log can tell them apart. The parts that are the cluster
itself are in system:masters; the workload server is in no group, it may do what its role allows. The controller is none
of these users: it has a token of its service account, see account.py. Pure but for the random source.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

API_SERVER = "https://127.0.0.1:6443"
MASTERS = "system:masters"
CONTROLLER = "system:serviceaccount:rollouts-system:rollouts-controller"
"""The account of deploy/."""
# User to groups.
USERS: dict[str, tuple[str, ...]] = {
    "admin": (MASTERS,),
    "system:kube-controller-manager": (MASTERS,),
    "system:kube-scheduler": (MASTERS,),
    "kwok": (MASTERS,),
    "istiod": (MASTERS,),
    "workload": (),
}
# Order of the P-256 group: a private key is a number below it.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def new_tokens() -> dict[str, str]:
    """A fresh bearer token for each user."""
    return {user: secrets.token_hex(16) for user in USERS}


def token_file(tokens: Mapping[str, str]) -> str:
    """The text for kube-apiserver's --token-auth-file: token, user, uid and groups."""
    lines = []
    for user, token in tokens.items():
        groups = ",".join(USERS[user])
        lines.append(f'{token},{user},{user},"{groups}"' if groups else f"{token},{user},{user}")
    return "\n".join(lines) + "\n"


def kubeconfig(*, user: str, token: str, certificate: Path) -> str:
    """A kubeconfig for `user` (JSON, which is YAML too) that trusts only `certificate`."""
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": API_SERVER, "certificate-authority": str(certificate)},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    }
    return json.dumps(document, indent=1) + "\n"


def new_signing_key() -> str:
    """A private P-256 key as PEM (SEC 1), for service account tokens.

    SEC 1 lets the public half be left out; whoever reads the key works it out.
    """
    scalar = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    curve = bytes.fromhex("a00a06082a8648ce3d030107")
    body = b"\x02\x01\x01" + b"\x04\x20" + scalar + curve
    text = base64.encodebytes(b"\x30" + bytes([len(body)]) + body).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"
