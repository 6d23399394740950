"""Whatever stands in a file: it is converted, or named; never passed over, and nothing breaks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.convert.convert import convert
from rollouts.convert.inputs import Source
from rollouts.convert.ledger import Outcome, leaves_of
from rollouts.convert.render import render_yaml
from tests.convert.goldens import NAMES, paths, sources_of, unwritten

INPUTS = [[source.root.value for source in sources_of(name)] for name in NAMES]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 1.5, True, "", "x", "10s", "{{ bad }}", [], {}, [1], ["a"], {"a": 1}, [{}], [None], [[1]], "a" * 300]
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_each_value_is_used_or_named(data: st.DataObject) -> None:
    """Also one of another shape, and one of a name that nobody knows."""
    objects = copy.deepcopy(data.draw(st.sampled_from(INPUTS)))
    changed = objects[data.draw(st.integers(0, len(objects) - 1))]
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(paths(changed)))
        within = changed
        for step in way:
            within = within[step]
        if isinstance(within[last], dict) and data.draw(st.booleans()):
            within[last]["strange"] = data.draw(ODD)
        else:
            within[last] = data.draw(ODD)
    sources = convert(unwritten(objects))
    made = [one for source in sources for one in source.made]
    assert [one for one in yaml.safe_load_all(render_yaml(sources)) if one is not None] == made
    for source in sources:
        ledger = source.root.ledger
        whole = {note.path for note in ledger.notes if note.outcome in {Outcome.LOST, Outcome.NEEDLESS}} | ledger.used
        leaf = {note.path for note in ledger.notes if note.outcome is Outcome.CHANGED}
        for path in leaves_of(source.root.value):
            assert path in leaf or any(path[:end] in whole for end in range(len(path) + 1)), (source, path)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_nobody_knows_is_reported(name: str) -> None:
    """Wherever it stands: in each object of each example, one more field is named, or is in what was copied whole."""
    inputs = [source.root.value for source in sources_of(name)]
    for place in (number for number, one in enumerate(inputs) if _is_theirs(one)):
        for way in [(), *(path for path in paths(inputs[place]["spec"]) if _is_object(inputs[place]["spec"], path))]:
            objects = copy.deepcopy(inputs)
            _at(objects[place]["spec"], way)["noSuchField"] = 7
            source = convert(unwritten(objects))[place]
            assert "noSuchField" in str(source.made) or _is_named(source, ("spec", *way, "noSuchField")), way


def _is_named(source: Source, path: tuple[Any, ...]) -> bool:
    """By itself, or with something around it that is not converted as a whole."""
    whole = {note.path for note in source.root.ledger.notes if note.outcome in {Outcome.LOST, Outcome.NEEDLESS}}
    return any(path[:end] in whole for end in range(len(path) + 1))


def _is_object(value: Any, path: tuple[Any, ...]) -> bool:
    return isinstance(_at(value, path), dict)


def _is_theirs(manifest: Any) -> bool:
    return str(manifest["apiVersion"]).startswith(("flagger.app", "argoproj.io"))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value
