"""Which cluster a command means, and which part of it: the values of the flags that kubectl has too."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.cli.refused import CommandRefused


@dataclass(frozen=True, slots=True)
class Flags:
    """As they were written; what is empty is left to the environment."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    everywhere: bool = False
    labels: str = ""

    def beside(self, name: str) -> Flags:
        """The same, for that Canary if there is a name. Raises CommandRefused for what contradicts each other."""
        if name and self.everywhere:
            raise CommandRefused("a name goes with one namespace: leave out -A, or the name")
        if name and self.labels:
            raise CommandRefused("a name needs no labels: leave out -l, or the name")
        if self.namespace and self.everywhere:
            raise CommandRefused("-n names one namespace and -A means all: leave out either")
        return self
