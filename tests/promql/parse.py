"""Text of PromQL to what it computes. Only what our queries need; anything else is a ParseError."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from tests.promql import evaluate as calc
from tests.promql.evaluate import Past, Result

Computed = Callable[[Past, int], Result]
"""Of a past, at an instant in milliseconds."""
_TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?(?:ms|[smh])?)|([a-zA-Z_:][\w:]*)|(=~|!=|!~|[-+*/(){}\[\],=]))'
)
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_PRECEDENCE = ({"or"}, {"and", "unless"}, {"+", "-"}, {"*", "/"})
_RANGED = {"rate", "irate", "increase"}


class ParseError(Exception):
    """This is no query that is understood here."""


def parse(text: str) -> Computed:
    """What the text computes. Raises ParseError."""
    parser = _Parser(list(_tokens(text)))
    computed = parser.expression()
    if parser.rest:
        raise ParseError(f"unexpected {parser.rest[0]}")
    return computed


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ParseError(f"at {text[place:][:20]!r}")
        yield found[0].strip()
        place = found.end()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def expression(self, level: int = 0) -> Computed:
        """Operators of that level, and those that bind closer."""
        if level == len(_PRECEDENCE):
            return self._operand()
        left = self.expression(level + 1)
        while self.rest and self.rest[0] in _PRECEDENCE[level]:
            operator, on_nothing = self._next(), self._take("on")
            if on_nothing:
                self._expect("(", ")")
            left = _both(operator, left, self.expression(level + 1), on_nothing=on_nothing)
        return left

    def _operand(self) -> Computed:
        token = self._next()
        if token == "(":
            inner = self.expression()
            self._expect(")")
            return inner
        if re.fullmatch(r"\d+(\.\d+)?", token):
            return lambda _past, _at: float(token)
        if token in {"sum", "count"}:
            return self._aggregation(token)
        if self.rest[:1] == ["("]:
            return self._call(token)
        return self._selector(token)

    def _aggregation(self, kind: str) -> Computed:
        by = frozenset[str]()
        if self._take("by"):
            self._expect("(")
            by = frozenset(self._list())
        self._expect("(")
        inner = self.expression()
        self._expect(")")
        return lambda past, at: calc.aggregate(kind, by, calc.vector_of(inner(past, at)))

    def _call(self, name: str) -> Computed:
        self._expect("(")
        if name in _RANGED:
            matchers, window_ms = self._series(self._next()), self._window()
            self._expect(")")
            function = partial(calc.over_range, name)
            return lambda past, at: function(past.ranges(matchers, at, window_ms), at, window_ms)
        if name == "vector":
            number = self.expression()
            self._expect(")")
            return lambda past, at: {frozenset(): calc.number_of(number(past, at))}
        if name == "histogram_quantile":
            quantile = self.expression()
            self._expect(",")
            buckets = self.expression()
            self._expect(")")
            return lambda past, at: calc.quantile(calc.number_of(quantile(past, at)), calc.vector_of(buckets(past, at)))
        if name == "label_replace":
            inner = self.expression()
            self._expect(",")
            label, value, source, pattern = (text[1:-1] for text in self._list())
            if source or pattern:
                raise ParseError("label_replace from another label")
            return lambda past, at: calc.relabel(calc.vector_of(inner(past, at)), label, value)
        raise ParseError(f"unknown function {name}")

    def _selector(self, name: str) -> Computed:
        matchers = self._series(name)
        if self.rest[:1] == ["["]:
            window_ms = self._window()
            return lambda past, at: calc.Ranges(past.ranges(matchers, at, window_ms))
        offset_ms = _ms(self._next()) if self._take("offset") else 0
        return lambda past, at: past.instant(matchers, at - offset_ms)

    def _series(self, name: str) -> calc.Matchers:
        matchers: list[calc.Matcher] = [("__name__", "=", name)]
        if self._take("{"):
            while not self._take("}"):
                label, operator, value = self._next(), self._next(), self._next()
                if operator not in {"=", "=~"}:
                    raise ParseError(f"matcher {operator}")
                matchers.append((label, operator, re.sub(r"\\(.)", r"\1", value[1:-1])))
                self._take(",")
        return tuple(matchers)

    def _window(self) -> int:
        self._expect("[")
        window_ms = _ms(self._next())
        self._expect("]")
        return window_ms

    def _list(self) -> list[str]:
        items = []
        while not self._take(")"):
            items.append(self._next())
            self._take(",")
        return items

    def _next(self) -> str:
        if not self.rest:
            raise ParseError("unexpected end")
        return self.rest.pop(0)

    def _take(self, token: str) -> bool:
        if self.rest[:1] == [token]:
            self.rest.pop(0)
            return True
        return False

    def _expect(self, *tokens: str) -> None:
        for token in tokens:
            if not self._take(token):
                raise ParseError(f"expected {token}, found {self.rest[:1]}")


def _both(operator: str, left: Computed, right: Computed, *, on_nothing: bool) -> Computed:
    if operator in {"or", "and", "unless"}:
        return lambda past, at: calc.set_operation(
            operator, calc.vector_of(left(past, at)), calc.vector_of(right(past, at)), on_nothing=on_nothing
        )
    return lambda past, at: calc.arithmetic(operator, left(past, at), right(past, at))


def _ms(duration: str) -> int:
    found = re.fullmatch(r"(\d+)(ms|[smh])", duration)
    if found is None:
        raise ParseError(f"no duration: {duration}")
    return int(found[1]) * _UNIT_MS[found[2]]
