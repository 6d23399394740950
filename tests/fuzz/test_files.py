"""Whatever stands in a file that lint, convert or simulate is given, or in a kubeconfig: read, or refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollouts.convert.convert import convert
from rollouts.convert.render import render_yaml
from rollouts.errors import SpecInvalid
from rollouts.kube.access import AccessUnknown, open_client
from rollouts.kube.kubeconfig import find_place
from rollouts.lint.lint import lint
from rollouts.lint.render import render_json, render_text
from rollouts.manifests.extent import DEPTH_MAX, VALUES_MAX
from rollouts.manifests.read import read_text
from rollouts.simulate.command import Options, simulated
from rollouts.simulate.documents import read_documents
from rollouts.simulate.signal import ready_signals, script_of
from rollouts.testing.scenario import Scenario
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.matter import SECRET, deep, spoilt, stored, texts, torn, values

ROOT = Path(__file__).parents[2]
OURS = [path.read_bytes() for path in sorted((ROOT / "examples").rglob("canary.yaml"))]
THEIRS = [
    path.read_bytes() for path in sorted((ROOT / "tests/convert/golden").glob("*.yaml")) if "expected" not in path.name
]
FILES = st.sampled_from([*OURS, *THEIRS]).flatmap(torn).map(lambda raw: raw.decode(errors="replace"))
OBJECTS = st.sampled_from([*OURS, *THEIRS]).map(lambda raw: list(yaml.safe_load_all(raw)))
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{','.join([f'*a{level - 1}'] * 10)}], x{level}: 1}}\n" for level in range(1, 10)
)
SELF = "apiVersion: v1\nkind: X\nmetadata: {name: a}\nspec: &a {b: [*a]}\n"


def _looked_at(text: str) -> None:
    with bounded_work(10):
        try:
            documents = read_text("f.yaml", text)
        except SpecInvalid as refused:
            assert str(refused).startswith("f.yaml: ")
            return
        found = lint(documents, "default")
        render_text(found, verbose=True)
        json.loads(render_json(found, verbose=True))
        try:
            render_yaml(convert(documents))
        except SpecInvalid as refused:
            assert "f.yaml" in str(refused)


@examples(60)
@given(text=FILES)
def test_a_file_may_be_torn(text: str) -> None:
    """Of bytes that were in a good file, and of others."""
    _looked_at(text)


@examples(40)
@given(objects=OBJECTS.flatmap(spoilt))
def test_a_file_may_hold_anything(objects: Any) -> None:
    """Also numbers that JSON has none of, and names of no alphabet."""
    _looked_at(yaml.safe_dump_all(objects if isinstance(objects, list) else [objects]))


STRANGE = [
    BOMB,
    MERGES,
    SELF,
    "[" * 1500,
    "a: " + "[" * 900 + "]" * 900,
    "kind: List\nitems: 5",
    "? [a]\n: 1\n",
    "kind: List\nitems: [1]\nitems: [1, 2]\n",
    "!!python/object:os.system x",
    "a: 2026-13-45",
    "!!int x",
    "!!float [1]",
    "!!timestamp x",
    "!!map [1]",
    "!!set {a}",
    "!!omap [1]",
    "\x00",
    "--- \n--- |\n%YAML 9.9\n",
]


@pytest.mark.parametrize("text", STRANGE, ids=range(18))
def test_found_file_that_stands_for_more(text: str) -> None:
    """A few lines that are billions of values once their aliases are written out, or that hold themselves; bad tags."""
    _looked_at(text)
    with bounded_work():
        try:
            read_documents(Path("f.yaml"), text)
        except SpecInvalid as refused:
            assert str(refused).startswith("f.yaml: ")


def test_extents_are_those_of_no_honest_file() -> None:
    """What is refused is much more than any object has; what is just below it is read."""
    read_text("f", f"a: {json.dumps(deep(DEPTH_MAX - 3))}")
    with pytest.raises(SpecInvalid, match="nested deeper"):
        read_text("f", f"a: {json.dumps(deep(DEPTH_MAX + 1))}")
    with pytest.raises(SpecInvalid, match="more than"):
        read_text("f", BOMB)
    assert VALUES_MAX > 100_000


SCRIPT = {"times": "intervals", "until": 30, "readyAfter": {"b": 2, "c": "never"}, "when": [
    {"at": 1, "apply": "b"}, {"atWeight": 10, "successRate": 97.5},
    {"at": 3, "ask": {"abort": "1"}, "answers": {"m": ["NaN", 1]}},
    {"at": 4, "policy": {"freeze": "true"}, "hooks": {"gate": "down"},
     "spec": {"analysis": {"threshold": 2}}}]}  # fmt: skip
CANARY = next(iter(yaml.safe_load_all(OURS[0])))


@examples(100)
@given(script=st.one_of(spoilt(SCRIPT), values), interval_s=st.sampled_from([1.0, 10.0, 3600.0]))
def test_a_signal_may_hold_anything(script: Any, interval_s: float) -> None:
    """It is a script, or refused with the place that is wrong."""
    with bounded_work():
        try:
            Scenario.of(CANARY, script_of(script, interval_s))
        except SpecInvalid as refused:
            assert str(refused)


@examples(25)
@given(
    objects=st.just(list(yaml.safe_load_all(OURS[0]))).flatmap(spoilt), output=st.sampled_from(["text", "json", "svg"])
)
def test_a_simulation_may_be_given_anything(
    objects: Any, output: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is played to its end, or refused as kubectl would refuse it."""
    path = tmp_path_factory.mktemp("fuzz") / "canary.yaml"
    path.write_text(yaml.safe_dump_all(stored(objects) if isinstance(objects, list) else [objects]))
    with bounded_work(20):
        try:
            simulated(Options(str(path), ready_signals()[0], output=output))
        except SpecInvalid as refused:
            assert str(refused)


KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "n"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:6443"}}],
    "users": [{"name": "u", "user": {"token": SECRET}}],
}  # fmt: skip


@examples(100)
@given(text=st.one_of(
    spoilt(KUBECONFIG).map(yaml.safe_dump), st.just(yaml.safe_dump(KUBECONFIG).encode()).flatmap(torn).map(
        lambda raw: raw.decode(errors="replace")), st.sampled_from([BOMB, SELF, "[" * 1500, "a: 2026-13-45"])),
    context=st.one_of(st.just(""), st.just("c"), texts))  # fmt: skip
def test_a_kubeconfig_may_hold_anything(text: str, context: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A place is found in it, or the file is named; never with the token."""
    path = tmp_path_factory.mktemp("fuzz") / "config"
    path.write_text(text, encoding="utf-8")
    good = path.with_name("good")
    good.write_text(yaml.safe_dump(KUBECONFIG), encoding="utf-8")
    for files in (str(path), f"{path}{os.pathsep}{good}"):
        with bounded_work():
            try:
                place = find_place(files, context, environ={})
            except AccessUnknown as unknown:
                assert SECRET not in str(unknown)
            else:
                assert place.context


@examples(60)
@given(config=spoilt(KUBECONFIG))
async def test_a_client_is_opened_from_it_or_not(config: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the library trips over is told as a kubeconfig that is none."""
    path = tmp_path_factory.mktemp("fuzz") / "config"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        client = await open_client(kubeconfig=path)
    except AccessUnknown as unknown:
        assert SECRET not in str(unknown)
    else:
        await client.close()


@pytest.mark.parametrize("files", ["~nobody-is-called-so/x", "x" * 5000, "a\x00b"], ids=["home", "long", "zero"])
def test_found_name_that_is_none(files: str) -> None:
    """KUBECONFIG may name what no file can be called."""
    with pytest.raises(AccessUnknown):
        find_place("", environ={"KUBECONFIG": files})


@pytest.mark.parametrize(
    "text", ["contexts: 5\n", "contexts: [5]\n", "a: 2026-13-45\n", SELF, "[" * 1500], ids=range(5)
)
def test_found_kubeconfig_of_another_shape(text: str, tmp_path: Path) -> None:
    """A number where the list of contexts is; a day that no month has; a list in itself."""
    (tmp_path / "bad").write_text(text)
    (tmp_path / "good").write_text(yaml.safe_dump(KUBECONFIG))
    with pytest.raises(AccessUnknown):
        find_place(str(tmp_path / "bad"), environ={})
