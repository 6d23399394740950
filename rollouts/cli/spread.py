"""Commands take their flags in groups, each a dataclass; a command line knows single flags. This is what is between.

A group is written once and means the same in each command that has it. Knows no flag, and nothing of what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with the fields of each group in the group's place, as flags. Each field has a default."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        parameters += _flags_of(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]

    @wraps(command)
    def called(**given: Any) -> None:
        made = {name: kind(**{one.name: given.pop(one.name) for one in fields(kind)}) for name, kind in groups.items()}
        command(**given, **made)

    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what `signature` reads first
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _flags_of(group: Any) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(group)
    ]
