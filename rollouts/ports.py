"""What the engine asks of the outside world, as Protocols of at most four methods, and the values they pass.

Adapters implement these; the engine and the tests' doubles know nothing else. No I/O happens here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.known import Listing
from rollouts.api.provider import Provider
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.core.counting import Series
from rollouts.core.label_selector import Selector
from rollouts.core.lease import Lease
from rollouts.core.measurement import HookOutcome, Outcome, Rejected, Unreachable
from rollouts.core.notification import Notification


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of `manifest` (whole objects of ours, or list-free fields of others'), forced."""

    resource: Resource
    manifest: Manifest
    field_manager: str = "rollouts"


@dataclass(frozen=True, slots=True)
class PatchJson:
    """RFC 6902 operations on one object; the caller puts its `test`s and the resourceVersion among them."""

    resource: Resource
    key: ObjectKey
    operations: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """Merge patch (RFC 7386) of the status subresource, refused unless the object is at `resource_version`."""

    resource: Resource
    key: ObjectKey
    resource_version: str
    status: Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """POST of a new object; the answer may be one that is never stored (a review)."""

    resource: Resource
    manifest: Manifest


class Propagation(StrEnum):
    """What becomes of the objects that name a deleted one as their owner."""

    BACKGROUND = "Background"
    """They are deleted after it."""
    FOREGROUND = "Foreground"
    """They are deleted first; it stays until those are gone that block it, even where another finalizer holds it."""
    ORPHAN = "Orphan"
    """They stay, and no longer name it."""


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE of one object; where `uid` or `resource_version` are given, refused unless it is that object, as it was.

    For kinds whose objects end at once but for their finalizers: no Pods, no Namespaces.
    """

    resource: Resource
    key: ObjectKey
    uid: str = ""
    resource_version: str = ""
    propagation: Propagation = Propagation.BACKGROUND


@dataclass(frozen=True, slots=True)
class CopyContent:
    """Apply `manifest` with what is in `source`, of the same kind: a ConfigMap or Secret, read for this alone.

    Refused as a Conflict unless that content still has `digest` (see core.revision; `salt` as there).
    """

    resource: Resource
    source: ObjectKey
    digest: str
    manifest: Manifest
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Discard:
    """DELETE of an object of a kind that is not watched, if it is there and bears these labels; else nothing."""

    resource: Resource
    key: ObjectKey
    labels: Mapping[str, str]


Write = Apply | PatchJson | PatchStatus | Create | Delete | CopyContent | Discard


class Cluster(Protocol):
    """The API server, as watched stores to read from and requests to write with.

    Reads never send a request. After a write, reads see at least the object that the write returned. An object that
    was read never changes: the same one read again says that nothing has. Of one that nobody has read for a while
    another one may be read that is equal to it.
    """

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """The newest known object without managedFields, or None if there is none."""
        ...

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """All known objects of a kind, in one namespace or in all. There may be many: see `Known.told`."""
        ...

    def trouble(self, resource: Resource) -> str:
        """Why this kind can't be watched now (absent, forbidden, unreachable), for a person; empty if it can."""
        ...

    async def write(self, write: Write) -> Manifest:
        """Send one write and return the object as the server has it now. Raises KubeError.

        A Delete returns the object while finalizers hold it, and an empty mapping once it is gone. A write that takes
        the last finalizer from an object that is being deleted returns it as it was last; reads have it no longer.
        What is in a Secret is not returned.
        """
        ...


class Leases(Protocol):
    """The Leases by which the replicas of the controller share the work: one for each of them."""

    def known(self) -> Sequence[Lease]:
        """The newest known ones. Sends no request."""
        ...

    async def read_all(self) -> Sequence[Lease]:
        """Those that there are now; `known` knows them then. Raises KubeError."""
        ...

    async def write(self, lease: Lease) -> Lease:
        """Make a Lease that has no version yet, or change one at the version it has; how it is then.

        Raises Conflict where it is not as it was read, or is there already, NotFound where it is gone: nothing is
        made anew. Raises another KubeError where it is not known whether it was written.
        """
        ...

    async def delete(self, lease: Lease) -> None:
        """Delete a Lease at the version it has. Raises KubeError, as `write` does."""
        ...


class MetricSource(Protocol):
    """A place that answers queries about traffic."""

    async def measure(self, query: str, at: datetime) -> Outcome:
        """The query's one value at one instant. Never raises for the source's sake: failures are Outcomes."""
        ...


@dataclass(frozen=True, slots=True)
class WorkloadQuery:
    """A query about one workload, of which others may ask the same of theirs at the same instant."""

    query: str
    """As it is asked alone."""
    canary: ObjectKey
    """Who asks: none has its answers at the cost of another."""
    workload: ObjectKey
    """Whom the query names by `destination_workload_namespace` and `destination_workload`."""


