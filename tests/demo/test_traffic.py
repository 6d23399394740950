from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.resources import DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.demo.ledger import Answer, Ledger, Tally
from rollouts.demo.matching import Request, takes
from rollouts.demo.routes import percent_of, shares_of
from rollouts.demo.traffic import NO_POD, NO_ROUTE, Traffic
from rollouts.demo.users import User, make_users
from rollouts.testing.memory_server import MemoryServer
from rollouts.traffic.istio_cookie import match_cookie

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SINCE = AT - timedelta(hours=1)
SOUND = {"ERROR_RATE": "0"}


def template(workload: str, env: dict[str, str]) -> Manifest:
    """A pod template that the Service of the same name selects."""
    variables = [{"name": name, "value": value} for name, value in {"VERSION": workload, **env}.items()]
    return {"metadata": {"labels": {"app": workload}}, "spec": {"containers": [{"name": "c", "env": variables}]}}


def world(rules: list[Manifest], *, seed: int = 0, **workloads: list[dict[str, str]]) -> Traffic:
    """One VirtualService with these rules; of each workload a ready pod for each environment, and a Service."""
    server = MemoryServer(lambda: AT)
    ready = {}
    for name, pods in workloads.items():
        key = ObjectKey("default", name)
        metadata = {"name": name, "namespace": "default"}
        spec = {"template": template(name, SOUND), "replicas": len(pods)}
        server.put(DEPLOYMENTS, {"metadata": metadata, "spec": spec})
        server.put(SERVICES, {"metadata": dict(metadata), "spec": {"selector": {"app": name}}})
        ready[key] = [template(name, env) for env in pods]
    route = {"metadata": {"name": "app", "namespace": "default"}, "spec": {"hosts": ["app"], "http": rules}}
    server.put(VIRTUAL_SERVICES, route)
    return Traffic(server, lambda key: ready.get(key, []), seed)


def to(*shares: tuple[str, int], **more: Any) -> Manifest:
    """A rule that shares the requests so."""
    return {"route": [{"destination": {"host": host}, "weight": weight} for host, weight in shares], **more}


def versions(traffic: Traffic, *, copied: bool = False) -> Counter[str]:
    """How many answers each version has given."""
    seen = traffic.ledger.between(SINCE, AT)
    return Counter(answer.version for answer in seen if answer.copied is copied)


@settings(max_examples=20, deadline=None)
@given(weight=st.integers(0, 100), seed=st.integers(0, 10_000))
def test_weights_are_respected(weight: int, seed: int) -> None:
    """The canary's part of many requests is near its weight; a side without weight gets none at all."""
    traffic = world([to(("a", 100 - weight), ("b", weight))], seed=seed, a=[SOUND], b=[SOUND])
    traffic.tick(AT, 2000)
    got = versions(traffic)
    assert got.total() == 2000
    assert abs(got["b"] / 20 - weight) < 6
    assert (got["b"] == 0) == (weight == 0)
    assert (got["a"] == 0) == (weight == 100)


def test_the_same_seed_sends_the_same_requests() -> None:
    """Another one sends others."""

    def answers(seed: int) -> list[Answer]:
        traffic = world([to(("a", 50), ("b", 50))], seed=seed, a=[{"LATENCY_MS": "5"}], b=[{"ERROR_RATE": "0.5"}])
        for _ in range(10):
            traffic.tick(AT, 10)
        return [*traffic.ledger.between(SINCE, AT)]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        pytest.param([], NO_ROUTE, id="no rule"),
        pytest.param([to(("a", 100), match=[{"headers": {"x": {"exact": "y"}}}])], NO_ROUTE, id="no rule for it"),
        pytest.param([{"redirect": {"uri": "/"}}], NO_ROUTE, id="no destination"),
        pytest.param([to(("nothing", 100))], NO_POD, id="no Service"),
        pytest.param([to(("gone", 100))], NO_POD, id="no ready pod"),
        pytest.param([to(("a", 0), ("gone", 0))], NO_POD, id="no weight"),
        pytest.param([to(("a", 0))], 200, id="one destination needs no weight"),
        pytest.param([to(("a.default.svc.cluster.local", 1))], 200, id="a whole name"),
        pytest.param([to(("a.other", 1))], NO_POD, id="another namespace"),
    ],
)
def test_where_requests_end(rules: list[Manifest], status: int) -> None:
    """What reaches no pod is answered by the proxy, and counts for no workload."""
    traffic = world(rules, a=[SOUND], gone=[])
    traffic.tick(AT, 20)
    answers = [*traffic.ledger.between(SINCE, AT)]
    assert {answer.status for answer in answers} == {status}
    assert {answer.workload is None for answer in answers} == {status != 200}


