"""What every test run shares: how hypothesis behaves on busy machines, and a log that is a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

# The limit on time is pytest's; a slow machine must not turn a right property into a failure.
settings.register_profile("rollouts", deadline=None, print_blob=True)
settings.load_profile("rollouts")

# asyncio (3.11 to 3.13, SSLProtocol._start_shutdown) leaves a connection open that is cancelled after it was made and
# before its handshake began: a watch that a test ends as soon as it has its list. Only real API servers speak TLS here.
_TLS_LEFT_OPEN = (
    r"<function _SelectorTransport\.__del__",
    r"<socket\.socket .*raddr=\('127\.0\.0\.1', 6443\)",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests on a real API server: what is not ours to close."""
    for item in items:
        if item.get_closest_marker("kube") or item.get_closest_marker("lab"):
            for left_open in _TLS_LEFT_OPEN:
                told = f"ignore:Exception ignored in. {left_open}:pytest.PytestUnraisableExceptionWarning"
                item.add_marker(pytest.mark.filterwarnings(told))


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A command that runs in this process sets up its log: for that test alone, and no logger keeps it.

    Without this the tests that read the log failed where they came after one that had run a command.
    """
    before, configure = structlog.get_config(), structlog.configure

    def configure_for_now(**chosen: Any) -> None:
        configure(**chosen | {"cache_logger_on_first_use": False})

    structlog.configure = configure_for_now  # type: ignore[assignment] # by names, as all of ours call it
    try:
        yield
    finally:
        structlog.configure = configure
        configure(**before)
