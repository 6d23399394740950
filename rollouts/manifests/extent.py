"""How large a document is once every alias in it is written out: a few lines can stand for billions of values.

Whoever works on values walks an alias as often as it is used, and into itself for ever. So what is larger, or deeper,
than any object of an API server is refused before a value is made of it.
"""

from __future__ import annotations

import yaml

VALUES_MAX = 500_000
"""Ten times what fits into the largest object that etcd takes by default."""
DEPTH_MAX = 100


class TooLargeError(yaml.YAMLError):
    """More than anybody can mean. The message is for a person."""


def check_extent(node: yaml.Node | None) -> None:
    """Raises TooLargeError."""
    if node is not None:
        _extent_of(node, {}, DEPTH_MAX)


def _extent_of(node: yaml.Node, known: dict[int, tuple[int, int]], deeper: int) -> tuple[int, int]:
    """Values and levels below that node, itself among them; `known` are those of nodes that were walked before."""
    parts = _parts(node)
    if not parts:
        return 1, 1
    found = known.get(id(node))
    if found is None:
        if deeper == 0:
            raise TooLargeError(f"it is nested deeper than {DEPTH_MAX}, or an alias leads into itself")
        extents = [_extent_of(part, known, deeper - 1) for part in parts]
        found = known[id(node)] = 1 + sum(values for values, _ in extents), 1 + max(levels for _, levels in extents)
    values, levels = found
    if values > VALUES_MAX:
        raise TooLargeError(f"with its aliases written out it has more than {VALUES_MAX} values")
    if levels > deeper + 1:
        raise TooLargeError(f"it is nested deeper than {DEPTH_MAX}")
    return found


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
