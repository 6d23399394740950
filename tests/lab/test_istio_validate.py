"""What is made for Istio passes Istio's own tool, of the same version as the lab's istiod."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import yaml

from tests.adapters.istio_golden import PAGES, made, read_page

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
async def test_istioctl_finds_nothing_wrong_with_what_is_made(path: Path, tmp_path: Path) -> None:
    """Neither an error nor a warning, at any stage, of any kind that Istio knows."""
    page = read_page(path) | {"shows": ["DestinationRule", "VirtualService"]}
    manifests = [one for stage in page["stages"] for one in made(page, stage["asked"])]
    file = tmp_path / "made.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    process = await asyncio.create_subprocess_exec(
        *("istioctl", "validate", "-f", str(file)),
        env={"PATH": os.environ["LAB_PATH"], "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    said = out.decode()
    assert process.returncode == 0, said
    assert said.count("is valid") == 1, said
    assert "arning" not in said, said
