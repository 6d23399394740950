"""The play of chaos: what it plans is sound, its judge lets a whole run through and misses none that is spoiled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.chaos import parts
from e2e.chaos.facts import Facts
from e2e.chaos.fault import FAULTS
from e2e.chaos.journal import Journal
from e2e.chaos.judge import bound_s, fault_json, judge, late_s, unexplained
from e2e.chaos.plan import BAD, GOOD, NAMES, RATE_PER_S, canary, primary, provider
from e2e.chaos.receiver import Told, read_event, receiving
from e2e.chaos.table import BEGIN, END, PAGE, figure_lines, with_table
from e2e.handover.wire import Wire
from e2e.lab.load import Record
from e2e.play.result import Result
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.canary import CanarySpec
from tests.lab.chaos_facts import OVER_S, STRUCK_S, VERSION, calm, fault, news, refused
from tests.lab.first_light_facts import record

CALM = calm()
_REASONS = tuple(one.reason for one in CALM.good.told)
Spoil = Callable[[Facts], Facts]


def _failed(facts: Facts) -> list[str]:
    return [one.expected for one in judge(fault(facts.fault), facts) if not one.ok]


def _hurt(facts: Facts, *names: str, at_s: float = 15.0, count: int = 5) -> Facts:
    """The clients of these have requests that nobody took."""
    errors = tuple(refused(at_s + number / 10) for number in range(count))
    changed: dict[str, Any] = {
        name: replace(side, records=tuple(sorted((*side.records, *errors), key=lambda one: one.done_at_s)))
        for name, side in zip(NAMES, facts.sides, strict=True)
        if name in names
    }
    return replace(facts, **changed)


def _good(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, good=replace(facts.good, **changes))


def _bad(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, bad=replace(facts.bad, **changes))


def _answered(facts: Facts, one: Record) -> Facts:
    """The bad Canary's clients got this answer too."""
    return _bad(facts, records=tuple(sorted((*facts.bad.records, one), key=lambda each: each.done_at_s)))


def test_three_canaries_are_planned_as_the_controller_reads_them() -> None:
    """Each tells all its news to the provider that is applied with it, under less than 300 requests a second."""
    for name in NAMES:
        spec = CanarySpec.model_validate(canary(name)["spec"])
        assert [alert.provider_ref.name for alert in spec.analysis.alerts] == [
            provider("http://x/")["metadata"]["name"]
        ]
        assert spec.target_ref is not None
        assert spec.target_ref.name == name
    assert str(AlertProviderSpec.model_validate(provider("http://10.244.0.1:1/news")["spec"]).detail) == "all"
    assert RATE_PER_S < 300


def test_the_faults_are_those_that_were_asked_for() -> None:
    """Every one once: the controller killed, two of them, each part of the control plane, streams and network cut."""
    names = [one.name for one in FAULTS]
    assert len(set(names)) == len(names)
    assert {
        "kill", "kill-leader", "freeze-leader", "etcd", "api-server", "istiod", "envoy", "prometheus", "streams", "cut",
    } <= set(names)  # fmt: skip


def test_a_whole_run_is_let_through() -> None:
    """Nobody noticed, the good one is promoted, the bad one is gone 5 s after the fault."""
    assert _failed(CALM) == []
    late = late_s(fault("etcd"), CALM)
    assert late == pytest.approx(5.0, abs=0.3)


