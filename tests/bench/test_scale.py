"""The judge of counts: it passes what was counted, names what is dearer, and catches a controller that wastes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rollouts import controller
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.kube import requests
from rollouts.kube.cluster import KubeCluster
from rollouts.metrics.grouping import GroupingOptions
from rollouts.ports import PatchStatus, Write
from tests.bench.scale import budgets, page, quick, virtual
from tests.bench.scale.audit import STATUS
from tests.bench.scale.budgets import Bound, Budgets, Judged, Verdict
from tests.bench.scale.story import Stage, Story, told

SIZE, IDLE_S = 3, 70.0
pytestmark = pytest.mark.timeout(180)
"""Each story is a thousand requests."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story of a few Canaries under the controller as it is."""
    return told(SIZE, tmp_path_factory.mktemp("honest"), IDLE_S)


@pytest.fixture
def allowed(honest: Story) -> Budgets:
    """Budgets of just what that cost."""
    return Budgets(SIZE, {"bytes": 2}, budgets.read().by_time, quick.counts_of(honest))


def _judged(allowed: Budgets, story: Story) -> dict[tuple[str, str], Judged]:
    judged = allowed.judge(quick.counts_of(story), quick.seconds_of(story))
    return {(one.stage, one.name): one for one in judged}


def test_what_was_counted_keeps_its_own_budgets(honest: Story, allowed: Budgets, tmp_path: Path) -> None:
    """Told once more, the story comes to the same counts, byte by byte: no budget needs room for chance."""
    again = told(SIZE, tmp_path, IDLE_S)
    assert not [one for one in _judged(allowed, again).values() if one.verdict]
    bounded = {*allowed.by_time}
    first, second = (
        {stage: {name: n for name, n in counted.items() if name not in bounded} for stage, counted in counts.items()}
        for counts in (quick.counts_of(honest), quick.counts_of(again))
    )
    assert first == second


def test_a_release_costs_what_the_house_allows(honest: Story) -> None:
    """32 requests of each Canary: 9 writes of objects, 15 of status, 8 Events; an idle one costs none."""
    under_way, promotion = honest.costs[Stage.UNDER_WAY], honest.costs[Stage.PROMOTION]
    whole = under_way.requests + promotion.requests
    assert {what: count / SIZE for what, count in whole.items()} == {
        STATUS: 15, "create events": 8, "patch deployments.apps": 3, "patch virtualservices.networking.istio.io": 6,
    }  # fmt: skip
    for stage in (Stage.IDLE, Stage.IDLE_AFTER):
        assert (honest.costs[stage].requests.total(), honest.costs[stage].queries) == (0, 0)


def test_a_budget_made_smaller_is_broken_by_name(honest: Story, allowed: Budgets) -> None:
    """One request less than was counted."""
    stage, counts = str(Stage.BAD), dict(allowed.stages)
    counts[stage] = {**counts[stage], "create events": counts[stage]["create events"] - 1}
    judged = [*replace(allowed, stages=counts).judge(quick.counts_of(honest), quick.seconds_of(honest))]
    assert [(one.stage, one.name) for one in judged if one.fails] == [(stage, "create events")]
    assert quick.summary(judged) == "above their budgets: bad: create events"
    assert any("create events" in line and "ABOVE ITS BUDGET" in line for line in quick.report(judged))


def test_a_request_without_a_budget_is_broken(honest: Story, allowed: Budgets) -> None:
    """Nobody has allowed it; and what has a budget and never comes is far below it."""
    stage, counts = str(Stage.BAD), dict(allowed.stages)
    counts[stage] = {name: count for name, count in counts[stage].items() if name != STATUS} | {"get secrets": 3}
    judged = _judged(replace(allowed, stages=counts), honest)
    assert judged[stage, STATUS].verdict is Verdict.UNKNOWN
    assert judged[stage, "get secrets"].verdict is Verdict.LOOSE
    assert [one.name for one in judged.values() if one.fails] == [STATUS]


@pytest.mark.parametrize(
    ("count", "budget", "verdict"),
    [(100, 100, Verdict.KEPT), (90, 100, Verdict.KEPT), (101, 100, Verdict.BROKEN), (89, 100, Verdict.LOOSE),
     (0, 0, Verdict.KEPT), (1, 0, Verdict.BROKEN), (0, None, Verdict.KEPT), (1, None, Verdict.UNKNOWN)],
)  # fmt: skip
def test_counts_are_held_to_the_letter(count: int, budget: int | None, verdict: Verdict) -> None:
    """One above is broken; more than a tenth below is told."""
    assert Judged("idle", "queries", count, budget).verdict is verdict


