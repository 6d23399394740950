"""Queries with variables: `{{ target }}`, `{{ args.window }}`. A text and its words in, a text without variables out.

A value can't become a part of the language that it is put into. Between quotes it is escaped: for the string and, after
`=~` or `!~`, for the regular expression. Outside of quotes only a number, a duration or a name is let in. In a URL it
is percent-encoded. Pure; knows neither who asks nor whom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from rollouts.core.word_patterns import is_closed
from rollouts.errors import SpecInvalid

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[a-zA-Z][-_a-zA-Z0-9]*(\.[a-zA-Z][-_a-zA-Z0-9]*)?")
_BARE = re.compile(
    r"[a-zA-Z_:][a-zA-Z0-9_:]*|[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|([0-9]+(ms|s|m|h|d|w|y))+"
)
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
_QUOTES = "\"'`"
_IN_A_STRING = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Word:
    """The value of a variable."""

    value: str
    pattern: bool = False
    """It is a regular expression: it can stand after =~ or !~, and nowhere else."""
    secret: bool = False
    """What it is may not be told."""


Words = Mapping[str, Word | None]
"""By the name between the braces: `namespace`, `args.window`. None for what this Canary has no value for."""


@dataclass(slots=True)
class _Place:
    """Where in a query the next character stands."""

    quote: str = ""
    """The quote that opened the string; empty outside of one."""
    regex: bool = False
    """Whether that string is a regular expression."""
    comment: bool = False
    escaped: bool = False
    """Whether the string has just had a backslash that means the next character."""
    tail: str = ""
    """The last two characters that were no space."""


def variables_of(text: str) -> tuple[str, ...]:
    """The names between the braces, each once, in their order. Raises SpecInvalid for what is no name."""
    return tuple(dict.fromkeys(_name(found) for found in _VARIABLE.finditer(text)))


def render_query(text: str, words: Words) -> str:
    """A query in PromQL without its variables and its comments. Raises SpecInvalid, naming what is wrong."""
    return _rendered(text, words, comments=True)


def render_json_path(text: str, words: Words) -> str:
    """A JSONPath without its variables. Raises SpecInvalid."""
    return _rendered(text, words, comments=False)


def render_json(text: str, words: Words) -> str:
    """JSON without its variables: a value stays within its string, or is a number. Raises SpecInvalid."""
    return _rendered(text, words, comments=False)


def render_path(text: str, words: Words) -> str:
    """The rest of a URL: what is put in is one piece of it, never a slash or a parameter more, and never a part of the
    server's name before it. Raises SpecInvalid.
    """
    if text and not text.startswith(("/", "?")):
        raise SpecInvalid("web.path must begin with / or ?: what follows the address at once would be a part of it")
    out, end = "", 0
    for found in _VARIABLE.finditer(text):
        name = _name(found)
        word = _word(name, words)
        if word.pattern:
            raise SpecInvalid(f"{{{{ {name} }}}} is a regular expression, and a URL has none")
        out += text[end : found.start()] + quote(word.value, safe="")
        end = found.end()
    return out + text[end:]


def _rendered(text: str, words: Words, *, comments: bool) -> str:
    out: list[str] = []
    place, end = _Place(), 0
    for found in _VARIABLE.finditer(text):
        out += _literal(text[end : found.start()], place, comments=comments)
        end, name = found.end(), _name(found)
        word = _word(name, words)
        if not place.comment:
            out.append(_put_in(name, word, place))
    out += _literal(text[end:], place, comments=comments)
    return "".join(out)


def _literal(text: str, place: _Place, *, comments: bool) -> Iterator[str]:
    """What stands between variables, character by character, without comments; `place` follows."""
    for char in text:
        if place.comment:
            place.comment = char != "\n"
        elif place.quote:
            if char == place.quote and not place.escaped:
                place.quote, place.regex = "", False
            place.escaped = char == "\\" and not place.escaped and place.quote != "`"
        elif char in _QUOTES:
            place.quote, place.regex = char, place.tail in {"=~", "!~"}
        elif char == "#" and comments:
            place.comment = True
        if not place.comment:
            place.tail = place.tail if char.isspace() else (place.tail + char)[-2:]
            yield char


def _put_in(name: str, word: Word, place: _Place) -> str:
    shown = f"{{{{ {name} }}}}"
    if place.escaped:
        raise SpecInvalid(f"{shown} has a backslash before it: write a double one, or none")
    if word.pattern and not place.regex:
        raise SpecInvalid(f'{shown} is a regular expression: write =~ and quotes, as in pod=~"{shown}"')
    if word.pattern and not is_closed(word.value):
        raise SpecInvalid(f"{shown} has the value {_told(word)}, which is no whole regular expression")
    if not place.quote:
        if not _BARE.fullmatch(word.value):
            way_out = "outside of quotes only a number, a duration such as 5m or a name can stand"
            raise SpecInvalid(f"{shown} has the value {_told(word)}: {way_out}")
        return word.value
    value = f"(?:{word.value})" if word.pattern else _META.sub(r"\\\g<0>", word.value) if place.regex else word.value
    if place.quote == "`":
        if "`" in value:
            raise SpecInvalid(f'{shown} has a value with a backtick: write the string with "')
        return value
    return "".join(f"\\{char}" if char == place.quote else _IN_A_STRING.get(char, char) for char in value)


def _name(found: re.Match[str]) -> str:
    name = found[1].strip()
    if not _NAME.fullmatch(name):
        raise SpecInvalid(f"{{{{ {_short(name)} }}}} is no variable: write one name between the braces")
    return name


def _word(name: str, words: Words) -> Word:
    known = words.get(name)
    if known is not None:
        return known
    kind, _, own = name.partition(".")
    if name in words:
        raise SpecInvalid(f"{{{{ {name} }}}} has no value: the Canary names none")
    if own and kind in {"args", "variables"}:
        raise SpecInvalid(f"{{{{ {name} }}}} has no value: set templateVariables.{own}, or give the template a default")
    have = ", ".join(sorted({one for one in words if "." not in one}))
    raise SpecInvalid(f"{{{{ {name} }}}} is no variable: there are {have}, args.NAME and variables.NAME")


def _told(word: Word) -> str:
    return "that can't be shown" if word.secret else _short(word.value)


def _short(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_MAX else f"{value[:_SHOWN_MAX]}…")