@pytest.mark.parametrize("rules", [["words"], [{"route": "words"}], [{"route": [7]}], {"match": 1}, [{"match": [3]}]])
def test_a_route_of_another_shape_takes_nobody(rules: Any) -> None:
    """Others go on."""
    traffic = world(rules, a=[SOUND])
    traffic.tick(AT, 5)
    assert {answer.status for answer in traffic.ledger.between(SINCE, AT)} == {NO_ROUTE}


@pytest.mark.parametrize(
    ("rules", "shares"),
    [
        ([to(("a", 30), ("b", 10))], {"a": 75.0, "b": 25.0}),
        ([to(("a", 0))], {"a": 100.0}),
        ([to(("a", 0), ("b", 0))], {}),
        ([to(("b", 100), match=[{}]), to(("a", 100), ("b", 0))], {"a": 100.0, "b": 0.0}),
        ([to(("b", 100), match=[{}])], {}),
        (None, {}),
    ],
)
def test_the_shares_of_a_route(rules: Any, shares: dict[str, float]) -> None:
    """Of the first rule that takes everything."""
    assert shares_of({"spec": {"http": rules}}) == shares
    assert percent_of({"spec": {"http": rules}}, "b") == shares.get("b", 0.0)


@pytest.mark.parametrize("rules", [["words"], 7, [{"route": 7}], [{"route": ["x"]}], [to(("a", 1)) | {"route": [{}]}]])
def test_found_a_route_of_another_shape_has_no_shares(rules: Any) -> None:
    """It broke the demo, and the answer to whoever had applied it."""
    assert set(shares_of({"spec": {"http": rules}})) <= {""}


def test_pods_that_tell_no_version_are_unnamed() -> None:
    """Which is not the same as nobody."""
    traffic = world([to(("a", 1))], a=[{"VERSION": ""}])
    traffic.tick(AT, 5)
    assert versions(traffic) == {"unnamed": 5}


def test_a_share_without_pods_fails_for_its_clients_alone() -> None:
    """As many as the weight says."""
    traffic = world([to(("a", 80), ("gone", 20))], a=[SOUND], gone=[])
    traffic.tick(AT, 2000)
    failed = traffic.ledger.tally(lambda answer: answer.status == NO_POD, SINCE, AT).total
    assert 300 < failed < 500
    assert versions(traffic)["a"] == 2000 - failed


@settings(max_examples=15, deadline=None)
@given(percent=st.integers(0, 100), seed=st.integers(0, 10_000))
def test_pods_fail_as_their_environment_says(percent: int, seed: int) -> None:
    """With the status that it names."""
    env = {"ERROR_RATE": str(percent / 100), "ERROR_STATUS": "502"}
    traffic = world([to(("a", 100))], seed=seed, a=[env])
    traffic.tick(AT, 2000)
    tally = traffic.ledger.tally(lambda _: True, SINCE, AT)
    assert abs(tally.errors / 20 - percent) < 6
    assert {answer.status for answer in traffic.ledger.between(SINCE, AT)} <= {200, 502}


def test_pods_are_as_slow_as_their_environment_says() -> None:
    """The 99th percentile is what was written, near enough."""
    traffic = world([to(("a", 100))], a=[{"LATENCY_MS": "20", "LATENCY_P99_MS": "200"}])
    traffic.tick(AT, 5000)
    p99_ms = traffic.ledger.tally(lambda _: True, SINCE, AT).p99_ms
    assert p99_ms == pytest.approx(200, rel=0.25)


def test_in_mid_rollout_old_and_new_pods_answer_side_by_side() -> None:
    """A Deployment's pods are not all alike."""
    traffic = world([to(("a", 100))], a=[{"VERSION": "1"}, {"VERSION": "2"}])
    traffic.tick(AT, 400)
    assert min(versions(traffic)["1"], versions(traffic)["2"]) > 100


def test_those_who_match_go_where_the_first_rule_that_takes_them_leads() -> None:
    """A tenth of the users are insiders."""
    insiders = to(("a", 0), ("b", 100), match=[{"headers": {"x-canary": {"exact": "insider"}}}])
    traffic = world([insiders, to(("a", 100), ("b", 0))], a=[SOUND], b=[SOUND])
    traffic.tick(AT, 2000)
    assert 100 < versions(traffic)["b"] < 320


