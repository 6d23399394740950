from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rollouts import __version__
from rollouts.api import crd
from rollouts.cli import exits, main
from rollouts.cli.commands import COMMANDS
from rollouts.errors import SpecInvalid

HEAVY = (
    "kubernetes_asyncio", "fastapi", "aiohttp", "prometheus_api_client", "rich", "yaml", "pydantic", "asyncio",
)  # fmt: skip
QUICK: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "help": (("--help",), {}),
    "help of one": (("status", "--help"), {}),
    "help of lint": (("lint", "--help"), {}),
    "script": (("completion", "bash"), {}),
    "TAB": ((), {"_ROLLOUTS_COMPLETE": "complete_bash", "COMP_WORDS": "rollouts re", "COMP_CWORD": "1"}),
}


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of one command line."""
    monkeypatch.setattr(sys, "argv", list(words))
    with pytest.raises(SystemExit) as ended:
        main.run()
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(("words", "environment"), QUICK.values(), ids=QUICK.keys())
def test_what_is_quick_loads_nothing_heavy(words: tuple[str, ...], environment: dict[str, str]) -> None:
    """Help and completion are quick, since they import none of the libraries that only a command's work needs."""
    script = (
        f"import sys; from rollouts.cli import main; sys.argv = ['rollouts', *{words!r}]\n"
        "try: main.run()\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip

    assert len(done.stdout.splitlines()) > 3
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_where_it_is_looked_for(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever --help tells of can be called, and has a help of its own."""
    assert _run(monkeypatch, "rollouts", name, "--help") == 0
    assert capsys.readouterr().out.startswith(f"Usage: rollouts {name} ")


@pytest.mark.parametrize("name", ["describe", "approve", "uninstall", "controller", "lint"])
def test_garbage_is_looked_for_while_a_command_works(name: str) -> None:
    """None runs without the collector: those that load the cluster's library begin it again before they work."""
    script = (
        "import gc, sys; from rollouts.cli import main; from rollouts.cli.commands import COMMANDS\n"
        f"root, ctx = main.app, main.app.make_context('rollouts', [{name!r}, '--help'], resilient_parsing=True)\n"
        f"root.resolve_command(ctx, [{name!r}])\n"
        "stopped = not gc.isenabled()\n"
        "if stopped:\n"
        "    from rollouts.cli.cluster import session; from rollouts.cli.flags import Flags\n"
        "    from rollouts.kube.access import AccessUnknown\n"
        "    try: session.run(Flags(kubeconfig='/nowhere'), None)\n"
        "    except AccessUnknown: pass\n"
        "print(stopped, gc.isenabled())"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    talks = COMMANDS[name].partition(":")[0] in {"looking", "acting", "uninstall"}
    assert done.stdout.split() == [str(talks), "True"]


def test_version_is_the_packages(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`rollouts version` prints the package's version."""
    assert _run(monkeypatch, "rollouts", "version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_crds_prints_the_definitions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`rollouts crds` prints all of crds/ as one stream, or exactly one of its files."""
    assert _run(monkeypatch, "rollouts", "crds") == 0
    written = {
        "canary": crd.canary_crd_yaml(),
        "analysistemplate": crd.template_crd_yaml(),
        "alertprovider": crd.provider_crd_yaml(),
    }
    assert capsys.readouterr().out == "---\n".join(written.values())
    for kind, definition in written.items():
        assert _run(monkeypatch, "rollouts", "crds", "--only", kind) == 0
        assert capsys.readouterr().out == definition


def test_plugin_speaks_as_kubectl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Called as kubectl-canary, it names itself as the user typed it."""
    assert _run(monkeypatch, "/usr/local/bin/kubectl-canary", "--help") == 0
    assert capsys.readouterr().out.startswith("Usage: kubectl canary ")


def test_unknown_command_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is no command ends with exit code 2 and is named on stderr."""
    assert _run(monkeypatch, "rollouts", "relese") == exits.REFUSED
    printed = capsys.readouterr()
    assert (printed.out, "relese" in printed.err) == ("", True)


def test_refusal_goes_to_stderr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that the caller can mend is one line on stderr, exit code 2, no traceback."""

    def refuse() -> str:
        raise SpecInvalid("the target is missing")

    monkeypatch.setattr(crd, "canary_crd_yaml", refuse)

    assert _run(monkeypatch, "rollouts", "crds") == exits.REFUSED
    assert capsys.readouterr().err == "rollouts: the target is missing\n"
