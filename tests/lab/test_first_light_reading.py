"""What first light reads from others: audit log, query log, Envoy's dump, watches, snapshots, waiting."""

import json
from typing import Any

import pytest

from e2e.first_light.live import read_row
from e2e.first_light.snapshot import differences, take
from e2e.lab.credentials import CONTROLLER
from e2e.play.envoy_routes import read_shares
from e2e.play.journal import Journal, read_status, read_weight
from e2e.play.logs import count_requests, read_audit, read_queries
from e2e.play.manifests import example, inward, longest_ms, moved, paced, planned_weights
from e2e.play.seen import Shares
from e2e.play.waiting import OverdueError, until
from tests.lab.first_light_facts import record


def _audited(second: int, verb: str = "patch", user: str = CONTROLLER, **changes: Any) -> str:
    event = {
        "auditID": f"{second}-{verb}",
        "verb": verb,
        "requestURI": "/apis/rollouts.dev/v1beta1/namespaces/default/canaries/app/status",
        "user": {"username": user},
        "objectRef": {
            "resource": "canaries",
            "apiGroup": "rollouts.dev",
            "subresource": "status",
            "namespace": "default",
            "name": "app",
        },
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": f"2026-01-01T00:00:{second:02}.500000Z",
    }
    return json.dumps({**event, **changes}) + "\n"


EPOCH_S = 1767225600.0


def test_the_audit_log_tells_the_controllers_requests_in_a_span_of_time() -> None:
    """Others' requests and other times are left out; a watch that is logged twice counts once."""
    lines = [
        _audited(1),
        _audited(2, user="admin"),
        _audited(3, verb="watch"),
        _audited(3, verb="watch"),
        _audited(30),
        _audited(4)[:-20],
    ]
    found = read_audit(lines, since_s=EPOCH_S, until_s=EPOCH_S + 10)
    assert [(item.at_s - EPOCH_S, item.verb, item.resource) for item in found] == [
        (1.5, "patch", "canaries.rollouts.dev/status"),
        (3.5, "watch", "canaries.rollouts.dev/status"),
    ]
    assert [item.writes for item in found] == [True, False]
    assert count_requests(found) == {"patch canaries.rollouts.dev/status": 1, "watch canaries.rollouts.dev/status": 1}


def test_a_refused_write_is_no_write() -> None:
    """A conflict changed nothing."""
    found = read_audit([_audited(1, responseStatus={"code": 409})], since_s=EPOCH_S, until_s=EPOCH_S + 10)
    assert [item.writes for item in found] == [False]


def test_a_request_for_no_object_is_named_by_its_path() -> None:
    """Nothing that the controller asks goes uncounted."""
    found = read_audit([_audited(1, objectRef=None, requestURI="/version")], since_s=0, until_s=EPOCH_S + 10)
    assert [item.resource for item in found] == ["/version"]


def test_the_query_log_tells_the_queries_in_a_span_of_time() -> None:
    """Nanoseconds are understood; lines without a query are left out."""
    entries: list[dict[str, Any]] = [
        {"time": "2026-01-01T00:00:01.123456789Z", "params": {"query": "vector(1)"}},
        {"time": "2026-01-01T00:00:02Z", "msg": "no query"},
        {"time": "2026-01-01T00:01:00Z", "params": {"query": "late"}},
    ]
    lines = [json.dumps(entry) + "\n" for entry in entries]
    assert read_queries(lines, since_s=EPOCH_S, until_s=EPOCH_S + 10) == ["vector(1)"]


def _dump(action: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """What Envoy shows of our rule for everything, and before it of `others` by the end of their names."""
    routes = [{"name": f"rollouts-app-{name.replace('_', '-')}", "route": route} for name, route in others.items()]
    routes.append({"name": "rollouts-app", "route": action})
    return {"configs": [{"route_config": {"virtual_hosts": [{"routes": routes}]}}]}


def _mirrored(numerator: int, denominator: str) -> dict[str, Any]:
    share = {"default_value": {"numerator": numerator, "denominator": denominator}}
    cluster = "outbound|80||app-canary.default.svc.cluster.local"
    return {"request_mirror_policies": [{"cluster": cluster, "runtime_fraction": share}]}


def _weighted(**weights: int) -> dict[str, Any]:
    clusters = [
        {"name": f"outbound|80||app-{side}.default.svc.cluster.local", "weight": weight}
        for side, weight in weights.items()
    ]
    return {"weighted_clusters": {"clusters": clusters}}


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        pytest.param(_dump(_weighted(primary=70, canary=30)), 30, id="two clusters"),
        pytest.param(_dump(_weighted(primary=100)), 0, id="the canary left out"),
        pytest.param(_dump(_weighted(canary=100)), 100, id="the primary left out"),
        pytest.param(_dump({"cluster": "outbound|80||app-primary.default.svc.cluster.local"}), 0, id="one cluster"),
        pytest.param(_dump({"cluster": "outbound|80||other.default.svc.cluster.local"}), None, id="somebody else's"),
        pytest.param(_dump({"direct_response": {"status": 404}}), None, id="no cluster"),
        pytest.param({}, None, id="no route yet"),
    ],
)
def test_envoys_dump_tells_the_canarys_share(dump: dict[str, Any], expected: int | None) -> None:
    """A cluster of weight 0 is left out by istiod."""
    assert read_shares(dump) == (None if expected is None else Shares(expected, expected))


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        pytest.param(_dump(_weighted(primary=100), match=_weighted(canary=100)), Shares(100, 0), id="A/B"),
        pytest.param(_dump(_weighted(primary=1), session=_weighted(canary=1)), Shares(0, 0), id="a cookie's route"),
        pytest.param(_dump(_weighted(primary=1), session_primary=_weighted(primary=1)), Shares(0, 0), id="the other's"),
        pytest.param(
            _dump(_weighted(primary=1) | _mirrored(500_000, "MILLION")), Shares(0, 0, 50), id="half is copied"
        ),
        pytest.param(_dump(_weighted(primary=1) | _mirrored(100, "HUNDRED")), Shares(0, 0, 100), id="all is copied"),
        pytest.param(_dump(_weighted(primary=100), match={"direct_response": {}}), None, id="match to nobody"),
    ],
)
def test_envoys_dump_tells_who_gets_the_canary_and_how(dump: dict[str, Any], expected: Shares | None) -> None:
    """Requests that match, all others, and copies; what a cookie keeps is no share."""
    assert read_shares(dump) == expected


