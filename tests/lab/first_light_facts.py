"""Invented releases for the tests of first light's judges: whole ones, to be spoiled in one respect by each test."""

from e2e.first_light.facts import Plan, ReleaseFacts
from e2e.lab.load import Record
from e2e.play.seen import ApiRequest, StatusSeen, WeightSeen

ROUTES = "virtualservices.networking.istio.io"
RATE_PER_S = 200
INTERVAL_S = 10.0
LAG_S = 0.1


def record(sent_at_s: float, workload: str, version: str, *, status: int = 200, latency_ms: float = 5.0) -> Record:
    """One answered request."""
    done_at_s = sent_at_s + latency_ms / 1000
    return Record(sent_at_s, done_at_s, latency_ms, status, version=version, workload=workload)


def good_release() -> ReleaseFacts:
    """Version 2 goes up five steps, is promoted, and each share is met exactly."""
    weights = (10, 20, 30, 40, 50, 0)
    starts = [2.0 + INTERVAL_S * number for number in range(6)]
    phases = [(2.0, "Progressing"), (52.0, "Promoting"), (52.5, "Finalising"), (56.0, "Succeeded")]
    # The last weight comes with Finalising.
    starts[-1] = 52.5
    records = [
        record(at_s, *_answerer(number, _weight_at(at_s, starts, weights), promoted=at_s > 52.2))
        for number, at_s in enumerate(each / RATE_PER_S for each in range(60 * RATE_PER_S))
    ]
    return _release(Plan("good", "2", {}, weights[:-1], INTERVAL_S, 500.0), (starts, weights), phases, tuple(records))


def bad_release() -> ReleaseFacts:
    """Version 3 answers every second request with 500, and is taken back after two judgements at 10 %."""
    starts, weights = [2.0, 22.0], (10, 0)
    records = []
    for number, at_s in enumerate(each / RATE_PER_S for each in range(30 * RATE_PER_S)):
        workload, _ = _answerer(number, _weight_at(at_s, starts, weights), promoted=False)
        bad = workload == "app" and number % 20 == 0
        records.append(record(at_s, workload, "3" if workload == "app" else "2", status=500 if bad else 200))
    plan = Plan("bad", "3", {}, (10, 20, 30, 40, 50), INTERVAL_S, 500.0, "request-success-rate")
    return _release(plan, (starts, weights), [(2.0, "Progressing"), (22.0, "Failed")], tuple(records))


def _release(
    plan: Plan,
    routes: tuple[list[float], tuple[int, ...]],
    phases: list[tuple[float, str]],
    records: tuple[Record, ...],
) -> ReleaseFacts:
    changes = list(zip(*routes, strict=True))
    return ReleaseFacts(
        plan=plan,
        applied_at_s=0.0,
        ended_at_s=records[-1].sent_at_s,
        statuses=(
            StatusSeen(0.0, "Initialized", 0, 0),
            *(_status(at_s, phase, plan, changes) for at_s, phase in phases),
        ),
        routes=tuple(WeightSeen(at_s + 0.01, weight) for at_s, weight in changes),
        envoy=tuple(WeightSeen(at_s + LAG_S, weight) for at_s, weight in changes),
        records=records,
        requests=tuple(ApiRequest(at_s, "patch", ROUTES, "default", "app", 200) for at_s, _ in changes),
        queries=("vector(1)",),
        primary_version="2",
        canary_replicas=0,
    )


def _status(at_s: float, phase: str, plan: Plan, changes: list[tuple[float, int]]) -> StatusSeen:
    weight = max((change for change in changes if change[0] <= at_s), default=(0.0, 0))[1]
    failed = (plan.failed_metric,) if phase == "Failed" else ()
    step = plan.weights.index(weight) + 1 if weight else 0
    return StatusSeen(at_s, phase, step, weight, failed, "what the condition says")


def _weight_at(at_s: float, starts: list[float], weights: tuple[int, ...]) -> int:
    """The weight in force: 0 before the first."""
    shown = [weight for start_s, weight in zip(starts, weights, strict=True) if at_s >= start_s + LAG_S]
    return shown[-1] if shown else 0


def _answerer(number: int, weight_percent: int, *, promoted: bool) -> tuple[str, str]:
    """Every request in turn, so that each hundred has exactly its share. The 10s digit is used before the units."""
    place = (number % 10) * 10 + (number // 10) % 10
    if place < weight_percent:
        return "app", "2"
    return "app-primary", "2" if promoted else "1"
