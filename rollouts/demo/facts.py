"""What a story has shown, as facts, and the verdict on them: whether all went as told.

Pure. Facts come from the state of the cluster and from what clients got, never from what the controller says it did;
only for its reasons it is taken at its word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rollouts.api.status import Phase

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Clients:
    """What clients got in a stretch of time."""

    by_version: Mapping[str, int] = field(default_factory=dict)
    """Answers of each version; those of nobody under NOBODY."""
    errors_by_version: Mapping[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many they sent."""
        return sum(self.by_version.values())

    @property
    def errors(self) -> int:
        """How many of those failed."""
        return sum(self.errors_by_version.values())

    def only(self, version: str) -> bool:
        """Whether there were answers, and all of that version."""
        return self.requests > 0 and set(self.by_version) == {version}


@dataclass(frozen=True, slots=True)
class Facts:
    """One release."""

    version: str
    before: str
    """The version that served until then."""
    phase: Phase | None
    """Where it ended."""
    weights: Sequence[int]
    """Percents that the routes gave the canary, in their order."""
    served_by: Sequence[str]
    """Versions of the primary's ready pods at the end."""
    clients: Clients
    """From the release to its end."""
    afterwards: Clients
    """After its end."""
    broken: str = ""
    """Which number the controller found broken, against its limit."""
    waited_s: float = 0.0
    """How long the gate was seen closed before somebody opened it."""
    served_while_waiting: Sequence[str] = ()
    approved: bool = False
    """Whether the status says that the approval was carried out."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was told, and whether it was so."""

    told: str
    ok: bool
    got: str


def judge_good(facts: Facts, planned: Sequence[int]) -> tuple[Check, ...]:
    """A good release is promoted."""
    return (
        _ended(facts, Phase.SUCCEEDED),
        Check(f"the canary gets {_listed(planned)} %", list(facts.weights) == list(planned), _listed(facts.weights)),
        _serves(facts.served_by, facts.version),
        _answers(facts.afterwards, facts.version),
        _no_errors(facts.clients),
    )


def judge_bad(facts: Facts, metric: str, planned: Sequence[int]) -> tuple[Check, ...]:
    """A bad one is rolled back: it is stopped at the first weight, by the number that broke."""
    errors = facts.clients.errors_by_version
    return (
        _ended(facts, Phase.FAILED),
        Check(f"{metric} is what broke", facts.broken.startswith(f"{metric} "), facts.broken or "nothing"),
        Check(f"it never gets more than {planned[0]} %", list(facts.weights) == [planned[0]], _listed(facts.weights)),
        _serves(facts.served_by, facts.before),
        _answers(facts.afterwards, facts.before),
        Check("only its own requests fail", set(errors) == {facts.version}, _counted(errors)),
    )


def judge_gated(facts: Facts, planned: Sequence[int], least_s: float) -> tuple[Check, ...]:
    """A release with a gate waits until somebody approves it, and is promoted then."""
    waited = Check("the gate holds it", facts.waited_s >= least_s, f"it waited {facts.waited_s:.1f} s")
    return (
        waited,
        _serves(facts.served_while_waiting, facts.before, " while it waits"),
        Check("the approval is carried out", facts.approved, "Done" if facts.approved else "not done"),
        *judge_good(facts, planned),
    )


def _ended(facts: Facts, phase: Phase) -> Check:
    return Check(f"it ends {phase}", facts.phase is phase, str(facts.phase or "no phase"))


def _serves(versions: Sequence[str], wanted: str, when: str = "") -> Check:
    told = f"the primary runs version {wanted}{when}"
    return Check(told, set(versions) == {wanted}, f"version {_listed(sorted(set(versions)))}")


def _answers(clients: Clients, version: str) -> Check:
    told = f"after its end version {version} answers everybody"
    return Check(told, clients.only(version), _counted(clients.by_version))


def _no_errors(clients: Clients) -> Check:
    got = f"{clients.errors} of {clients.requests}"
    return Check("no request fails", clients.requests > 0 and clients.errors == 0, got)


def _counted(by_version: Mapping[str, int]) -> str:
    return ", ".join(f"version {name}: {count}" for name, count in sorted(by_version.items())) or "none"


def _listed(words: Sequence[object]) -> str:
    return ", ".join(map(str, words)) or "none"
