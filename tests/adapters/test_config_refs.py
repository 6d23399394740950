from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.ownership import Owner
from rollouts.workloads.config_copies import copy_name, render_copy
from rollouts.workloads.config_refs import ConfigRef, references, rewritten

CONTAINER: dict[str, Any] = {"name": "app", "image": "app:1"}


def pod(container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A template with one container, and whatever else."""
    return {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [CONTAINER | (container or {})], **spec}}


def env(field: str, **more: Any) -> dict[str, Any]:
    """A container with one variable from one key."""
    return {"env": [{"name": "X", "valueFrom": {field: {"name": "a", "key": "k", **more}}}]}


def config(*, optional: bool = False) -> ConfigRef:
    """ConfigMap `a`."""
    return ConfigRef("ConfigMap", "a", optional)


def secret(*, optional: bool = False) -> ConfigRef:
    """Secret `a`."""
    return ConfigRef("Secret", "a", optional)


ROWS = [
    pytest.param(pod(env("configMapKeyRef")), [config()], id="variable from a ConfigMap"),
    pytest.param(pod(env("secretKeyRef")), [secret()], id="variable from a Secret"),
    pytest.param(pod(env("secretKeyRef", optional=True)), [secret(optional=True)], id="optional variable"),
    pytest.param(pod({"envFrom": [{"configMapRef": {"name": "a"}}]}), [config()], id="all of a ConfigMap"),
    pytest.param(pod({"envFrom": [{"prefix": "P_", "secretRef": {"name": "a"}}]}), [secret()], id="all of a Secret"),
    pytest.param(pod(volumes=[{"name": "v", "configMap": {"name": "a"}}]), [config()], id="volume of a ConfigMap"),
    pytest.param(pod(volumes=[{"name": "v", "secret": {"secretName": "a"}}]), [secret()], id="volume of a Secret"),
    pytest.param(
        pod(volumes=[{"name": "v", "projected": {"sources": [
            {"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "a"}}, {"secret": {"name": "a"}},
        ]}}]),
        [config(), secret()], id="projected volume",
    ),
    pytest.param(pod(initContainers=[CONTAINER | env("configMapKeyRef")]), [config()], id="init container"),
    pytest.param(
        pod(env("configMapKeyRef", optional=True), volumes=[{"name": "v", "configMap": {"name": "a"}}]), [config()],
        id="optional in one place only",
    ),
    pytest.param(
        pod(
            env("configMapKeyRef", optional=True), volumes=[{"name": "v", "configMap": {"name": "a", "optional": True}}]
        ),
        [config(optional=True)], id="optional everywhere",
    ),
    pytest.param(pod(), [], id="none"),
    pytest.param(pod({"env": [{"name": "X", "value": "1"}, {"name": "Y"}]}), [], id="plain variables"),
    pytest.param(
        pod({"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}), [], id="own fields"
    ),
    pytest.param(pod(imagePullSecrets=[{"name": "a"}]), [], id="imagePullSecrets"),
    pytest.param(
        pod(volumes=[{"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "a"}}},
                     {"name": "w", "emptyDir": {}}]), [], id="other volumes",
    ),
    pytest.param(pod({"envFrom": None, "env": None}, volumes=None, initContainers=None), [], id="nulls"),
    pytest.param({}, [], id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "found"), ROWS)
def test_what_a_template_refers_to(template: dict[str, Any], found: list[ConfigRef]) -> None:
    """Each object once, ConfigMaps first, optional only where every reference is."""
    assert list(references(template)) == found


@pytest.mark.parametrize(("template", "found"), ROWS)
def test_every_reference_that_is_found_is_rewritten(template: dict[str, Any], found: list[ConfigRef]) -> None:
    """And the template itself stays as it is."""
    before = copy.deepcopy(template)
    names = {("ConfigMap", "a"): "b", ("Secret", "a"): "c"}
    other = [ConfigRef(ref.kind, names[ref.kind, ref.name], ref.optional) for ref in found]

    assert list(references(rewritten(template, names))) == other
    assert template == before


_NAME = st.sampled_from(["a", "b", "c"])
_OPTIONAL = st.fixed_dictionaries({}, optional={"optional": st.booleans()})


def _reference(field: str = "name") -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda name, more: {field: name, **more}, _NAME, _OPTIONAL)


_SOURCE = st.one_of(
    st.builds(lambda ref: {"configMapRef": ref}, _reference()), st.builds(lambda ref: {"secretRef": ref}, _reference())
)
_VARIABLE = st.one_of(
    st.builds(lambda ref: {"name": "X", "valueFrom": {"configMapKeyRef": {"key": "k", **ref}}}, _reference()),
    st.builds(lambda ref: {"name": "X", "valueFrom": {"secretKeyRef": {"key": "k", **ref}}}, _reference()),
    st.just({"name": "X", "value": "a"}),
)
_PROJECTED = st.one_of(
    st.builds(lambda ref: {"configMap": ref}, _reference()), st.builds(lambda ref: {"secret": ref}, _reference())
)
_VOLUME = st.one_of(
    st.builds(lambda ref: {"name": "a", "configMap": ref}, _reference()),
    st.builds(lambda ref: {"name": "a", "secret": ref}, _reference("secretName")),
    st.builds(lambda sources: {"name": "a", "projected": {"sources": sources}}, st.lists(_PROJECTED, max_size=3)),
    st.just({"name": "a", "emptyDir": {}}),
)
_CONTAINER = st.builds(
    lambda variables, sources: {"name": "a", "image": "a", "env": variables, "envFrom": sources},
    st.lists(_VARIABLE, max_size=3), st.lists(_SOURCE, max_size=3),
)  # fmt: skip
TEMPLATES = st.builds(
    lambda containers, inits, volumes: {
        "spec": {"containers": containers, "initContainers": inits, "volumes": volumes,
                 "imagePullSecrets": [{"name": "a"}]}
    },
    st.lists(_CONTAINER, min_size=1, max_size=2), st.lists(_CONTAINER, max_size=2), st.lists(_VOLUME, max_size=3),
)  # fmt: skip


@given(TEMPLATES)
def test_rewriting_there_and_back_is_the_same(template: dict[str, Any]) -> None:
    """Only names are changed, and not those of pull secrets, or that refer to nothing."""
    there = {(ref.kind, ref.name): f"{ref.name}-copy" for ref in references(template)}
    back = {(kind, other): name for (kind, name), other in there.items()}
    changed = rewritten(template, there)

    assert rewritten(changed, back) == template
    assert {(ref.kind, ref.name) for ref in references(changed)} == {(kind, name) for (kind, _), name in there.items()}
    assert changed["spec"]["imagePullSecrets"] == [{"name": "a"}]
    assert rewritten(template, {}) == template


@given(st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", fullmatch=True), st.integers(1, 245))
def test_a_copy_always_has_a_name_that_the_server_takes(name: str, length: int) -> None:
    """However long both are; and another content, object or workload has another one."""
    primary = "p" * length + "-primary"
    made = copy_name(name, primary, "0" * 16)
    assert len(made) <= 253
    assert "--" not in made[-12:]
    assert ".-" not in made[-12:]
    others = {copy_name(name, primary, "1" * 16), copy_name(name + "x", primary, "0" * 16),
              copy_name(name, primary + "x", "0" * 16)}  # fmt: skip
    assert len(others | {made}) == 4


def test_names_of_copies_never_change() -> None:
    """Fixed: another one would roll out every primary."""
    assert copy_name("settings", "app-primary", "0123456789abcdef") == "settings-app-primary-fc3234f52b"


def test_a_copy_names_its_origin_and_its_owner() -> None:
    """No ownerReference, and no content yet."""
    owner = Owner("shop", "app", "u")
    rendered = render_copy(owner, secret(), "app-primary", "0123456789abcdef")
    assert rendered == {
        "apiVersion": "v1", "kind": "Secret", "immutable": True,
        "metadata": {
            "name": copy_name("a", "app-primary", "0123456789abcdef"), "namespace": "shop", "labels": owner.labels(),
            "annotations": {"rollouts.dev/copy-of": "a"},
        },
    }  # fmt: skip
