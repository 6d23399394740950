"""What a container's environment makes it do."""

from random import Random

import pytest

from e2e.lab.workload.behaviour import BadVariableError, Behaviour, Latency, read_behaviour


def test_an_empty_environment_means_a_fast_flawless_container() -> None:
    """Without variables each answer is 200 and comes at once."""
    assert read_behaviour({}) == Behaviour()


def test_every_variable_is_read() -> None:
    """Each documented variable changes the conduct it names."""
    env = {"VERSION": "v2", "ERROR_RATE": "0.5", "ERROR_STATUS": "503", "STARTUP_S": "1.5", "NEVER_READY": "true"}
    assert read_behaviour({"REFUSE_AFTER_S": "0"}).refuse_after_s == 0.0
    behaviour = read_behaviour(env | {"LATENCY_MS": "20", "TLS_PORT": "8443"})
    assert behaviour == Behaviour("v2", 0.5, 503, Latency(0.02, 0.0), 1.5, never_ready=True, tls_port=8443)


@pytest.mark.parametrize(
    ("env", "variable"),
    [
        pytest.param({"ERROR_RATE": "half"}, "ERROR_RATE", id="rate no number"),
        pytest.param({"ERROR_RATE": "1.1"}, "ERROR_RATE", id="rate above one"),
        pytest.param({"ERROR_RATE": "nan"}, "ERROR_RATE", id="rate nan"),
        pytest.param({"ERROR_STATUS": "200"}, "ERROR_STATUS", id="status no error"),
        pytest.param({"LATENCY_MS": "-1"}, "LATENCY_MS", id="latency negative"),
        pytest.param({"LATENCY_P99_MS": "100"}, "LATENCY_P99_MS", id="tail without median"),
        pytest.param({"LATENCY_MS": "20", "LATENCY_P99_MS": "10"}, "LATENCY_P99_MS", id="tail below median"),
        pytest.param({"STARTUP_S": "soon"}, "STARTUP_S", id="startup no number"),
        pytest.param({"REFUSE_AFTER_S": "-1"}, "REFUSE_AFTER_S", id="refusal before it starts"),
        pytest.param({"NEVER_READY": "perhaps"}, "NEVER_READY", id="truth unclear"),
        pytest.param({"VERSION": "1\r\nx-evil: 1"}, "VERSION", id="version breaks the header"),
    ],
)
def test_a_malformed_value_names_its_variable(env: dict[str, str], variable: str) -> None:
    """Whoever wrote the pod is told which variable to mend."""
    with pytest.raises(BadVariableError, match=variable) as caught:
        read_behaviour(env)
    assert caught.value.variable == variable


def test_the_tail_is_log_normal() -> None:
    """A median of 20 ms with a 99th percentile of 2000 ms puts about 5 % of the answers above 500 ms."""
    latency = read_behaviour({"LATENCY_MS": "20", "LATENCY_P99_MS": "2000"}).latency
    rng = Random(1)
    draws_s = sorted(latency.draw_s(rng) for _ in range(100_000))
    assert draws_s[50_000] == pytest.approx(0.020, rel=0.03)
    assert draws_s[99_000] == pytest.approx(2.0, rel=0.1)
    assert sum(draw > 0.5 for draw in draws_s) / len(draws_s) == pytest.approx(0.052, abs=0.004)


def test_errors_come_at_their_rate() -> None:
    """An error rate of 0.3 fails 30 % of the answers, with the status asked for."""
    behaviour = read_behaviour({"ERROR_RATE": "0.3", "ERROR_STATUS": "502"})
    rng = Random(1)
    drawn = [behaviour.draw_status(rng) for _ in range(20_000)]
    assert set(drawn) == {200, 502}
    assert drawn.count(502) / len(drawn) == pytest.approx(0.3, abs=0.015)
