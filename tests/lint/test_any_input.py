"""Whatever stands in a file: lint says something of it, and never breaks."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.lint.lint import lint
from rollouts.lint.render import render_json, render_text
from rollouts.manifests.read import read_text
from tests.convert.goldens import NAMES, in_the_end, paths

SHOP = [*yaml.safe_load_all((Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8"))]
WORLDS = [SHOP, *(in_the_end(name) for name in NAMES)]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 1.5, True, "", "x", "10s", [], {}, [1], ["a"], {"a": 1}, [{}], [None], [[1]], {"name": None}]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_part_of_any_shape_is_looked_at(data: st.DataObject) -> None:
    """One field of one object is something else than it should be."""
    objects = copy.deepcopy(data.draw(st.sampled_from(WORLDS)))
    changed = objects[data.draw(st.integers(0, len(objects) - 1))]
    *way, last = data.draw(st.sampled_from(paths(changed)))
    within = changed
    for step in way:
        within = within[step]
    within[last] = data.draw(ODD)
    found = lint(read_text("f.yaml", yaml.safe_dump_all(objects)), "default")
    assert render_text(found, verbose=True).count("\n") >= len(found)
    assert render_json(found, verbose=True)
