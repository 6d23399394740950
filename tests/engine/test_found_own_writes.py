"""Each write of ours woke its own Canary, which was looked at once more when all was done: a fifth of all looks.

Found by `make bench-self`, where the processor time for one release was three times its limit.
"""

from __future__ import annotations

import asyncio

from rollouts.api.resources import CANARIES, EVENTS, ObjectKey
from rollouts.api.status import Phase
from rollouts.testing.memory_server import Change
from tests.engine.many import Many
from tests.engine.world import NAMESPACE


def test_what_we_wrote_ourselves_is_no_reason_to_look_again() -> None:
    """Each look but the last follows a status of ours, or is called for by somebody else, an answer or time."""
    many, looks, causes = Many(("app",)), 0, 0

    def heard(change: Change) -> None:
        nonlocal causes
        ours = change.manager.startswith("rollouts")
        causes += change.place[0] == CANARIES if ours else change.place[0] != EVENTS

    async def story(many: Many) -> None:
        nonlocal looks
        many.cluster.server.watchers.append(heard)
        before = many.looks["app"]
        many.release("app", "app:2")
        await many.until_phase("app", Phase.SUCCEEDED)
        looks = many.looks["app"] - before

    many.tell(story)
    times = 2 + 1  # the ends of both steps, and of the drain
    assert 0 < looks <= causes + times


def test_what_others_did_meanwhile_is_seen() -> None:
    """A template that changes while a status is on its way is released: the wake-up for it is not lost."""
    many, served = Many(("app",), workers=1), set[str]()

    async def story(many: Many) -> None:
        many.release("app", "app:2")
        await asyncio.sleep(0.2)  # the first status of that release takes 0.3 s to arrive
        many.release("app", "app:3")
        await many.until_phase("app", Phase.SUCCEEDED)
        served.update(many.pods.ready_images(ObjectKey(NAMESPACE, "app-primary")))

    many.tell(story)
    assert served == {"app:3"}
