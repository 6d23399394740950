"""The same bad files, given to `kubectl apply` and to `rollouts simulate`: both say the same of the Canary in them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from rollouts.errors import SpecInvalid
from rollouts.simulate.simulation import simulate
from tests.admission.rows import ROWS
from tests.embedded.cluster import embedded, real
from tests.embedded.kubectl_script import Kubectl, Said, Step

pytestmark = pytest.mark.kube

GOOD = """\
apiVersion: rollouts.dev/v1beta1
kind: Canary
metadata: {name: app}
spec:
  targetRef: {name: app}
  service: {port: 80}
  analysis:
    interval: 10s
    threshold: 2
    stepWeight: 10
    metrics:
    - {name: request-success-rate, thresholdRange: {min: 99}}
"""
BAD = {
    "a typo": ("stepWeight: 10", "stepWeight: 10\n    stepWieght: 5"),
    "a word for a number": ("threshold: 2", "threshold: two"),
    "a number in quotes": ("threshold: 2", 'threshold: "2"'),
    "a truth for a number": ("threshold: 2", "threshold: yes"),
    "too much": ("stepWeight: 10", "stepWeight: 1000"),
    "a number in base 60": ("interval: 10s", "interval: 1:30"),
    "a day": ("interval: 10s", "interval: 2001-01-01"),
    "no duration": ("interval: 10s", "interval: soon"),
    "two schedules": ("stepWeight: 10", "stepWeight: 10\n    iterations: 3"),
    "two modes": (
        "  service: {port: 80}",
        "  subsets: [{name: v1, targetRef: {name: a}}, {name: v2, targetRef: {name: b}}]",
    ),
    "no service": ("  service: {port: 80}\n", ""),
    "a range without an end": ("{min: 99}", "{}"),
    "a range upside down": ("{min: 99}", "{min: 99, max: 5}"),
    "no spec": (GOOD[GOOD.index("spec:") :], ""),
    "a name in capitals": ("{name: app}\nspec", "{name: App_1}\nspec"),
}
FLAWED = {
    "unclosed": ("threshold: 2", "threshold: [2", "line 9"),
    "a tab": ("    threshold: 2", "\tthreshold: 2", "line 9"),
    "empty": (GOOD, "", "no "),
    "another version": (
        "rollouts.dev/v1beta1",
        "rollouts.dev/v1",
        'no matches for kind "Canary" in version "rollouts.dev',
    ),
    "another group": (
        "rollouts.dev/v1beta1",
        "flagger.app/v1beta1",
        'no matches for kind "Canary" in version "flagger.',
    ),
    "no version": ("apiVersion: rollouts.dev/v1beta1\n", "", "apiVersion not set"),
}
_PREFIX = re.compile(r'^Error from server \(BadRequest\): error when creating "[^"]*": ')


@pytest.fixture(params=[pytest.param(embedded, id="embedded"), pytest.param(real, id="real")])
async def kubectl(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kubectl]:
    """On either server."""
    async with request.param("simulate", tmp_path) as made:
        yield made


async def both(kubectl: Kubectl, path: Path) -> tuple[Said, str]:
    """What either says of a file."""
    with pytest.raises(SpecInvalid) as refused:
        simulate(str(path), "healthy", 0)
    return await kubectl.run(Step(f"apply -f {path}")), str(refused.value)


async def test_a_bad_file_is_refused_in_the_same_words(kubectl: Kubectl, tmp_path: Path) -> None:
    """Word for word, but for what kubectl puts before them."""
    for name, (old, new) in BAD.items():
        path = tmp_path / "canary.yaml"
        assert old in GOOD, name
        path.write_text(GOOD.replace(old, new))
        theirs, ours = await both(kubectl, path)
        assert (theirs.status, _PREFIX.sub("", theirs.err).rstrip("\n")) == (1, ours), name


async def test_each_rule_is_told_in_the_same_words(kubectl: Kubectl, tmp_path: Path) -> None:
    """Every tenth of the table of bad Canaries that is held against the API itself, through kubectl."""
    for row in [row for row in ROWS if row.spec is not None and not row.metadata and not row.fields][::10]:
        path = tmp_path / "canary.yaml"
        manifest = row.manifest()
        del manifest["metadata"]["namespace"]
        path.write_text(yaml.safe_dump(manifest, allow_unicode=True))
        theirs, ours = await both(kubectl, path)
        assert theirs.status == 1, row.name
        told = _PREFIX.sub("", theirs.err).rstrip("\n").splitlines()
        assert sorted(told) == sorted(ours.splitlines()), row.name


async def test_a_flawed_file_is_refused_for_the_same_reason(kubectl: Kubectl, tmp_path: Path) -> None:
    """What never reaches a server is in each program's own words, with the same place or name in them."""
    for name, (old, new, says) in FLAWED.items():
        path = tmp_path / "canary.yaml"
        path.write_text(GOOD.replace(old, new))
        theirs, ours = await both(kubectl, path)
        assert theirs.status == 1, name
        assert says in theirs.err, name
        assert says in ours or name in {"unclosed", "empty"}, name
        assert "not YAML: line " in ours or name not in {"unclosed", "a tab"}, name
