from __future__ import annotations

import pytest

from rollouts.core.measurement import Probe, Signal, Subject
from rollouts.errors import InvariantViolated
from rollouts.metrics.istio import Services, render_query

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
