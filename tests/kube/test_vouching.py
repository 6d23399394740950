"""What is known of the policy on intents by an account that may not look at it."""

from __future__ import annotations

import pytest
import structlog

from rollouts.kube.clock import ServerClock
from rollouts.kube.intents_policy import KubeVouching
from rollouts.kube.transport import Transport
from tests.kube.rude_server import RudeServer, reply, status

MESSAGE = (
    'validatingadmissionpolicies.admissionregistration.k8s.io "intents.rollouts.dev" is forbidden: User "x" cannot get '
    'resource "validatingadmissionpolicies" in API group "admissionregistration.k8s.io" at the cluster scope'
)


async def test_who_may_not_look_vouches_for_nobody_and_says_so_once(
    rude: RudeServer, transport: Transport, clock: ServerClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log names the right that is missing, not each time that somebody asks."""
    monkeypatch.setattr("rollouts.kube.intents_policy.HOLDS", -1 * clock.now().resolution)
    rude.script.extend([reply(403, status(403, MESSAGE))] * 2)
    vouching = KubeVouching(transport, clock)

    with structlog.testing.capture_logs() as logged:
        answers = [await vouching.vouches() for _ in range(2)]

    assert answers == [False, False]
    assert len(rude.asked) == 2
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("intents_not_vouched", "warning")]
    assert "get validatingadmissionpolicies.admissionregistration.k8s.io" in logged[0]["reason"]