def test_errors_that_clients_of_the_resting_canary_have_too_are_the_faults() -> None:
    """As many of the same kind at the same time."""
    assert _failed(_hurt(CALM, *NAMES)) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(lambda facts: _hurt(facts, GOOD), "good: no client error", id="errors of one release alone"),
        pytest.param(lambda facts: _hurt(facts, BAD), "bad: no client error", id="errors of the bad one, not its own"),
        pytest.param(
            lambda facts: _hurt(_hurt(facts, "rest", count=5), GOOD, count=60), "good: no client error", id="far more"
        ),
        pytest.param(
            lambda facts: _hurt(_hurt(facts, "rest"), GOOD, at_s=40.0), "good: no client error", id="at another time"
        ),
        pytest.param(
            lambda facts: _hurt(facts, *NAMES, at_s=45.0), "rest: client errors lie within", id="after the fault"
        ),
        pytest.param(lambda facts: _good(facts, seen=facts.good.seen[:-1]), "good: promoted", id="not over"),
        pytest.param(
            lambda facts: _good(facts, told=news(GOOD, *_REASONS, "Advance", first=3)), "good: each step", id="one more"
        ),
        pytest.param(
            lambda facts: _good(facts, seen=(facts.good.seen[2], *facts.good.seen)),
            "good: each step",
            id="it goes back",
        ),
        pytest.param(lambda facts: _good(facts, serves="1"), "good: promoted", id="the old version is left"),
        pytest.param(
            lambda facts: _answered(facts, record(50.0, primary(BAD), VERSION)), "bad: never", id="it was promoted once"
        ),
        pytest.param(lambda facts: _bad(facts, serves=VERSION), "bad: never promoted", id="it is promoted at the end"),
        pytest.param(
            lambda facts: _bad(facts, seen=(*facts.bad.seen, replace(facts.bad.seen[-1], phase="Promoting"))),
            "bad: never promoted",
            id="it says that it promotes",
        ),
        pytest.param(
            lambda facts: _answered(facts, record(OVER_S + 20.5, BAD, VERSION)), "bad: rolled back", id="too late"
        ),
        pytest.param(
            lambda facts: _bad(facts, seen=facts.bad.seen[:-1]), "bad: rolled back", id="its phase is not Failed"
        ),
        pytest.param(
            lambda facts: _good(facts, told=facts.good.told[1:]), "good: all news", id="the first message is lost"
        ),
        pytest.param(
            lambda facts: _bad(facts, told=(*facts.bad.told[:1], *facts.bad.told[2:])),
            "bad: all news",
            id="a message in the middle is lost",
        ),
        pytest.param(
            lambda facts: _bad(facts, told=news(BAD, "NewRevision", "CheckFailed", "Held")),
            "bad: all news",
            id="the rollback is not told",
        ),
        pytest.param(
            lambda facts: _good(facts, seen=(*facts.good.seen, replace(facts.good.seen[-1], lost=1))),
            "good: all news",
            id="one is given up",
        ),
        pytest.param(
            lambda facts: _good(facts, seen=(*facts.good.seen, replace(facts.good.seen[-1], waiting=1))),
            "good: all news",
            id="one waits still",
        ),
        pytest.param(
            lambda facts: replace(facts, rest=replace(facts.rest, seen=facts.bad.seen)), "rest: stays", id="it moves"
        ),
        pytest.param(lambda facts: replace(facts, unasked_ends=("it ended",)), "it is played to its", id="it ended"),
        pytest.param(lambda facts: replace(facts, overdue="the end"), "it is played to its end", id="overdue"),
    ],
)
def test_one_that_is_spoiled_is_not(spoil: Spoil, expected: str) -> None:
    """Exactly what is spoiled is named first."""
    failed = _failed(spoil(CALM))
    assert failed
    assert any(one.startswith(expected) for one in failed), failed


def test_where_another_replica_can_go_on_a_rollback_is_due_from_the_begin_of_the_fault() -> None:
    """The bad version left at 25: 15 s after the begin, 5 s after the end."""
    facts = replace(CALM, fault="kill-leader")
    assert late_s(fault("kill-leader"), facts) == pytest.approx(15.0, abs=0.3)
    assert bound_s(fault("kill-leader")) == bound_s(fault("kill")) + 20.0


def test_an_error_of_another_kind_is_not_explained() -> None:
    """A 503 where clients of the resting Canary were refused."""
    hurt = _hurt(CALM, "rest")
    odd = record(15.2, "", "", status=503)
    assert unexplained(hurt.rest, replace(CALM.good, records=(*CALM.good.records, odd))) == (odd,)


def test_the_bad_versions_own_errors_are_counted_apart() -> None:
    """Those that it answered itself; not what nobody answered."""
    figure = fault_json(fault("etcd"), _hurt(CALM, BAD, count=3))
    assert figure["errors"] == [0, 0, 3]
    assert figure["spoiled"] == len([one for one in CALM.bad.records if one.status == 500])
    assert figure["decided_after_s"] == 5.0
    assert (figure["promoted"], figure["sent"], figure["delivered"]) == ([True, False], 10, 10)


def test_a_second_delivery_is_none_more() -> None:
    """It is told beside, and hides no loss."""
    twice = _good(CALM, told=(*CALM.good.told[1:], CALM.good.told[1]))
    figure = fault_json(fault("etcd"), twice)
    assert (figure["sent"], figure["delivered"], figure["again"]) == (10, 9, 1)


