"""Files, folders and standard input to objects. What can't be read is an error with the file's name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from rollouts.errors import SpecInvalid
from rollouts.manifests.document import Document
from rollouts.manifests.loader import Loader, why_not_yaml

STDIN = "-"
STDIN_NAME = "standard input"
_ENDINGS = frozenset({".yaml", ".yml", ".json"})


def read_all(names: Sequence[str]) -> list[Document]:
    """All objects of files and folders, in their order; `-` is standard input. Raises SpecInvalid."""
    documents: list[Document] = []
    for name in names:
        if name == STDIN:
            documents += read_text(STDIN_NAME, sys.stdin.read())
            continue
        for path in _files(Path(name)):
            documents += read_text(str(path), _text_of(path))
    return documents


def read_text(file: str, text: str) -> list[Document]:
    """The objects of one text. Raises SpecInvalid."""
    try:
        return [item for document in _documents(file, text) for item in document.items()]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecInvalid(f"{file}: {why_not_yaml(error)}") from error


def _documents(file: str, text: str) -> Iterator[Document]:
    loader = Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if node is not None and value is not None:
                yield Document(file, value, node)
    finally:
        loader.dispose()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix in _ENDINGS and one.is_file())
    if not found:
        raise SpecInvalid(f"{path}: no .yaml, .yml or .json file in this folder: name the files, or another folder")
    return found


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecInvalid(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SpecInvalid(f"{path}: not UTF-8: {error}") from error
