"""The links in messages about gates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rollouts.api.actions import Verb
from rollouts.api.hooks import HookType
from rollouts.api.ownership import Owner
from rollouts.api.status import GateStatus, Notice, Phase
from rollouts.core.links import LASTS, GateFacts, LinkFlaw, read_link
from rollouts.core.links import Link as Signed
from rollouts.server.gate_links import SignedLinks

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
KEY, OLDER = b"k" * 32, b"o" * 32
OWNER = Owner("shop", "checkout", "uid-1")
GATE = GateStatus(type=HookType.CONFIRM_PROMOTION, since=AT)
NOTICE = Notice(number=3, reason="WaitingForGate", message="...", phase=Phase.PROGRESSING, revision="abc", at=AT)


def test_links_are_signed_for_one_gate_of_one_revision_and_count_from_the_notice() -> None:
    """The same at each delivery: by the first key, one for each answer."""
    made = SignedLinks("https://rollouts.example.com", lambda: (KEY, OLDER))
    approve, reject = made(OWNER, GATE, NOTICE)

    assert (approve.title, reject.title) == ("Approve", "Reject")
    assert made(OWNER, GATE, NOTICE) == (approve, reject)
    facts = GateFacts("shop", "checkout", "uid-1", HookType.CONFIRM_PROMOTION, "abc")
    for link, verb in ((approve, Verb.APPROVE), (reject, Verb.REJECT)):
        start, _, text = link.url.rpartition("/")
        assert start == "https://rollouts.example.com/links"
        assert read_link((KEY,), text, AT) == Signed(facts, verb, AT + LASTS)
        assert read_link((OLDER,), text, AT) is LinkFlaw.FORGED
        assert read_link((KEY,), text, AT + LASTS + timedelta(seconds=1)) is LinkFlaw.EXPIRED


def test_without_a_key_there_are_none() -> None:
    """A key that can't be read is told elsewhere; messages go out all the same."""
    assert SignedLinks("https://rollouts.example.com", lambda: ())(OWNER, GATE, NOTICE) == ()
