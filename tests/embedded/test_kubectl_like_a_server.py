"""kubectl says the same of the embedded cluster as of a real API server: the same scripts, on both, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.embedded.cluster import embedded, real
from tests.embedded.kubectl_objects import placed
from tests.embedded.kubectl_rare_scripts import RARE_SCRIPTS
from tests.embedded.kubectl_script import Kubectl, Said, Step, plain
from tests.embedded.kubectl_scripts import SCRIPTS

pytestmark = pytest.mark.kube

ALL = SCRIPTS | RARE_SCRIPTS


async def told(kubectl: Kubectl, steps: Sequence[Step]) -> list[Said]:
    """The whole script, one command after the other."""
    return [await kubectl.run(placed(step, kubectl.namespace)) for step in steps]


@pytest.mark.parametrize("name", ALL)
async def test_a_script_says_the_same(name: str, tmp_path: Path) -> None:
    """Exit status, output and errors, but for times, ids and addresses."""
    async with real("script", tmp_path / "real") as theirs, embedded("script", tmp_path / "embedded") as ours:
        both = await asyncio.gather(told(theirs, ALL[name]), told(ours, ALL[name]))
    expected, found = (
        [plain(said, side) for said in all_said] for all_said, side in zip(both, (theirs, ours), strict=True)
    )
    for want, got in zip(expected, found, strict=True):
        assert got == want
