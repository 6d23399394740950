"""The functions that Kubernetes adds to CEL, of its lists and strings libraries: the ones rules are written with.

Each is declared for the types it takes, since the library chooses among them by the type of what it meets.
Those of its libraries for URLs, addresses and quantities are missing: no kind that is served here uses them.
Source: https://kubernetes.io/docs/reference/using-api/cel/ and cel-go's ext/strings.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from cel_expr_python import cel

_T = cel.Type
_ITEMS = {"int": _T.INT, "double": _T.DOUBLE, "string": _T.STRING, "bool": _T.BOOL, "map": _T.MAP, "list": _T.LIST}


def declarations() -> list[Any]:
    """All of them, for an environment."""
    return [
        cel.FunctionDecl("indexOf", [*_of_items("list_index_of", _first), _of_text("index_of", str.find, _T.INT)]),
        cel.FunctionDecl("lastIndexOf", [*_of_items("list_last", _last), _of_text("last_index_of", str.rfind, _T.INT)]),
        _member("isSorted", _T.LIST, _T.BOOL, _is_sorted),
        _member("sum", _T.LIST, _T.DYN, sum),
        _member("min", _T.LIST, _T.DYN, min),
        _member("max", _T.LIST, _T.DYN, max),
        _member("lowerAscii", _T.STRING, _T.STRING, _lower),
        _member("upperAscii", _T.STRING, _T.STRING, _upper),
        _member("trim", _T.STRING, _T.STRING, str.strip),
        _member("reverse", _T.STRING, _T.STRING, lambda text: text[::-1]),
        cel.FunctionDecl("split", [_of_text("split", str.split, _T.LIST)]),
        cel.FunctionDecl("replace", [_over("replace", [_T.STRING] * 3, _T.STRING, str.replace)]),
        cel.FunctionDecl("join", [_over("join", [_T.LIST], _T.STRING, "".join), _over("join_by", *_JOIN_BY)]),
        cel.FunctionDecl("charAt", [_over("char_at", [_T.STRING, _T.INT], _T.STRING, _char_at)]),
        cel.FunctionDecl(
            "substring",
            [
                _over("substring_from", [_T.STRING, _T.INT], _T.STRING, _substring),
                _over("substring_range", [_T.STRING, _T.INT, _T.INT], _T.STRING, _substring),
            ],
        ),
    ]


def _over(name: str, takes: list[Any], gives: Any, impl: Callable[..., Any]) -> Any:
    return cel.Overload(name, gives, takes, True, impl=impl)  # noqa: FBT003 (the library names it in its stubs alone)


def _member(name: str, of: Any, gives: Any, impl: Callable[[Any], Any]) -> Any:
    return cel.FunctionDecl(name, [_over(f"member_{name}", [of], gives, impl)])


def _of_items(name: str, impl: Callable[[list[Any], Any], int]) -> list[Any]:
    return [_over(f"{name}_{kind}", [_T.LIST, type_], _T.INT, impl) for kind, type_ in _ITEMS.items()]


def _of_text(name: str, impl: Callable[[str, str], Any], gives: Any) -> Any:
    return _over(f"string_{name}", [_T.STRING, _T.STRING], gives, impl)


def _first(items: list[Any], wanted: Any) -> int:
    return next((index for index, item in enumerate(items) if item == wanted), -1)


def _last(items: list[Any], wanted: Any) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if items[index] == wanted), -1)


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def _lower(text: str) -> str:
    return "".join(one.lower() if one.isascii() else one for one in text)


def _upper(text: str) -> str:
    return "".join(one.upper() if one.isascii() else one for one in text)


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return text[index : index + 1]


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise ValueError(f"index out of range: {start}")
    return text[start:stop]


_JOIN_BY = ([_T.LIST, _T.STRING], _T.STRING, lambda items, separator: separator.join(items))
