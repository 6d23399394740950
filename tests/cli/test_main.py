from __future__ import annotations

import subprocess
import sys

import pytest

from rollouts import __version__
from rollouts.api import crd
from rollouts.cli import exits, main
from rollouts.errors import SpecInvalid

HEAVY = ("kubernetes_asyncio", "fastapi", "aiohttp", "prometheus_api_client", "rich.markdown", "yaml")


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of one command line."""
    monkeypatch.setattr(sys, "argv", list(words))
    with pytest.raises(SystemExit) as ended:
        main.run()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_help_loads_nothing_heavy() -> None:
    """`rollouts --help` is quick, since it imports none of the libraries that only a command needs."""
    script = (
        "import sys; from rollouts.cli import main; sys.argv = ['rollouts', '--help']\n"
        "try: main.run()\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)

    assert "controller" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


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
