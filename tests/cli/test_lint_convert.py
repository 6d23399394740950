from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rollouts.cli import main

SHOP = Path(__file__).parents[1] / "lint" / "shop.yaml"
WEIGHTS = Path(__file__).parents[1] / "convert" / "golden" / "flagger-weights.yaml"
LOST = Path(__file__).parents[1] / "convert" / "golden" / "flagger-elsewhere.yaml"
HEAVY = ("yaml", "rich", "aiohttp", "kubernetes_asyncio", "cel_expr_python")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of one command line."""
    monkeypatch.setattr(sys, "argv", ["rollouts", *words])
    try:
        main.run()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize("command", ["lint", "convert"])
def test_help_loads_nothing_heavy(command: str) -> None:
    """It is quick, since what the command needs is imported only when it runs."""
    script = (
        f"import sys; from rollouts.cli import main; sys.argv = ['rollouts', '{command}', '--help']\n"
        "try: main.run()\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_lint_tells_by_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """0 for clean, 1 for errors, also of warnings with --strict, 2 for what can't be read."""
    assert run(monkeypatch, "lint", str(SHOP)) == 0
    assert capsys.readouterr().out == ""
    bad = tmp_path / "bad.yaml"
    bad.write_text(SHOP.read_text().replace("stepWeight: 20", "stepWeight: 0"))
    assert run(monkeypatch, "lint", str(bad)) == 1
    line = capsys.readouterr().out
    assert line.startswith(f"{bad}:")
    assert ": error: Canary web/shop: spec.analysis.stepWeight: Invalid value: 0:" in line
    warned = tmp_path / "warned.yaml"
    warned.write_text(SHOP.read_text().replace("  replicas: 2", "  replicas: 0"))
    assert run(monkeypatch, "lint", str(warned)) == 0
    assert run(monkeypatch, "lint", "--strict", str(warned)) == 1
    capsys.readouterr()
    assert run(monkeypatch, "lint", str(tmp_path / "absent.yaml")) == 2
    assert "absent.yaml: No such file or directory" in capsys.readouterr().err
    (tmp_path / "torn.yaml").write_text("a: [")
    assert run(monkeypatch, "lint", str(tmp_path / "torn.yaml")) == 2
    assert "not YAML: line 1" in capsys.readouterr().err


def test_lint_reads_folders_and_standard_input_and_writes_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A Canary in one file and its Deployment in another belong together."""
    *others, canary = SHOP.read_text().split("---\n")
    (tmp_path / "a.yaml").write_text("---\n".join(others))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.yml").write_text(canary)
    assert run(monkeypatch, "lint", str(tmp_path), "-o", "json", "--verbose") == 0
    assert json.loads(capsys.readouterr().out) == {"findings": [], "counts": {"error": 0, "warning": 0, "info": 0}}
    monkeypatch.setattr(sys, "stdin", io.StringIO(canary))
    assert run(monkeypatch, "lint", "-", "--verbose", "-o", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["rule"] for one in told["findings"]} >= {"TargetNotFound", "RouteNotFound", "TemplateNotFound"}
    assert told["counts"]["error"] == 0


def test_convert_writes_what_lint_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """To standard output, or one file an object, none of which is overwritten."""
    assert run(monkeypatch, "convert", str(WEIGHTS)) == 0
    out = capsys.readouterr()
    assert "spec.analysis.maxWeight: changed:" in out.err
    monkeypatch.setattr(sys, "stdin", io.StringIO(out.out))
    assert run(monkeypatch, "lint", "-") == 0
    folder = tmp_path / "ours"
    assert run(monkeypatch, "convert", str(WEIGHTS), "--out", str(folder)) == 0
    assert [path.name for path in folder.iterdir()] == ["canary-flagger-weights-shop.yaml"]
    assert run(monkeypatch, "convert", str(WEIGHTS), "--out", str(folder)) == 2
    assert "is there already" in capsys.readouterr().err


def test_convert_is_strict_where_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is lost is told in any case; it is an error with --strict alone."""
    assert run(monkeypatch, "convert", str(LOST)) == 0
    assert "spec.provider: not converted:" in capsys.readouterr().err
    assert run(monkeypatch, "convert", "--strict", str(LOST)) == 1
    assert run(monkeypatch, "convert", "--strict", str(WEIGHTS)) == 0
