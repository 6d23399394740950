"""The two sides of a release as destinations of the user's routes: two subsets of one host, or two Services.

Pure. With subsets a side is known by its subset. With targetRef it is known by the Service that its host means, however
that is spelled: the clients' Service leads to the primary, and `<service>-canary` to the canary.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.traffic.istio_host import service_of
from rollouts.traffic.metadata import canary_service, primary_service


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides by their roles, under the names of their subsets or Services."""

    stable: str
    canary: str
    service: ObjectKey | None = None
    """The clients' Service, with targetRef; None where sides are subsets."""
    read_in: str = ""
    """The namespace in which short hosts are read: the VirtualService's."""

    @classmethod
    def of_service(cls, service: ObjectKey, read_in: str) -> Pair:
        """The Service's primary and canary, as a VirtualService of that namespace names them."""
        return cls(service.name, canary_service(service.name), service, read_in)

    @property
    def names(self) -> tuple[str, str]:
        """Both."""
        return self.stable, self.canary

    def side_of(self, destination: Manifest) -> str:
        """The name of the side that a destination leads to; empty if it is neither."""
        if self.service is None:
            subset = str(destination.get("subset", ""))
            return subset if subset in self.names else ""
        namespace, name = service_of(str(destination.get("host", "")), self.read_in)
        if namespace != self.service.namespace:
            return ""
        if name == primary_service(self.stable):
            return self.stable
        return name if name in self.names else ""

    def destination_of(self, side: str, beside: Manifest) -> Manifest:
        """The destination of one side, made from one of either: the same port, and the host spelled alike."""
        if self.service is None:
            return {**beside, "subset": side}
        _, *domain = str(beside.get("host", "")).split(".")
        return {**beside, "host": ".".join([side, *domain])}

    def goes_past_clients_service(self, destination: Manifest) -> bool:
        """Whether it names one of the two Services that are made for a Canary with targetRef."""
        if self.service is None or not self.side_of(destination):
            return False
        return service_of(str(destination.get("host", "")), self.read_in)[1] != self.stable

    def in_words(self) -> str:
        """Both, as messages call them."""
        return f"the subsets {self.stable} and {self.canary}" if self.service is None else f"Service {self.service}"
