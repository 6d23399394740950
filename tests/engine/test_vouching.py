"""Names in actions are shown as true where somebody vouches for them, who is asked only when there is a new action."""

from __future__ import annotations

import json

import pytest

from rollouts.api.actions import PREFIX
from rollouts.api.resources import CANARIES
from tests.engine.world import KEY, World


class Witness:
    """Says what the test wants, and counts."""

    asked = 0

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer

    async def vouches(self) -> bool:
        """As the port says."""
        self.asked += 1
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"), [(True, "abort by ann: wrong"), (False, "abort by ann (unverified): wrong")]
)
async def test_a_name_is_shown_for_what_it_is(*, answer: bool, said: str) -> None:
    """One question for one action, none for a Canary that nobody asks anything."""
    world, witness = World(), Witness(answer=answer)
    world.reconciler._exchange._vouching = witness
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    assert witness.asked == 0
    intent = json.dumps({"id": "1", "user": "ann", "reason": "wrong"})
    world.cluster.edit(CANARIES, KEY, {"metadata": {"annotations": {PREFIX + "abort": intent}}})
    await world.settle()
    await world.run_until_quiet()
    assert any(said in message for _, message in world.events())
    assert witness.asked == 1
