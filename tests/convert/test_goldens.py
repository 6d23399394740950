from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from rollouts.api.resources import CANARIES
from rollouts.convert.convert import convert
from rollouts.convert.inputs import Source
from rollouts.convert.ledger import Outcome, Path, leaves_of
from rollouts.convert.render import render_yaml
from rollouts.lint.finding import Level
from rollouts.lint.lint import lint
from rollouts.lint.schema_rules import kinds_of_ours
from tests.convert.goldens import NAMES, documents_of, expected, in_the_end, sources_of, unwritten

ALERTS = "AlertProvider" in kinds_of_ours()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_becomes_what_stands_beside_it(name: str) -> None:
    """`python -m tests.convert` writes the expected texts anew."""
    assert render_yaml(sources_of(name)) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_result_passes_lint(name: str) -> None:
    """Together with what stays of the example, as somebody has it who follows the report."""
    objects = in_the_end(name) if ALERTS else [_without_alerts(one) for one in in_the_end(name) if _is_known(one)]
    found = lint(documents_of(objects), "default", strict=True)
    assert [one for one in found if one.level is Level.ERROR] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_value_is_used_or_spoken_of(name: str) -> None:
    """Nothing is dropped silently: every single value of the input is found again, or named in the report."""
    for source in sources_of(name):
        silent = [path for path in leaves_of(source.root.value) if not _is_told(source, path)]
        assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_used_has_an_effect(name: str) -> None:
    """Another value of a field that was used, and of which nothing is said, makes another result."""
    sources = sources_of(name)
    before = render_yaml(sources)
    idle = []
    for place, source in enumerate(sources):
        for path in leaves_of(source.root.value):
            if source.made and not _is_noted(source, path) and not _is_identity(path):
                objects = [one.root.value for one in sources]
                objects[place] = _changed(source.root.value, path)
                if render_yaml(convert(unwritten(objects))) == before:
                    idle.append((str(source), path))
    assert idle == []


def _is_told(source: Source, path: Path) -> bool:
    """Looked at without the ledger's own way of doing so."""
    beginnings = {path[:end] for end in range(len(path) + 1)}
    return bool(beginnings & source.root.ledger.used) or _is_noted(source, path)


def _is_noted(source: Source, path: Path) -> bool:
    whole = {note.path for note in source.root.ledger.notes if note.outcome in {Outcome.LOST, Outcome.NEEDLESS}}
    changed = {note.path for note in source.root.ledger.notes if note.outcome is Outcome.CHANGED}
    return any(path[:end] in whole for end in range(len(path) + 1)) or path in changed


def _is_identity(path: Path) -> bool:
    """What it is and where: another one is another example."""
    return path[0] in {"apiVersion", "kind"} or path[:2] in {("metadata", "name"), ("metadata", "namespace")}


def _changed(value: Any, path: Path) -> Any:
    changed = copy.deepcopy(value)
    within = changed
    for step in path[:-1]:
        within = within[step]
    within[path[-1]] = _other(within[path[-1]])
    return changed


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if value[:1].isdigit():
            return f"1{value}"
        case str():
            return f"x{value}"
        case _:
            return [*value, "x"] if isinstance(value, list) else {**value, "x": "y"}


def _is_known(manifest: Any) -> bool:
    return manifest["kind"] in kinds_of_ours() or not str(manifest["apiVersion"]).startswith(CANARIES.group)


def _without_alerts(manifest: Any) -> Any:
    if manifest["kind"] != CANARIES.kind:
        return manifest
    analysis = {name: value for name, value in manifest["spec"]["analysis"].items() if name != "alerts"}
    return {**manifest, "spec": {**manifest["spec"], "analysis": analysis}}


def test_an_expected_text_is_yaml() -> None:
    """Comments and all."""
    assert all(isinstance(one, dict) for name in NAMES for one in yaml.safe_load_all(expected(name)) if one)
