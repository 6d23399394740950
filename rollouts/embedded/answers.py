"""Answers as an API server words them: objects as JSON, refusals as Status objects. Pure but for aiohttp's Response."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from rollouts.api.resources import Manifest
from rollouts.embedded.target import Target
from rollouts.errors import Conflict, KubeError, Rejected
from rollouts.testing.memory_refusals import ApplyConflict

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
}
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class Refusal(Exception):
    """The answer is a Status object; `details` are its details."""

    def __init__(self, code: int, message: str, *, reason: str = "", details: Manifest | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason or _REASONS.get(code, "InternalError")
        self.details = details or {}

    def status(self) -> Manifest:
        """The Status object."""
        return {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": str(self),
            "reason": self.reason, "details": self.details, "code": self.code,
        }  # fmt: skip


def refusal_of(target: Target, error: KubeError) -> Refusal:
    """What a server says where the one in memory has refused."""
    resource, code = target.kind.resource, error.status or 500
    details: Manifest = {"name": target.name, "group": resource.group, "kind": resource.plural}
    said = str(error).removeprefix(f"{error.verb} {error.resource}: ")
    match code:
        case 409 if isinstance(error, ApplyConflict):
            return Refusal(409, str(error), details={"causes": list(error.causes)})
        case 404:
            said = f"{target} not found"
        case 409:
            said = f'Operation cannot be fulfilled on {resource} "{target.name}": {_MODIFIED}'
        case 422 if isinstance(error, Conflict):
            said = "the server rejected our request due to an error in our request"
        case 422:
            details |= {"kind": resource.kind, "causes": _causes(error) or [{"message": said}]}
            group = f".{resource.group}" if resource.group else ""
            said = said if " is invalid: " in said else f'{resource.kind}{group} "{target.name}" is invalid: {said}'
        case _:
            pass
    return Refusal(code, said, details=details)


def _causes(error: KubeError) -> list[Mapping[str, str]]:
    return list(error.causes) if isinstance(error, Rejected) else []


def no_such_thing() -> Refusal:
    """A path at which nothing is served."""
    return Refusal(404, "the server could not find the requested resource")


def exists(target: Target) -> Refusal:
    """A name that is taken."""
    resource = target.kind.resource
    details: Manifest = {"name": target.name, "group": resource.group, "kind": resource.plural}
    return Refusal(409, f"{target} already exists", reason="AlreadyExists", details=details)


def answer(told: Manifest, *, code: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    """An object as JSON; each warning as a header that kubectl prints."""
    response = web.Response(status=code, body=encoded(told), content_type="application/json")
    for warning in warnings:
        response.headers.add("Warning", f"299 - {json.dumps(warning)}")
    return response


def encoded(told: Manifest) -> bytes:
    """One object on one line."""
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
