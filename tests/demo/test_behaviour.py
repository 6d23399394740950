from __future__ import annotations

import math

import pytest

from e2e.lab.workload.behaviour import BadVariableError, read_behaviour
from rollouts.demo.behaviour import behaviour_of

GOOD = [
    {},
    {"VERSION": "7", "ERROR_RATE": "0.25", "ERROR_STATUS": "503", "STARTUP_S": "1.5"},
    {"LATENCY_MS": "20", "LATENCY_P99_MS": "2000"},
    {"LATENCY_MS": "20"},
    {"NEVER_READY": "true"},
    {"NEVER_READY": "0", "UNKNOWN": "x"},
]
BAD = [
    {"ERROR_RATE": "1.5"},
    {"ERROR_RATE": "nan"},
    {"ERROR_RATE": "much"},
    {"ERROR_STATUS": "200"},
    {"STARTUP_S": "-1"},
    {"LATENCY_P99_MS": "5"},
    {"LATENCY_MS": "20", "LATENCY_P99_MS": "5"},
    {"NEVER_READY": "perhaps"},
]


def template(env: dict[str, str]) -> dict[str, object]:
    """A pod template with that environment."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return {"spec": {"containers": [{"name": "app", "env": variables}]}}


@pytest.mark.parametrize("env", GOOD, ids=str)
def test_an_environment_means_what_it_means_in_the_lab(env: dict[str, str]) -> None:
    """The lab's workload server is the measure."""
    here, there = behaviour_of(template(env)), read_behaviour(env)
    assert here.flaw == ""
    assert (here.version, here.error_ratio, here.error_status) == (there.version, there.error_ratio, there.error_status)
    assert (here.median_ms, here.sigma) == pytest.approx((1000 * there.latency.median_s, there.latency.sigma))
    assert here.ready_after_s == (math.inf if there.never_ready else there.startup_s)


@pytest.mark.parametrize("env", BAD, ids=str)
def test_what_the_lab_refuses_never_becomes_ready(env: dict[str, str]) -> None:
    """And the flaw names the variable."""
    with pytest.raises(BadVariableError) as refused:
        read_behaviour(env)
    here = behaviour_of(template(env))
    assert here.flaw.startswith(f"{refused.value.variable} ")
    assert here.ready_after_s == math.inf


def test_a_variable_from_elsewhere_is_a_flaw() -> None:
    """There is nothing that it could be taken from."""
    variable = {"name": "ERROR_RATE", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}
    here = behaviour_of({"spec": {"containers": [{"name": "app", "env": [variable]}]}})
    assert here.flaw == "ERROR_RATE: valueFrom is not simulated"
