"""Golden manifests: what is rendered, as a person would read it. With UPDATE_GOLDEN=1 they are written anew."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

_DIRECTORY = Path(__file__).with_name("golden")


def assert_golden(name: str, manifests: Sequence[dict[str, Any]]) -> None:
    """Compare rendered manifests with `golden/<name>.yaml`, or write that file if UPDATE_GOLDEN=1."""
    path = _DIRECTORY / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True), encoding="utf-8")
    expected = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert list(manifests) == expected
