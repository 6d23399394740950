"""Where the API server is and how to prove who we are, from a kubeconfig file.

Reads a file, opens no connection. Of the many ways to log in it knows the lab's: a bearer token.
"""

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(ValueError):
    """The kubeconfig lacks something that is needed: whoever wrote the file must change it."""


@dataclass(frozen=True, slots=True)
class Access:
    """An API server's address and what is needed to talk to it; `tls` is None for plain HTTP."""

    server: str
    token: str = ""
    tls: ssl.SSLContext | None = None


def read_kubeconfig(path: Path) -> Access:
    """Read the current context. Raises KubeconfigError, or OSError when the file can't be read."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        message = f"{path} is not YAML: {error}"
        raise KubeconfigError(message) from error
    if not isinstance(config, dict):
        message = f"{path} is not a kubeconfig"
        raise KubeconfigError(message)
    context = _named(config, "contexts", config.get("current-context", ""))["context"]
    cluster = _named(config, "clusters", context["cluster"])["cluster"]
    user = _named(config, "users", context["user"])["user"] or {}
    server = str(cluster["server"]).rstrip("/")
    tls = _tls(cluster, path.parent) if server.startswith("https:") else None
    return Access(server, _token(user, path.parent), tls)


def _named(config: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for item in config.get(section) or ():
        if item["name"] == name:
            return dict(item)
    message = f"the kubeconfig has no {name!r} among its {section}"
    raise KubeconfigError(message)


def _token(user: dict[str, Any], folder: Path) -> str:
    if "tokenFile" in user:
        return (folder / str(user["tokenFile"])).read_text(encoding="utf-8").strip()
    return str(user.get("token", ""))


def _tls(cluster: dict[str, Any], folder: Path) -> ssl.SSLContext:
    if cluster.get("insecure-skip-tls-verify"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if "certificate-authority-data" in cluster:
            authority = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
            return ssl.create_default_context(cadata=authority)
        if "certificate-authority" in cluster:
            return ssl.create_default_context(cafile=folder / str(cluster["certificate-authority"]))
    except (ssl.SSLError, ValueError) as error:
        message = f"the cluster's certificate-authority can't be read: {error}"
        raise KubeconfigError(message) from error
    return ssl.create_default_context()
