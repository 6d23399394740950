from __future__ import annotations

import pytest

from rollouts.core.measurement import Probe, Signal
from rollouts.errors import InvariantViolated
from rollouts.metrics.istio import render_query

LABELS = 'reporter="destination",destination_workload_namespace="shop",destination_workload="checkout"'

SERIES = f"istio_requests_total{{{LABELS}}}"


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
        pytest.param(Probe(Signal.SOURCE_ALIVE), "vector(1)", id="source alive"),
    ],
)
def test_each_signal_has_its_query(probe: Probe, expected: str) -> None:
    """The text is what users see in their own Prometheus when they check a verdict."""
    assert render_query(probe, "shop", "checkout") == expected


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
