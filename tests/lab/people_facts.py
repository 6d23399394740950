"""Invented releases of the play of people: whole ones, to be spoiled in one respect by each test."""

import json
from pathlib import Path
from typing import Any

from e2e.lab.load import Record
from e2e.people.facts import Decision, ReleaseFacts, Try
from e2e.people.message import Message
from e2e.people.plan import BAD, BY_COMMAND, GATE
from e2e.play.kubectl import Answer
from e2e.play.seen import PRIMARY, TARGET, StatusSeen
from tests.lab.first_light_facts import record

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "notify-slack-webhook.json"
ANN = "system:serviceaccount:default:approver"
STANDING = {"phase": "WaitingPromotion", "gate": {"type": GATE}, "actions": [], "asked": {}}
APPROVED = {"verb": "approve", "id": "1", "user": ANN, "outcome": "Done"}


def message(at_s: float, headline: str, number: int, *, sentence: str = "it is so", links: bool = False) -> Message:
    """A message of our own shape."""
    payload: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    payload["text"] = f"*{headline}*"
    blocks = payload["attachments"][0]["blocks"]
    blocks[0]["text"]["text"] = sentence
    blocks[-1]["elements"][0]["text"] = f"Reason · uid-{number}"
    names = ("Approve", "Reject", "Canary") if links else ("Canary",)
    blocks[2]["elements"] = [
        {"type": "button", "text": {"type": "plain_text", "text": name}, "url": f"http://127.0.0.1/{name}"}
        for name in names
    ]
    return Message(at_s, payload)


def phases(*told: tuple[float, str]) -> tuple[StatusSeen, ...]:
    """A Canary's statuses."""
    return tuple(
        StatusSeen(at_s, phase, 0, 50, gate=GATE if phase == "WaitingPromotion" else "") for at_s, phase in told
    )


def good() -> ReleaseFacts:
    """It waits from 12 to 18, and is promoted because Ann says so."""
    told = message(12.3, "default/app: waits to be promoted", 2, links=True)
    tries = (Try("the approver's command promote", 2, ("grant the verb promote",), 2, "ann: grant the verb promote"),)
    approval = Try("the approver's command approve", 0, ("approve",), 0, "default/app: approve of gate: done")
    return ReleaseFacts(
        release=BY_COMMAND,
        version="3",
        began_at_s=0.0,
        ended_at_s=30.0,
        statuses=phases(
            (0.1, "Succeeded"), (0.5, "Progressing"), (12.0, "WaitingPromotion"), (18.4, "Promoting"),
            (24.0, "Finalising"), (27.0, "Succeeded"),
        ),
        messages=(
            message(0.8, "default/app: release started", 1), told, message(18.6, "default/app: passed all steps", 3),
            message(27.1, "default/app: promoted after 27 s", 4),
        ),
        records=tuple(record(at_s / 10, PRIMARY, "2") for at_s in range(300)),
        pipeline=Answer(0, "Waiting\nSucceeded: Revision b\npipeline: promoted, the next stage begins\n", ""),
        status={"actions": [APPROVED]},
        serves="3",
        decision=Decision(ANN, 12.0, told, tries, STANDING, STANDING, 18.0, approval),
    )  # fmt: skip


def _answers() -> tuple[Record, ...]:
    """827 of the canary in twelve seconds, every second of them a failure, and as many of the primary."""
    own = [record(2 + n * 0.0145, TARGET, "5", status=500 if n % 2 else 200) for n in range(827)]
    return (*own, *(record(2 + n * 0.0145, PRIMARY, "4") for n in range(827)))


def bad() -> ReleaseFacts:
    """It is rolled back after 14 s, and the message says so in the very words."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return ReleaseFacts(
        release=BAD,
        version="5",
        began_at_s=0.0,
        ended_at_s=20.0,
        statuses=phases((0.1, "Succeeded"), (0.5, "Progressing"), (14.4, "Failed")),
        messages=(message(0.8, "default/app: release started", 1), Message(14.6, golden)),
        records=_answers(),
        pipeline=Answer(1, "Failed: Revision c\npipeline: stopped with exit code 1\n", ""),
        status={"actions": [APPROVED]},
        serves="4",
    )
