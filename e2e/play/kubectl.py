"""What a person would type: kubectl, as the lab's administrator, each command echoed with its output on failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_WITHIN_S = 60.0


class KubectlError(Exception):
    """kubectl refused; the message has its words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    said: str
    """What it wrote to stderr."""


async def attempt(*words: str, stdin: str = "") -> Answer:
    """Run kubectl to its end, whatever comes of it. Raises TimeoutError after a minute."""
    return await command("kubectl", *words, stdin=stdin)


async def command(*words: str, stdin: str = "", within_s: float = _WITHIN_S) -> Answer:
    """Run any program to its end, as the lab's administrator. Raises TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, said = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Answer(process.returncode or 0, out.decode(), said.decode())


async def kubectl(*words: str, stdin: str = "") -> str:
    """Run kubectl and return its output. Raises KubectlError."""
    answer = await attempt(*words, stdin=stdin)
    if answer.code != 0:
        raise KubectlError(f"kubectl {' '.join(words)}: {answer.said.strip()}")
    return answer.out


async def apply(*documents: dict[str, Any]) -> None:
    """Apply these objects. Raises KubectlError."""
    await kubectl("apply", "--filename=-", stdin=to_yaml(documents))


async def get_objects(namespace: str, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """All objects of these kinds in the namespace. Raises KubectlError."""
    out = await kubectl("get", ",".join(kinds), f"--namespace={namespace}", "--output=json")
    return list(json.loads(out)["items"])


async def namespaced_kinds() -> list[str]:
    """Every kind that can stand in a namespace and be listed, but for what merely tells of other objects."""
    words = ("api-resources", "--verbs=list", "--namespaced", "--output=name")
    telling = {"events", "events.events.k8s.io", "pods.metrics.k8s.io", "canaries.rollouts.dev"}
    return [kind for kind in (await kubectl(*words)).split() if kind not in telling]


def to_yaml(documents: Sequence[dict[str, Any]]) -> str:
    """These objects as one YAML stream."""
    return yaml.safe_dump_all(documents, sort_keys=False)
