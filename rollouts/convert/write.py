"""What came of a conversion as files of a folder: one an object, none that stands there is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rollouts.convert.inputs import Source
from rollouts.convert.render import files_of
from rollouts.errors import SpecInvalid


def write_files(sources: Sequence[Source], folder: Path) -> list[Path]:
    """The paths of what was written. Raises SpecInvalid for a file that is there, and writes nothing then."""
    texts: dict[Path, str] = {}
    for source in sources:
        for name, text in files_of(source):
            path = folder / name
            texts[path] = f"{texts[path]}---\n{text}" if path in texts else text
    taken = [path for path in texts if path.exists()]
    if taken:
        raise SpecInvalid(f"{taken[0]} is there already: name another folder, or delete it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpecInvalid(f"{folder}: {error.strerror}") from error
    return list(texts)
