"""The crew starts parts in order, sees each end, and restarts one only when it is asked to."""

from __future__ import annotations

import http.server
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.lab.crew import Crew, PartFailedError, PartState
from e2e.lab.part import Part, Probe

DEADLINE_S = 20.0


def python(code: str) -> tuple[str, ...]:
    """The words that run `code`."""
    return (sys.executable, "-c", code)


@pytest.fixture
def crew_of(tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Makes a crew of parts that log into the test's folder; what still runs after the test is killed."""
    crews: list[Crew] = []

    def make(*parts: Part) -> Crew:
        crews.append(Crew(parts, lambda name: tmp_path / f"{name}.log", dict(os.environ)))
        return crews[-1]

    yield make
    for crew in crews:
        for pid in crew.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.fixture
def ready_url() -> Iterator[str]:
    """A URL that answers 200."""

    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def advance_until(crew: Crew, condition: Callable[[], bool]) -> None:
    """Let the crew work until the condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, crew.status
        crew.advance()
        time.sleep(0.01)


def test_tasks_run_in_the_order_of_their_needs(crew_of: Callable[..., Crew], tmp_path: Path) -> None:
    """The second reads what the first wrote; the crew is ready when both are done."""
    file = tmp_path / "written"
    first = Part("first", python(f"open({str(file)!r}, 'w').write('x')"))
    second = Part("second", python(f"assert open({str(file)!r}).read() == 'x'"), ("first",))
    crew = crew_of(first, second)
    advance_until(crew, lambda: crew.is_ready)
    assert [status.state for status in crew.status.values()] == [PartState.DONE, PartState.DONE]


def test_a_part_that_fails_is_named_with_its_exit_code(crew_of: Callable[..., Crew]) -> None:
    """What needed it never starts."""
    crew = crew_of(Part("broken", python("raise SystemExit(3)")), Part("after", python(""), ("broken",)))
    with pytest.raises(PartFailedError, match="ended with 3") as caught:
        advance_until(crew, lambda: False)
    assert caught.value.part == "broken"
    assert crew.status["after"].state is PartState.WAITING


def test_a_part_that_is_not_ready_in_time_is_named(crew_of: Callable[..., Crew]) -> None:
    """A process that lives but never answers is a failure too."""
    silent = Part("silent", python("import time; time.sleep(60)"), (), Probe("http://127.0.0.1:9/"), {}, deadline_s=0.0)
    crew = crew_of(silent)
    with pytest.raises(PartFailedError, match="not ready after 0 s"):
        advance_until(crew, lambda: False)


def test_a_part_that_ends_later_is_shown_and_not_restarted(crew_of: Callable[..., Crew], ready_url: str) -> None:
    """After it was ready its end is no failure of the start: it stays visible as exited."""
    crew = crew_of(Part("served", python("import time; time.sleep(60)"), (), Probe(ready_url)))
    advance_until(crew, lambda: crew.is_ready)
    pid = crew.status["served"].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    advance_until(crew, lambda: crew.status["served"].state is PartState.EXITED)
    assert crew.status["served"].exit_code == -9
    assert crew.advance() == []


def test_a_part_is_stopped_and_started_again_when_asked(
    crew_of: Callable[..., Crew], ready_url: str, tmp_path: Path
) -> None:
    """It is another process then; one that does not heed SIGTERM is killed."""
    mark = tmp_path / "deaf"
    deaf = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(mark)!r}, 'w'); time.sleep(60)"
    crew = crew_of(
        Part("served", python("import time; time.sleep(60)"), (), Probe(ready_url)),
        Part("deaf", python(deaf), (), Probe(ready_url)),
    )
    advance_until(crew, lambda: crew.is_ready and mark.exists())
    first = crew.status["served"].pid
    crew.stop("served")
    crew.stop("deaf")
    assert crew.is_moving
    advance_until(crew, lambda: not crew.is_moving)
    assert [(status.state, status.exit_code) for status in crew.status.values()] == [
        (PartState.STOPPED, -signal.SIGTERM),
        (PartState.STOPPED, -signal.SIGKILL),
    ]
    crew.start("served")
    advance_until(crew, lambda: crew.status["served"].state is PartState.READY)
    assert crew.status["served"].pid not in {0, first}


def test_a_part_that_does_not_come_back_takes_nothing_with_it(
    crew_of: Callable[..., Crew], unused_tcp_port: int, tmp_path: Path
) -> None:
    """It is shown as exited, with its code, and may be started once more."""
    mark = tmp_path / "served once"
    code = f"""
import http.server, os, sys
if os.path.exists({str(mark)!r}):
    sys.exit(3)
open({str(mark)!r}, "w").close()
http.server.HTTPServer(("127.0.0.1", {unused_tcp_port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
    crew = crew_of(Part("once", python(code), (), Probe(f"http://127.0.0.1:{unused_tcp_port}/")))
    advance_until(crew, lambda: crew.is_ready)
    crew.stop("once")
    advance_until(crew, lambda: crew.status["once"].state is PartState.STOPPED)
    crew.start("once")
    advance_until(crew, lambda: crew.status["once"].exit_code == 3)
    assert crew.status["once"].state is PartState.EXITED
    mark.unlink()
    crew.start("once")
    advance_until(crew, lambda: crew.is_ready)
