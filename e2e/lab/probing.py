"""Asks a part once whether it is ready. Never waits for more than a second, never raises."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.lab.part import Probe

_TIMEOUT_S = 1.0


def is_ready(probe: Probe) -> bool:
    """Whether the probe's URL answers 200 now."""
    if probe.authority and not Path(probe.authority).exists():
        return False
    headers = {"Authorization": f"Bearer {probe.token}"} if probe.token else {}
    request = urllib.request.Request(probe.url, headers=headers)  # noqa: S310 - from the plan
    try:
        context = ssl.create_default_context(cafile=probe.authority) if probe.authority else None
        opened = urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=context)  # noqa: S310
        with opened as answer:
            return bool(answer.status == http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException):  # URLError, HTTPError and SSLError are OSErrors
        return False
