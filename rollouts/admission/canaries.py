"""What is wrong with a Canary, for whoever has no cluster to ask: the server's words, then those of the controller.

The schema is the one that crds/canary.yaml is made from, so a file is refused here for the reasons, and with the
words, with which `kubectl apply` refuses it. What only the controller's own model finds comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from rollouts.admission.admit import admit
from rollouts.admission.definition import Definition, definitions_of
from rollouts.api.canary import CanarySpec
from rollouts.api.crd import canary_crd
from rollouts.api.invalid import explain_invalid
from rollouts.api.resources import CANARIES, Manifest
from rollouts.errors import Rejected, SpecInvalid


@cache
def canary_definition() -> Definition:
    """What this version of the program takes for a Canary."""
    return next(one for one in definitions_of(canary_crd()) if one.resource == CANARIES)


def check_canary(manifest: Any) -> list[str]:
    """Each thing that is wrong, one line each, as the API server words it; empty if the cluster would take it."""
    if wrong := _no_canary(manifest):
        return [wrong]
    try:
        _admitted_spec(manifest)
    except Rejected as refused:
        return [f"{one['field']}: {one['message']}" for one in refused.causes] or [str(refused)]
    except SpecInvalid as invalid:
        return [str(invalid)]
    return []


def admitted_canary(manifest: Any) -> CanarySpec:
    """The spec with all its defaults. Raises SpecInvalid with what `kubectl apply` prints of such a file."""
    if wrong := _no_canary(manifest):
        raise SpecInvalid(wrong)
    try:
        return _admitted_spec(manifest)
    except Rejected as refused:
        raise SpecInvalid(_as_kubectl(manifest, refused)) from refused


def _admitted_spec(manifest: Manifest) -> CanarySpec:
    spec = admit(canary_definition(), manifest).manifest["spec"]
    try:
        return CanarySpec.model_validate(spec)
    except ValidationError as invalid:
        raise SpecInvalid(explain_invalid(invalid)) from invalid


def _no_canary(manifest: Any) -> str:
    """Why this can't even be asked of the server as a Canary; empty if it can."""
    if not isinstance(manifest, dict):
        return f"a Canary is an object with apiVersion, kind, metadata and spec, not {_named(manifest)}"
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if (version, kind) == (CANARIES.api_version, CANARIES.kind):
        return ""
    absent = [name for name, value in (("apiVersion", version), ("kind", kind)) if not value]
    if absent:
        return f"{', '.join(f'{name} not set' for name in absent)}: a Canary has {_IDENTITY}"
    return f'no matches for kind "{kind}" in version "{version}": a Canary has {_IDENTITY}'


_IDENTITY = f"apiVersion {CANARIES.api_version} and kind {CANARIES.kind}"


def _named(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "nothing"}.get(type(value), "a single value")


def _as_kubectl(manifest: Manifest, refused: Rejected) -> str:
    """Kubectl prints the causes if there are any, else the message."""
    if not refused.causes:
        return str(refused)
    lines: Sequence[str] = list(dict.fromkeys(f"{one['field']}: {one['message']}" for one in refused.causes))
    name = (manifest.get("metadata") or {}).get("name") or ""
    said = lines[0] if len(lines) == 1 else "".join(f"\n* {line}" for line in lines)
    return f'The {CANARIES.kind} "{name}" is invalid: {said}'
