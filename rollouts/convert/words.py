"""Texts that are written differently here: durations, names, variables in queries. Pure."""

from __future__ import annotations

import re

_TERM = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_DURATION = re.compile(r"([0-9]{1,5}(\.[0-9]{1,3})?(ms|s|m|h))+")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_VARIABLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_INDEX = re.compile(r"index\s+variables\s+\"([^\"]+)\"")
_OWN = re.compile(r"\.?(variables|args)\.([a-zA-Z][-_a-zA-Z0-9]*)")
_PLAIN = frozenset({"name", "namespace", "target", "service", "ingress", "interval"})


def seconds(text: str) -> float | None:
    """Of a duration in Go's notation, or of a number of seconds; None for anything else."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in _TERM.findall(text))


def duration(length_s: float) -> str:
    """Seconds as people write them: `90s`, `5m`, `1h`."""
    whole = max(1, round(length_s))
    if whole % 3600 == 0:
        return f"{whole // 3600}h"
    return f"{whole // 60}m" if whole % 60 == 0 else f"{whole}s"


def slug(text: str, longest: int = 63) -> str:
    """A name of lower-case letters, digits and dashes; empty if nothing of it is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].rstrip("-")


def query_words(text: str) -> tuple[str, list[str], list[str]]:
    """A query with our variables; the arguments that it has, and what no variable of ours stands for."""
    arguments: list[str] = []
    strange: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        inner = found[1]
        index = _INDEX.fullmatch(inner)
        own = _OWN.fullmatch(f"variables.{index[1]}" if index else inner)
        if own:
            arguments.append(own[2])
            return f"{{{{ args.{own[2]} }}}}"
        if inner in _PLAIN:
            return f"{{{{ {inner} }}}}"
        strange.append(inner)
        return found[0]

    return _VARIABLE.sub(replaced, text), list(dict.fromkeys(arguments)), list(dict.fromkeys(strange))