def _virtual_service(primary: int, canary: int) -> dict[str, Any]:
    route = [
        {"destination": {"host": "app-primary"}, "weight": primary},
        {"destination": {"host": "app-canary.default.svc.cluster.local"}, "weight": canary},
    ]
    return {"metadata": {"name": "app"}, "spec": {"http": [{"route": route}]}}


def test_the_journal_keeps_changes_only() -> None:
    """What is seen again is no news, and what belongs to another object is none at all."""
    journal = Journal()
    for asked_at_s, weight in enumerate((0, 10, 10, 20)):
        journal.route_seen(_virtual_service(100 - weight, weight))
        journal.envoy_seen(Shares(100, weight), float(asked_at_s))
    journal.envoy_seen(None, 4.0)
    journal.route_seen({**_virtual_service(50, 50), "metadata": {"name": "other"}})
    canary = {"metadata": {"name": "app"}, "status": {"phase": "Progressing", "stepIndex": 1, "desiredWeight": 10}}
    journal.canary_seen(canary)
    journal.canary_seen(canary)
    journal.canary_seen({**canary, "metadata": {"name": "other"}, "status": {"phase": "Failed"}})
    assert [seen.weight_percent for seen in journal.routes] == [0, 10, 20]
    assert [seen.weight_percent for seen in journal.envoy] == [0, 10, 20]
    assert [(seen.before_s, seen.shares) for seen in journal.shares[1:]] == [
        (0.0, Shares(100, 10)),
        (2.0, Shares(100, 20)),
    ]
    assert [(seen.phase, seen.step_index) for seen in journal.statuses] == [("Progressing", 1)]
    assert journal.phase == "Progressing"


def test_a_weightless_route_has_no_share() -> None:
    """Absent is not 0."""
    assert read_weight({"metadata": {"name": "app"}, "spec": {}}) is None


def test_a_status_tells_what_failed_and_why() -> None:
    """Verdicts and the condition Promoted are read."""
    status = {
        "phase": "Failed",
        "metrics": [
            {"name": "request-duration", "verdict": "Fail"},
            {"name": "request-success-rate", "verdict": "Pass"},
        ],
        "conditions": [{"type": "Promoted", "message": "too slow"}],
    }
    seen = read_status(status, 1.0)
    assert (seen.phase, seen.failed_metrics, seen.message) == ("Failed", ("request-duration",), "too slow")


def test_the_live_row_shows_what_clients_really_get() -> None:
    """Share among the two copies, success among all, and the 99th percentile."""
    journal = Journal()
    journal.canary_seen(
        {"metadata": {"name": "app"}, "status": {"phase": "Progressing", "stepIndex": 3, "desiredWeight": 30}}
    )
    recent = [record(1.0, "app", "2", status=500), *(record(1.0, "app-primary", "1", latency_ms=7.0) for _ in range(3))]
    row = read_row(at_s=12.34, story="good", journal=journal, recent=recent)
    assert [cell.strip() for cell in row.cells] == [
        "12.3 s", "good", "Progressing", "3", "30 %", "25.0 %", "75.0 %", "7 ms",
    ]  # fmt: skip
    assert read_row(at_s=0.0, story="start", journal=Journal(), recent=[]).cells[2:] == ("-",) * 6


def _object(name: str, replicas: int, version: str = "1") -> dict[str, Any]:
    metadata = {"name": name, "resourceVersion": version, "managedFields": [version]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}, "status": {"seen": version}}


def test_what_the_cluster_writes_by_itself_is_no_difference() -> None:
    """Status, resourceVersion and managedFields are left out; anything else counts."""
    before = take([_object("same", 1), _object("changed", 1), _object("removed", 1)])
    after = take([_object("same", 1, "9"), _object("changed", 2), _object("added", 1)])
    assert differences(before, before) == ()
    assert differences(before, after) == (
        "Deployment added was added",
        "Deployment removed was removed",
        "Deployment changed was changed",
    )


def test_the_example_goes_up_by_ten_to_fifty() -> None:
    """The stories read their plan from the very files that they apply."""
    canary = example("canary")
    assert planned_weights(canary) == (10, 20, 30, 40, 50)
    assert longest_ms(canary) == 500.0
    assert paced(canary, 5.0)["spec"]["analysis"]["interval"] == "5s"
    elsewhere = inward(moved(canary, "other", "another"))
    assert elsewhere["metadata"] == {"name": "another", "namespace": "other"}
    assert "gateways" not in elsewhere["spec"]["service"]
    assert example("canary") == canary


async def test_waiting_ends_with_what_was_found_or_says_what_was_not() -> None:
    """It looks again until then, and once at least."""
    seen = iter([None, 0, 7])

    async def look() -> int | None:
        return next(seen)

    assert await until(look, what="seven", within_s=5.0, every_s=0.0) == 7

    async def nothing() -> int | None:
        return None

    with pytest.raises(OverdueError, match="the moon: not within 0 s"):
        await until(nothing, what="the moon", within_s=0.0)
