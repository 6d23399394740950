"""One object in a file with all that the rules ask of it: what it is, whose it is, and where its fields stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.lint.finding import Finding, Level
from rollouts.manifests.document import Document


@dataclass(frozen=True, slots=True)
class Item:
    """An object, and the document it stands in."""

    document: Document
    manifest: Manifest
    """With its namespace, whether it was written or not."""

    @property
    def kind(self) -> str:
        """As it says."""
        return str(self.manifest.get("kind") or "")

    @property
    def group(self) -> str:
        """The API group that it says."""
        group, _, version = str(self.manifest.get("apiVersion") or "").rpartition("/")
        return group if version else ""

    @property
    def key(self) -> ObjectKey:
        """Its namespace and name."""
        metadata = self.manifest.get("metadata") or {}
        return ObjectKey(str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec; empty if it has none that is an object."""
        spec = self.manifest.get("spec")
        return spec if isinstance(spec, dict) else {}

    def __str__(self) -> str:
        """As messages name it."""
        return f"{self.kind} {self.key}"

    def finding(self, level: Level, rule: str, message: str, field: str = "") -> Finding:
        """Something to say of it, on the line of that field."""
        document = self.document
        return Finding(document.file, document.line_of(field), level, rule, str(self), message, field)


def item_of(document: Document, namespace: str) -> Item | str:
    """The object in a document, in `namespace` if it says none itself; or why it is no object."""
    value = document.value
    if not isinstance(value, dict):
        return f"a manifest is an object with apiVersion, kind and metadata, not {_named(value)}: correct the document"
    absent = [name for name in ("apiVersion", "kind") if not isinstance(value.get(name), str) or not value[name]]
    if absent:
        return f"{' and '.join(absent)} not set: write what kind of object this is"
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        if isinstance(metadata, dict) and metadata.get("generateName"):
            return "metadata.generateName is for objects that are created: give it a metadata.name"
        return "metadata.name not set: give the object a name"
    if not isinstance(metadata.get("namespace") or "", str):
        return "metadata.namespace is no text: write the name of a namespace"
    for field in ("labels", "annotations"):
        texts = metadata.get(field) or {}
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            return f"metadata.{field} must be an object of texts: put numbers and true or false in quotes"
    return Item(document, {**value, "metadata": {"namespace": namespace, **_written(metadata)}})


def _written(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != "namespace" or value}


def _named(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a text" if isinstance(value, str) else "a single value"
