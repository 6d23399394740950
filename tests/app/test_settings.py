from __future__ import annotations

from pathlib import Path

import pytest

from rollouts.reach.policy import ReachPolicy
from rollouts.settings import Settings, SettingsInvalid, read_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ROLLOUTS_{name.upper()}", raising=False)


def test_without_any_variable_a_pod_can_start() -> None:
    """The defaults are those of a pod beside Prometheus."""
    settings = read_settings()
    assert (settings.kubeconfig, settings.metrics_server) == (None, "http://prometheus:9090")
    assert (settings.metrics_grid_s, settings.metrics_headers) == (5.0, {})
    assert (settings.listen, settings.log_level, settings.workers) == ("0.0.0.0:8080", "info", 8)


def test_the_namespace_is_that_of_the_service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a pod it is told by a file; elsewhere, or where that is empty, it is the one of deploy/."""
    file = tmp_path / "namespace"
    monkeypatch.setattr("rollouts.settings._NAMESPACE_FILE", file)
    assert read_settings().namespace == "rollouts-system"
    file.write_text("release\n")
    assert read_settings().namespace == "release"
    file.write_text("")
    assert read_settings().namespace == "rollouts-system"


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each by its name in capitals, with the prefix."""
    kubeconfig = tmp_path / "config"
    kubeconfig.touch()
    token = tmp_path / "token"
    token.touch()
    files = ("BEARER_TOKEN", "PASSWORD", "CA", "CERT", "KEY")
    values = {f"METRICS_{name}_FILE": str(token) for name in files} | {
        "METRICS_GRID_S": "15",
        "METRICS_USERNAME": "ann",
        "METRICS_TENANT": "shop",
        "METRICS_HEADERS": '{"X-Team": "shop"}',
        "KUBECONFIG": str(kubeconfig),
        "METRICS_SERVER": "https://u:p@prom.example/x",
        "LISTEN": "127.0.0.1:0",
        "LOG_LEVEL": "debug",
        "NAMESPACE": "release",
        "IDENTITY": "rollouts-0",
        "SHARDING": "true",
        "LEASE_S": "30",
        "WATCH_NAMESPACE": "shop",
        "WORKERS": "64",
        "REACH_ALLOW": "127.0.0.0/8, *.example.com",
        "REACH_DENY": "10.0.0.0/8",
        "API": "true",
        "SECRETS": "watch",
        "CLUSTER_NAME": "eu-1",
        "EXTERNAL_URL": "https://rollouts.example/",
        "LINK_KEY_FILE": str(token),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"ROLLOUTS_{name}", value)
    settings = read_settings()
    assert settings.model_dump(mode="json") == {
        **{f"metrics_{name.lower()}_file": str(token) for name in files},
        "api": True,
        "cluster_name": "eu-1",
        "external_url": "https://rollouts.example",
        "link_key_file": str(token),
        "metrics_grid_s": 15.0,
        "metrics_username": "ann",
        "metrics_tenant": "shop",
        "metrics_headers": {"X-Team": "shop"},
        "kubeconfig": str(kubeconfig),
        "metrics_server": "https://u:p@prom.example/x",
        "listen": "127.0.0.1:0",
        "log_level": "debug",
        "namespace": "release",
        "identity": "rollouts-0",
        "sharding": True,
        "lease_s": 30,
        "secrets": "watch",
        "watch_namespace": "shop",
        "workers": 64,
        "reach_allow": "127.0.0.0/8, *.example.com",
        "reach_deny": "10.0.0.0/8",
    }
    assert settings.reach == ReachPolicy(("127.0.0.0/8", "*.example.com"), ("10.0.0.0/8",))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("METRICS_SERVER", "nonsense", "write a URL such as http://prometheus:9090"),
        ("METRICS_SERVER", "ftp://secret@host", "write a URL such as http://prometheus:9090"),
        ("METRICS_SERVER", "http://[", "Invalid IPv6 URL"),
        ("METRICS_GRID_S", "-1", "Input should be greater than or equal to 0"),
        ("METRICS_TENANT", "a\nb", "write one line of ASCII"),
        ("METRICS_HEADERS", "nonsense", "write a JSON object of headers"),
        ("METRICS_HEADERS", '{"a b": "c"}', 'write a JSON object of headers, such as {"X-Team": "shop"}'),
        ("METRICS_HEADERS", '{"a": "c\\n"}', 'write a JSON object of headers, such as {"X-Team": "shop"}'),
        ("METRICS_CA_FILE", "/nowhere/ca", "Path does not point to a file"),
        ("KUBECONFIG", "/nowhere/secret", "Path does not point to a file"),
        ("KUBECONFIG", "", "Path does not point to a file"),
        ("LISTEN", "8080", "write host:port, such as 0.0.0.0:8080"),
        ("LISTEN", ":8080", "write host:port, such as 0.0.0.0:8080"),
        ("LISTEN", "localhost:http", "write host:port, such as 0.0.0.0:8080"),
        ("LISTEN", "localhost:65536", "write host:port, such as 0.0.0.0:8080"),
        ("LOG_LEVEL", "loud", "Input should be 'debug', 'info', 'warning' or 'error'"),
        ("SECRETS", "list", "Input should be 'get', 'watch' or 'none'"),
        ("NAMESPACE", "Release", "write the name of a namespace, such as rollouts-system"),
        ("WATCH_NAMESPACE", "a,b", "write the name of a namespace, such as rollouts-system"),
        ("REACH_ALLOW", "10.0.0.1/8", "write networks, addresses, names or *.domains with commas between them"),
        ("REACH_DENY", "a b", "write networks, addresses, names or *.domains with commas between them"),
        ("WORKERS", "0", "Input should be greater than or equal to 1"),
        ("WORKERS", "many", "Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_bad_value_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    """The variable and what to write; never the value, which may hold a password."""
    monkeypatch.setenv(f"ROLLOUTS_{name}", value)
    with pytest.raises(SettingsInvalid) as refused:
        read_settings()
    assert str(refused.value) == f"ROLLOUTS_{name}: {says}"


def test_a_certificate_without_its_key_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither is of any use alone."""
    file = tmp_path / "pem"
    file.touch()
    monkeypatch.setenv("ROLLOUTS_METRICS_CERT_FILE", str(file))
    with pytest.raises(SettingsInvalid, match="ROLLOUTS_METRICS_KEY_FILE: a certificate and its key go together"):
        read_settings()


def test_every_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has two to correct hears of both at once."""
    monkeypatch.setenv("ROLLOUTS_LISTEN", "x")
    monkeypatch.setenv("ROLLOUTS_WORKERS", "0")
    with pytest.raises(SettingsInvalid, match=r"ROLLOUTS_LISTEN: .*; ROLLOUTS_WORKERS: "):
        read_settings()
