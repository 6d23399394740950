"""What Flux's kustomize-controller makes of an object, as the `ssa` package of fluxcd/pkg has it: what it writes on it,
whether it leaves it alone, whether it has drifted, and whose fields it takes for its own first. Pure.

It applies on the server with force, one object at a time, and only what a dry run of that says is another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.gitops.compare import LAST_APPLIED, merge_patched, of_users

Json = dict[str, Any]
MANAGER = "kustomize-controller"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "gitops" / "flux.yaml"
_GROUP = "kustomize.toolkit.fluxcd.io"
_SSA, _RECONCILE = f"{_GROUP}/ssa", f"{_GROUP}/reconcile"
_LEFT_ALONE = {_SSA: "Ignore", _RECONCILE: "disabled"}
_ONCE, _MERGED = "IfNotPresent", "Merge"
_TAKEN_OVER = (("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"), (MANAGER, "Update"))
"""Managers, by how their names begin, and their operation: "to undo changes made with kubectl"."""


@dataclass(frozen=True, slots=True)
class Kustomization:
    """What Flux makes of a folder: its patches, and the labels by which it knows what is its own."""

    patches: tuple[Json, ...]
    labels: Json

    @classmethod
    def of(cls, text: str) -> Kustomization:
        """What a file says. Raises ValueError for a patch that is not played."""
        told = yaml.safe_load(text)
        patches = told["spec"].get("patches", ())
        for patch in patches:
            if patch["target"].keys() != {"kind", "name"}:
                raise ValueError(f"a patch for {patch['target']} is not played")
        return cls(tuple(patches), {f"{_GROUP}/{field}": told["metadata"][field] for field in ("name", "namespace")})

    def built(self, manifest: Json) -> Json:
        """An object of Git as it is applied."""
        for patch in self.patches:
            if patch["target"] == {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}:
                manifest = merge_patched(manifest, yaml.safe_load(patch["patch"]))
        return merge_patched(manifest, {"metadata": {"labels": self.labels}})


def skips(wanted: Json, live: Json) -> bool:
    """Whether an object that stands is left as it is, by what Git says of it or what stands on it."""
    alone = any(_says(one, key, value) for one in (wanted, live) for key, value in _LEFT_ALONE.items())
    return alone or _says(wanted, _SSA, _ONCE)


def compared(manifest: Json) -> Json:
    """What drift is looked for in: all but the status, and of the metadata labels and annotations alone; without the
    annotation that kubectl, which applies here in Flux's place, keeps where it finds it.
    """
    metadata = of_users(manifest)["metadata"]
    rest = {key: value for key, value in manifest.items() if key not in {"metadata", "status"}}
    return rest | {field: metadata.get(field) or {} for field in ("labels", "annotations")}


def taking_over(wanted: Json, live: Json) -> list[Json]:
    """The JSON Patch that makes kubectl's fields Flux's own, so that what is in none of its files goes; none is needed
    where kubectl has written nothing, and none is sent where Git or the object says `Merge`.
    """
    if any(_says(one, _SSA, _MERGED) for one in (wanted, live)):
        return []
    operations: list[Json] = []
    if LAST_APPLIED in (live["metadata"].get("annotations") or {}):
        operations.append({"op": "remove", "path": f"/metadata/annotations/{LAST_APPLIED.replace('/', '~1')}"})
    entries = live["metadata"].get("managedFields", [])
    theirs = [one for one in entries if _is_taken(one)]
    if theirs:
        ours = [one for one in entries if one not in theirs and _is_ours(one)]
        kept = [one for one in entries if one not in theirs and one not in ours]
        entries = [_one([*ours, *theirs]), *kept]
        operations.append({"op": "replace", "path": "/metadata/managedFields", "value": entries})
    return operations


def _is_taken(entry: Json) -> bool:
    named = any(entry["manager"].startswith(name) and entry["operation"] == how for name, how in _TAKEN_OVER)
    return named and not entry.get("subresource")


def _is_ours(entry: Json) -> bool:
    return (entry["manager"], entry["operation"], entry.get("subresource", "")) == (MANAGER, "Apply", "")


def _one(entries: list[Json]) -> Json:
    fields: Json = {}
    for entry in entries:
        fields = merge_patched(fields, entry.get("fieldsV1") or {})
    return {**entries[0], "manager": MANAGER, "operation": "Apply", "fieldsV1": fields}


def _says(manifest: Json, key: str, value: str) -> bool:
    """An annotation or a label."""
    metadata = manifest["metadata"]
    return any((metadata.get(field) or {}).get(key) == value for field in ("labels", "annotations"))