def test_a_cookie_keeps_a_user_where_it_was_given() -> None:
    """Who has once been answered by the canary stays there, though all weight goes to the primary."""
    sticky = to(("b", 100), match=[match_cookie("canary", "42")])
    shared = to(("a", 50), ("b", 50))
    shared["route"][1]["headers"] = {"response": {"add": {"Set-Cookie": "canary=42; Max-Age=60"}}}
    traffic = world([sticky, shared], a=[SOUND], b=[SOUND])
    for _ in range(40):
        traffic.tick(AT, 40)
    last = Counter(answer.version for answer in [*traffic.ledger.between(SINCE, AT)][:100])
    assert last == {"b": 100}


def test_a_cookie_without_age_is_forgotten() -> None:
    """And a percent sign that Envoy needs doubled is one again in the browser."""
    user = User()
    given_it = {"headers": {"response": {"add": {"Set-Cookie": "c=1%%2; Max-Age=60"}}}}
    user.note_cookies(given_it)
    assert user.request("x").headers == {"cookie": "c=1%2"}
    user.note_cookies({"headers": {"response": {"add": {"set-cookie": "c=; Max-Age=0"}}}})
    assert user.request("x").headers == {}


def test_copies_are_answered_but_no_client_sees_them() -> None:
    """As many as are told, by both ways of telling it."""
    mirrored = to(("a", 100), mirrors=[{"destination": {"host": "b"}, "percentage": {"value": 50.0}}])
    traffic = world([mirrored], a=[SOUND], b=[SOUND])
    traffic.tick(AT, 1000)
    assert versions(traffic) == {"a": 1000}
    assert 400 < versions(traffic, copied=True)["b"] < 600
    traffic = world([to(("a", 100), mirror={"host": "b"})], a=[SOUND], b=[SOUND])
    traffic.tick(AT, 100)
    assert versions(traffic, copied=True) == {"b": 100}


INSIDER = Request("app", "/a/b?x=1", "GET", {"x-canary": "insider"})


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ({}, True),
        ({"headers": {"X-Canary": {"exact": "insider"}}}, True),
        ({"headers": {"x-canary": {"exact": "other"}}}, False),
        ({"headers": {"x-canary": {}}}, True),
        ({"headers": {"absent": {}}}, False),
        ({"headers": {"x-canary": {"prefix": "ins"}}}, True),
        ({"headers": {"x-canary": {"regex": "in.*"}}}, True),
        ({"headers": {"x-canary": {"regex": "in"}}}, False),
        ({"headers": {"x-canary": {"regex": "(?P<"}}}, False),
        ({"withoutHeaders": {"x-canary": {"exact": "insider"}}}, False),
        ({"withoutHeaders": {"absent": {}}}, True),
        ({"uri": {"prefix": "/a/"}}, True),
        ({"uri": {"exact": "/a"}}, False),
        ({"method": {"exact": "POST"}}, False),
        ({"authority": {"exact": "app"}}, True),
        ({"queryParams": {"x": {"exact": "1"}}}, True),
        ({"queryParams": {"y": {"exact": "1"}}}, False),
        ({"uri": {"prefix": "/a"}, "method": {"exact": "PUT"}}, False),
        ({"sourceLabels": {"app": "x"}}, False),
        ({"name": "mine"}, True),
    ],
)
def test_what_a_match_takes(match: Manifest, taken: bool) -> None:  # noqa: FBT001 - the table's second column
    """All its conditions have to hold, by Istio's rules."""
    assert takes({"match": [match]}, INSIDER) is taken


def test_of_several_matches_one_is_enough() -> None:
    """And a rule without any takes everything."""
    never: Manifest = {"headers": {"absent": {}}}
    assert takes({"match": [never, {}]}, INSIDER)
    assert not takes({"match": [never, never]}, INSIDER)
    assert takes({}, INSIDER)


def test_a_tenth_of_the_users_are_insiders() -> None:
    """Evenly, whatever the seed."""
    assert sum(bool(user.headers) for user in make_users(40)) == 4


def test_a_ledger_forgets_what_is_old_and_counts_between_instants() -> None:
    """The later end belongs to a stretch of time, the earlier one does not."""
    ledger = Ledger()
    for minute in range(30):
        ledger.note(Answer(AT + timedelta(minutes=minute), ObjectKey("", "x"), 500 if minute == 29 else 200, minute))
    assert len([*ledger.between(SINCE, AT + timedelta(days=1))]) == 11
    tally = ledger.tally(lambda _: True, AT + timedelta(minutes=27), AT + timedelta(minutes=29))
    assert tally == Tally(2, 1, 50.0, 29)
    assert ledger.tally(lambda _: False, SINCE, AT + timedelta(days=1)) == Tally()
