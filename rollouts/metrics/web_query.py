"""What a web source is asked, as one line of text: so all sources are asked by texts, and equal ones are one question.

Pure. The address is the source's and no part of the question: no path can lead to another server.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

from rollouts.errors import SpecInvalid
from rollouts.metrics.json_path import PathInvalidError, check_path

PATH_MAX = 2048
BODY_MAX = 16 * 1024
_PATH = re.compile(r"([/?][!-~]*)?")
_METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class WebQuery:
    """One request, and where in its answer the number is."""

    path: str
    """What follows the source's address: empty, or it begins with / or ?. Percent-encoded where URLs want that."""
    json_path: str
    method: str = "GET"
    body: str = ""
    """JSON, with POST alone."""

    def __post_init__(self) -> None:
        """Raises SpecInvalid for what can't be asked."""
        _check_path(self.path)
        if self.method not in _METHODS:
            raise SpecInvalid("the method must be GET or POST")
        if self.body and self.method != "POST":
            raise SpecInvalid("a body goes with method POST alone")
        _check_body(self.body)
        try:
            check_path(self.json_path)
        except PathInvalidError as error:
            raise SpecInvalid(str(error)) from error

    def text(self) -> str:
        """As `MetricSource.measure` takes it."""
        members = {"method": self.method, "path": self.path, "body": self.body, "jsonPath": self.json_path}
        return json.dumps({name: value for name, value in members.items() if value or name == "path"})


def read_web_query(text: str) -> WebQuery:
    """What `WebQuery.text` has made. Raises SpecInvalid for anything else."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise SpecInvalid("no question to a web source")
    if unknown := told.keys() - {"method", "path", "body", "jsonPath"}:
        raise SpecInvalid(f"a question to a web source has no {min(unknown)!r}")
    return WebQuery(told.get("path", ""), told.get("jsonPath", ""), told.get("method", "GET"), told.get("body", ""))


def _check_path(path: str) -> None:
    if len(path) > PATH_MAX:
        raise SpecInvalid(f"the path is longer than {PATH_MAX} characters")
    if not _PATH.fullmatch(path) or path.startswith("//"):
        raise SpecInvalid("the path must begin with / or ?, in ASCII without blanks: percent-encode the rest")
    if "#" in path:
        raise SpecInvalid("the path has a fragment, which is never sent")
    segments = unquote(path.partition("?")[0]).replace("\\", "/").split("/")
    if not {".", ".."}.isdisjoint(segments):
        raise SpecInvalid("the path has a segment . or .., which would leave the address")


def _check_body(body: str) -> None:
    if len(body) > BODY_MAX:
        raise SpecInvalid(f"the body is longer than {BODY_MAX} characters")
    try:
        if body:
            json.loads(body)
    except (ValueError, RecursionError):
        raise SpecInvalid("the body is no JSON") from None
