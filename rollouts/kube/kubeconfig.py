"""Which cluster a person means: kubectl's rules for its flags, its environment and its files.

Only names are read here, to choose a context and to say what there is to choose from. Credentials are the library's
matter, in access.py. Opens no connection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rollouts.errors import NOT_YAML
from rollouts.kube.access import AccessUnknown

ENVIRONMENT = "KUBECONFIG"
USUAL = Path(".kube/config")
"""In the person's home."""
POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Files of large fleets take the pure one a second."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster and a namespace in it, and as whom."""

    files: str = ""
    """One or more, as KUBECONFIG lists them; empty for the service account of the pod that this runs in."""
    context: str = ""
    namespace: str = "default"
    user: str = ""
    """As the kubeconfig calls the account; the API server may know it by another name."""
    server: str = ""

    def __str__(self) -> str:
        return f"context {self.context} of {self.files}" if self.files else "the pod's service account"


def find_place(
    kubeconfig: str = "", context: str = "", *, environ: Mapping[str, str] = os.environ, home: Path | None = None
) -> Place:
    """The place that the flags mean; empty ones leave it to the environment. Raises AccessUnknown."""
    files = kubeconfig or environ.get(ENVIRONMENT, "")
    if not files:
        usual = (home or Path.home()) / USUAL
        if usual.is_file():
            files = str(usual)
        elif environ.get("KUBERNETES_SERVICE_HOST") and not context:
            return _in_pod()
        else:
            raise AccessUnknown(
                f"no kubeconfig: {usual} does not exist, and {ENVIRONMENT} is not set: name a file by --kubeconfig"
            )
    return _in_context(files, context)


def _in_pod() -> Place:
    try:
        namespace = (POD / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        namespace = ""
    return Place(namespace=namespace or "default")


def _in_context(files: str, wanted: str) -> Place:
    merged = _merged(files)
    contexts = _by_name(merged, "contexts", "context")
    name = wanted or _text(merged, "current-context")
    listed = ", ".join(sorted(contexts)) or "none"
    if not name:
        raise AccessUnknown(f"kubeconfig {files} has no current context: choose one by --context ({listed})")
    if name not in contexts:
        raise AccessUnknown(f"kubeconfig {files} has no context {name!r}: choose one by --context ({listed})")
    chosen = contexts[name]
    cluster = _by_name(merged, "clusters", "cluster").get(_text(chosen, "cluster"), {})
    return Place(
        files,
        name,
        namespace=_text(chosen, "namespace") or "default",
        user=_text(chosen, "user"),
        server=_text(cluster, "server"),
    )


def _text(told: Mapping[str, Any], field: str) -> str:
    """What is no text is none: written out, it may be larger than any memory."""
    value = told.get(field)
    return value if isinstance(value, str) else ""


def _merged(files: str) -> dict[str, Any]:
    """All files as one: of what has the same name the first counts, as kubectl has it. What is absent is left out."""
    merged: dict[str, Any] = {}
    present = [path for name in files.split(os.pathsep) if (path := _file(name)) is not None]
    if not present:
        raise AccessUnknown(f"kubeconfig {files}: no such file: name one by --kubeconfig, or set {ENVIRONMENT}")
    for path in present:
        told = _read(path)
        for field, value in told.items():
            if isinstance(value, list):
                before = merged.get(field)
                merged[field] = [*(before if isinstance(before, list) else ()), *value]
            else:
                merged.setdefault(field, value)
    return merged


def _file(name: str) -> Path | None:
    """None of what is no file, or can't be one."""
    try:
        path = Path(name).expanduser()
        return path if name and path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # too long, in nobody's home, with a zero in it
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except (OSError, RecursionError, yaml.YAMLError, *NOT_YAML) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise AccessUnknown(f"kubeconfig {path} can't be read: {why}: name another by --kubeconfig") from error
    if not isinstance(told, dict):
        raise AccessUnknown(f"kubeconfig {path} holds no kubeconfig: name another by --kubeconfig")
    return told


def _by_name(merged: Mapping[str, Any], field: str, inner: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    entries = merged.get(field)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            told = entry.get(inner)
            found.setdefault(entry["name"], told if isinstance(told, dict) else {})
    return found
