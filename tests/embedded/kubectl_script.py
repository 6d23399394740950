"""A few kubectl commands, one after the other, against any server, and what they print where nothing differs by chance.

A command line is split as a shell does it. `{file}` is a file with the objects that come with the command, `{folder}`
a folder with a file for each; without either they go to its stdin. All happens in a namespace of the script's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from rollouts.api.resources import Manifest

TIMEOUT_S = 20.0
EDITOR = "sed -i -e 's/a: \"1\"/a: \"2\"/' -e 's/threshold: 2/threshold: 3/'"
"""What `kubectl edit` opens: somebody who changes a value, and finds none to change the second time."""

_BY_CHANCE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}"), "TIME"),
    (re.compile(r"(uid|resourceVersion|Resource Version|UID)(\"?: +)\S+"), r"\1\2ID"),
    (re.compile(r"(?<=[ (])\d+[smh](\d+[smh])?( +|$)", re.MULTILINE), "AGE "),
    (re.compile(r"/\S+/(LIVE|MERGED)-\d+/"), r"/\1/"),
    (re.compile(r"(?<=to the server: )(context deadline exceeded|net/http: request canceled.*)"), "TOO LATE"),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b"), "ADDRESS"),
)
_LOGGED = re.compile(r"[IWE]\d{4} \d\d:\d\d:\d\d")
"""kubectl's own log, which tells of how a watch was cut off."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command after `kubectl`, and the objects that it is given."""

    line: str
    objects: Sequence[Manifest] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit status."""

    line: str
    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with one server, one namespace, and a folder for its files and its cache."""

    kubeconfig: Path
    namespace: str
    folder: Path

    async def run(self, step: Step) -> Said:
        """One command, as it was. Fails the test if there is no kubectl, or it hangs."""
        process = await self.start(step.line, step.objects)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, err = await process.communicate(None if _filed(step.line) else _text(step.objects).encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            pytest.fail(f"kubectl {step.line}: no end after {TIMEOUT_S} s")
        return Said(step.line, process.returncode or 0, out.decode(), err.decode())

    async def start(self, line: str, objects: Sequence[Manifest] = ()) -> asyncio.subprocess.Process:
        """A command that goes on beside the test, which has to end it."""
        program = shutil.which("kubectl")
        if program is None:
            pytest.fail("there is no kubectl on PATH: run `make test-kube`")
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "KUBE_EDITOR": EDITOR,
        }
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            program, *self._arguments(line, objects), stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )

    def _arguments(self, line: str, objects: Sequence[Manifest]) -> list[str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        places = {"file": self.folder / "objects.yaml", "folder": self.folder / "objects"}
        if "{file}" in line:
            places["file"].write_text(_text(objects))
        if "{folder}" in line:
            shutil.rmtree(places["folder"], ignore_errors=True)
            places["folder"].mkdir()
            for number, manifest in enumerate(objects):
                (places["folder"] / f"{number}.yaml").write_text(yaml.safe_dump(manifest))
        for name, place in places.items():
            line = line.replace(f"{{{name}}}", str(place))
        return ["--namespace", self.namespace, *shlex.split(line)]


def plain(said: Said, kubectl: Kubectl) -> tuple[str, int, list[str], list[str]]:
    """What is the same on every server that does the same."""
    return (
        said.line.replace(kubectl.namespace, "NAMESPACE"),
        said.status,
        _plain(said.out, kubectl),
        _plain(said.err, kubectl),
    )


def _plain(text: str, kubectl: Kubectl) -> list[str]:
    text = text.replace(str(kubectl.folder), "FOLDER").replace(kubectl.namespace, "NAMESPACE")
    for pattern, word in _BY_CHANCE:
        text = pattern.sub(word, text)
    lines = [line for line in text.splitlines() if not _LOGGED.match(line)]
    return [re.sub(r" {2,}", "  ", line.rstrip()) for line in lines]


def _filed(line: str) -> bool:
    return "{file}" in line or "{folder}" in line


def _text(objects: Sequence[Manifest]) -> str:
    """The objects as one stream of YAML documents."""
    return "---\n".join(json.dumps(manifest) + "\n" for manifest in objects)