SeriesOutcome = tuple[Series, ...] | Rejected | Unreachable
"""What was scraped; no series is an answer."""


class GroupedSource(Protocol):
    """A metric source that answers questions of one shape about many workloads by one query.

    The answers are those that each query alone would have had, exactly.
    """

    async def measure_of(self, question: WorkloadQuery, at: datetime) -> Outcome:
        """As `MetricSource.measure`: failures are Outcomes."""
        ...

    async def series_of(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """The raw counters that a range selector gives, such as `requests_total{...}[2m]`, with all their samples."""
        ...


SecretData = Mapping[str, Mapping[str, bytes]]
"""The data of Secrets, by their names."""


class Sources(Protocol):
    """The metric sources that templates name. Those that mean the same are one; whoever made them closes them."""

    def source(self, provider: Provider, secrets: SecretData) -> MetricSource | Rejected:
        """The source at `provider.address`, with the credentials that the provider refers to; all of its Secrets given.

        Without an address it is the controller's own. Of a web source a query is the JSONPath of the number. Rejected
        where it can't be used: a key is missing in a Secret, or the address may not be asked.
        """
        ...


class Vouching(Protocol):
    """Who knows whether the names in actions are true."""

    async def vouches(self) -> bool:
        """Whether nobody can write an action in another's name. Never raises: what is not known is no."""
        ...


class Account(Protocol):
    """What this process acts as: its service account, its role, and what gives it the role."""

    async def hold(self) -> None:
        """If they are deleted, let them stay all the same. Raises KubeError."""
        ...

    async def let_go(self) -> None:
        """Let them go when they are deleted. Where they are, nothing can be asked after this. Raises KubeError."""
        ...

    async def is_going(self) -> bool:
        """Whether the service account is being deleted, and held. Raises KubeError."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody wants to do with Canaries. An empty name is all of them, an empty namespace everywhere."""

    verb: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As a person reads it: which right that is."""
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"{self.verb} canaries.rollouts.dev {where}"


class OnBehalf(Protocol):
    """The API server, asked with somebody else's token: who that is, and what they may. No right of ours is used."""

    async def user(self, token: str) -> str | None:
        """Whose token it is; None if it is nobody's, or not any more. Raises KubeError where nobody answers."""
        ...

    async def may(self, token: str, access: Access) -> bool:
        """Whether its owner may do that. Raises KubeError."""
        ...

    async def events(self, token: str, canary: ObjectKey) -> Sequence[Manifest]:
        """The Kubernetes Events about a Canary, as far as its owner may list them. Raises KubeError, Forbidden too."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present in UTC; steps within one process are monotonic."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call of a webhook. Its repr shows nothing secret: header values, the key, or what a URL may hold."""

    url: str = field(repr=False)
    payload: Manifest
    timeout_s: float = 10.0
    """How long one attempt may take, as in Flagger; all together have that for each, and the pauses between them."""
    retries: int = 0
    """Further attempts after no answer, 429 or 5xx."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_key: bytes | None = field(default=None, repr=False)
    """The HMAC key; None sends no signature."""
    verify_tls: bool = True


class Hooks(Protocol):
    """The way to the receivers of webhooks."""

    async def call(self, request: HookRequest) -> HookOutcome:
        """What the receiver says, after the retries. Never raises for the receiver's sake: failures are outcomes.

        Accepted is any 2xx, Refused any other answer (redirects are not followed), Unreachable no answer. Reasons
        are for people: one line of at most 256 characters, without a secret of the request.
        """
        ...


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a message goes: an AlertProvider, and what its Secrets hold, which no repr shows."""

    spec: AlertProviderSpec
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By key, of the Secret of secretRef."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service has taken it."""

    thread: str = ""
    """The handle of the thread that it began, where the service has threads; empty if it began none."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The service has not, or nobody knows. The reason is one line for people, without a secret."""

    reason: str
    retry_after_s: float | None = None
    """How long the service asks to be left alone, in seconds."""
    lasting: bool = False
    """Whether somebody has to change something first."""


class Notifier(Protocol):
    """The way to the services that tell people."""

    async def notify(self, to: Destination, notification: Notification, thread: str) -> Delivered | Undelivered:
        """Make one attempt. Never raises for the service's sake.

        `thread` is what the first message of the same release was given, or empty. A second attempt bears the same id.
        """
        ...


class Pods(Protocol):
    """Pods, listed when somebody asks about them, and never kept."""

    async def pods(self, namespace: str, selector: Selector, limit: int) -> Sequence[Manifest]:
        """At most `limit` of the pods that are selected, as they are now. Raises KubeError."""
        ...


class Secrets(Protocol):
    """Secrets, read one by one when they are needed, and never kept."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The data of one Secret, or None if there is none. Raises KubeError."""
        ...

    async def manifest(self, namespace: str, name: str) -> Manifest | None:
        """One whole Secret, or None if there is none. Raises KubeError."""
        ...
