"""What the routes are meant to do with the requests of a Canary. Knows no mesh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Routing:
    """One way to share the requests between primary and canary. What the canary does not get, the primary gets."""

    weight: int
    """Share of the canary, in parts of `weight_total`."""
    weight_total: int = 100
    matched: bool = False
    """The share is of the requests that match the spec's `match`, and of all others the canary gets none."""
    mirror_percent: int = 0
    """Share of the primary's requests that the canary gets as copies, their answers discarded."""
    stable: str = ""
    """Of two subsets, the one that is the primary; empty where the primary is a copy of ours."""
    testers: bool = False
    """All requests by rules that are the canary's alone go to it; else to the primary."""
    session: str = ""
    """Value of the cookie by which clients of the canary are kept there; without weight, the value to forget."""
