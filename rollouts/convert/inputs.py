"""All objects of the files, to be found by kind and name, each with its ledger; and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollouts.api.resources import GROUP, VERSION, Manifest
from rollouts.convert.ledger import Cursor, Ledger
from rollouts.errors import SpecInvalid
from rollouts.manifests.document import Document

OURS = f"{GROUP}/{VERSION}"
FLAGGER, ARGO = "flagger.app", "argoproj.io"
_BY_CLUSTER = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation", "managedFields",
    "ownerReferences", "resourceVersion", "selfLink", "uid",
)  # fmt: skip
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(slots=True)
class Source:
    """One object of the files, and what is made of it."""

    document: Document
    root: Cursor
    made: list[Manifest] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """As it says."""
        return str(self.root.at("kind").value or "")

    @property
    def group(self) -> str:
        """Of its apiVersion."""
        return str(self.root.at("apiVersion").value or "").rpartition("/")[0]

    @property
    def namespace(self) -> str:
        """Empty where it says none."""
        return str(self.root.at("metadata", "namespace").value or "")

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.root.at("metadata", "name").value or "")

    @property
    def spec(self) -> Cursor:
        """Its spec."""
        return self.root.at("spec")

    def __str__(self) -> str:
        """As people name it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def accept(self) -> None:
        """What each object has besides its spec is spoken of."""
        self.root.take("apiVersion")
        self.root.take("kind")
        self.root.needless("the controller writes its own", "status")
        metadata = self.root.at("metadata")
        for name in _BY_CLUSTER:
            metadata.needless("the cluster sets it", name)

    def metadata(self, *, name: str = "") -> dict[str, Any]:
        """What its successor is called, with its labels and annotations."""
        own = self.root.at("metadata")
        out: dict[str, Any] = {"name": name or own.text("name")}
        own.take("name")
        if own.has("namespace"):
            out["namespace"] = own.text("namespace")
        if own.has("labels"):
            out["labels"] = own.take("labels")
        annotations = own.at("annotations")
        kept = {}
        for key in annotations.names():
            if key == _LAST_APPLIED:
                annotations.needless("kubectl writes its own", key)
            elif "argoproj.io/" in key or "flagger.app/" in key:
                annotations.lost(_annotation_reason(key), key)
            else:
                kept[key] = annotations.take(key)
        return out | ({"annotations": kept} if kept else {})


def _annotation_reason(key: str) -> str:
    if key.startswith("notifications."):
        return "who is told stands in spec.analysis.alerts, which names an AlertProvider"
    return "it speaks to the controller that this object leaves"


class Inputs:
    """What the files have."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.sources = [Source(one, Cursor(_object(one), (), Ledger())) for one in documents]

    def find(self, group: str, kind: str, namespace: str, name: str) -> Source | None:
        """The object of that kind and name. One that says no namespace, or is looked for by none, is in any."""
        return next((one for one in self.of(group, kind) if one.name == name and _near(one, namespace)), None)

    def of(self, group: str, *kinds: str) -> Iterator[Source]:
        """All of these kinds."""
        return (one for one in self.sources if one.group == group and one.kind in kinds)


def _near(source: Source, namespace: str) -> bool:
    return not namespace or not source.namespace or source.namespace == namespace


def _object(document: Document) -> Any:
    if not isinstance(document.value, dict):
        where = f"{document.file}:{document.line}"
        raise SpecInvalid(f"{where}: no object: write manifests with apiVersion, kind and metadata")
    return document.value
