"""Which cluster a person means, by flags, environment and files, and what is said where that can't be told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.kube import kubeconfig
from rollouts.kube.access import AccessUnknown
from rollouts.kube.kubeconfig import Place, find_place

TWO: dict[str, Any] = {
    "current-context": "test",
    "contexts": [
        {"name": "test", "context": {"cluster": "c1", "user": "ann", "namespace": "shop"}},
        {"name": "prod", "context": {"cluster": "c2"}},
    ],
    "clusters": [{"name": "c1", "cluster": {"server": "https://one:6443"}}, {"name": "c2"}],
}


def _file(path: Path, told: Any = None) -> str:
    """A kubeconfig there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else yaml.safe_dump(TWO if told is None else told), encoding="utf-8")
    return str(path)


def _named(name: str) -> dict[str, Any]:
    """One with a context of that name alone."""
    return {"current-context": name, "contexts": [{"name": name, "context": {"namespace": name}}]}


def test_the_present_context(tmp_path: Path) -> None:
    """Its namespace, account and server."""
    files = _file(tmp_path / "config")

    place = find_place(files, environ={})

    assert place == Place(files, "test", "shop", "ann", "https://one:6443")
    assert str(place) == f"context test of {files}"


def test_another_context(tmp_path: Path) -> None:
    """What it does not say has kubectl's default, or is not known."""
    files = _file(tmp_path / "config")
    assert find_place(files, "prod", environ={}) == Place(files, "prod", "default", "", "")


def test_a_flag_goes_before_the_environment_and_that_before_the_home(tmp_path: Path) -> None:
    """As with kubectl. An empty variable is none."""
    flag, variable, usual = (_file(path) for path in (tmp_path / "f", tmp_path / "v", tmp_path / ".kube" / "config"))
    environ = {"KUBECONFIG": variable, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    assert find_place(flag, environ=environ, home=tmp_path).files == flag
    assert find_place(environ=environ, home=tmp_path).files == variable
    assert find_place(environ={**environ, "KUBECONFIG": ""}, home=tmp_path).files == usual


def test_several_files_are_one(tmp_path: Path) -> None:
    """Of what has the same name the first counts; a file that is not there is left out."""
    first = _file(tmp_path / "first", _named("test") | {"current-context": "prod"})
    files = os.pathsep.join([str(tmp_path / "absent"), "", first, _file(tmp_path / "second")])

    assert find_place(environ={"KUBECONFIG": files}).context == "prod"
    assert find_place(environ={"KUBECONFIG": files}, context="test").namespace == "test"


def test_the_home_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag may hold one that no shell has read."""
    _file(tmp_path / "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_place("~/mine", environ={}).context == "test"


@pytest.mark.parametrize(("written", "namespace"), [("shop\n", "shop"), (None, "default"), ("", "default")])
def test_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str | None, namespace: str) -> None:
    """Its service account, where there is no file; in its namespace."""
    monkeypatch.setattr(kubeconfig, "POD", tmp_path)
    if written is not None:
        (tmp_path / "namespace").write_text(written, encoding="utf-8")

    place = find_place(environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, home=tmp_path)

    assert (place.files, place.namespace, str(place)) == ("", namespace, "the pod's service account")


def test_a_context_in_a_pod_is_one_of_a_file(tmp_path: Path) -> None:
    """Who names a context does not mean the pod's own account."""
    with pytest.raises(AccessUnknown, match="no kubeconfig"):
        find_place(context="test", environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, home=tmp_path)


BAD: dict[str, tuple[Any, str, str]] = {
    "no current context": ({**TWO, "current-context": ""}, "", r"no current context: .* by --context \(prod, test\)"),
    "no contexts": ({"kind": "Config"}, "", r"has no current context: choose one by --context \(none\)"),
    "another context": (TWO, "dev", r"has no context 'dev': choose one by --context \(prod, test\)"),
    "no YAML": ("a: [", "", "can't be read: it is no YAML: name another"),
    "a list": ("- a", "", "holds no kubeconfig: name another"),
    "nothing": ("", "", "holds no kubeconfig"),
    "YAML that would run something": ("a: !!python/object/apply:os.getcwd []", "", "it is no YAML"),
}


@pytest.mark.parametrize(("told", "context", "said"), BAD.values(), ids=BAD.keys())
def test_a_file_of_no_use(tmp_path: Path, told: Any, context: str, said: str) -> None:
    """What is wrong, and what there is to choose from."""
    with pytest.raises(AccessUnknown, match=said):
        find_place(_file(tmp_path / "config", told), context, environ={})


def test_what_is_no_text(tmp_path: Path) -> None:
    """Such as a key that was named by mistake: nothing of it is shown."""
    (tmp_path / "key").write_bytes(b"\xff\xfe secret")
    with pytest.raises(AccessUnknown, match="can't be read") as refused:
        find_place(str(tmp_path / "key"), environ={})
    assert "secret" not in str(refused.value)


def test_nothing_there(tmp_path: Path) -> None:
    """Without any file it is said where one was looked for; a folder is none."""
    with pytest.raises(AccessUnknown, match=rf"{tmp_path}/.kube/config does not exist, and KUBECONFIG is not set"):
        find_place(environ={}, home=tmp_path)
    with pytest.raises(AccessUnknown, match="no such file: name one by --kubeconfig, or set KUBECONFIG"):
        find_place(str(tmp_path), environ={})


def test_entries_that_say_nothing(tmp_path: Path) -> None:
    """What is no entry is passed over; what has no content counts as empty."""
    told: dict[str, Any] = {
        "current-context": "a",
        "contexts": ["x", {"name": 3}, {"context": {}}, {"name": "a", "context": "x"}, None],
        "clusters": None,
    }
    assert find_place(_file(tmp_path / "config", told), environ={}).namespace == "default"
