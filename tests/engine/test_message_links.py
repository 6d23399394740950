"""The links of messages: to the Canary, where an address is set, and at a gate that waits to what opens it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.ownership import Owner
from rollouts.api.status import CanaryStatus, GateStatus, Notice, Phase
from rollouts.core.notification import Link
from rollouts.engine.message_links import MessageLinks, Telling
from rollouts.engine.subject import Subject
from tests.core.given import EPOCH, by_hand, hook
from tests.engine.world import canary_manifest

CANARY = Link("Canary", "https://r.test/api/v1/namespaces/shop/canaries/app")
GATE = GateStatus(type=HookType.CONFIRM_ROLLOUT, since=EPOCH)


def _links(hooks: list[Any], gate: GateStatus | None, *, url: str = "https://r.test/", **notice: Any) -> list[str]:
    manifest = canary_manifest(webhooks=hooks)
    manifest["metadata"] |= {"uid": "u1"}
    subject = Subject(manifest, Owner.of(manifest), CanarySpec.model_validate(manifest["spec"]))
    status = CanaryStatus(phase=Phase.WAITING, last_applied_spec="b", gate=gate)
    told = {"number": 1, "reason": "Waiting", "message": "", "phase": Phase.WAITING, "revision": "b", "at": EPOCH}
    links = MessageLinks(url, lambda owner, gate, _: [Link("approve", f"{owner.uid} {gate.type}")])
    found = links.links_of(Telling(Notice(**{**told, **notice}), subject, status))
    assert not url or found[-1] == CANARY
    return [link.url for link in found[:-1]]


def test_a_gate_that_waits_has_links() -> None:
    """Before that to the Canary: it is what the person is asked for."""
    assert _links([by_hand("confirm-rollout")], GATE) == ["u1 confirm-rollout"]


@pytest.mark.parametrize(
    ("gate", "notice"),
    [
        (None, {}),
        (GATE.model_copy(update={"approved": True}), {}),
        (GATE, {"at": EPOCH - timedelta(seconds=1)}),
        (GATE, {"revision": "a"}),
        (GATE, {"phase": Phase.FAILED}),
    ],
    ids=["none", "open", "told before", "another release", "over"],
)
def test_what_tells_of_no_gate_has_none(gate: GateStatus | None, notice: dict[str, Any]) -> None:
    """Only the gate that this message is about."""
    assert _links([by_hand("confirm-rollout")], gate, **notice) == []


def test_a_gate_with_an_url_is_its_receivers() -> None:
    """A person has nothing to open there."""
    assert _links([hook("confirm-rollout")], GATE) == []


def test_without_an_address_there_is_none() -> None:
    """Not to the Canary either."""
    assert _links([by_hand("confirm-rollout")], GATE, url="") == []
