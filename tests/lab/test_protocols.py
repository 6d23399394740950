"""The play of protocols: its manifests are sound, and what it expects is met by a good run and by no other."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from e2e.lab.load import Record
from e2e.play.result import Result
from e2e.protocols.envoy import share_in
from e2e.protocols.evidence import Call, slow_versions
from e2e.protocols.facts import ReleaseFacts
from e2e.protocols.held import Held
from e2e.protocols.journal import PhaseSeen, ShareSeen
from e2e.protocols.judge import figure_lines, judge_beside, judge_held, judge_release, release_json
from e2e.protocols.kind import DELEGATION, KINDS, TCP, TLS, Kind, Release, shared_objects
from e2e.protocols.untouched import differences, kept, marks_in
from rollouts.api.canary import CanarySpec

Json = dict[str, Any]
STEP_S = 10.0


def chain(action: Json) -> Json:
    """A dump of listeners with one filter chain."""
    listener = {"filter_chains": [{"filters": [{"name": "tcp", "typed_config": action}]}]}
    return {"configs": [{"name": "0.0.0.0_19000", "active_state": {"listener": listener}}]}


def weighted(**clusters: int) -> Json:
    """An action, by Service or subset."""
    names = {"v1": "outbound|443|v1|vault.default.svc", "v2": "outbound|443|v2|vault.default.svc"}
    found = [
        {"name": names.get(name, f"outbound|443||{name}.default.svc"), "weight": n} for name, n in clusters.items()
    ]
    return {"weighted_clusters": {"clusters": found}}


def answers(release: Release, percent: int, since_s: float, kind: Kind) -> list[Record]:
    """A hundred a second for one step, shared as asked, of which the bystander has its own."""
    found = []
    for number in range(int(STEP_S * 100)):
        workload = release.canary.workload if (number * 7) % 100 < percent else release.primary.workload
        workload = "plain" if number % 100 < kind.bystander_percent else workload
        at_s = since_s + number / 100
        found.append(Record(at_s, at_s, 5.0, 200, version="1", workload=workload))
    return found


def facts(kind: Kind, release: Release, given: tuple[int, ...] = ()) -> ReleaseFacts:
    """A release whose clients got what Envoy gave, or something else."""
    second = release.canary == kind.second
    shares = [
        ShareSeen(n * STEP_S, n * STEP_S - 0.1, percent if second else 100 - percent)
        for n, percent in enumerate(release.shares)
    ]
    records = [
        one for n, percent in enumerate(given or release.shares) for one in answers(release, percent, n * STEP_S, kind)
    ]
    calls = (Call(12.0, kind.name, 200), Call(18.0, kind.name, 403 if release.end == "Failed" else 200))
    return ReleaseFacts(
        kind=kind,
        release=release,
        began_at_s=0.0,
        ended_at_s=STEP_S * len(shares),
        phases=(PhaseSeen(1.0, "Progressing"), PhaseSeen(40.0, release.end)),
        shares=tuple(shares),
        records=tuple(records),
        calls=() if kind is DELEGATION else calls,
        differences=(),
    )


def failed(results: list[Result]) -> list[str]:
    """What was not met."""
    return [f"{result.story}: {result.expected}" for result in results if not result.ok]


RELEASES = [(kind, release) for kind in KINDS for release in (kind.good, kind.bad)]
IDS = [f"{kind.name}, {release.name}" for kind, release in RELEASES]


@pytest.mark.parametrize(("kind", "release"), RELEASES, ids=IDS)
def test_a_release_as_it_should_be_meets_all(kind: Kind, release: Release) -> None:
    """And its figures say what it was."""
    seen = facts(kind, release)
    assert failed(list(judge_release(seen))) == []
    [line] = figure_lines([release_json(seen)])
    assert f"{kind.name}, {release.name}: 0 of {len(seen.records)} failed" in line


@pytest.mark.parametrize(("kind", "release"), RELEASES, ids=IDS)
def test_clients_who_get_another_share_than_envoy_says_are_noticed(kind: Kind, release: Release) -> None:
    """One step of 30 that is a step of 50."""
    wrong = (release.shares[0], 50, *release.shares[2:])
    story = f"{kind.name}, {release.name}, step 2: 30 % of its clients get the canary"
    assert story in failed(list(judge_release(facts(kind, release, wrong))))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda seen: replace(seen, overdue="the end: not within 180 s"), "it ends as Succeeded"),
        (lambda seen: replace(seen, phases=(PhaseSeen(1.0, "Failed"),)), "it ends as Succeeded"),
        (lambda seen: replace(seen, shares=seen.shares[:-1]), "Envoy gives the canary 0, 30, 60, 100 %"),
        (lambda seen: replace(seen, differences=("VirtualService vault is gone",)), "the user's objects are what they"),
        (lambda seen: replace(seen, calls=(Call(1.0, "tls", 403),)), "the hook that speaks the protocol consents"),
        (lambda seen: replace(seen, records=()), "no client's connection fails"),
        (
            lambda seen: replace(seen, records=(*seen.records, Record(5.0, 5.0, 1.0, 0, error="reset"))),
            "no client's connection fails",
        ),
        (
            lambda seen: replace(seen, records=tuple(one for one in seen.records if one.workload != "plain")),
            "plain keeps its 20 % all along",
        ),
        (lambda seen: replace(seen, records=seen.records[::50]), "30 % of its clients get the canary"),
    ],
    ids=["overdue", "failed", "steps", "objects", "hook", "nobody", "reset", "bystander", "too few"],
)  # fmt: skip
def test_each_expectation_can_fail(change: Any, expected: str) -> None:
    """What goes wrong is found."""
    results = list(judge_release(change(facts(TLS, TLS.good))))
    assert any(expected in result.expected and not result.ok for result in results)


def test_clients_beside_are_served_by_whom_they_asked_for() -> None:
    """An error, another workload, or nobody at all is too much."""
    good = [Record(1.0, 1.0, 1.0, 200, workload="plain")]
    bad = {"a": [*good, Record(1.0, 1.0, 1.0, 503)], "b": [*good, replace(good[0], workload="vault-v2")], "c": []}
    assert [result.ok for result in judge_beside({"good": good, **bad})] == [True, False, False, False]


def test_connections_that_are_kept_stay_with_the_primary() -> None:
    """One that ends, or that somebody else answers on, is too much; none at all shows nothing."""
    good = Held({"queue-primary"}, 40)
    assert judge_held([good, good]).ok
    for bad in (Held({"queue-primary"}, 40, ended_at_s=1.0), Held({"queue-primary", "queue"}, 40), Held()):
        assert not judge_held([good, bad]).ok
    assert not judge_held([]).ok


def test_shares_are_read_from_listeners_and_routes() -> None:
    """A cluster that stands alone has everything, one that is left out nothing, and others do not count."""
    routes = {"configs": [{"route_config": {"virtual_hosts": [{"routes": [{"route": weighted(v1=7, v2=3)}]}]}}]}
    sides, second = TLS.sides, TLS.second.cluster
    assert share_in([chain(weighted(v1=24, v2=56, plain=20))], sides, second) == 70
    assert share_in([{}, routes], sides, second) == 30
    assert share_in([chain({"cluster": "outbound|443|v2|vault.default.svc"})], sides, second) == 100
    assert share_in([chain({"cluster": "outbound|443||plain.default.svc"}), routes], sides, second) == 30
    assert share_in([chain({"cluster": "BlackHoleCluster"})], sides, second) is None
    queue = {"queue-primary": 40, "queue-canary": 60}
    assert share_in([chain(weighted(**queue))], TCP.sides, TCP.second.cluster) == 60


def test_a_version_is_slow_by_its_median_beside_the_others() -> None:
    """One late answer is none, and a busy machine delays all alike."""
    quick = [Record(1.0, 1.0, 5.0, 200, workload="queue-primary") for _ in range(9)]
    late = [Record(1.0, 1.0, 800.0, 200, workload="queue-primary")]
    slow = [Record(1.0, 1.0, 800.0, 200, workload="queue")]
    assert slow_versions([*quick, *late]) == []
    assert slow_versions([*quick, *slow]) == ["queue"]
    assert slow_versions([*late, *slow]) == []
    assert slow_versions([]) == []


def test_only_what_is_a_canarys_may_change() -> None:
    """Weights of the two subsets in the steered route, replicas, marks and what it made; nothing else."""
    objects = [*shared_objects(), *(document for kind in KINDS for document in kind.objects())]
    before, after = kept(objects), copy.deepcopy(objects)
    routes = next(item for item in after if (item["kind"], item["metadata"]["name"]) == ("VirtualService", "vault"))
    routes["metadata"]["annotations"] = {"original.rollouts.dev/vault": "{}"}
    routes["spec"]["tls"][0]["route"][0]["weight"] = 24
    next(item for item in after if item["metadata"]["name"] == "queue")["spec"]["replicas"] = 0
    made = {"name": "queue-primary", "labels": {"app.kubernetes.io/managed-by": "rollouts"}}
    after.append({"kind": "Deployment", "metadata": made, "spec": {}})
    assert list(differences(before, kept(after))) == []
    assert marks_in(after) == ["VirtualService vault: original.rollouts.dev/vault"]

    routes["spec"]["tls"][0]["route"][2]["weight"] = 21
    next(item for item in after if item["metadata"]["name"] == "plain")["spec"]["replicas"] = 2
    after = [item for item in after if item["metadata"]["name"] != "root"]
    changed = [words.split(" has ")[0] for words in differences(before, kept(after))]
    assert changed == ["Deployment plain", "VirtualService root is gone", "VirtualService vault"]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_the_examples_are_what_the_models_take(kind: Kind) -> None:
    """And their hook is called where the story listens."""
    spec = kind.manifest(8.0, "http://127.0.0.1:8090")["spec"]
    read = CanarySpec.model_validate(spec)
    assert read.analysis.step_weights == (30, 60, 100)
    assert [hook.url for hook in read.analysis.webhooks] == (
        [] if kind is DELEGATION else [f"http://127.0.0.1:8090/{kind.name}"]
    )
