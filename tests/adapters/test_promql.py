from __future__ import annotations

import pytest

from rollouts.api.metric import Metric
from rollouts.core.measurement import Probe, Signal, Subject
from rollouts.errors import InvariantViolated
from rollouts.metrics.istio import Services, render_query
from rollouts.metrics.reading import AS_IT_IS, reading_of

LABELS = 'reporter="destination",destination_workload_namespace="shop",destination_workload="checkout"'

SERIES = f"istio_requests_total{{{LABELS}}}"

CALLERS = LABELS.replace("destination", "source", 1)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        pytest.param(
            Probe(Signal.SUCCESS_RATE, window_s=60),
            f'100 * (1 - (sum(rate(istio_requests_total{{{LABELS},response_code=~"5.."}}[60s])) or vector(0))'
            f" / sum(rate(istio_requests_total{{{LABELS}}}[60s])))",
            id="success rate",
        ),
        pytest.param(
            Probe(Signal.DURATION, window_s=1.5),
            "histogram_quantile(0.99, sum by (le)"
            f" (rate(istio_request_duration_milliseconds_bucket{{{LABELS}}}[1500ms])))",
            id="duration",
        ),
        pytest.param(
            Probe(Signal.REQUEST_RATE),
            f"sum(irate(istio_requests_total{{{LABELS}}}[2m]) and istio_requests_total{{{LABELS}}})",
            id="request rate",
        ),
        pytest.param(
            Probe(Signal.REQUESTS, window_s=30),
            f"((sum(increase({SERIES}[30s]) and {SERIES} offset 30s) or vector(0))"
            f" + (sum({SERIES} unless {SERIES} offset 30s) or vector(0)))"
            f" unless on() (({SERIES} and {SERIES} offset 30s) unless increase({SERIES}[30s]))",
            id="requests",
        ),
        pytest.param(
            Probe(Signal.CALLERS_DURATION, window_s=60),
            "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{"
            f'{CALLERS},response_flags=~".*DI.*"}}[60s])'
            f" or rate(istio_request_duration_milliseconds_bucket{{{LABELS}}}[60s])))",
            id="duration with what faults add",
        ),
        pytest.param(Probe(Signal.SOURCE_ALIVE), "vector(1)", id="source alive"),
    ],
)
def test_each_signal_has_its_query(probe: Probe, expected: str) -> None:
    """The text is what users see in their own Prometheus when they check a verdict."""
    assert render_query(probe, "shop", "checkout") == expected


def _metric(**fields: object) -> Metric:
    return Metric.model_validate({"name": "request-success-rate", "thresholdRange": {"min": 99}, **fields})


def test_a_metric_names_the_failures_and_who_counts_them() -> None:
    """Of both sorts each once; what callers know to have failed on the way is asked beside."""
    metric = _metric(failures={"http": ["5xx", "429"], "grpc": [13, 14]}, reporter="source")
    probe = Probe(Signal.SUCCESS_RATE, window_s=60)
    query = render_query(probe, "shop", "checkout", reading=reading_of([metric], probe))
    http, grpc = (
        f'rate(istio_requests_total{{{CALLERS},{failed},response_flags!~".*(UF|UH|UO|UT).*"}}[60s])'
        for failed in ('response_code=~"5..|429"', 'grpc_response_status=~"13|14"')
    )
    everything = f"sum(rate(istio_requests_total{{{CALLERS}}}[60s]))"
    assert query == f"100 * (1 - (sum({http} or {grpc}) or vector(0)) / {everything})"


def test_a_metric_names_its_quantile_and_who_measures_it() -> None:
    """What a fault delayed is asked beside; for both the same quantile."""
    metric = _metric(name="request-duration", quantile=0.95, reporter="waypoint")
    labels = LABELS.replace("destination", "waypoint", 1)
    own, delayed = (
        f'rate(istio_request_duration_milliseconds_bucket{{{labels},response_flags{way}".*DI.*"}}[60s])'
        for way in ("!~", "=~")
    )
    for signal, series in ((Signal.DURATION, own), (Signal.CALLERS_DURATION, f"{delayed} or {own}")):
        probe = Probe(signal, window_s=60)
        query = render_query(probe, "shop", "checkout", reading=reading_of([metric], probe))
        assert query == f"histogram_quantile(0.95, sum by (le) ({series}))"


