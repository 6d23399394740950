"""Label selectors as Kubernetes evaluates them: which pods a policy, a budget or a Service means.

Pure: a selector as it stands in a manifest and the labels of a pod in, a verdict out. A selector that the API server
would refuse selects nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Selector = Mapping[str, Any]
"""A LabelSelector: `matchLabels`, `matchExpressions`, or neither, which selects everything."""


def selects(selector: Selector | None, labels: Mapping[str, str]) -> bool:
    """Whether a pod with those labels is selected: all terms have to hold. None, an absent one, selects nothing."""
    if selector is None:
        return False
    demanded = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return demanded.items() <= labels.items() and all(_holds(expression, labels) for expression in expressions)


def in_query(selector: Selector) -> str:
    """The same as a list request takes it: `app=web,track in (a,b),!legacy`; empty where everything is selected."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression["key"], ",".join(expression.get("values") or ())
        terms.append({
            "In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}",
        }[expression["operator"]])  # fmt: skip
    return ",".join(terms)


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression.get("key", "")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            # Also where the label is absent.
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
