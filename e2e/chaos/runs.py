"""Plays one fault: a good and a bad release begin beside a Canary at rest, it strikes, and all is seen to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from e2e.chaos.facts import Facts, Side
from e2e.chaos.fault import Cast, Fault
from e2e.chaos.journal import Journal
from e2e.chaos.plan import BAD, GOOD, NAMES, REST, canary, deployment, gateway, primary, provider, version_env
from e2e.chaos.receiver import Receiver
from e2e.play.application import deployment as read_deployment
from e2e.play.application import version_of
from e2e.play.kubectl import apply, kubectl
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError, until

FIRST_VERSION = "1"
_READY_WITHIN_S = 90.0
_MET_WITHIN_S = 40.0
_OVER_WITHIN_S = 120.0
_TAIL_S = 2.0
_ENDS = frozenset({"Succeeded", "Failed"})
_RELEASED = (GOOD, BAD)


@dataclass(frozen=True, slots=True)
class Play:
    """What all faults play with."""

    scene: Scene
    cast: Cast
    journal: Journal
    receiver: Receiver


async def begin(play: Play, address: str) -> None:
    """All objects, the controller, and load once every Canary rests. Raises OverdueError, KubectlError."""
    await apply(gateway(), provider(address), *(deployment(name) for name in NAMES))
    await play.cast.replicas.be(1, {})
    await apply(*(canary(name) for name in NAMES))

    async def resting() -> bool:
        return all(play.journal.last(name).phase == "Initialized" for name in NAMES)

    await until(resting, what="three Canaries that rest", within_s=_READY_WITHIN_S)
    await until(lambda: _small(play, NAMES), what="no pod of a canary", within_s=_READY_WITHIN_S)
    play.scene.start_load()


async def play_fault(play: Play, fault: Fault, version: int) -> Facts:
    """Release that version of both, and let it happen when clients meet them."""
    await play.cast.replicas.be(fault.replicas, fault.settings)
    before = {name: play.journal.last(name).notices for name in NAMES}
    ends = len(_unasked_ends(play))
    began_at_s, overdue = time.time(), ""
    for name in _RELEASED:
        await kubectl("set", "env", f"deployment/{name}", *version_env(name, version))
    await until(lambda: _met(play, str(version), began_at_s), what="clients that meet both", within_s=_MET_WITHIN_S)
    struck_at_s = time.time()
    await fault.strike(play.cast)
    over_at_s = time.time()
    try:
        await until(lambda: _over(play, began_at_s), what="the end of both releases", within_s=_OVER_WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}: {', '.join(f'{name} {play.journal.last(name).phase}' for name in _RELEASED)}"
    versions = {REST: FIRST_VERSION, GOOD: str(version), BAD: str(version)}
    rest, good, bad = [await _side(play, name, versions[name], (began_at_s, before[name])) for name in NAMES]
    return Facts(fault.name, struck_at_s, over_at_s, rest, good, bad, tuple(_unasked_ends(play)[ends:]), overdue)


def _unasked_ends(play: Play) -> list[str]:
    return [end for replica in play.cast.replicas.all for end in replica.controller.unasked_ends]


async def _side(play: Play, name: str, version: str, before: tuple[float, int]) -> Side:
    since_s, notices = before
    found = await read_deployment(play.scene, primary(name))
    return Side(
        name=name,
        version=version,
        records=play.scene.records_of(name, since_s),
        seen=play.journal.since(name, since_s),
        told=play.receiver.of(name),
        notices_before=notices,
        serves=version_of({**found, "kind": "Deployment"} if found else None),
    )


async def _met(play: Play, version: str, since_s: float) -> bool:
    return all(
        any((one.workload, one.version) == (name, version) for one in play.scene.records_of(name, since_s))
        for name in _RELEASED
    )


async def _over(play: Play, since_s: float) -> bool:
    """Whether both have ended, nothing is left to be told, and the canaries have gone."""
    for name in _RELEASED:
        phases = [one.phase for one in play.journal.since(name, since_s)]
        if "Progressing" not in phases or phases[-1] not in _ENDS:
            return False
    quiet = all(play.journal.last(name).waiting == 0 for name in NAMES)
    return quiet and await _small(play, _RELEASED)


async def _small(play: Play, names: tuple[str, ...]) -> bool:
    """Whether these canaries have no pods."""
    for name in names:
        found = await read_deployment(play.scene, name)
        if found is None or found["spec"]["replicas"] or found.get("status", {}).get("replicas"):
            return False
    return True
