from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "check.py"
PASSING = '<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
MIXED = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><error message="no"/></testcase>
<testcase name="d"><skipped message="no Go here"/></testcase>
</testsuite></testsuites>"""

Check = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Check:
    """Runs the script with shell commands as its stages; returns the exit code and the lines it printed."""
    script = _load(monkeypatch)
    monkeypatch.setattr(script, "RESULTS", tmp_path)
    monkeypatch.setattr(script, "ROOT", tmp_path)

    def run(*commands: str, budget_s: float = 30.0) -> tuple[int, list[str]]:
        stages = tuple((f"stage-{index}", ("bash", "-c", command)) for index, command in enumerate(commands))
        monkeypatch.setattr(script, "STAGES", stages)
        monkeypatch.setattr(script, "BUDGET_S", budget_s)
        code = script.main()
        return code, capfd.readouterr().out.splitlines()

    return run


def _load(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loader = SourceFileLoader("ci_run", str(SCRIPT))
    spec = importlib.util.spec_from_loader("ci_run", loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ci_run", script)  # its dataclasses look there for their annotations
    loader.exec_module(script)
    return script


def test_last_line_is_the_sum_of_all_runs(check: Check) -> None:
    """Two runs that pass give exit code 0 and their sum, alone on the last line."""
    code, lines = check(f"echo '{PASSING}' > one.xml; echo '{PASSING}' > two.xml")

    assert (code, lines[-1]) == (0, "4 passed, 0 failed")


def test_errors_count_as_failed_and_skips_are_said(check: Check) -> None:
    """A failure and an error are two failed tests, and a skip is told with its reason."""
    code, lines = check(f"echo '{MIXED}' > one.xml")

    assert (code, lines[-1]) == (1, "1 passed, 2 failed")
    assert "    skipped: no Go here" in lines


def test_failed_stage_fails_the_whole_and_the_rest_still_runs(check: Check) -> None:
    """When lint fails the tests run all the same, and the exit code is not 0."""
    code, lines = check("true", "exit 3", f"echo '{PASSING}' > one.xml")

    assert (code, lines[-1]) == (1, "2 passed, 0 failed")
    assert [line for line in lines if line.startswith("stage-1") and "FAILED with exit code 3" in line]


def test_nothing_runs_without_an_environment(check: Check) -> None:
    """When the first stage fails the others are said not to have run."""
    code, lines = check("false", f"echo '{PASSING}' > one.xml")

    assert (code, lines[-1]) == (1, "0 passed, 0 failed")
    assert [line for line in lines if line.startswith("stage-1") and "not run" in line]


def test_no_test_at_all_is_no_success(check: Check) -> None:
    """Stages that pass without a single test do not make a success."""
    assert check("true")[0] == 1


def test_torn_report_is_a_failure(check: Check) -> None:
    """A report that pytest could not finish counts as a failed test."""
    code, lines = check("echo '<testsuites>' > one.xml")

    assert (code, lines[-1]) == (1, "0 passed, 1 failed")


def test_hanging_stage_is_ended(check: Check) -> None:
    """A stage that outlasts the budget is ended, and so is what would have come after it."""
    code, lines = check("true", "sleep 50", "true", budget_s=1.0)

    assert (code, lines[-1]) == (1, "0 passed, 0 failed")
    assert [line for line in lines if line.startswith("stage-1") and "FAILED: the time was up" in line]
    assert [line for line in lines if line.startswith("stage-2") and "not run: the time was up" in line]


def test_stages_have_no_stdin(check: Check) -> None:
    """A command that asks a question gets no answer, and does not wait for one."""
    code, lines = check(f"read -r answer && exit 9; echo '{PASSING}' > one.xml")

    assert (code, lines[-1]) == (0, "2 passed, 0 failed")
