"""Objects as JSON, YAML and names, as kubectl writes them. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from rollouts.api.resources import CANARIES, Manifest

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def as_json(told: Any) -> str:
    """Indented JSON and a newline."""
    return json.dumps(told, indent=4, ensure_ascii=False) + "\n"


def as_yaml(told: Any) -> str:
    """YAML in the order of the fields."""
    return str(yaml.dump(told, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120))


def in_form(form: str, told: Any) -> str:
    """Either of the two."""
    return as_json(told) if form == "json" else as_yaml(told)


def named(canary: Manifest) -> str:
    """`canary.rollouts.dev/shop`."""
    return f"{CANARIES.kind.lower()}.{CANARIES.group}/{canary['metadata']['name']}"


def listed(items: Sequence[Manifest]) -> Manifest:
    """Several objects as one."""
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": list(items)}


def bared(manifest: Manifest) -> Manifest:
    """Without managedFields, which nobody reads."""
    metadata = {field: value for field, value in manifest["metadata"].items() if field != "managedFields"}
    return {**manifest, "metadata": metadata}
