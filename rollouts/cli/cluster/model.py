"""A Canary's object as the models of its spec and status, for what needs their meaning and not only their words."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.cli.refused import CommandRefused


@dataclass(frozen=True, slots=True)
class Known:
    """Both, and whose they are."""

    key: ObjectKey
    spec: CanarySpec
    status: CanaryStatus
    generation: int
    deleting: bool

    @property
    def seen(self) -> bool:
        """Whether the status speaks of this very spec."""
        return self.status.observed_generation >= self.generation


def known_of(canary: Manifest) -> Known:
    """The models of an object. Raises CommandRefused where it is of another version of rollouts, or invalid."""
    key, metadata = ObjectKey.of(canary), canary["metadata"]
    try:
        spec = CanarySpec.model_validate(canary.get("spec") or {})
        status = CanaryStatus.model_validate(canary.get("status") or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = f"Canary {key}: {where + ': ' if where else ''}{first['msg']}"
        raise CommandRefused(
            f"{said}: mend it, or use the `rollouts` of the version that runs in the cluster"
        ) from error
    return Known(key, spec, status, int(metadata.get("generation") or 0), bool(metadata.get("deletionTimestamp")))
