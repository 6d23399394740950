"""Each template that we ship, on a real Prometheus with a known past: every value is plain arithmetic."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.admission.admit import admit
from rollouts.admission.definition import definitions_of
from rollouts.api.canary import CanarySpec
from rollouts.api.crd import template_crd
from rollouts.api.ownership import Owner
from rollouts.api.resources import ANALYSIS_TEMPLATES, CANARIES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.api.template import AnalysisTemplateStatus
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Unreachable, Value
from rollouts.engine.custom import CounterPairs, CustomMetrics, OneSource
from rollouts.engine.recipes import Standing
from rollouts.engine.subject import Subject as CanaryOf
from rollouts.engine.template_keeper import TemplateKeeper
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from tests.adapters.template_past import past

FOLDER = Path(__file__).parents[2] / "analysis-templates"
FILES = sorted(FOLDER.glob("*.yaml"))
DEFINITION = definitions_of(template_crd())[0]
DEADLINE_S = 30.0
LAST = "orders_total"


@dataclass(frozen=True, slots=True)
class Case:
    """What a template shows of the canary that is well, of the one that is not, and by which arguments."""

    well: float
    ill: float
    variables: Callable[[str], dict[str, str]] = field(default=lambda _: {})
    """By namespace."""
    target: str = "cart"


def _cluster(namespace: str) -> dict[str, str]:
    return {"cluster": f"httproute/{namespace}/cart/rule/0/backend/1"}


def _group(namespace: str) -> dict[str, str]:
    return {"group": namespace}


CASES = {
    # Of 100 a second: 0.5 failed, or 10.
    "istio-success-rate": Case(99.5, 90),
    "error-budget-burn": Case(5, 100),
    # The 99th of 100 is the last one below 250 ms; or at 39 of 40 between 1000 and 2500.
    "istio-latency": Case(250, 2462.5),
    # 95 content and 5 patient; or 50 content, 40 patient, and 10 that failed fast.
    "apdex": Case(0.975, 0.7, lambda _: {"satisfied": "100", "tolerated": "2500"}),
    # NOT_FOUND is no failure, UNAVAILABLE and INTERNAL are.
    "grpc-success-rate": Case(99.6, 60, target="rpc"),
    # 15 found no pod, 5 hung up.
    "gateway-api-success-rate": Case(100, 80),
    "gateway-api-latency": Case(250, 2462.5),
    "envoy-gateway-success-rate": Case(100, 75, _cluster),
    "envoy-gateway-latency": Case(250, 2462.5, _cluster),
    "cpu-throttling": Case(1, 60),
    "memory-saturation": Case(80, 98),
    "restarts": Case(0, 3),
    "log-error-rate": Case(1, 250),
    # Two partitions, 6 each, or growing by 3 a second since 4500 s.
    "queue-lag": Case(12, 27012, _group),
    "queue-lag-growth": Case(0, 6, _group),
}
COUNTERS = {"business-errors": {"bad": "orders_failed_total", "total": "orders_total"}}


def _template(name: str, namespace: str) -> Manifest:
    manifest: Manifest = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    manifest["metadata"]["namespace"] = namespace
    return admit(DEFINITION, manifest).manifest


def _standing(name: str, namespace: str, target: str = "cart", **metric: Any) -> Standing:
    """A Canary whose one metric is the template's."""
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(ANALYSIS_TEMPLATES, _template(name, namespace))
    one = {"name": "checked", "templateRef": {"name": name}, "thresholdRange": {"max": 1}} | metric
    spec = {
        "targetRef": {"name": target}, "service": {"port": 80},
        "analysis": {"stepWeight": 10, "metrics": [one]},
    }  # fmt: skip
    metadata = {"name": target, "namespace": namespace, "uid": "u"}
    manifest = {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "metadata": metadata, "spec": spec}
    subject = CanaryOf(manifest, Owner.of(manifest), CanarySpec.model_validate(spec))
    return Standing(cluster, subject, CanaryStatus())


