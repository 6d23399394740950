"""CEL, the Common Expression Language: the only module that knows which library evaluates it (docs/adr/0005).

An expression reads the values that it is given and nothing else: no I/O, no loop without an end. The library counts
the steps of comprehensions, bounds how deep an expression may nest, and matches patterns with RE2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from rollouts.admission.functions import declarations
from rollouts.errors import SpecInvalid

LENGTH_LIMIT = 10_000
"""Characters of an expression."""

_CODE = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")
_NO_KEY = re.compile(r'Key not found in map : "(.*)"', re.DOTALL)
_AS_SERVER = {
    "String to Duration conversion failed": "type conversion error from 'string' to 'google.protobuf.Duration'",
    "String to Timestamp conversion failed": "type conversion error from 'string' to 'google.protobuf.Timestamp'",
}
"""Messages of this library, and how an API server has them, whose library is another."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The expression has no value for this data; the message says why."""

    message: str


class Expression:
    """A compiled expression."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def evaluate(self, data: Mapping[str, Any]) -> Any:
        """Its value as Python has it, or Failed. `data` has a value for each variable."""
        try:
            value = self._compiled.eval(data=dict(data))
            kind = value.type().name()
            return Failed(_explained(str(value.plain_value()))) if kind == "ERROR" else value.plain_value()
        except (RuntimeError, ValueError, TypeError, OverflowError) as refused:
            return Failed(_explained(str(refused)))


@lru_cache(maxsize=512)
def compiled(text: str, variables: tuple[str, ...]) -> Expression:
    """An expression over these variables, of any type. Raises SpecInvalid with the place of the mistake."""
    if len(text) > LENGTH_LIMIT:
        raise SpecInvalid(f"an expression has at most {LENGTH_LIMIT} characters, this one {len(text)}")
    try:
        return Expression(_environment(variables).compile(text))
    except (RuntimeError, ValueError) as wrong:
        raise SpecInvalid(_explained(str(wrong))) from None


def matches(text: str, pattern: str) -> bool:
    """Whether some part of `text` matches an RE2 pattern. A pattern that is none matches nothing."""
    return compiled("text.matches(pattern)", ("text", "pattern")).evaluate({"text": text, "pattern": pattern}) is True


def is_duration(text: str) -> bool:
    """Whether a text is a duration as Go writes it: `1m30s`."""
    return not isinstance(compiled("duration(text)", ("text",)).evaluate({"text": text}), Failed)


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    return cel.NewEnv(
        variables=dict.fromkeys(variables, cel.Type.DYN),
        extensions=[ext_optional.ExtOptional()],
        functions=declarations(),
    )


def _explained(message: str) -> str:
    """The library's message without its error codes, and in the words of an API server."""
    plain = _CODE.sub("", _CODE.sub("", message.strip()))
    missing = _NO_KEY.fullmatch(plain)
    return f"no such key: {missing[1]}" if missing else _AS_SERVER.get(plain, plain)
