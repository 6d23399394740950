"""Conditions of Argo's metrics (expr-lang over `result`) in CEL over one number. Pure.

Argo's `result` is a list for Prometheus and a document for a web source; ours is the one number that was asked for.
What there guards against no number (`len(result) == 0 ||`, `isNaN(...) ||`) is `onNoData: advance` here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)|(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)|"
    r"(?P<sign>&&|\|\||==|!=|>=|<=|[-+*/%<>!().\[\],#{}])|(?P<text>\"[^\"]*\"|'[^']*'))"
)
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_ALLOWED = frozenset({"&&", "||", "==", "!=", ">=", "<=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "!"})
_GUARDS = (
    r"len \( result \) == 0", r"len \( result \) < 1", r"isNaN \( result(?: \[ 0 \])? \)", r"result == nil",
)  # fmt: skip
_GUARD = "|".join(_GUARDS)
_FIRST = re.compile(rf"^(?:\( )?(?:{_GUARD})(?: \))? \|\| (.*)$")
_LAST = re.compile(rf"^(.*) \|\| (?:\( )?(?:{_GUARD})(?: \))?$")
_FILLED = re.compile(r"^(?:len \( result \) > 0|! isNaN \( result(?: \[ 0 \])? \)) && (.*)$")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a condition is here."""

    text: str
    """In CEL."""
    field: str = ""
    """Of the document: what follows `result.` in it everywhere; a JSONPath has to name it."""
    passes_without_data: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """It can't be said here, and why."""

    reason: str


def condition_of(text: str) -> Condition | Untold:
    """The same over one number."""
    tokens = _tokens(text)
    if tokens is None:
        return Untold("it is no expression that this version can read")
    joined, passes = " ".join(tokens), False
    while found := _FIRST.match(joined) or _LAST.match(joined):
        joined, passes = found[1], True
    while found := _FILLED.match(joined):
        joined = found[1]
    joined = re.sub(r"result \[ 0 \]", "result", joined)
    joined = re.sub(r"(?:asFloat|asInt|float|int) \( (result(?: \. \w+)*) \)", r"\1", joined)
    joined = re.sub(r"default \( (result(?: \. \w+)*) , -? ?[0-9.]+ \)", r"\1", joined)
    joined = re.sub(r"all \( result , (?:\{ )?# ((?:[<>]=?|[!=]=) -? ?[0-9.eE]+)(?: \})? \)", r"result \1", joined)
    fields = {found[1].replace(" ", "") for found in re.finditer(r"result((?: \. [a-zA-Z_]\w*)+)", joined)}
    if len(fields) > 1 or (fields and re.search(r"result(?! \.)", joined)):
        return Untold("it speaks of several values of a document, and a metric here has one number")
    if fields:
        joined = re.sub(r"result(?: \. [a-zA-Z_]\w*)+", "result", joined)
    # Yes and no of a document are 1 and 0 as numbers.
    joined = re.sub(r"([=!]=) true", r"\1 1", re.sub(r"([=!]=) false", r"\1 0", joined))
    if joined == "result":
        joined = "result == 1"
    if wrong := next((token for token in joined.split() if not _is_plain(token)), None):
        return Untold(f"{wrong} has no counterpart in a condition on one number")
    written = re.sub(r"! ", "!", re.sub(r" \)", ")", re.sub(r"\( ", "(", _with_points(joined))))
    return Condition(written, next(iter(fields), "").lstrip("."), passes)


def _with_points(text: str) -> str:
    """Numbers that something is reckoned with as CEL takes them beside a float."""
    return " ".join(f"{token}.0" if token.isdigit() else token for token in text.split())


def _is_plain(word: str) -> bool:
    return word in _ALLOWED or word == "result" or word[0].isdigit()


def _tokens(text: str) -> list[str] | None:
    tokens, end = [], 0
    text = text.strip()
    while end < len(text):
        found = _TOKEN.match(text, end)
        if found is None:
            return None
        token = found[0].strip()
        tokens.append(_WORDS.get(token, token))
        end = found.end()
    return tokens
