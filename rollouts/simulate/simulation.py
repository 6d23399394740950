"""From files to a simulation: which Canary is meant, what happens to it, and how that came out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rollouts.admission.canaries import admitted_canary
from rollouts.api.canary import CanarySpec
from rollouts.api.resources import CANARIES, Manifest
from rollouts.api.status import Phase
from rollouts.errors import SpecInvalid
from rollouts.simulate.documents import read_documents
from rollouts.simulate.signal import read_signal, script_of
from rollouts.testing.scenario import Scenario, Timeline
from rollouts.testing.scenario_run import run

STDIN = "-"
_SUBSETS = (
    "a Canary with subsets is valid, but not simulated: its routes and Deployments are your own, and not in the file; "
    "`make lab-scenarios` shows such releases in the real parts"
)


class Ending(StrEnum):
    """How a release came out."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    UNFINISHED = "unfinished"
    """It waits for something that the signal does not bring."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """All that is to be told of one simulation."""

    name: str
    """The Canary's namespace and name."""
    signal: str
    seed: int
    spec: CanarySpec
    timeline: Timeline
    ending: Ending
    script: Scenario

    @property
    def ended_s(self) -> float:
        """When the release ended, or was given up."""
        ends = [one.at_s for one in self.timeline.decisions if one.phase in {Phase.SUCCEEDED, Phase.FAILED}]
        return ends[0] if ends and self.ending is not Ending.UNFINISHED else self.timeline.ended_s


def simulate(path: str, signal: str, seed: int, name: str = "") -> Simulation:
    """Read both files and run. Raises SpecInvalid for what is wrong with them: of the Canary what kubectl prints."""
    canary = _chosen(_documents(path), name)
    found = read_signal(signal)
    spec = admitted_canary(canary)
    if spec.subsets:
        raise SpecInvalid(_SUBSETS)
    scenario = Scenario.of(_by_itself(canary), script_of(found, spec.analysis.interval_s))
    timeline = run(scenario, seed)
    metadata = scenario.canary["metadata"]
    told = f"{metadata['namespace']}/{metadata['name']}"
    return Simulation(told, signal, seed, spec, timeline, _ending(timeline), scenario)


def _by_itself(canary: Manifest) -> Manifest:
    """A simulation has no calendar, and no routes of the user's: what it shows is a release within its windows, whose
    requests are shared as ours share them.
    """
    spec = {name: value for name, value in canary["spec"].items() if name != "routeRefs"}
    return {**canary, "spec": {**spec, "windows": []}}


def _documents(path: str) -> list[Any]:
    if path == STDIN:
        return read_documents(Path("standard input"), sys.stdin.read())
    return read_documents(Path(path))


def _chosen(documents: Sequence[Any], name: str) -> Manifest:
    """The one Canary among the documents, or the one of that name."""
    items = [item for document in documents for item in _items(document)]
    canaries = [item for item in items if isinstance(item, dict) and item.get("kind") == CANARIES.kind]
    if not canaries:
        raise SpecInvalid(f"no Canary in it: found {', '.join(map(_named, items)) or 'nothing'}")
    named = {_name_of(canary): canary for canary in canaries}
    if name and name not in named:
        raise SpecInvalid(f"no Canary {name!r} in it: found {', '.join(named)}")
    if not name and len(canaries) > 1:
        raise SpecInvalid(f"{len(canaries)} Canaries in it: choose one by --name ({', '.join(named)})")
    chosen: Manifest = named[name] if name else canaries[0]
    return chosen


def _items(document: Any) -> list[Any]:
    """A List's items; anything else is one item."""
    is_list = isinstance(document, dict) and document.get("kind") == "List"
    items = document.get("items") if is_list else [document]
    return items if isinstance(items, list) else []


def _name_of(canary: Manifest) -> str:
    metadata = canary.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else "one without a name"


def _named(item: Any) -> str:
    """What it is instead of a Canary."""
    if not isinstance(item, dict):
        return "a list" if isinstance(item, list) else "a single value"
    return str(item.get("kind") or "an object without kind")


def _ending(timeline: Timeline) -> Ending:
    """By the last release: a signal may bring more than one."""
    ends = {Phase.SUCCEEDED: Ending.PROMOTED, Phase.FAILED: Ending.ROLLED_BACK}
    phase = timeline.status.phase
    return ends.get(phase, Ending.UNFINISHED) if phase is not None else Ending.UNFINISHED
