"""What people and pipelines start: our commands under a person's kubeconfig, and the shell script; and plain HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from e2e.lab.layout import CHECKOUT
from e2e.play.kubectl import Answer

PIPELINE = Path(__file__).with_name("pipeline.sh")
_TIMEOUT = aiohttp.ClientTimeout(total=15)


async def run(*words: str, environ: Mapping[str, str], within_s: float = 60.0) -> Answer:
    """Run a program to its end; it does not outlive the waiting for it. Raises TimeoutError."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *words, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(within_s):
            out, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Answer(process.returncode or 0, out.decode(), said.decode())


async def rollouts(kubeconfig: Path, *words: str) -> Answer:
    """The command, as that person. Raises TimeoutError."""
    environ = {**environment(), "KUBECONFIG": str(kubeconfig)}
    return await run(sys.executable, "-m", "rollouts", *words, environ=environ)


async def pipeline(name: str, env: Mapping[str, str], patience_s: float) -> Answer:
    """The script that releases a version, as the lab's administrator. Raises TimeoutError."""
    words = ["sh", str(PIPELINE), name, f"{patience_s:.0f}s", *(f"{key}={value}" for key, value in env.items())]
    return await run(*words, environ=environment(), within_s=2 * patience_s)


def environment() -> dict[str, str]:
    """Without settings of anybody's, and with the plugin of this very checkout on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLLOUTS_")}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
    return {**kept, "PATH": path, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"}


async def ask(
    method: str, url: str, *, token: str = "", body: Mapping[str, object] | None = None,
    form: Mapping[str, str] | None = None,
) -> tuple[int, str]:  # fmt: skip
    """One request: HTTP's status and the text. A form is posted as a browser does from our own page."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if form is not None:
        headers |= {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        session.request(method, url, headers=headers, json=body, data=form, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text()
