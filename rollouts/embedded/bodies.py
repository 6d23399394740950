"""Bodies of requests, as data: JSON, YAML, or Kubernetes' protobuf, and the media types of the four patches."""

from __future__ import annotations

import json
from typing import Any

import yaml

from rollouts.api.resources import Manifest
from rollouts.embedded import protobuf
from rollouts.embedded.answers import Refusal

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
_YAML = {APPLY_PATCH, "application/yaml"}
_JSON = ("application/json", "application/octet-stream", JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)
"""The second is what clients call a body of which they say nothing."""


def body_of(text: bytes, media: str) -> Manifest | list[Manifest]:
    """The data; an empty object where there is no body. Raises Refusal."""
    if not text:
        return {}
    try:
        told = _read(text, media)
    except protobuf.ProtobufNotRead as error:
        raise Refusal(415, str(error)) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise Refusal(400, f"the body of the request was not understood: {error}") from error
    if not isinstance(told, dict | list):
        raise Refusal(400, "the body of the request was in an unknown format: an object is needed")
    return told


def _read(text: bytes, media: str) -> Any:
    if media == protobuf.MEDIA_TYPE:
        return protobuf.read(text)
    if media in _YAML:
        return yaml.safe_load(text)
    if media in _JSON:
        return json.loads(text)
    known = ", ".join([*_JSON, *sorted(_YAML), protobuf.MEDIA_TYPE])
    raise Refusal(415, f"the body of the request was in an unknown format - accepted media types include: {known}")
