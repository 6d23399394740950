"""Two lists of Istio's HTTPMatchRequests said as one: a request matches it if it matches one of either list.

Pure. All conditions of a match must hold, of several matches one is enough; so each of one list is paired with each of
the other. Where a pair can't be said in one match, that is a flaw in words: nothing is ever matched more widely or
more narrowly than both sides say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest

_TEXTS = ("scheme", "method", "authority")
_TEXT_MAPS = {"headers": "header", "queryParams": "query parameter"}
_LABELLING = ("name", "statPrefix")
"""Fields of a match that no request is compared with."""
_WAYS = ("exact", "prefix", "regex")


@dataclass(frozen=True, slots=True)
class _Never:
    """No request can match both."""

    condition: str


@dataclass(frozen=True, slots=True)
class _Unsayable:
    """One match has no words for both."""

    condition: str
    how: str


_Flaw = _Never | _Unsayable


@dataclass(frozen=True, slots=True)
class _Text:
    """How a text is compared: "" is that it is there at all."""

    way: str
    value: str
    any_case: bool = False

    @classmethod
    def of(cls, condition: Manifest, *, any_case: bool = False) -> _Text:
        """As Istio reads it: it knows one way at a time."""
        way = next((way for way in _WAYS if way in condition), "")
        value = str(condition.get(way, ""))
        return cls(way, value, any_case and way in {"exact", "prefix"} and value.lower() != value.upper())

    def __str__(self) -> str:
        return f"{self.way} {self.value}" if self.way else "presence"

    def implies(self, other: _Text) -> bool:
        """Whether each text that this takes is taken by the other too, as far as that can be told."""
        if not other.way or (self.way, self.value, self.any_case) == (other.way, other.value, other.any_case):
            return True
        if "regex" in {self.way, other.way} or not self.way or (self.any_case and not other.any_case):
            return False
        mine, theirs = (text.lower() if other.any_case else text for text in (self.value, other.value))
        return mine.startswith(theirs) if other.way == "prefix" else self.way == "exact" and mine == theirs

    def excludes(self, other: _Text) -> bool:
        """Whether no text is taken by both, as far as that can be told."""
        if not {self.way, other.way} <= {"exact", "prefix"}:
            return False
        folded = _Text(self.way, self.value.lower()), _Text(other.way, other.value.lower())
        a, b = folded if self.any_case or other.any_case else (self, other)
        return not (a.implies(b) or b.implies(a))


def combined(theirs: list[Manifest], ours: tuple[Manifest, ...]) -> tuple[Manifest, ...] | str:
    """The matches that take what a match of each list takes; a list without any takes everything.

    A string is why there are none, for a person: it names the condition.
    """
    if not theirs or not ours:
        return tuple(theirs) or ours
    pairs = [_both(one, other) for one in theirs for other in ours]
    unsayable = next((pair for pair in pairs if isinstance(pair, _Unsayable)), None)
    if unsayable is not None:
        return (
            f"{unsayable.condition} is matched twice, and one match can't ask for {unsayable.how}: "
            "leave the condition to one of the two"
        )
    said: list[Manifest] = []
    for pair in pairs:
        if isinstance(pair, dict) and pair not in said:
            said.append(pair)
    if said:
        return tuple(said)
    never = next(pair.condition for pair in pairs if isinstance(pair, _Never))
    return f"no request can match: the two conditions on {never} exclude each other"


def _both(one: Manifest, other: Manifest) -> Manifest | _Flaw:
    """What only one says is kept as it is; what both say becomes the narrower."""
    out = one | other
    flaws: list[_Flaw] = []
    for key in one.keys() & other.keys() - {"uri", "ignoreUriCase"}:
        found = _field(key, one[key], other[key])
        if isinstance(found, _Never | _Unsayable):
            flaws.append(found)
        else:
            out[key] = found
    uri = _uri(one, other)
    if isinstance(uri, _Never | _Unsayable):
        flaws.append(uri)
    else:
        out = {key: value for key, value in out.items() if key not in {"uri", "ignoreUriCase"}} | uri
    flaws += _unmet(out)
    # A pair that never holds is left out, whatever else can't be said of it.
    ordered = sorted(flaws, key=lambda flaw: (isinstance(flaw, _Unsayable), flaw.condition))
    return ordered[0] if ordered else out


def _field(key: str, one: Any, other: Any) -> Any:
    if key in _LABELLING or one == other:
        return one
    if key in _TEXTS:
        return _text(key, one, other)
    if key in _TEXT_MAPS:
        return _texts(_TEXT_MAPS[key], one, other)
    if key == "withoutHeaders":
        return _without(one, other)
    if key == "sourceLabels":
        differing = sorted(name for name in one.keys() & other.keys() if one[name] != other[name])
        return _Never(f"source label {differing[0]}") if differing else one | other
    if key == "gateways":
        # An empty list is no condition.
        shared = [name for name in one if name in other] if one and other else one or other
        return shared or _Never(key)
    return _Never(key) if key in {"port", "sourceNamespace"} else _Unsayable(key, f"both {one} and {other}")


def _text(condition: str, one: Manifest, other: Manifest) -> Manifest | _Flaw:
    a, b = _Text.of(one), _Text.of(other)
    if a.implies(b):
        return one
    if b.implies(a):
        return other
    return _Never(condition) if a.excludes(b) else _Unsayable(condition, f"both {a} and {b}")


def _uri(one: Manifest, other: Manifest) -> Manifest | _Flaw:
    """The condition on the path and the flag that goes with it: the one of the side that it comes from."""
    sides = [side for side in (one, other) if side.get("uri")]
    if len(sides) < 2:
        kept = sides[0] if sides else one
        return {key: kept[key] for key in ("uri", "ignoreUriCase") if key in kept}
    a, b = (_Text.of(side["uri"], any_case=bool(side.get("ignoreUriCase"))) for side in sides)
    if a.implies(b) or b.implies(a):
        kept = one if a.implies(b) else other
        return {key: kept[key] for key in ("uri", "ignoreUriCase") if key in kept}
    return _Never("uri") if a.excludes(b) else _Unsayable("uri", f"both {a} and {b}")


def _texts(noun: str, one: Manifest, other: Manifest) -> Manifest | _Flaw:
    """Maps of conditions by name. Names of headers are the same in any case, and Istio wants them in lower case."""
    out = dict(one)
    names = {_folded(noun, name): name for name in one}
    unsayable: _Unsayable | None = None
    for name, condition in other.items():
        known = names.get(_folded(noun, name))
        if known is None:
            out[name] = condition
            continue
        found = _text(f"{noun} {name}", one[known] or {}, condition or {})
        if isinstance(found, _Never):
            return found
        if isinstance(found, _Unsayable):
            unsayable = found
        else:
            out[known] = found
    return unsayable or out


def _without(one: Manifest, other: Manifest) -> Manifest | _Flaw:
    """Conditions that must not hold: of two on one header, the wider says both."""
    out = dict(one)
    names = {name.lower(): name for name in one}
    for name, condition in other.items():
        known = names.get(name.lower())
        if known is None:
            out[name] = condition
            continue
        a, b = _Text.of(one[known] or {}), _Text.of(condition or {})
        if not (a.implies(b) or b.implies(a)):
            return _Unsayable(f"the absence of header {name}", f"neither {a} nor {b}")
        out[known] = condition if a.implies(b) else one[known]
    return out


def _unmet(match: Manifest) -> list[_Flaw]:
    """Headers that must hold and must not."""
    asked = {name.lower(): _Text.of(condition or {}) for name, condition in (match.get("headers") or {}).items()}
    refused = match.get("withoutHeaders") or {}
    return [
        _Never(f"header {name}")
        for name, condition in refused.items()
        if name.lower() in asked and asked[name.lower()].implies(_Text.of(condition or {}))
    ]


def _folded(noun: str, name: str) -> str:
    return name.lower() if noun == "header" else name
