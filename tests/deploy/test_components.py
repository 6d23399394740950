"""The components of deploy/components/, rendered over each overlay: what the chart's values say, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.settings import PREFIX, Settings
from tests.deploy.manifests import DEPLOY, ROOT, Manifest, find, render, render_text
from tests.deploy.test_helm import render_chart

pytestmark = pytest.mark.kube

COMPONENTS = sorted(one.name for one in (DEPLOY / "components").iterdir())
ALIKE = {"secrets-watch": "--set=secrets.watch=true", "secrets-none": "--set=secrets.enabled=false"}
"""The chart's value that means the same."""
SCOPES = {"cluster-wide": "ClusterRole", "ha": "ClusterRole", "namespaced": "Role"}
"""Each overlay, and the kind of its role."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user has a copy of deploy/ beside crds/."""
    for part in ("crds", "deploy"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def with_components(folder: Path, overlay: str, *components: str) -> Path:
    """A kustomization of the user's own, as docs/install.md shows it."""
    told = {
        "resources": [f"deploy/overlays/{overlay}"],
        "components": [f"deploy/components/{one}" for one in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    return folder


def settings_of(made: list[Manifest]) -> dict[str, str]:
    """What the process is told."""
    data: dict[str, str] = find(made, "ConfigMap", "rollouts-settings")["data"]
    return data


def rules_of(made: list[Manifest], kind: str) -> list[dict[str, Any]]:
    """Of the controller's role."""
    rules: list[dict[str, Any]] = find(made, kind)["rules"]
    return rules


def test_each_has_a_value_of_the_chart() -> None:
    """None is left out of what follows."""
    assert sorted(ALIKE) == COMPONENTS


@pytest.mark.parametrize("overlay", SCOPES)
@pytest.mark.parametrize("component", ALIKE)
def test_rights_and_setting_are_those_of_the_chart(folder: Path, component: str, overlay: str) -> None:
    """Rule by rule the role that helm makes, and the variables it sets; neither half comes alone."""
    made = render(with_components(folder, overlay, component))
    scope = ("--set=scope=namespace",) if SCOPES[overlay] == "Role" else ()
    charts = render_chart(ALIKE[component], *scope)

    assert rules_of(made, SCOPES[overlay]) == rules_of(charts, SCOPES[overlay])
    assert settings_of(made) == settings_of(charts)
    mode = settings_of(made)[f"{PREFIX}SECRETS"]
    assert Settings.model_validate({"secrets": mode}).secrets == mode == component.removeprefix("secrets-")


@pytest.mark.parametrize("overlay", SCOPES)
@pytest.mark.parametrize("component", ALIKE)
def test_all_else_is_as_without_it(folder: Path, component: str, overlay: str) -> None:
    """The role's rule and the one variable are all that it touches, and without it none is set."""
    made = render(with_components(folder, overlay, component))
    plain = render(with_components(folder, overlay))
    assert f"{PREFIX}SECRETS" not in settings_of(plain)
    for one in (made, plain):
        role = find(one, SCOPES[overlay])
        role["rules"] = [rule for rule in role["rules"] if rule["resources"] != ["secrets"]]
        settings_of(one).pop(f"{PREFIX}SECRETS", None)
    assert made == plain


@pytest.mark.parametrize("order", [COMPONENTS, COMPONENTS[::-1]], ids=" then ".join)
def test_both_together_are_refused(folder: Path, order: list[str]) -> None:
    """As the chart refuses them: nobody gets one half of each."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        render_text(with_components(folder, "cluster-wide", *order))
    assert "/rules/11" in refused.value.stderr