@pytest.mark.parametrize(
    ("probe", "reporter"),
    [
        (Probe(Signal.REQUESTS, window_s=9, metric="request-success-rate"), "source"),
        (Probe(Signal.UNREACHED, window_s=9), "source"),
        (Probe(Signal.REQUESTS, window_s=9), "waypoint"),
        (Probe(Signal.REQUEST_RATE), "waypoint"),
    ],
    ids=["asked for a metric", "beside one", "a count of all", "silence"],
)
def test_a_question_is_read_as_the_metric_it_is_asked_for(probe: Probe, reporter: str) -> None:
    """And one that is asked for none by the waypoint where there is one, since nobody else counts there."""
    metrics = [_metric(reporter="source"), _metric(name="request-duration", reporter="waypoint")]

    assert reading_of(metrics, probe).reporter == reporter
    assert reading_of(metrics[:1], Probe(Signal.REQUEST_RATE)) == AS_IT_IS


@pytest.mark.parametrize("shared", [False, True], ids=["a Service of its own", "one of several versions"])
def test_what_reached_no_pod_is_asked_by_the_services_name(*, shared: bool) -> None:
    """Of a Service that other versions have too, only what a fault did is known to be meant."""
    services = Services(("c-canary",), shared, (500, 555))
    query = render_query(Probe(Signal.UNREACHED, window_s=60), "shop", "checkout", services)
    meant = 'reporter="source",destination_service_namespace="shop",destination_service_name=~"c-canary"'
    lost = f'{meant},destination_workload="unknown",response_code=~'
    lost += '"500|555",response_flags=~".*FI.*"' if shared else '"5.."'
    uncounted = f'{CALLERS},response_code=~"5..",response_flags=~".*(UF|UH|UO|UT).*"'
    failed, more, arrived = (
        f"(sum(rate(istio_requests_total{{{series}}}[60s])) or vector(0))" for series in (lost, uncounted, CALLERS)
    )
    assert query == f"100 * ({failed} + {more}) / ({failed} + {arrived})"


def test_what_reached_no_pod_of_both_is_part_of_all_that_was_asked_of_their_services() -> None:
    """Whoever it was meant for."""
    query = render_query(Probe(Signal.UNREACHED, Subject.BOTH, 60), "shop", "any", Services(("c", "c-primary")))
    called = 'reporter="source",destination_service_namespace="shop",destination_service_name=~"c|c-primary"'
    failed = f'sum(rate(istio_requests_total{{{called},destination_workload="unknown",response_code=~"5.."}}[60s]))'
    assert query == f"100 * ({failed} or vector(0)) / sum(rate(istio_requests_total{{{called}}}[60s]))"


def test_a_label_value_cannot_leave_its_quotes() -> None:
    """Whatever a name holds, it stays a value."""
    query = render_query(Probe(Signal.REQUEST_RATE), 'a"b', "c\\d\ne")
    assert r'destination_workload_namespace="a\"b",destination_workload="c\\d\ne"' in query
    assert "\n" not in query


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param(Probe(Signal.RIGHTS), id="a question to the API server"),
        pytest.param(Probe(Signal.SUCCESS_RATE), id="a rate without a look-back"),
        pytest.param(Probe(Signal.DURATION, window_s=0.0001), id="a look-back below a millisecond"),
    ],
)
def test_what_is_no_question_to_a_metric_source_is_a_defect(probe: Probe) -> None:
    """Asking it anyway is our own mistake, and is said so."""
    with pytest.raises(InvariantViolated):
        render_query(probe, "shop", "checkout")
