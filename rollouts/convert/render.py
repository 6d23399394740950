"""What came of a conversion: YAML with what is to be said above each object, and the same as lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

import yaml

from rollouts.api.resources import Manifest
from rollouts.convert.inputs import Source
from rollouts.convert.ledger import Note, Outcome

_WIDTH = 118
_ORDER = (Outcome.LOST, Outcome.CHANGED, Outcome.ADDED, Outcome.NEEDLESS)
_QUIET = frozenset({Outcome.NEEDLESS})


class _Dumper(yaml.SafeDumper):
    """Without anchors, and texts of several lines as they are."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as PyYAML calls it
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def render_yaml(sources: Sequence[Source]) -> str:
    """All that is made, as one stream of documents."""
    return "".join(f"---\n{text}" for one in sources for _, text in files_of(one))


def files_of(source: Source) -> list[tuple[str, str]]:
    """Each object made, with the name of a file for it; the notes stand above the last, of which they speak most.

    What nothing is made of leaves its notes alone, unless there is nothing to say but that it stays as it is.
    """
    head = "".join(f"{line}\n" for line in _comment(source))
    if not source.made:
        lost = any(note.outcome not in _QUIET for note in source.root.ledger.notes)
        return [(_file_name(source.root.value), head)] if lost else []
    found = [(_file_name(made), _dumped(made)) for made in source.made]
    main = next(index for index, made in enumerate(source.made) if made["kind"] in _MAIN or index == len(found) - 1)
    return [(name, head + text if index == main else text) for index, (name, text) in enumerate(found)]


_MAIN = frozenset({"Canary", "AnalysisTemplate", "AlertProvider"})


def report(sources: Sequence[Source], *, verbose: bool) -> list[str]:
    """One line for each thing to say; with `verbose` also what is not needed."""
    lines = []
    for one in sources:
        for note in _sorted(one):
            if verbose or note.outcome not in _QUIET:
                place = f"{one.document.file}:{one.document.line_of(note.path)}"
                lines.append(f"{place}: {one}: {_words(note)}")
    return lines


def _comment(source: Source) -> list[str]:
    made = ", ".join(dict.fromkeys(one["kind"] for one in source.made))
    lines = [f"# From {source}: {made or 'nothing is made of it.'}"]
    for note in _sorted(source):
        lines += wrap(_words(note), _WIDTH, initial_indent="#  ", subsequent_indent="#     ", break_long_words=False)
    return lines


def _words(note: Note) -> str:
    return f"{note.field or 'the object'}: {note.outcome}: {' '.join(note.reason.split())}"


def _sorted(source: Source) -> list[Note]:
    notes = list(dict.fromkeys(source.root.ledger.notes))
    return sorted(notes, key=lambda note: _ORDER.index(note.outcome))


def _dumped(manifest: Manifest) -> str:
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)


def _file_name(manifest: Manifest) -> str:
    metadata = manifest.get("metadata")
    named = [metadata.get("namespace"), metadata.get("name")] if isinstance(metadata, dict) else []
    parts = [str(manifest.get("kind", "object")).lower(), *named]
    return re.sub(r"[^-.a-z0-9]", "", "-".join(str(part) for part in parts if part)) + ".yaml"
