"""A JSON document that counts how often it is looked at, and ends it when that was often enough.

So whoever evaluates an expression of a stranger over it is bounded, whatever the expression and the evaluator are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex

DEPTH_MAX = 64
KEY_MAX = 256
"""Characters of a key."""


class TooMuchError(ValueError):
    """The document is of a shape that nobody needs, or it was looked at too often. The message is for a person."""


class _Looks:
    """How often a document may still be looked at."""

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.left = self.most = most

    def take(self, looks: int = 1) -> None:
        self.left -= looks
        if self.left < 0:
            raise TooMuchError(f"the expression looks at more than {self.most} places of the answer: let it name fewer")


class _Object(dict[str, Any]):
    """An object; what is in it is reached by key or by `items`."""

    __slots__ = ("looks",)
    looks: _Looks

    def __getitem__(self, key: str) -> Any:
        self.looks.take()
        return super().__getitem__(key)

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override] # a view would be looked at uncounted
        """One look for each."""
        for item in super().items():
            self.looks.take()
            yield item

    def __eq__(self, other: object) -> bool:
        self.looks.take(1 + len(self))
        return super().__eq__(other)

    __hash__ = None  # as it is of what can change


class _Array(list[Any]):
    """An array; what is in it is reached by index, slice or iteration."""

    __slots__ = ("looks",)
    looks: _Looks

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        found = super().__getitem__(index)
        self.looks.take(len(found) if isinstance(index, slice) else 1)
        return found

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.looks.take()
            yield item

    def __eq__(self, other: object) -> bool:
        self.looks.take(1 + len(self))
        return super().__eq__(other)

    __hash__ = None  # as it is of what can change


def counted(document: Any, looks_max: int) -> Any:
    """The same document, to be looked at `looks_max` times. Raises TooMuchError."""
    return _counted(document, _Looks(looks_max), DEPTH_MAX)


def _counted(value: Any, looks: _Looks, deeper: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if deeper == 0:
        raise TooMuchError(f"the answer is nested deeper than {DEPTH_MAX}")
    copy: _Object | _Array
    if isinstance(value, list):
        copy = _Array(_counted(item, looks, deeper - 1) for item in value)
    else:
        if any(len(key) > KEY_MAX for key in value):
            raise TooMuchError(f"the answer has a key of more than {KEY_MAX} characters")
        copy = _Object((key, _counted(item, looks, deeper - 1)) for key, item in value.items())
    copy.looks = looks
    return copy
