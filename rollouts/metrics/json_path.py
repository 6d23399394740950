"""JSONPath (RFC 9535) over an answer, through python-jsonpath: the only module that knows this library.

It passes RFC 9535's test-suite, has no dependency, and still follows Python 3.11; its sibling jsonpath-rfc9535 needs
3.12 by now. Path and document both come from outside, and a short path can look at a document a billion times. So the
document counts how often it is looked at (counted_json.py), and match() and search() are left out: a regular
expression can take for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathMatch
from jsonpath.exceptions import JSONPathError

from rollouts.metrics.counted_json import TooMuchError, counted

LOOKS_MAX = 10_000
"""How often a path of one query may look at places of the answer: some 100 ms. With two queries half as often."""
PATH_MAX = 512
"""Characters of a path."""


class PathInvalidError(ValueError):
    """It is no JSONPath, or one that costs too much. The message is for a person."""


class _Environment(JSONPathEnvironment):
    """How the library lets functions be taken away."""

    def setup_function_extensions(self) -> None:
        """length(), count() and value() alone."""
        super().setup_function_extensions()
        del self.function_extensions["match"], self.function_extensions["search"]


class _Place(JSONPathMatch):
    """A place of the document that keeps neither the way to it nor what was found below: both can be large."""

    __slots__ = ()

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:  # noqa: ARG002 - the library's signature
        """A place below."""
        return _place(obj, self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        """Keep nothing."""


_ENVIRONMENT = _Environment(strict=True)


def check_path(path: str) -> None:
    """Raises PathInvalidError for what can be used on no document."""
    _compile(path)


def select(path: str, document: Any) -> list[Any]:
    """The first two values that `path` selects. Raises PathInvalidError."""
    segments = _compile(path).segments
    try:
        root = counted(document, LOOKS_MAX // (path.count("$") + path.count("@")))
        found: Iterable[JSONPathMatch] = [_place(root, root)]
        for segment in segments:
            found = segment.resolve(found)
        return [match.obj for match in islice(found, 2)]
    except TooMuchError as error:
        raise PathInvalidError(str(error)) from error
    except (JSONPathError, RecursionError) as error:
        raise PathInvalidError("the JSONPath can't be used on this answer") from error


def _compile(path: str) -> JSONPath:
    if len(path) > PATH_MAX:
        raise PathInvalidError(f"the JSONPath is longer than {PATH_MAX} characters")
    try:
        compiled = _ENVIRONMENT.compile(path)
    except (JSONPathError, RecursionError, ValueError) as error:
        # Not its str(): that fails on its own for some paths.
        raise PathInvalidError(f"no JSONPath: {error.args[0] if error.args else 'it can not be read'}") from error
    if not isinstance(compiled, JSONPath):
        raise PathInvalidError("no JSONPath: it is several")
    return compiled


def _place(value: object, root: Any) -> _Place:
    return _Place(filter_context={}, obj=value, parent=None, path="", parts=(), root=root)
