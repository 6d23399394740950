"""The documents of a YAML file, as kubectl reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollouts.manifests import read


def read_documents(path: Path, text: str | None = None) -> list[Any]:
    """The YAML documents of a file, or of a text that came from elsewhere. Raises SpecInvalid."""
    written = read.text_of(path) if text is None else text
    return [document.value for document in read.read_documents(str(path), written)]
