"""A template with a provider of its own: its question goes there, with its credentials, and nowhere else."""

from __future__ import annotations

import base64
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import ANALYSIS_TEMPLATES, CANARIES, SECRETS
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import Outcome, Probe, Rejected, Signal, Subject, Unreachable, Value
from rollouts.engine.custom import CustomMetrics
from rollouts.engine.recipes import Standing
from rollouts.engine.subject import Subject as CanaryOf
from rollouts.metrics.sources import Sources
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import START, VirtualClock
from tests.adapters.prometheus_server import Canned, PrometheusServer, prometheus_server, vector
from tests.api.templates import manifest as template
from tests.engine.test_template_keeper import Source

LOOPBACK = ReachPolicy(allow=("127.0.0.0/8",))
PROBE = Probe(Signal.CUSTOM, Subject.CANARY, 60, "errors")


def _standing(spec: dict[str, Any], **secret: str) -> Standing:
    """A Canary in `shop` by a template in `lib`, where the Secret is."""
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(ANALYSIS_TEMPLATES, template(spec | {"allowedNamespaces": ["shop"]}, namespace="lib"))
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secret.items()}
    metadata = {"name": "login", "namespace": "lib"}
    cluster.put(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    ref = {"name": "errors", "namespace": "lib"}
    metric = {
        "name": "errors",
        "templateRef": ref,
        "templateVariables": {"project": "a/b"},
        "thresholdRange": {"max": 1},
    }
    analysis = {"stepWeight": 10, "metrics": [metric]}
    wire = {"targetRef": {"name": "cart"}, "service": {"port": 80}, "analysis": analysis}
    manifest = {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "spec": wire,
                "metadata": {"name": "cart", "namespace": "shop", "uid": "u"}}  # fmt: skip
    subject = CanaryOf(manifest, Owner.of(manifest), CanarySpec.model_validate(wire))
    return Standing(cluster, subject, CanaryStatus())


async def _asked(standing: Standing, reach: ReachPolicy = LOOPBACK) -> tuple[Outcome, Outcome, Source]:
    """What vetting says, what measuring says, and the controller's own source, which is to be left alone."""
    own = Source(Value(7))
    cluster = standing.cluster
    assert isinstance(cluster, MemoryCluster)
    sources = Sources(own, VirtualClock(), reach)
    custom = CustomMetrics(MemorySecrets(cluster.server), sources)
    vetted, measured = await custom.vet("errors", standing, START), await custom.measure(PROBE, standing, START)
    await sources.aclose()
    return vetted, measured, own


def _web(server: PrometheusServer, json_path: str = "$.data.crashes") -> dict[str, Any]:
    web = {"path": "/projects/{{ args.project }}/stats?app={{ target }}", "jsonPath": json_path}
    provider = {"type": "web", "address": server.url, "secretRef": {"name": "login"}}
    return {"provider": provider, "args": [{"name": "project"}], "web": web}


async def test_a_number_in_json_is_measured() -> None:
    """At the path with the Canary's words, each one piece of it, with the token of the template's namespace."""
    async with prometheus_server(Canned(body=b'{"data": {"crashes": 3}}')) as server:
        vetted, measured, own = await _asked(_standing(_web(server), token="t0ken"))
        request = server.requests[-1]

    assert (vetted, measured, own.asked) == (Value(3), Value(3), [])
    assert (request["path"], request["app"]) == ("/projects/a%2Fb/stats", "cart")
    assert request["authorization"] == "Bearer t0ken"


async def test_a_wrong_json_path_is_found_when_it_is_applied() -> None:
    """With what is wrong with it."""
    async with prometheus_server(Canned(body=b'{"data": {"crashes": 3}}')) as server:
        vetted, _, _ = await _asked(_standing(_web(server, "$["), token="t"))

    assert isinstance(vetted, Rejected)
    assert vetted.kind == "QueryRejected"
    assert "no JSONPath" in vetted.reason


async def test_another_prometheus_is_asked_with_its_headers() -> None:
    """And not the controller's own."""
    async with prometheus_server(vector("2")) as server:
        provider = {"address": server.url, "headers": {"X-Scope-OrgID": ["shop"]}}
        query = 'sum(errors{p="{{ args.project }}"})'
        standing = _standing({"provider": provider, "query": query, "args": [{"name": "project"}]})
        vetted, measured, own = await _asked(standing)
        request = server.requests[-1]

    assert (vetted, measured, own.asked) == (Value(2), Value(2), [])
    assert (request["query"], request["x-scope-orgid"]) == ('sum(errors{p="a/b"})', "shop")


async def test_what_is_missing_in_a_secret_is_said() -> None:
    """Before anything is sent."""
    async with prometheus_server(vector("2")) as server:
        vetted, _, _ = await _asked(_standing(_web(server), other="x"))
        assert server.requests == []

    assert isinstance(vetted, Rejected)
    assert vetted.kind == "ProviderInvalid"
    assert "Secret login has none of the keys token" in vetted.reason


async def test_an_address_that_may_not_be_asked_is_not() -> None:
    """What the controller reaches is not what its users may send it to."""
    async with prometheus_server(vector("2")) as server:
        vetted, measured, _ = await _asked(_standing(_web(server), token="t"), ReachPolicy())
        assert server.requests == []

    assert isinstance(vetted, Rejected | Unreachable)
    assert isinstance(measured, Rejected | Unreachable)
    assert "may not be called" in vetted.reason
