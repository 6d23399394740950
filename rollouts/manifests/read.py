"""Files, folders and standard input to objects. What can't be read is an error with the file's name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from rollouts.errors import NOT_YAML, SpecInvalid
from rollouts.manifests.document import Document
from rollouts.manifests.extent import check_extent
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
            documents += read_text(str(path), text_of(path))
    return documents


def read_text(file: str, text: str) -> list[Document]:
    """The objects of one text. Raises SpecInvalid."""
    return [item for document in read_documents(file, text) for item in document.items()]


def read_documents(file: str, text: str) -> list[Document]:
    """The same with Lists as they are."""
    try:
        return list(_documents(file, text))
    except RecursionError:
        raise SpecInvalid(f"{file}: not YAML: it is nested too deeply") from None
    except (yaml.YAMLError, *NOT_YAML) as error:
        raise SpecInvalid(f"{file}: {why_not_yaml(error)}") from error


def _documents(file: str, text: str) -> Iterator[Document]:
    loader = Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            check_extent(node)
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


def text_of(path: Path) -> str:
    """What stands in a file. Raises SpecInvalid."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecInvalid(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SpecInvalid(f"{path}: not UTF-8: {error}") from error
