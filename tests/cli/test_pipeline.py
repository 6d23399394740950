"""A shell script gates a pipeline by `status --watch`, against the real controller on the demo's simulated cluster."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from pathlib import Path

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS
from rollouts.api.status import Phase
from rollouts.demo.scene import APP, Scene
from rollouts.demo.stage import Staging, staged
from rollouts.demo.user import shipped
from rollouts.telemetry.logging import set_up_logging
from tests.cli.conftest import Cli

SCRIPT = Path(__file__).with_name("pipeline.sh")
DEADLINE_S = 100.0


async def _pipeline(kubeconfig: Path, name: str = "shop", patience: str = "90s") -> tuple[int, str]:
    """Run the script as a pipeline does: the exit code, and all that it wrote."""
    environment = {
        **os.environ, "ROLLOUTS": f"{sys.executable} -m rollouts", "KUBECONFIG": str(kubeconfig),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    program = await asyncio.create_subprocess_exec(
        "sh", str(SCRIPT), name, patience, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await program.communicate()
    return program.returncode or 0, out.decode()


async def _release(scene: Scene, version: str, errors: str = "0") -> None:
    env = {"VERSION": version, "ERROR_RATE": errors}
    await scene.user.release(APP, f"example.test/shop:{version}", env)


@pytest.mark.timeout(200)
async def test_a_pipeline_goes_on_with_what_was_promoted(tmp_path: Path) -> None:
    """A gate is seen, approved by the command, and told with who; then a bad release ends the pipeline."""
    kubeconfig = tmp_path / "kubeconfig"
    set_up_logging("error", io.StringIO())  # what the commands write stands alone
    async with staged(Staging(kubeconfig, DEADLINE_S)) as scene:
        scene.begin()
        await scene.user.apply(DEPLOYMENTS, shipped("deployment"))
        await scene.user.apply(CANARIES, shipped("canary-with-gate"))
        await scene.until("it is Initialized", lambda: scene.status.phase is Phase.INITIALIZED)
        cli = Cli(kubeconfig)

        # The script starts in the moment of the release: it must not take the state of before for an answer.
        await _release(scene, "2")
        running = asyncio.ensure_future(_pipeline(kubeconfig))
        await scene.until("it waits at its gate", lambda: scene.status.phase is Phase.WAITING_PROMOTION)
        early = await cli("status", "shop")
        approved = await cli("approve", "shop", "--reason", "looks good")
        good = await running

        scene.begin()
        await _release(scene, "3", "0.3")
        bad, described = await _pipeline(kubeconfig), await cli("describe", "shop")
        absent = await _pipeline(kubeconfig, "nobody", "1s")

    assert (early.code, approved.code) == (2, 0), approved
    assert "approve of gate confirm-promotion for revision" in approved.out
    assert good[0] == 0, good
    assert "waits for an approval; `approve` opens it" in good[1]
    assert good[1].endswith("pipeline: promoted, tell the others\n")
    assert bad[0] == 1, bad
    assert "Failed: Revision" in bad[1]
    assert "request-success-rate" in bad[1]
    assert "rolled back, keep the change out" in bad[1]
    assert "looks good" in described.out
    assert absent == (1, absent[1])
    assert "there is no such Canary" in absent[1]