def test_the_journal_keeps_what_counts_and_no_repetition() -> None:
    """The same status twice is one; another Canary's is none."""
    journal = Journal()
    status = {"phase": "Progressing", "desiredWeight": 20, "notices": 3, "outbox": [{}], "noticesLost": 1}
    for name in (GOOD, GOOD, "else"):
        journal.canary_seen({"metadata": {"name": name}, "status": status})
    [seen] = journal.since(GOOD, 0.0)
    assert (seen.phase, seen.weight_percent, seen.notices, seen.waiting, seen.lost) == ("Progressing", 20, 3, 1, 1)
    assert journal.last(BAD).notices == 0


async def test_the_receiver_keeps_events_of_ours_and_refuses_others() -> None:
    """By the number in its id, the Canary in its source and the reason in its type."""
    event = {
        "id": "5f0c-4a-17",
        "source": "/apis/rollouts.dev/v1beta1/namespaces/default/canaries/good",
        "type": "dev.rollouts.canary.Rollback",
    }
    assert read_event(event, 1.0) == Told(1.0, GOOD, 17, "Rollback")
    async with receiving("127.0.0.1") as (receiver, address), aiohttp.ClientSession() as session:
        codes = []
        for body in (json.dumps(event), "{}", "[]", "no JSON"):
            async with session.post(address, data=body) as answer:
                codes.append(answer.status)
    assert codes == [204, 400, 400, 400]
    assert [one.number for one in receiver.of(GOOD)] == [17]


async def test_a_wire_drops_all_streams_and_lets_new_ones_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An echo through it, dropped in the middle; the next one is whole."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    monkeypatch.setattr("e2e.handover.wire.API_PORT", server.sockets[0].getsockname()[1])
    (tmp_path / "from").write_text(json.dumps({"clusters": [{"cluster": {}}]}), encoding="utf-8")
    wire = Wire()
    await wire.open(tmp_path / "from", tmp_path / "to")
    leads = json.loads((tmp_path / "to").read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    port = int(leads.rpartition(":")[2])
    reader, writer = await _echoed(port)
    wire.drop()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    again_reader, again = await _echoed(port)
    wire.close()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(again_reader.readexactly(1), 5)
    server.close()
    for end in (writer, again):
        end.transport.abort()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(100):
            writer.write(data)
    writer.close()


async def _echoed(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"
    return reader, writer


def test_a_part_counts_only_where_all_of_it_passed_on_this_very_commit(tmp_path: Path) -> None:
    """Not on another one, not with changes, not with a failure."""
    figure = fault_json(fault("etcd"), CALM)
    parts.keep(tmp_path, [Result("etcd", "x", ok=True)], figure, at="abc")
    kept = parts.read(tmp_path, "etcd")
    assert kept is not None
    assert kept["figure"] == figure
    assert [parts.passed(kept, at) for at in ("abc", "abd", "abc-dirty")] == [True, False, False]
    parts.keep(tmp_path, [Result("etcd", "x", ok=False)], figure, at="abc")
    assert not parts.passed(parts.read(tmp_path, "etcd"), "abc")
    assert not parts.passed(parts.read(tmp_path, "kill"), "abc")


def test_the_table_has_what_was_measured_and_takes_the_place_of_the_one_before() -> None:
    """One row for a fault, below the head; written twice it is the same."""
    figure = fault_json(fault("etcd"), CALM)
    lines = figure_lines([figure])
    assert len(lines) == 3
    assert lines[2].startswith("| etcd: down for 10 s | 10.0 | 0 of 1200 | 0 of 1200 | 0 of 1200 |")
    assert lines[2].endswith("| yes | no | +5.0 | +4.8 | 20 | 10 | 10 |")
    page = with_table(f"# Words\n{BEGIN}\nold\n{END}\nmore\n", lines)
    assert "old" not in page
    assert page == with_table(page, lines)
    with pytest.raises(ValueError, match="no place"):
        with_table("# Words", lines)


def test_the_page_has_a_row_for_each_fault() -> None:
    """In their order, and none that is not played any more; what it promises as bounds is what is judged."""
    page = PAGE.read_text(encoding="utf-8")
    rows = page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [one.title for one in FAULTS]
    assert [row.split(" | ")[10] for row in rows] == [f"{bound_s(one):g}" for one in FAULTS]
    assert STRUCK_S < OVER_S
