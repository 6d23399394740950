"""What people do at the gate: what opens nothing, one way that opens it, and what is tried after that."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from e2e.people.facts import Try
from e2e.people.message import Message
from e2e.people.people import Person
from e2e.people.plan import BY_COMMAND, BY_LINK, BY_POST
from e2e.people.programs import ask, rollouts
from e2e.play.kubectl import attempt
from e2e.play.seen import TARGET

CANARY = f"canaries.rollouts.dev/{TARGET}"
TYPED = "Ann at the phone"
_SEEN_S = 1.0
LACKS_APPROVE = ("may not approve this Canary", "the verb approve on canaries.rollouts.dev")
"""How the policy says it."""
LACKS_PROMOTE = ("may not promote canaries.rollouts.dev in namespace default", "grant the verb promote")
"""How our server says it."""
_ACTIONS = f"/api/v1/namespaces/default/canaries/{TARGET}/actions"


@dataclass(frozen=True, slots=True)
class Stand:
    """What there is to act with, while one release waits."""

    server_url: str
    approver: Person
    developer: Person
    message: Message
    """The one that leads to what opens the gate."""
    revision: str


Tries = Callable[[Stand], Awaitable[tuple[Try, ...]]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to open a gate."""

    who: Callable[[Stand], str]
    """How the status names who approved."""
    before: Tries
    approve: Callable[[Stand], Awaitable[Try]]
    after: Tries


async def forge(person: Person, user: str, revision: str, *flags: str) -> tuple[int, str]:
    """Write an approval in that name, by the Kubernetes API alone: kubectl's exit code, and what it says."""
    intent = json.dumps({"id": uuid.uuid4().hex, "revision": revision, "user": user, "reason": "forged"})
    answer = await attempt(
        f"--kubeconfig={person.kubeconfig}", "annotate", CANARY, f"actions.rollouts.dev/approve={intent}",
        "--overwrite", *flags,
    )  # fmt: skip
    return answer.code, answer.said


async def _scanned(stand: Stand) -> tuple[Try, ...]:
    """Programs that look into messages open every link, maybe twice."""
    links = stand.message.links
    asks = ("<form", 'method="post"', 'name="name"')
    opened = [(verb, await ask("GET", links[verb])) for verb in ("Approve", "Reject", "Approve")]
    return tuple(
        Try(f"a scanner opens the link {verb}", 200, (*asks, f"{verb} default/{TARGET}?"), *answer)
        for verb, answer in opened
    )


async def _by_link(stand: Stand) -> Try:
    form = {"name": TYPED, "reason": "the figures are fine"}
    answer = await ask("POST", stand.message.links["Approve"], form=form)
    return Try("the confirmation of the link Approve is sent", 202, (f"Approved: default/{TARGET}",), *answer)


async def _link_again(stand: Stand) -> tuple[Try, ...]:
    # The server has seen by then what it has written.
    await asyncio.sleep(_SEEN_S)
    form = {"name": TYPED, "reason": "once more"}
    answer = await ask("POST", stand.message.links["Approve"], form=form)
    return (Try("the same link once more", 410, (), *answer),)


async def unpromoted(stand: Stand) -> tuple[Try, ...]:
    """The approver looks, and may not promote."""
    seen = await rollouts(stand.approver.kubeconfig, "describe", TARGET)
    promote = await rollouts(stand.approver.kubeconfig, "promote", TARGET, "--server", stand.server_url)
    posted = await ask("POST", f"{stand.server_url}{_ACTIONS}/promote", token=stand.approver.token, body={})
    return (
        Try("the approver sees it wait", 0, ("WaitingPromotion", "waits for an approval"), seen.code, seen.out),
        Try("the approver's command promote", 2, LACKS_PROMOTE, promote.code, promote.said),
        Try("the approver's POST promote", 403, LACKS_PROMOTE, *posted),
    )


async def _forged(stand: Stand) -> tuple[Try, ...]:
    """The developer may patch Canaries, and not approve: neither in the own name nor in another."""
    own = await forge(stand.developer, stand.developer.user, stand.revision)
    foreign = await forge(stand.developer, stand.approver.user, stand.revision)
    return (
        Try("an approval that the developer annotates", 1, LACKS_APPROVE, *own),
        Try("the same in the approver's name", 1, ("is not in your name",), *foreign),
    )


async def _forbidden(stand: Stand) -> tuple[Try, ...]:
    return (*await unpromoted(stand), *await _forged(stand))


async def _by_command(stand: Stand) -> Try:
    flags = ("--server", stand.server_url, "--reason", "looks good")
    answer = await rollouts(stand.approver.kubeconfig, "approve", TARGET, *flags)
    words = ("approve of gate confirm-promotion", f"done by {stand.approver.user}")
    return Try("the approver's command approve", 0, words, answer.code, answer.out + answer.said)


async def _unposted(stand: Stand) -> tuple[Try, ...]:
    url, body = f"{stand.server_url}{_ACTIONS}/approve", {"revision": stand.revision, "reason": "checked by hand"}
    developer, nobody = stand.developer.token, await ask("POST", url, body=body)
    missing = ("may not approve canaries.rollouts.dev in namespace default", "grant the verb approve")
    return (
        Try("a POST without a token", 401, ("Bearer",), *nobody),
        Try("the developer's POST approve", 403, missing, *await ask("POST", url, token=developer, body=body)),
        Try(
            "a POST for another revision", 409, (),
            *await ask("POST", url, token=stand.approver.token, body={**body, "revision": "0000"}),
        ),
    )  # fmt: skip


async def _by_post(stand: Stand) -> Try:
    body = {"revision": stand.revision, "reason": "checked by hand"}
    answer = await ask("POST", f"{stand.server_url}{_ACTIONS}/approve", token=stand.approver.token, body=body)
    return Try("the approver's POST approve", 202, (stand.revision,), *answer)


async def _nothing(_: Stand) -> tuple[Try, ...]:
    return ()


WAYS: Mapping[str, Way] = MappingProxyType({
    BY_LINK.name: Way(lambda _: f"unverified, by link: {TYPED}", _scanned, _by_link, _link_again),
    BY_COMMAND.name: Way(lambda stand: stand.approver.user, _forbidden, _by_command, _nothing),
    BY_POST.name: Way(lambda stand: stand.approver.user, _unposted, _by_post, _nothing),
})  # fmt: skip
"""By the name of the release."""
