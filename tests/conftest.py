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
