"""The documents of a YAML file, as kubectl reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rollouts.errors import SpecInvalid
from rollouts.manifests.loader import Loader, why_not_yaml


def read_documents(path: Path, text: str | None = None) -> list[Any]:
    """The YAML documents of a file, or of a text that came from elsewhere. Raises SpecInvalid."""
    try:
        written = path.read_text(encoding="utf-8") if text is None else text
        loaded = yaml.load_all(written, Loader)
        return [document for document in loaded if document is not None]
    except OSError as error:
        raise SpecInvalid(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecInvalid(f"{path}: {why_not_yaml(error)}") from error