def test_bytes_have_a_slack_and_what_grows_with_time_a_bound() -> None:
    """Two in a hundred; so many at once and one for each of so many seconds."""
    allowed = Budgets(1, {"bytes": 2}, {"watches opened": Bound(3, 10)}, {"idle": {"bytes written": 100}})

    def verdicts(written: int, watches: int) -> list[Verdict]:
        counts = {"idle": {"bytes written": written, "watches opened": watches}}
        return [one.verdict for one in allowed.judge(counts, {"idle": 15.0})]

    assert verdicts(102, 5) == [Verdict.KEPT, Verdict.KEPT]
    assert verdicts(103, 6) == [Verdict.BROKEN, Verdict.BROKEN]
    assert verdicts(100, 0) == [Verdict.KEPT, Verdict.KEPT]


class TwiceTold(KubeCluster):
    """Writes each status once more than it is meant to."""

    async def write(self, write: Write) -> Manifest:
        """As the port says, and again."""
        answer = await super().write(write)
        if isinstance(write, PatchStatus):
            version = answer["metadata"]["resourceVersion"]
            await super().write(replace(write, resource_version=version))
        return answer


class Restless(KubeCluster):
    """Looks at each Canary every half minute, although its store would tell of a change."""

    async def run(self) -> None:
        """As it is, and the looks."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            while True:
                await self._clock.sleep(30.0)
                for canary in self.list_all(CANARIES):
                    await self._transport.send(requests.get(CANARIES, ObjectKey.of(canary)))


def test_one_status_write_more_each_look_is_caught(
    allowed: Budgets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every stage in which any is written."""
    monkeypatch.setattr(controller, "KubeCluster", TwiceTold)
    judged = _judged(allowed, told(SIZE, tmp_path, IDLE_S))
    written = {stage for stage, counts in allowed.stages.items() if counts["status writes"]}
    broken = {stage for (stage, name), one in judged.items() if name == "status writes" and one.fails}
    assert broken == written == {"start", "under way", "promotion", "bad", "held"}
    assert judged["bad", "status writes"].count == 2 * allowed.stages["bad"]["status writes"]


def test_a_look_at_an_idle_canary_is_caught(allowed: Budgets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its verb and resource, which no budget has."""
    monkeypatch.setattr(controller, "KubeCluster", Restless)
    judged = _judged(allowed, told(SIZE, tmp_path, IDLE_S))
    assert judged["idle", "get canaries.rollouts.dev"].verdict is Verdict.UNKNOWN
    assert judged["idle", "all requests"].verdict is Verdict.BROKEN


def test_a_query_for_each_question_is_caught(allowed: Budgets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without grouping each release costs queries of its own."""
    alone = partial(GroupingOptions, chunk=1)
    monkeypatch.setattr(virtual, "GroupingOptions", alone)
    judged = _judged(allowed, told(SIZE, tmp_path, IDLE_S))
    assert {stage for (stage, name), one in judged.items() if name == "queries" and one.fails} >= {"under way", "held"}
    assert judged["idle", "queries"].count == 0


def test_the_command_fails_by_its_file(
    honest: Story, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 0 with the file that it wrote itself; 1 with one request less in it, named on the last line."""
    file = tmp_path / "budgets.yaml"
    file.write_text(budgets.FILE.read_text().replace("canaries: 50", f"canaries: {SIZE}"))
    monkeypatch.setattr(quick, "told", lambda _size, _folder: honest)
    assert quick.main(["--budgets", str(file), "--tighten"]) == 0
    assert quick.main(["--budgets", str(file)]) == 0
    assert file.read_text().startswith(budgets.FILE.read_text().partition("canaries:")[0])
    text = file.read_text()
    file.write_text(text.replace("  bad:\n    create events: 3", "  bad:\n    create events: 2"))
    capsys.readouterr()
    assert quick.main(["--budgets", str(file)]) == 1
    assert "above their budgets: bad: create events" in capsys.readouterr().out.splitlines()[-1]


def test_the_budgets_in_the_repository_are_of_each_stage() -> None:
    """None is missing, and an idle Canary is allowed nothing."""
    kept = budgets.read()
    assert [*kept.stages] == [str(stage) for stage in Stage]
    for stage in (Stage.IDLE, Stage.IDLE_AFTER):
        assert set(kept.stages[stage].values()) == {0}


def test_a_table_goes_where_the_page_has_a_mark_for_it(tmp_path: Path) -> None:
    """What stood there is replaced, the rest stays; without a mark it is said."""
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- quick -->\nold\n<!-- /quick -->\nafter\n")
    page.write("quick", "| new |", file)
    assert file.read_text() == "before\n<!-- quick -->\n| new |\n<!-- /quick -->\nafter\n"
    with pytest.raises(ValueError, match="has no place for self"):
        page.write("self", "", file)
