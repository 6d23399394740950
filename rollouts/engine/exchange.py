"""All that goes between one process and the outside beside the objects: questions and their answers, notices.

None of it is waited for: what comes back wakes the Canary that it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rollouts.api.actions import read_actions
from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.heard import is_taken
from rollouts.core.measurement import Question, SecretProbe
from rollouts.engine.ask import Asker, Start, Ways
from rollouts.engine.courier import Courier
from rollouts.engine.observe import Heard
from rollouts.engine.subject import Subject
from rollouts.ports import Clock


class Exchange:
    """Asks and tells for every Canary."""

    def __init__(self, ways: Ways, clock: Clock, start: Start, wake: Callable[[ObjectKey], None]) -> None:
        """`start` makes a task that somebody owns and cancels at the end; `wake` hears which Canary has news."""
        self._asker = Asker(ways, clock, start, wake)
        self._vouching = ways.vouching
        self._secrets_off = ways.secrets_off
        self._courier = Courier(ways.caller, clock, start, wake, ways.alerter)

    def heard(self, key: ObjectKey) -> Heard:
        """What came back for a Canary. Raises what was a defect in asking, once."""
        courier = self._courier
        answers, delivered = self._asker.answers(key), courier.delivered(key)
        told = courier.mail(key)
        return Heard(
            answers, delivered, self._asker.grid_s, mail=told, alerted=courier.hears_unasked(key.namespace),
            secrets_off=self._secrets_off,
        )  # fmt: skip

    async def vouches(self, subject: Subject) -> bool:
        """Whether the names in actions are true; asked only where one was not taken yet. Few rounds have any."""
        asked = read_actions(subject.manifest)
        if self._vouching is None or not asked:
            return False
        status = subject.status
        return any(not is_taken(status, action) for action in asked) and await self._vouching.vouches()

    def ask(self, key: ObjectKey, questions: Iterable[Question], subject: Subject) -> None:
        """Start those questions that are not under way."""
        self._asker.ask(key, questions, subject)

    def secret_changed(self, key: ObjectKey, name: str) -> None:
        """What is known of a Secret of a Canary's target is to be read anew."""
        self._asker.doubt(key, SecretProbe(name))

    def send(self, key: ObjectKey, status: CanaryStatus, subject: Subject) -> None:
        """Deliver the outbox of a status that is written."""
        self._courier.send(key, subject, status)

    def stop_sending(self, key: ObjectKey) -> None:
        """Another process has claimed the Canary: notices are its matter."""
        self._courier.stop(key)

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone."""
        self._asker.forget(key)
        self._courier.forget(key)
