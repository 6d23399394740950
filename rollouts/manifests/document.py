"""One object in a file, and on which line each of its fields stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Path = Sequence[str | int]
"""Names of fields and places in lists, from the outside in."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
LIST = "List"


@dataclass(frozen=True, slots=True)
class Document:
    """One object as it was read."""

    file: str
    """As messages call it."""
    value: Any
    node: yaml.Node
    """What it was made of."""

    @property
    def line(self) -> int:
        """Where it begins."""
        return int(self.node.start_mark.line) + 1

    def line_of(self, path: Path | str) -> int:
        """The line of a field, or of the nearest one around it that is there; a text is `spec.a[0].b`."""
        node, line = self.node, self.line
        for step in steps_of(path) if isinstance(path, str) else path:
            found = _below(node, step)
            if found is None:
                break
            mark, node = found
            line = mark + 1
        return line

    def twice(self) -> Iterator[tuple[int, str]]:
        """Fields that stand twice in one object: the line of the second, and its name."""
        yield from _twice(self.node)

    def items(self) -> Iterator[Document]:
        """The items of a List; anything else is one item."""
        if not (isinstance(self.value, dict) and str(self.value.get("kind", "")).endswith(LIST)):
            yield self
            return
        values, found = self.value.get("items"), _below(self.node, "items")
        nodes = found[1].value if found is not None and isinstance(found[1], yaml.SequenceNode) else None
        if nodes is None or not isinstance(values, list) or len(values) != len(nodes):
            yield self
            return
        for value, node in zip(values, nodes, strict=True):
            yield Document(self.file, value, node)


def steps_of(path: str) -> list[str | int]:
    """`a.b[0].c` and `a[key]` as their steps."""
    steps: list[str | int] = []
    for found in _STEP.finditer(path):
        inner = found[2]
        steps.append(found[1] if inner is None else int(inner) if inner.isdigit() else inner)
    return steps


def _below(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line on which that part begins, and the part."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return int(key.start_mark.line), value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return int(item.start_mark.line), item
    return None


def _twice(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen and name != "<<":
                yield int(key.start_mark.line) + 1, name
            seen.add(name)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item)
