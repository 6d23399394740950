"""Keys, kubeconfigs, the env file and the plan that `up` writes before anything runs."""

from __future__ import annotations

import json
import shlex
import stat
from pathlib import Path

import pytest
import yaml

from e2e.lab.build import PROFILES, Built, read_module
from e2e.lab.credentials import CONTROLLER, MASTERS, kubeconfig, new_signing_key, new_tokens, token_file
from e2e.lab.environment import inside, parse_env, render_env
from e2e.lab.errors import LabError
from e2e.lab.lab import Lab
from e2e.lab.layout import Layout, cache_root
from e2e.lab.namespaces import Isolation, candidates
from e2e.lab.part import Part, Probe, dump_plan, load_plan, unmet_needs
from e2e.lab.plan import lab_environ, write_plan


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """A cache in which every program of the committed modules is an empty file."""
    entries = {}
    for name in PROFILES["istio"]:
        entry = tmp_path / "cache" / name
        (entry / "bin").mkdir(parents=True)
        for program in read_module(name).tools:
            (entry / "bin" / program).touch()
        entries[name] = entry
    return Built(entries)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_part_of_a_profile_can_start(profile: str, built: Built, tmp_path: Path) -> None:
    """Each need is met by an earlier part, and the plan on disk is the plan."""
    layout = Layout(tmp_path / "lab")
    parts = write_plan(layout, built, profile)
    assert unmet_needs(parts) == {}
    assert load_plan(layout.plan.read_text()) == parts
    assert len({part.name for part in parts}) == len(parts)


def test_keys_are_for_their_owner_alone(built: Built, tmp_path: Path) -> None:
    """Nobody else on the machine may read a token or a key."""
    layout = Layout(tmp_path / "lab")
    write_plan(layout, built, "core")
    secrets = [layout.plan, *(layout.run / "pki").iterdir(), *layout.kubeconfig("admin").parent.iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_the_controller_is_no_user_of_the_labs_making() -> None:
    """It has a token of the shipped account: what it may do comes from the shipped role alone."""
    lines = {line.split(",")[1]: line for line in token_file(new_tokens()).splitlines()}
    assert CONTROLLER not in lines
    assert lines["admin"].endswith(f',"{MASTERS}"')


def test_a_kubeconfig_trusts_the_given_certificate_only() -> None:
    """It has the user's token and the certificate's path, and never skips verification."""
    text = kubeconfig(user="kwok", token="t0ken", certificate=Path("/lab/ca.crt"))
    document = yaml.safe_load(text)
    assert document["users"] == [{"name": "kwok", "user": {"token": "t0ken"}}]
    assert document["clusters"][0]["cluster"]["certificate-authority"] == "/lab/ca.crt"
    assert "insecure" not in text


def test_signing_keys_are_whole_and_differ() -> None:
    """Every key is a DER sequence of the length it announces, and no two are alike."""
    one, other = new_signing_key(), new_signing_key()
    assert one != other
    assert one.startswith("-----BEGIN EC PRIVATE KEY-----\n")


def test_the_env_file_survives_a_round_trip_through_a_shell_word() -> None:
    """Values with spaces and quotes come back as they were."""
    variables = {"A": "plain", "B": "two words", "C": "it's $HOME", "D": ""}
    text = render_env(variables)
    assert parse_env(text) == variables
    assert shlex.split(text)[1] == "B=two words"


def test_commands_inside_know_no_proxy_and_find_the_labs_programs_first() -> None:
    """A proxy of the caller can't be reached from inside, and kubectl must be the lab's."""
    outer = {"PATH": "/usr/bin", "https_proxy": "x", "HTTP_PROXY": "x", "NO_PROXY": "x", "HOME": "/h"}
    environ = inside(outer, {"LAB_PATH": "/lab/bin", "KUBECONFIG": "/k"})
    assert environ == {"PATH": "/lab/bin:/usr/bin", "HOME": "/h", "LAB_PATH": "/lab/bin", "KUBECONFIG": "/k"}


def test_profile_core_promises_no_gateway(built: Built, tmp_path: Path) -> None:
    """Addresses of parts that do not run are absent rather than dead."""
    core = lab_environ(Layout(tmp_path), built, "core")
    istio = lab_environ(Layout(tmp_path), built, "istio")
    assert {"KUBECONFIG", "KUBECONFIG_CONTROLLER", "AUDIT_LOG", "LAB_PATH"} <= core.keys()
    assert istio.keys() - core.keys() >= {"GATEWAY_URL", "PROMETHEUS_URL", "ENVOY_ADMIN_URL", "ISTIOD_URL"}


def test_a_need_that_comes_later_is_unmet() -> None:
    """The order of the plan is the order of starting: a cycle can't be written down."""
    first = Part("first", ("true",), ("second",))
    second = Part("second", ("true",), (), Probe("http://127.0.0.1:1/"))
    assert unmet_needs([first, second]) == {"first": ("second",)}
    assert load_plan(dump_plan([first, second])) == (first, second)


def test_root_tries_its_own_rights_first_and_others_a_user_namespace() -> None:
    """An ordinary user has one way only; entering follows the way the namespaces were made."""
    assert candidates(0) == (Isolation(user_namespace=False), Isolation(user_namespace=True))
    assert candidates(1000) == (Isolation(user_namespace=True),)
    assert "--user" not in Isolation(user_namespace=False).nsenter(7)
    assert "--preserve-credentials" in Isolation(user_namespace=True).nsenter(7)


def test_every_way_ends_the_lab_with_its_supervisor() -> None:
    """Without --kill-child an ended unshare would leave pid 1 behind."""
    assert all("--kill-child" in isolation.unshare() for isolation in candidates(0))


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    """`up` wipes `log` and `run`: it must not do so in somebody's project."""
    (tmp_path / "log").mkdir()
    with pytest.raises(LabError, match="no lab's folder"):
        Lab(tmp_path).up("core")
    assert (tmp_path / "log").exists()


def test_a_lab_that_was_never_up_says_so(tmp_path: Path) -> None:
    """Status is empty, down finds nothing, and commands are refused."""
    lab = Lab(tmp_path / "lab")
    assert lab.status().supervisor is None
    assert not lab.down()
    with pytest.raises(LabError, match="no lab is up"):
        lab.command(["true"])


def test_the_state_of_a_dead_supervisor_is_not_up(tmp_path: Path) -> None:
    """What was written before a crash is shown as the past."""
    lab = Lab(tmp_path / "lab")
    lab.layout.run.mkdir(parents=True)
    part = {"state": "ready", "pid": 1, "seconds": 0.1, "exit_code": None}
    state = {"pid": 1, "start_ticks": -1, "boot_id": "?", "user_namespace": False, "parts": {"etcd": part}}
    lab.layout.state.write_text(json.dumps(state))
    assert not lab.status().is_up
    assert not lab.status().is_whole


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({"XDG_CACHE_HOME": "/c"}, Path("/c/rollouts-lab"), id="xdg"),
        pytest.param({}, Path.home() / ".cache" / "rollouts-lab", id="home"),
        pytest.param({"XDG_CACHE_HOME": ""}, Path.home() / ".cache" / "rollouts-lab", id="empty means unset"),
    ],
)
def test_the_cache_follows_the_xdg_rule(environ: dict[str, str], expected: Path) -> None:
    """XDG_CACHE_HOME where it is set, else ~/.cache."""
    assert cache_root(environ) == expected