def test_each_template_has_a_case_and_its_file_its_name() -> None:
    """None is shipped untested; each says how to use it, and can be admitted as it is."""
    assert {file.stem for file in FILES} == CASES.keys() | COUNTERS.keys()
    assert len(FILES) >= 12
    for file in FILES:
        admitted = _template(file.stem, "default")
        assert (admitted["kind"], admitted["metadata"]["name"]) == ("AnalysisTemplate", file.stem)
        assert admitted["spec"]["description"]
        assert all(arg["description"] for arg in admitted["spec"]["args"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_example_at_a_templates_head_can_be_applied(file: Path) -> None:
    """Who copies it gets a Canary that is taken."""
    lines = [line.removeprefix("# ") for line in file.read_text().splitlines() if line.startswith("#   ")]
    metrics = yaml.safe_load("\n".join(lines))["metrics"]
    analysis = {"stepWeight": 10, "metrics": metrics}
    spec = CanarySpec.model_validate({"targetRef": {"name": "cart"}, "service": {"port": 80}, "analysis": analysis})
    (metric,) = spec.analysis.metrics
    assert metric.template_ref is not None
    assert metric.template_ref.name == file.stem
    args = {arg["name"]: arg for arg in _template(file.stem, "default")["spec"]["args"]}
    assert {name for name, arg in args.items() if "value" not in arg} <= metric.template_variables.keys() <= args.keys()


# ---- On a real Prometheus ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """A Prometheus with the past in it, and the instant at which that ends."""

    url: str
    at: datetime

    @contextmanager
    def asked(self) -> Iterator[PrometheusSource]:
        """A way to ask it."""
        yield PrometheusSource(self.url, PrometheusOptions(workers=2))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    """One Prometheus for all, that has scraped once."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH: run inside the lab")
    folder = tmp_path_factory.mktemp("prometheus")
    at = datetime.now(tz=UTC).replace(microsecond=0)
    page = "\n".join(line for series in past() for line in series.lines(at)) + "\n"
    with _serving(page.encode()) as target, _running(binary, target, folder) as url:
        _wait_until_scraped(url, at)
        yield Known(url, at)


@contextmanager
def _serving(body: bytes) -> Iterator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _running(binary: str, target: str, folder: Path) -> Iterator[str]:
    # Ten seconds: the page is large, and what it brings a second time is refused as known.
    scrape = {"job_name": "past", "scrape_interval": "10s", "static_configs": [{"targets": [target]}]}
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, *options, "--log.level=error"], stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _wait_until_scraped(url: str, at: datetime) -> None:
    query = urllib.parse.urlencode({"query": f"count({LAST})", "time": at.timestamp()})
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=5) as answer:  # noqa: S310 - loopback
                if json.load(answer)["data"]["result"]:
                    return
        except OSError:
            pass  # not up yet
        time.sleep(0.1)
    raise AssertionError("nothing was scraped")


async def _measured(known: Known, standing: Standing) -> Outcome:
    """The value, after the source has taken the question as right."""
    with known.asked() as source:
        custom = CustomMetrics(MemorySecrets(standing.cluster.server), OneSource(source))  # type: ignore[attr-defined]
        vetted = await custom.vet("checked", standing, known.at)
        assert not isinstance(vetted, Rejected | Unreachable), vetted
        outcome = await custom.measure(Probe(Signal.CUSTOM, Subject.CANARY, 60, "checked"), standing, known.at)
        await source.aclose()
    return Value(round(outcome.number, 6)) if isinstance(outcome, Value) else outcome


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
async def test_a_template_shows_what_the_canary_is(known: Known, name: str) -> None:
    """One value when it is well and another when it is ill, whatever its primary does; without traffic no value."""
    case = CASES[name]
    found = {
        namespace: await _measured(
            known, _standing(name, namespace, case.target, templateVariables=case.variables(namespace))
        )
        for namespace in ("well", "ill", "quiet")
    }
    assert found == {"well": Value(case.well), "ill": Value(case.ill), "quiet": NoData()}


@pytest.mark.lab
async def test_arguments_change_what_is_counted(known: Known) -> None:
    """Which answers fail, which quantile, over which windows."""
    asked = [
        ("istio-success-rate", {"failures": "5..|404"}, 99.0),
        ("istio-latency", {"quantile": "0.5"}, 100 * 50 / 95),
        ("grpc-success-rate", {"failures": "5|14"}, 99.0),
        ("error-budget-burn", {"objective": "99", "long": "30m", "short": "1m"}, 0.5),
        ("log-error-rate", {"errors": "INFO"}, 999.0),
    ]
    for name, variables, value in asked:
        target = CASES[name].target
        assert await _measured(known, _standing(name, "well", target, templateVariables=variables)) == Value(
            round(value, 6)
        ), name


@pytest.mark.lab
@pytest.mark.parametrize("name", COUNTERS)
async def test_counters_are_those_of_the_sides_own_pods(known: Known, name: str) -> None:
    """As they stand, for either side: what they differ by is counted elsewhere."""
    standing = _standing(name, "ill", templateVariables=COUNTERS[name], thresholdRange=None, objective=99.9,
                         evaluation="sequential")  # fmt: skip
    with known.asked() as source:
        custom = CustomMetrics(MemorySecrets(standing.cluster.server), OneSource(source))  # type: ignore[attr-defined]
        assert isinstance(await custom.vet("checked", standing, known.at), Value)
        found = await custom.counters("checked", standing, (Subject.CANARY, Subject.STABLE))
        assert isinstance(found, CounterPairs)
        assert found.source is None
        sums = {
            side: [await source.measure(f"sum({text})", known.at) for text in (pair.bad, pair.total)]
            for side, pair in found.pairs.items()
        }
        await source.aclose()
    assert sums == {Subject.CANARY: [Value(100), Value(1000)], Subject.STABLE: [Value(1), Value(500)]}


@pytest.mark.lab
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_template_is_taken_as_it_is_shipped(known: Known, file: Path) -> None:
    """Applied without any Canary, it is Ready."""
    assert await _told(known, _template(file.stem, "shop")["spec"]) == ("True", "Accepted")


@pytest.mark.lab
async def test_a_share_of_nothing_is_no_wrong_query(known: Known) -> None:
    """Before there are requests it may be infinite, and is no fault of the query."""
    assert await _told(known, {"query": "vector(1) / 0"}) == ("True", "Accepted")


@pytest.mark.lab
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"query": 'sum(rate(x{a="{{ target }}"}[{{ interval }}])'}, "unclosed left parenthesis"),
        ({"query": "x[5m]"}, "gives a matrix instead of one number"),
        ({"query": "orders_total"}, "series instead of one: aggregate them"),
        ({"counters": {"bad": "rate(x[1m])", "total": "x"}}, "ranges only allowed for vector selectors"),
    ],
    ids=["syntax", "range", "many series", "rate of a counter"],
)
async def test_a_wrong_query_is_found_when_it_is_applied(known: Known, spec: Manifest, words: str) -> None:
    """With the words of the Prometheus that it is meant for."""
    status, reason, message = await _told(known, spec, whole=True)
    assert (status, reason) == ("False", "QueryRejected")
    assert words in message


async def _told(known: Known, spec: Manifest, *, whole: bool = False) -> tuple[str, ...]:
    clock = VirtualClock()
    cluster = MemoryCluster(clock.now)
    metadata = {"name": "one", "namespace": "shop"}
    cluster.put(ANALYSIS_TEMPLATES, {"apiVersion": "rollouts.dev/v1beta1", "kind": "AnalysisTemplate",
                                     "metadata": metadata, "spec": spec})  # fmt: skip
    key = ObjectKey("shop", "one")
    with known.asked() as source:
        custom = CustomMetrics(MemorySecrets(cluster.server), OneSource(_At(source, known.at)))
        await TemplateKeeper(cluster, custom, clock).look(key)
        await source.aclose()
    stored = cluster.read(ANALYSIS_TEMPLATES, key)
    assert stored is not None
    (ready,) = AnalysisTemplateStatus.model_validate(stored["status"]).conditions
    return (ready.status, ready.reason, ready.message) if whole else (ready.status, ready.reason)


@dataclass(frozen=True, slots=True)
class _At:
    """Asks at the end of the past, whatever the clock says."""

    source: PrometheusSource
    at: datetime

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - that is what it is for
        return await self.source.measure(query, self.at)
