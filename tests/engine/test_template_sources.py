"""Templates that name sources of their own: from the object over the Secret to what a server is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from rollouts.api.resources import ANALYSIS_TEMPLATES, SECRETS, ObjectKey
from rollouts.api.template import AnalysisTemplateStatus
from rollouts.core.measurement import Outcome
from rollouts.engine.custom import CustomMetrics
from rollouts.engine.template_keeper import TemplateKeeper
from rollouts.metrics.sources import Sources
from rollouts.metrics.vault import DOUBTED, Vault
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.secrets import MemorySecrets
from tests.adapters.source_doubles import HandClock
from tests.api.templates import manifest
from tests.kube.rude_server import RudeServer, Step, reply, rude_server

KEY = ObjectKey("shop", "errors")
ACCEPTED = ("True", "Accepted", "its source takes the query")
PROMETHEUS = reply(
    200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "5"]}]}}
)
WEB = {"path": "/slo?app={{ target }}", "jsonPath": "$.errors"}


class Own:
    """Implements `ports.MetricSource` where the controller's own is not to be asked."""

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - as the port has it
        raise AssertionError(query)


class Place:
    """A server, a cluster, and who tells templates what their source says."""

    def __init__(self, server: RudeServer, reach: ReachPolicy) -> None:
        self.server, self.clock = server, HandClock()
        self.cluster = MemoryCluster(self.clock.now)
        self.vault = Vault(MemorySecrets(self.cluster.server), self.clock)
        self.sources = Sources(Own(), self.clock, reach, refused=self.vault.doubt)
        custom = CustomMetrics(self.vault, self.sources)
        self.keeper = TemplateKeeper(self.cluster, custom, self.clock)

    def keep(self, **data: str) -> None:
        """The user applies the Secret."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        metadata = {"name": "login", "namespace": "shop"}
        self.cluster.put(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})

    async def told(self, spec: dict[str, Any], *answers: Step, **provider: Any) -> tuple[str, str, str]:
        """What a template is told that names the server, once applied; the server answers so."""
        self.server.script.extend(answers)
        whole = {**spec, "provider": {"address": self.server.url, **provider}}
        self.cluster.put(ANALYSIS_TEMPLATES, manifest(whole))
        await self.keeper.look(KEY)
        stored = self.cluster.read(ANALYSIS_TEMPLATES, KEY)
        assert stored is not None
        (ready,) = AnalysisTemplateStatus.model_validate(stored["status"]).conditions
        return ready.status, ready.reason, ready.message


@asynccontextmanager
async def place(reach: ReachPolicy = ReachPolicy(allow=("127.0.0.0/8",))) -> AsyncIterator[Place]:  # noqa: B008 - frozen
    """All of it, and its end."""
    async with rude_server() as server:
        made = Place(server, reach)
        try:
            yield made
        finally:
            await made.sources.aclose()


async def test_a_web_template_is_asked_of_its_server() -> None:
    """By its path, with the Secret's token."""
    async with place() as made:
        made.keep(token="hunter2")
        told = await made.told(
            {"web": WEB}, reply(200, {"errors": 3}), type="web", secretRef={"name": "login"}, headers={"X-Team": ["a"]}
        )
        assert told == ACCEPTED
        (asked,) = made.server.asked
    assert (asked.method, asked.path, asked.query) == ("GET", "/slo", {"app": "x"})
    assert (asked.headers["authorization"], asked.headers["x-team"]) == ("Bearer hunter2", "a")


@pytest.mark.parametrize(
    "kept", [{"token": "hunter2"}, {"username": "me", "password": "hunter2"}], ids=["token", "user"]
)
async def test_a_credential_that_a_source_sends_back_is_told_to_nobody(kept: dict[str, str]) -> None:
    """A template may be for Canaries of other namespaces, whose people read what the source says."""
    async with place() as made:
        made.keep(**kept)
        pair = base64.b64encode(b"me:hunter2").decode()
        echo = reply(400, {"status": "error", "error": f"no series for hunter2 or {pair}"})
        _, reason, message = await made.told({"query": "up"}, echo, secretRef={"name": "login"})
        assert made.server.asked
    assert reason == "QueryRejected"
    assert "hunter2" not in message
    assert "username" not in kept or pair not in message


async def test_a_body_is_posted_with_its_variables() -> None:
    """A value stays within its string, whatever is in it."""
    body = '{"app": "{{ args.a }}", "window": {{ args.n }}}'
    args = [{"name": "a", "value": 'x", "app": "y'}, {"name": "n", "value": "5"}]
    async with place() as made:
        spec = {"web": {"path": "/ask", "body": body, "jsonPath": "$.n"}, "args": args}
        assert await made.told(spec, reply(200, {"n": 3}), type="web") == ACCEPTED
        (asked,) = made.server.asked
    assert (asked.method, asked.path) == ("POST", "/ask")
    assert json.loads(asked.body) == {"app": 'x", "app": "y', "window": 5}


async def test_a_body_that_is_no_json_is_told() -> None:
    """And not sent."""
    async with place() as made:
        spec = {"web": {"path": "/ask", "body": "{app: 1}", "jsonPath": "$.n"}}
        told = await made.told(spec, type="web")
        assert told == ("False", "QueryRejected", "the query: the body is no JSON")
        assert not made.server.asked


async def test_a_prometheus_of_its_own_is_asked() -> None:
    """With a user and a password."""
    async with place() as made:
        made.keep(username="me", password="hunter2")
        assert await made.told({"query": "up"}, PROMETHEUS, secretRef={"name": "login"}) == ACCEPTED
        (asked,) = made.server.asked
    assert asked.path == "/api/v1/query"
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'me:hunter2').decode()}"


@pytest.mark.parametrize("kind", ["web", "prometheus"])
async def test_no_template_reaches_what_only_the_controller_can(kind: str) -> None:
    """Loopback, by default; the condition has the operator's way out."""
    spec: dict[str, Any] = {"web": WEB} if kind == "web" else {"query": "up"}
    async with place(ReachPolicy()) as made:
        status, reason, message = await made.told(spec, PROMETHEUS, type=kind)
        assert (status, reason) == ("Unknown", "SourceUnreachable")
        assert "the address may not be called: it is loopback" in message
        assert "ROLLOUTS_REACH_ALLOW" in message
        assert not made.server.asked


async def test_a_secret_that_can_not_be_used_is_told_without_its_content() -> None:
    """By its name and key."""
    async with place() as made:
        made.keep(username="hunter2")
        told = await made.told({"query": "up"}, type="prometheus", secretRef={"name": "login"})
        said = "the query: Secret login has one of username and password: both are needed"
        assert told == ("False", "ProviderInvalid", said)


async def test_a_new_token_counts_soon_after_the_old_one_was_refused() -> None:
    """Nobody restarts anything."""
    async with place() as made:
        made.keep(token="old")
        how: dict[str, Any] = {"type": "web", "secretRef": {"name": "login"}}
        status, _, message = await made.told({"web": {"jsonPath": "$.errors"}}, reply(401), **how)
        assert (status, message) == (
            "False",
            "the query: the credentials are refused (HTTP 401): check secretRef and headers",
        )
        made.keep(token="new")
        made.clock.at += DOUBTED
        assert await made.told({"web": {"jsonPath": "$.errors"}}, reply(200, {"errors": 1}), **how) == ACCEPTED
        tokens = [asked.headers["authorization"] for asked in made.server.asked]
    assert tokens == ["Bearer old", "Bearer new"]
