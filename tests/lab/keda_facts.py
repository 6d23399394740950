"""An invented release beside a ScaledObject as it should be, to be spoiled in one respect by each test."""

from __future__ import annotations

from dataclasses import replace

from e2e.play.seen import PRIMARY, TARGET, Shares, SharesSeen
from e2e.scaling.keda.facts import KedaRun, PodsSeen, ScaledSeen, Seen
from tests.lab.scaling_facts import ABORTED_S, run_facts

BACK_S = ABORTED_S + 2


def theirs(version: int, paused: str = "0", *, marked: bool = True) -> ScaledSeen:
    """The user's own; the clock and the versions go alike."""
    query = f'sum(rate(x{{to="{TARGET}"}}[1m]))'
    return ScaledSeen(float(version), version, TARGET, TARGET, 1, 8, query, paused, marked)


def ours(version: int, least: int) -> ScaledSeen:
    """The primary's copy."""
    query = f'sum(rate(x{{to="{PRIMARY}"}}[1m]))'
    return ScaledSeen(float(version), version, PRIMARY, PRIMARY, least, 10, query, "", marked=False)


def let_go(version: int) -> ScaledSeen:
    """The user's own, neither paused nor marked."""
    return theirs(version, "", marked=False)


def pods(version: int, name: str, replicas: int) -> PodsSeen:
    """A Deployment's size."""
    return PodsSeen(float(version), version, name, replicas)


def at_start() -> Seen:
    """Made, paused, and the target at zero."""
    return Seen(
        (let_go(1), ours(4, 2), theirs(5)),
        (pods(2, TARGET, 2), pods(3, PRIMARY, 2), pods(6, TARGET, 0)),
    )


def keda_run() -> KedaRun:
    """Half of the load from second 10 on; broken off at second 30, all back at second 32."""
    run = run_facts()
    shares = (SharesSeen(10.0, 9.9, Shares(50, 50)), SharesSeen(BACK_S, BACK_S - 0.1, Shares(0, 0)))
    seen = Seen(
        (theirs(-9), ours(-8, 2), ours(2, 4), let_go(3), theirs(40), ours(42, 2)),
        (pods(-9, TARGET, 0), pods(-8, PRIMARY, 4), pods(4, TARGET, 4), pods(41, TARGET, 0)),
    )
    return KedaRun(replace(run, shares=shares), seen, spec_kept=True)


def at_end() -> Seen:
    """The Canary is deleted: let go, and the target has its pods again."""
    return Seen(
        (theirs(1), ours(1, 2), let_go(3)),
        (pods(1, TARGET, 0), pods(1, PRIMARY, 4), pods(4, TARGET, 4)),
        gone=(PRIMARY,),
    )
