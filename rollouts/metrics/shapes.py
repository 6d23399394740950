"""How one query can answer for many workloads: the shape that queries about single workloads have in common.

A query is known by its text. Each sum in it is asked for by workload, or by Service, and what stands between the sums
(a share, a default of 0) is worked out afterwards (forms.py): so each workload gets exactly what its own query would
give. A query of any other form has no shape, and is asked alone.

Pure: text in, text out. Knows no Prometheus server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollouts.api.resources import ObjectKey
from rollouts.core.counting import Series
from rollouts.metrics.forms import FORMS, SELECTOR, Numbers

SERIES = "series"
"""The form of a range selector."""
_HERE = "\x01"
"""Stands in a part where the matchers of the workloads go."""
_PART = "part"
"""The label that tells the rows of one part from another's."""
_SERVICE = re.compile(
    r'destination_service_namespace="(?P<namespace>[-a-z0-9.]+)",destination_service_name=~"(?P<name>[-a-z0-9]+)"'
)
_CONSTANT = re.compile(r"vector\(\d+\)")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class By(StrEnum):
    """Whose rows a part gives: the prefix of the two labels that tell."""

    WORKLOAD = "destination_workload"
    SERVICE = "destination_service"

    @property
    def labels(self) -> tuple[str, str]:
        """Of the namespace, and of the name."""
        return f"{self}_namespace", self if self is By.WORKLOAD else f"{self}_name"


@dataclass(frozen=True, slots=True)
class Part:
    """One sum, of all workloads or Services at once."""

    name: str
    by: By
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What the queries of many workloads have in common."""

    form: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One query as one of its shape."""

    workload: ObjectKey
    service: ObjectKey | None = None

    def of(self, by: By) -> ObjectKey | None:
        """Whose row is meant."""
        return self.workload if by is By.WORKLOAD else self.service


def shape_of(query: str, workload: ObjectKey) -> tuple[Shape, Member] | None:
    """The shape of a query about one workload, and whose place it has there; None if it is to be asked alone.

    One about no series at all is everybody's: it has one member, and is asked once for all who want to know.
    """
    if _CONSTANT.fullmatch(query) is not None:
        return Shape("value", (Part("value", By.WORKLOAD, query),)), Member(ObjectKey("", ""))
    for name, form in FORMS.items():
        found = form.pattern.fullmatch(query)
        if found is not None:
            return _as_shape(name, found.groupdict(), workload)
    return None


def selector_of(query: str, workload: ObjectKey) -> Shape | None:
    """The same for a range selector, whose rows are the series themselves."""
    pair = _pair(By.WORKLOAD, workload)
    if SELECTOR.fullmatch(query) is None or query.count(pair) != 1 or not _plain(workload):
        return None
    return Shape(SERIES, (Part("", By.WORKLOAD, query.replace(pair, _HERE)),))


def render(shape: Shape, members: Iterable[Member]) -> str:
    """The one query for all of them."""
    asked = tuple(members)
    texts = [part.text.replace(_HERE, _matchers(part.by, asked)) for part in shape.parts]
    if len(texts) == 1:
        return texts[0]
    return " or ".join(
        f'label_replace({text}, "{_PART}", "{part.name}", "", "")'
        for part, text in zip(shape.parts, texts, strict=True)
    )


def read(shape: Shape, members: Iterable[Member], rows: Iterable[Series]) -> dict[Member, float | None]:
    """Each member's number; None where its query would give none. It may be NaN or infinite."""
    found: dict[tuple[str, ObjectKey], float] = {}
    for row in rows:
        labels = dict(row.labels)
        for part in shape.parts:
            if len(shape.parts) == 1 or labels.get(_PART) == part.name:
                found[part.name, key_of(labels, part.by)] = row.samples[-1].value
    put_together = FORMS[shape.form].put_together
    return {member: put_together(_numbers(shape, member, found)) for member in members}


def key_of(labels: Mapping[str, str], by: By = By.WORKLOAD) -> ObjectKey:
    """Whose row it is."""
    namespace, name = by.labels
    return ObjectKey(labels.get(namespace, ""), labels.get(name, ""))


def _numbers(shape: Shape, member: Member, found: Mapping[tuple[str, ObjectKey], float]) -> Numbers:
    numbers: dict[str, float] = {}
    for part in shape.parts:
        whose = member.of(part.by)
        if whose is not None and (part.name, whose) in found:
            numbers[part.name] = found[part.name, whose]
    return numbers


def _as_shape(form: str, texts: Mapping[str, str], workload: ObjectKey) -> tuple[Shape, Member] | None:
    member, parts = Member(workload), []
    for name, text in texts.items():
        service = _SERVICE.search(text)
        by, place = By.WORKLOAD, _pair(By.WORKLOAD, workload)
        if service is not None:
            by, place = By.SERVICE, service[0]
            member = Member(workload, ObjectKey(service["namespace"], service["name"]))
        grouped = _grouped(text, by).replace(place, _HERE)
        # Each series is of those that are asked about, or it would be in the sums of all.
        if grouped.count("{") != grouped.count(_HERE) or f"{By.WORKLOAD}_namespace=" in grouped:
            return None
        parts.append(Part(name, by, grouped))
    return (Shape(form, tuple(parts)), member) if _plain(workload) else None


def _grouped(text: str, by: By) -> str:
    labels = ", ".join(by.labels)
    if "sum by (le) (" in text:
        return text.replace("sum by (le) (", f"sum by (le, {labels}) (", 1)
    if text.startswith("sum("):
        return f"sum by ({labels}) ({text.removeprefix('sum(')}"
    return f"count by ({labels}) ({text})"


def _pair(by: By, key: ObjectKey) -> str:
    namespace, name = by.labels
    return f'{namespace}="{key.namespace}",{name}="{key.name}"'


def _plain(key: ObjectKey) -> bool:
    return all(_NAME.fullmatch(text) is not None for text in (key.namespace, key.name))


def _matchers(by: By, members: Iterable[Member]) -> str:
    keys = {key for member in members if (key := member.of(by)) is not None}
    namespaces, names = by.labels
    return (
        f'{namespaces}=~"{_alternatives(key.namespace for key in keys)}"'
        f',{names}=~"{_alternatives(key.name for key in keys)}"'
    )


def _alternatives(names: Iterable[str]) -> str:
    # Anchored by Prometheus. Of all that a name may have, only the dot means something.
    return "|".join(name.replace(".", r"\\.") for name in sorted(set(names)))
