"""Two workloads of the user behind one Service, told apart by the subsets of a DestinationRule: whose roles swap;
and the user's own routes, which may also lead to the Services of a Canary with targetRef.

Which of the two serves is no part of the spec: it stands in the status, and changes with each release.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rollouts.api.wire import WIRE

SUBSET_PATTERN = r"^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$"
SubsetName = Annotated[str, Field(min_length=1, max_length=63, pattern=SUBSET_PATTERN)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
RULE_TWICE = "rules and canaryRules: each name may stand in one of them, once"
NamespaceName = Annotated[str, Field(min_length=1, max_length=63)]
RoutePort = Annotated[int, Field(ge=1, le=65535)]
TLS_EMPTY = "tls: set port, sniHosts or both"
RuleName = Annotated[str, Field(min_length=1, max_length=256)]


class SubsetTarget(BaseModel):
    """One of the two workloads, in the Canary's namespace."""

    model_config = WIRE

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the workload.")
    kind: Literal["Deployment"] = Field("Deployment", description="Kind of the workload.")
    name: ObjectName = Field(description="Name of the workload.")


class Subset(BaseModel):
    """One of the two versions."""

    model_config = WIRE

    name: SubsetName = Field(description="Name of the subset in the DestinationRule and in the routes' destinations.")
    target_ref: SubsetTarget = Field(description="The workload whose pods the subset selects.")


class TlsRoutes(BaseModel):
    """Which tls routes of a VirtualService are meant: those that match all that is said here."""

    model_config = WIRE

    port: RoutePort | None = Field(None, description="Port that the route matches.")
    sni_hosts: Annotated[tuple[ObjectName, ...], Field(max_length=16)] = Field(
        (), description="SNI hosts that the route matches, all of them."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.port is None and not self.sni_hosts:
            raise ValueError(TLS_EMPTY)
        return self


class TcpRoutes(BaseModel):
    """Which tcp routes of a VirtualService are meant."""

    model_config = WIRE

    port: RoutePort = Field(description="Port that the route matches.")


class RouteRef(BaseModel):
    """One routing object of the user. In it the requests of the two versions are shared between them."""

    model_config = WIRE

    api_version: Literal["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"] = (
        Field("networking.istio.io/v1", description="API version of the object, as its file says.")
    )
    kind: Literal["VirtualService"] = Field("VirtualService", description="Kind of the object.")
    name: ObjectName = Field(description="Name of the object.")
    namespace: NamespaceName | None = Field(None, description="Its namespace. Default: the Canary's.")
    rules: Annotated[tuple[RuleName, ...], Field(max_length=16)] = Field(
        (),
        description="Names of the http rules that share the requests. Default, if tls and tcp are empty too: each "
        "http, tls and tcp route that has both subsets or, with targetRef, leads to the Service.",
    )
    canary_rules: Annotated[tuple[RuleName, ...], Field(max_length=16)] = Field(
        (),
        description="Names of http rules, of your testers for example: all their requests go to the canary while a "
        "release has its steps, and to the side that serves otherwise.",
    )
    tls: Annotated[tuple[TlsRoutes, ...], Field(max_length=16)] = Field(
        (), description="The tls routes that share connections, by port or SNI hosts."
    )
    tcp: Annotated[tuple[TcpRoutes, ...], Field(max_length=16)] = Field(
        (), description="The tcp routes that share connections, by port."
    )

    @property
    def selects(self) -> bool:
        """Whether it says which routes are meant."""
        return bool(self.rules or self.tls or self.tcp)

    @model_validator(mode="after")
    def _names_each_rule_once(self) -> Self:
        names = self.rules + self.canary_rules
        if len(set(names)) != len(names):
            raise ValueError(RULE_TWICE)
        return self
