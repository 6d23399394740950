from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.draw import draw
from tests.sim.world import run

pytestmark = pytest.mark.sim

SEEDS = int(os.environ.get("SIM_SEEDS", "200"))
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed(seed: int) -> None:
    """Nothing unsafe happens in it, and each Canary comes to its proper end in time."""
    outcomes = run(draw(seed))
    assert not outcomes.flaws, f"{outcomes.flaws[0]}\nrepeat it: {outcomes.command()}"


def test_the_same_seed_is_the_same_run() -> None:
    """To the last line of its trace, in another process with other hashes too."""
    seed = 3
    here = "\n".join(run(draw(seed)).trace)
    told = []
    for hashes in ("1", "2"):
        command = [sys.executable, "-m", "tests.sim", "--first", str(seed), "--seeds", "1", "--trace"]
        environment = os.environ | {"PYTHONHASHSEED": hashes}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        told.append(done.stdout.rpartition("\n1 seeds, ")[0])
    assert len(here.splitlines()) > 50
    assert {hashlib.sha256(text.encode()).hexdigest() for text in (here, *told)} == {
        hashlib.sha256(here.encode()).hexdigest()
    }


def test_different_seeds_are_different_runs() -> None:
    """Or else many of them would prove no more than one."""
    assert len({"\n".join(run(draw(seed)).trace) for seed in range(5)}) == 5
