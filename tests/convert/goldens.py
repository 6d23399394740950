"""The examples of what is converted, each with what is expected beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rollouts.convert.convert import convert
from rollouts.convert.inputs import ARGO, FLAGGER, Source
from rollouts.convert.render import render_yaml
from rollouts.manifests.document import Document
from rollouts.manifests.read import read_all, read_text

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = ".expected.yaml"
NAMES = sorted(path.name.removesuffix(".yaml") for path in GOLDEN.glob("*.yaml") if not path.name.endswith(EXPECTED))


def sources_of(name: str) -> list[Source]:
    """What is made of one example."""
    return convert([*read_all([str(GOLDEN / f"{name}.yaml")])])


def expected(name: str) -> str:
    """The text beside it."""
    return (GOLDEN / f"{name}{EXPECTED}").read_text(encoding="utf-8")


def in_the_end(name: str) -> list[Any]:
    """All objects that a user has who follows the report: what is made, and what stays; not what is to be deleted."""
    sources = sources_of(name)
    made = list(yaml.safe_load_all(render_yaml(sources)))
    stays = [one.root.value for one in sources if one.group not in {FLAGGER, ARGO} and not one.made]
    doomed = [one.root.value for one in sources if any("delete it" in note.reason for note in one.root.ledger.notes)]
    return [one for one in (*stays, *made) if one is not None and one not in doomed]


def unwritten(objects: list[Any]) -> list[Document]:
    """Objects as documents that stand in no text: quicker, and without lines."""
    return [Document("made", one, yaml.ScalarNode("", "", yaml.Mark("", 0, 0, 0, "", 0))) for one in objects]


def documents_of(objects: list[Any]) -> list[Document]:
    """The same as if they were read from a file."""
    return read_text("converted", yaml.safe_dump_all(objects))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands in a document, from the outside in."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [below for key, inner in items for below in [(*path, key), *paths(inner, (*path, key))]]
