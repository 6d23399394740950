"""Set-up of structlog: one JSON object a line, on stderr if not said otherwise, times in UTC."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def set_up_logging(level: str, stream: TextIO | None = None) -> None:
    """Configure structlog for the process. `level` is debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
