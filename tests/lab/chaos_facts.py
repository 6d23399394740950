"""Invented faults of the play of chaos: whole ones, to be spoiled in one respect by each test."""

from e2e.chaos.facts import Facts, Side
from e2e.chaos.fault import FAULTS, Fault
from e2e.chaos.journal import Seen
from e2e.chaos.plan import BAD, GOOD, REST, WEIGHTS, primary
from e2e.chaos.receiver import Told
from e2e.lab.load import Record
from tests.lab.first_light_facts import record

STRUCK_S, OVER_S, ENDED_S = 10.0, 20.0, 60.0
RATE_PER_S = 20
VERSION = "2"


def fault(name: str) -> Fault:
    """One by its name."""
    return next(one for one in FAULTS if one.name == name)


def refused(at_s: float) -> Record:
    """A request that nobody took."""
    return Record(at_s, at_s, 1.0, 0, error="refused")


def news(canary: str, *reasons: str, first: int = 4) -> tuple[Told, ...]:
    """What was told of a Canary, in order."""
    return tuple(Told(12.0 + number, canary, number, reason) for number, reason in enumerate(reasons, start=first))


def phases(notices: int, *told: tuple[float, str, int]) -> tuple[Seen, ...]:
    """Changes of a status; all news of it have been delivered at last."""
    return tuple(Seen(at_s, phase, weight, notices, 0, 0) for at_s, phase, weight in told)


def rest() -> Side:
    """It serves version 1, and nothing happens to it."""
    records = tuple(record(at_s, primary(REST), "1") for at_s in _times())
    return Side(REST, "1", records, (), (), 1, "1")


def good() -> Side:
    """It goes up from 8 on, and is promoted at 40."""
    records = tuple(_good(number, at_s) for number, at_s in enumerate(_times()))
    told = news(GOOD, "NewRevision", *["Advance"] * len(WEIGHTS), "Promoting", "Succeeded")
    weights = [(8.0 + 7 * place, "Progressing", weight) for place, weight in enumerate(WEIGHTS)]
    seen = phases(10, *weights, (38.0, "Promoting", 80), (40.0, "Finalising", 0), (45.0, "Succeeded", 0))
    return Side(GOOD, VERSION, records, seen, told, 3, VERSION)


def bad() -> Side:
    """It answers every second request with 500 from 8 on, and is rolled back at 25, five seconds after the fault."""
    records = tuple(_bad(number, at_s) for number, at_s in enumerate(_times()))
    seen = phases(6, (8.0, "Progressing", 20), (25.0, "Failed", 0))
    return Side(BAD, VERSION, records, seen, news(BAD, "NewRevision", "CheckFailed", "Rollback"), 3, "1")


def calm() -> Facts:
    """A fault that no client noticed."""
    return Facts("etcd", STRUCK_S, OVER_S, rest(), good(), bad())


def _times() -> list[float]:
    return [number / RATE_PER_S for number in range(int(ENDED_S * RATE_PER_S))]


def _good(number: int, at_s: float) -> Record:
    if at_s < 8.0 or (at_s < 40.0 and number % 5):
        return record(at_s, primary(GOOD), "1")
    return record(at_s, GOOD if at_s < 40.0 else primary(GOOD), VERSION)


def _bad(number: int, at_s: float) -> Record:
    if not 8.0 <= at_s < 25.0 or number % 5:
        return record(at_s, primary(BAD), "1")
    return record(at_s, BAD, VERSION, status=500 if number % 2 else 200)
