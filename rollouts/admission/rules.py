"""What is wrong with a value by the rules in its schema: `x-kubernetes-validations`, as the API server asks them.

A rule about change (it reads `oldSelf`) is asked only where there is an old value; a rule about a value that an update
leaves as it was is not asked again. A parent's rules come before those of its fields.
Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rollouts.admission.cel_values import cel_value
from rollouts.admission.complaint import NOWHERE, Complaint, Reason, below, duplicate, forbidden, invalid, required
from rollouts.admission.complaint import refused as without_value
from rollouts.admission.correlation import ABSENT, old_entry, old_item, same
from rollouts.admission.expressions import Failed, compiled
from rollouts.api.schema import Schema
from rollouts.errors import SpecInvalid

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_OLD = re.compile(r"\boldSelf\b")
_BOTH = ("self", "oldSelf")


def check_rules(value: Any, schema: Schema, old: Any = ABSENT, path: str = "") -> Iterator[Complaint]:
    """All rules that `value` breaks."""
    if value is None:
        return
    unchanged = old is not ABSENT and same(value, old)
    for rule in schema.get("x-kubernetes-validations") or ():
        complaint = _ask(rule, value, old, schema, path) if _applies(rule, old, unchanged=unchanged) else None
        if complaint is not None:
            yield complaint
    yield from _check_parts(value, schema, old, path)


def _check_parts(value: Any, schema: Schema, old: Any, path: str) -> Iterator[Complaint]:
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, within in properties.items():
            if name in value:
                yield from check_rules(value[name], within, old_entry(old, name), below(path, name))
        if isinstance(others, dict):
            for name in [name for name in value if name not in properties]:
                yield from check_rules(value[name], others, old_entry(old, name), f"{path}[{name}]")
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from check_rules(item, items, old_item(old, item, schema), f"{path}[{index}]")


def _is_about_change(rule: dict[str, Any]) -> bool:
    return bool(_OLD.search(_TEXT.sub("", rule["rule"])))


def _applies(rule: dict[str, Any], old: Any, *, unchanged: bool) -> bool:
    if _is_about_change(rule):
        return old is not ABSENT or bool(rule.get("optionalOldSelf"))
    return not unchanged


def _ask(rule: dict[str, Any], value: Any, old: Any, schema: Schema, path: str) -> Complaint | None:
    data = {"self": cel_value(value, schema), "oldSelf": None if old is ABSENT else cel_value(old, schema)}
    try:
        told = _evaluate(rule["rule"], rule, data, known=old is not ABSENT)
    except SpecInvalid as wrong:
        return invalid(path or NOWHERE, schema.get("type", ""), f"rule compile error: {wrong}")
    if isinstance(told, Failed):
        return invalid(path or NOWHERE, schema.get("type", ""), f"{told.message} evaluating rule: {_name_of(rule)}")
    return None if told is True else _complaint(rule, value, _message(rule, data, known=old is not ABSENT), path)


def _evaluate(text: str, rule: dict[str, Any], data: dict[str, Any], *, known: bool) -> Any:
    """With `optionalOldSelf` the old value is an optional, which only an expression can make."""
    plain = compiled(text, _BOTH)
    if not rule.get("optionalOldSelf"):
        return plain.evaluate(data)
    old = "optional.of(oldSelf)" if known else "optional.none()"
    told = compiled(f"[{old}].map(oldSelf, {text}\n)", _BOTH).evaluate(data)
    return told[0] if isinstance(told, list) else told


def _message(rule: dict[str, Any], data: dict[str, Any], *, known: bool) -> str:
    """What to tell: the message that the rule computes, else the one that it has, else the rule itself."""
    if text := rule.get("messageExpression"):
        try:
            told = _evaluate(text, rule, data, known=known)
        except SpecInvalid:
            told = None
        if isinstance(told, str) and told.strip() and "\n" not in told:
            return told
    return str(rule.get("message") or f"failed rule: {' '.join(rule['rule'].split())}")


def _name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("message") or rule["rule"])


def _complaint(rule: dict[str, Any], value: Any, message: str, path: str) -> Complaint:
    field = (path + rule.get("fieldPath", "")).lstrip(".") or NOWHERE
    match rule.get("reason"):
        case Reason.REQUIRED:
            return required(field, message)
        case Reason.FORBIDDEN:
            return forbidden(field, message)
        case Reason.DUPLICATE:
            return duplicate(field, _sort_of(value))
        case _ if isinstance(value, dict | list):
            return without_value(field, message)
        case _:
            return invalid(field, value, message)


def _sort_of(value: Any) -> Any:
    """What the server says instead of a value that is too large to quote."""
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else value
