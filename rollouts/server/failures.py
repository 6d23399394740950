"""What goes wrong with a request, as an answer: each has a reason for programs and a message that says what to do."""

from __future__ import annotations

import math

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from rollouts.errors import Conflict, Forbidden, KubeError, Rejected, RolloutsError
from rollouts.server.feed import TooManyListeners
from rollouts.server.gatekeeper import NotAllowed, NotKnown
from rollouts.server.guard import refused
from rollouts.server.intents import NoCanary


class BadRequest(RolloutsError):
    """What is asked makes no sense, or none any more."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class TooOften(RolloutsError):
    """429: this user, or this address, asks more often than it may."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, math.ceil(wait_s))
        super().__init__(f"too many requests: ask again in {self.wait_s} s")


_CODES: tuple[tuple[type[RolloutsError], int], ...] = (
    (NotKnown, 401), (NotAllowed, 403), (NoCanary, 404), (TooOften, 429), (TooManyListeners, 503), (Conflict, 409),
    (Rejected, 422), (Forbidden, 502),
)  # fmt: skip
_AWAY = 503


def answer_of(error: RolloutsError) -> JSONResponse:
    """The answer. What the API server said of our own account is no secret, and holds none."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), _AWAY)
    headers, message = {}, str(error)
    match error:
        case NotKnown():
            headers = {"WWW-Authenticate": 'Bearer realm="rollouts"'}
        case BadRequest():
            code = error.code
        case TooOften():
            headers = {"Retry-After": str(error.wait_s)}
        case Conflict():
            message = f"somebody else changes the Canary all the time: ask again ({message})"
        case Forbidden():
            message = f"the server's own account lacks a right, see deploy/server.yaml: {message}"
        case _:
            pass
    if code == _AWAY:
        headers = {"Retry-After": str(math.ceil(error.retry_after_s or 5))}
    return refused(code, type(error).__name__, message, headers)


def answer_failures(server: FastAPI) -> None:
    """Let every error of ours become its answer."""

    async def answered(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RolloutsError)  # noqa: S101 - what it is registered for
        return answer_of(error)

    for kind in (NotKnown, NotAllowed, NoCanary, BadRequest, TooOften, TooManyListeners, KubeError):
        server.add_exception_handler(kind, answered)
