"""YAML as kubectl reads it: which plain words are numbers is Go's matter there, and so it is here.

PyYAML reads `1:30` as a number in base 60, `0o10`, `1e3` and `y` as texts, and a day as a date; kubectl does none of
that.
"""

from __future__ import annotations

import re

import yaml

_INT, _FLOAT, _BOOL = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool"))
_OTHERWISE = {_INT, _FLOAT, *(f"tag:yaml.org,2002:{name}" for name in ("timestamp", "value"))}
_INTEGERS = re.compile(r"[-+]?(0b[01_]+|0o[0-7_]+|0[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$")
_FLOATS = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


class Loader(yaml.SafeLoader):
    """The safe loader with Go's numbers."""


def _integer(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    is_old_octal = re.fullmatch(r"0[0-7]+", digits) is not None
    return sign * (int(digits, 8) if is_old_octal else int(digits, 0))


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHERWISE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(_INT, _INTEGERS, list("-+0123456789"))
Loader.add_implicit_resolver(_FLOAT, _FLOATS, list("-+0123456789."))
Loader.add_implicit_resolver(_BOOL, re.compile(r"[yYnN]$"), list("yYnN"))
Loader.add_constructor(_INT, _integer)
Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


def why_not_yaml(error: Exception) -> str:
    """What is wrong with a text that is no YAML, with the place if there is one."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        return f"not YAML: {place}{error.problem}"
    return f"not YAML: {' '.join(str(error).split())}"
