"""A template is told whether its source takes its question, when it is applied and before any Canary uses it."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime
from typing import Any

import pytest

from rollouts.api.resources import ANALYSIS_TEMPLATES, SECRETS, ObjectKey
from rollouts.api.template import AnalysisTemplateStatus
from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.engine.custom import CustomMetrics, OneSource
from rollouts.engine.template_keeper import AGAIN, TemplateKeeper
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.api.templates import manifest

KEY = ObjectKey("shop", "errors")
PARSE_ERROR = Rejected("Prometheus rejects the query: parse error")


class Source:
    """Implements `ports.MetricSource`: one answer to everything, and what was asked."""

    def __init__(self, answer: Outcome) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - it knows no past
        self.asked.append(query)
        return self.answer


class Place:
    """A cluster with one template, and who keeps its status."""

    def __init__(self, spec: dict[str, Any], answer: Outcome = NoData()) -> None:  # noqa: B008 - frozen
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(self.clock.now)
        self.source = Source(answer)
        custom = CustomMetrics(MemorySecrets(self.cluster.server), OneSource(self.source))
        self.keeper = TemplateKeeper(self.cluster, custom, self.clock)
        self.put(spec)

    def put(self, spec: dict[str, Any]) -> None:
        """The user applies the template."""
        self.cluster.put(ANALYSIS_TEMPLATES, manifest(spec))

    async def look(self) -> datetime | None:
        return await self.keeper.look(KEY)

    @property
    def told(self) -> tuple[str, str, str]:
        """Status, reason and message of Ready."""
        stored = self.cluster.read(ANALYSIS_TEMPLATES, KEY)
        assert stored is not None
        status = AnalysisTemplateStatus.model_validate(stored["status"])
        assert status.observed_generation == stored["metadata"]["generation"]
        (ready,) = status.conditions
        return ready.status, ready.reason, ready.message


ARG = [{"name": "a"}]
SECRET = [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}}]
STANDS_IN = (
    "with x in place of what only a Canary can say: the query: Prometheus rejects the query: parse error; each Canary "
    "that uses it is told for itself"
)
NO_VARIABLE = (
    "{{ nobody }} is no variable: there are canary, ingress, interval, name, namespace, pods, primary, service, "
    "target, args.NAME and variables.NAME"
)
NO_SECRET = "Secret shop/keys, which a template refers to, does not exist: create it, or correct the template"
VERDICTS: list[Any] = [
    pytest.param({"query": 'sum(x{a="{{ target }}"}[{{ interval }}])'}, Value(1), 'sum(x{a="x"}[1m])',
                 ("True", "Accepted", "its source takes the query"), None, id="taken"),
    pytest.param({"query": "x{{ args.a }}", "args": [{"name": "a", "value": "y"}]}, NoData(), "xy",
                 ("True", "Accepted", "its source takes the query"), None, id="taken with its own default"),
    pytest.param({"query": "sum("}, PARSE_ERROR, "sum(",
                 ("False", "QueryRejected", "the query: Prometheus rejects the query: parse error"), AGAIN,
                 id="rejected"),
    pytest.param({"query": "x[{{ args.a }}]", "args": ARG}, PARSE_ERROR, "x[x]",
                 ("Unknown", "ArgumentsNeeded", STANDS_IN), None,
                 id="rejected with stand-ins"),
    pytest.param({"query": "{{ variables.a }}"}, NoData(), "x",
                 ("True", "Accepted", "its source takes the query"), None, id="taken with stand-ins"),
    pytest.param({"query": "x"}, Unreachable("Prometheus: refused"), "x",
                 ("Unknown", "SourceUnreachable", "Prometheus: refused: whether the query is right is not known yet"),
                 AGAIN, id="nobody answers"),
    pytest.param({"query": "x{{ args.b }}", "args": ARG}, NoData(), None,
                 ("False", "QueryInvalid", "{{ args.b }} is no argument: add it to args"), None, id="undeclared"),
    pytest.param({"query": "{{ nobody }}"}, NoData(), None,
                 ("False", "QueryInvalid", NO_VARIABLE), None, id="no variable"),
    pytest.param({"query": "{{ a b }}"}, NoData(), None,
                 ("False", "QueryInvalid", "{{ 'a b' }} is no variable: write one name between the braces"), None,
                 id="no name"),
    pytest.param({"query": 7}, NoData(), None,
                 ("False", "TemplateInvalid", "spec.query: Input should be a valid string"), None, id="invalid"),
    pytest.param({"query": "{{ args.a }}", "args": SECRET}, NoData(), None,
                 ("False", "SecretNotFound", NO_SECRET), AGAIN, id="no Secret"),
    pytest.param({"query": "x", "provider": {"address": "https://other"}}, NoData(), None,
                 ("False", "ProviderInvalid", "the query: no other source than the controller's own is known"), AGAIN,
                 id="no source"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "answer", "asked", "told", "again"), VERDICTS)
async def test_what_is_told(spec: dict[str, Any], answer: Outcome, asked: str | None, told: Any, again: Any) -> None:
    """The condition Ready of a template, the query that was asked for it, and whether time may mend it."""
    place = Place(spec, answer)
    again_at = await place.look()

    assert place.told == told
    assert place.source.asked == ([] if asked is None else [asked])
    assert again_at == (None if again is None else place.clock.now() + again)


async def test_what_is_told_is_asked_and_written_once() -> None:
    """A good template costs nothing any more, in this process and the next; a bad one is written once."""
    place = Place({"query": "x"})
    await place.look()
    place.cluster.writes.clear()
    assert await place.look() is None
    assert (len(place.source.asked), place.cluster.writes) == (1, [])

    place.put({"query": "y" * 3000})
    place.source.answer = Rejected("no " * 200)
    await place.look()
    assert len(place.cluster.writes) == 1
    await place.look()
    assert (place.source.asked[1:], len(place.cluster.writes)) == (["y" * 3000] * 2, 1)


async def test_an_edit_is_looked_at() -> None:
    """What was said of the generation before says nothing of this one."""
    place = Place({"query": "sum("}, PARSE_ERROR)
    await place.look()
    assert place.told[0] == "False"
    place.put({"query": "sum(x)"})
    place.source.answer = Value(1)
    await place.look()
    assert place.told[0] == "True"


async def test_a_status_that_cannot_be_read_is_written_anew() -> None:
    """The API server takes more for a time than a calendar has: such a status ended the whole controller."""
    place = Place({"query": "x"}, Value(1))
    bad = {"type": "Ready", "status": "True", "reason": "Accepted", "lastTransitionTime": "2026-05-04T12:00:00+99:99"}
    place.cluster.set_status(ANALYSIS_TEMPLATES, KEY, {"observedGeneration": 1, "conditions": [bad]})
    await place.look()
    assert place.told[0] == "True"


async def test_a_secret_is_put_in_and_never_told() -> None:
    """Neither by what the source quotes, nor by what can't be put in."""
    spec = {"query": 'x{a="{{ args.a }}"}', "args": SECRET}
    place = Place(spec, Rejected('unexpected "hunter 2"'))
    data = {"a": base64.b64encode(b"hunter 2").decode()}
    metadata = {"name": "keys", "namespace": "shop"}
    place.cluster.put(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    await place.look()
    assert place.source.asked == ['x{a="hunter 2"}']
    assert place.told == ("False", "QueryRejected", 'the query: unexpected "***"')

    place.put(spec | {"query": "{{ args.a }}"})
    await place.look()
    assert place.told[1] == "QueryInvalid"
    assert "hunter" not in place.told[2]


def test_templates_are_looked_at_as_they_come() -> None:
    """Those that are there, those that are added, and again those that time may mend."""
    place = Place({"query": "x"}, Unreachable("away"))

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(place.keeper.run())
            await asyncio.sleep(1)
            assert place.told[0] == "Unknown"
            place.source.answer = Value(1)
            await asyncio.sleep(AGAIN.total_seconds())
            assert place.told[0] == "True"
            place.put({"query": "y"})
            place.keeper.add(KEY)
            await asyncio.sleep(1)
            assert (place.told[0], place.source.asked) == ("True", ["x", "x", "y"])
            running.cancel()

    run_virtually(place.clock, story())
