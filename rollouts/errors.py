"""Every error the program can meet, by whose fault it is and when trying again makes sense.

The engine needs nothing more than `retry`: NEVER means a defect of ours, ON_CHANGE means somebody has to change
an object or a right first, AFTER means the world may mend by itself. Absent data is a value, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Retry(StrEnum):
    """When the same attempt may succeed."""

    NEVER = "never"
    ON_CHANGE = "on_change"
    AFTER = "after"


class RolloutsError(Exception):
    """The root of all errors of ours. The message is for a person and holds no secret."""

    retry: Retry = Retry.NEVER
    retry_after_s: float | None = None
    """With AFTER: what the other side asked for, in seconds; None leaves the back-off to the caller."""


NOT_YAML = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python says of a value that its tag in YAML does not fit; the library lets it through."""


class SpecInvalid(RolloutsError):
    """The user's object contradicts itself or the cluster; nothing was changed."""

    retry = Retry.ON_CHANGE


class StatusUnreadable(RolloutsError):
    """What stands in a status is no state that a Canary can be in: nobody knows where it is, so nothing is changed."""

    retry = Retry.ON_CHANGE


class KubeError(RolloutsError):
    """The API server refused or could not be asked. `verb` and `resource` are as RBAC writes them."""

    def __init__(self, message: str, *, verb: str = "", resource: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.verb = verb
        self.resource = resource
        self.status = status


class NotFound(KubeError):
    """404: the object, its namespace, or the whole kind is absent."""

    retry = Retry.ON_CHANGE


class Conflict(KubeError):
    """409, or a JSON Patch whose tests fail (422): the world moved on. Observe again."""

    retry = Retry.AFTER


class Gone(KubeError):
    """410: the resourceVersion is too old. List again."""

    retry = Retry.AFTER


class Forbidden(KubeError):
    """401 or 403: the controller's account lacks a right."""

    retry = Retry.ON_CHANGE


class SecretsOff(Forbidden):
    """The operator lets the controller read no Secret. The message says what to set."""


class Rejected(KubeError):
    """400, 405, 413, 415 or 422: the server understood and will not have it; the same body never passes."""

    retry = Retry.ON_CHANGE
    causes: tuple[Mapping[str, str], ...] = ()
    """Field by field, as the details of a Status have it: `field`, `reason` and `message`; empty if none are known."""


class Throttled(KubeError):
    """429: asked to slow down, with `retry_after_s` where the server said so."""

    retry = Retry.AFTER


class Unavailable(KubeError):
    """5xx, a time-out, or no connection. Whether a write took effect is unknown."""

    retry = Retry.AFTER


class NotHeld(KubeError):
    """The replica's Lease has run out: what it was about to write is another one's to decide."""

    retry = Retry.AFTER


class Unsettled(RolloutsError):
    """Somebody undoes what we do as fast as we do it. Step back for a moment, then go on."""

    retry = Retry.AFTER
    retry_after_s = 1.0


class InvariantViolated(RolloutsError):
    """A defect of ours was caught before it could act; this one Canary is halted, traffic left as it is."""

    retry = Retry.NEVER
