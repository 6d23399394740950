"""Has the server in memory carry out a write that is checked, or try it on a sketch where nothing is to be kept."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import refusal_of
from rollouts.embedded.asked import Asked
from rollouts.embedded.reading import managed, whole
from rollouts.errors import KubeError
from rollouts.testing.memory_server import MemoryServer

Act = Callable[[MemoryServer], Manifest]
"""The write, on the server that it is given."""


def carried_out(server: MemoryServer, asked: Asked, act: Act) -> Manifest:
    """What the write leaves; empty if nothing. Raises Refusal."""
    before = server.stored(*asked.place)
    used = server.sketch(asked.place) if asked.dry else server
    try:
        done = act(used)
    except KubeError as error:
        raise refusal_of(asked.target, error) from error
    if not done:
        return done
    done = managed(used, asked.target, done)
    if not asked.dry:
        return whole(asked.target, done)
    metadata = {name: value for name, value in done["metadata"].items() if name != "resourceVersion"}
    if before is not None:
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
    return whole(asked.target, {**done, "metadata": metadata})
