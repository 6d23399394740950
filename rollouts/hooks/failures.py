"""Why there was no answer, from the errors of aiohttp, purely.

In words of ours: the library's own hold the URL, and with it perhaps a password, or the value of a header.
"""

from __future__ import annotations

import os

import aiohttp

from rollouts.hooks.answer import Silent


def silence_of(error: aiohttp.ClientError | OSError | ValueError, *, timeout_s: float) -> Silent:
    """What happened instead of an answer. The order matters: errors of TLS and of the name are OSErrors too."""
    match error:
        case TimeoutError():
            reason = f"no answer within {timeout_s:g} s"
        case aiohttp.ClientSSLError():
            reason = f"TLS: {_flaw_of_tls(error)}"
        case aiohttp.ClientConnectorDNSError():
            reason = "the name of the host can't be resolved"
        case aiohttp.ServerDisconnectedError():
            reason = "the connection was closed without an answer"
        case aiohttp.ClientResponseError():
            reason = "the answer is no HTTP"
        case ValueError():
            return Silent("it can't be called: the url or a header is not one that HTTP allows", lasting=True)
        case OSError() if error.errno and error.errno > 0:
            reason = f"no connection: {os.strerror(error.errno)}"
        case _:
            reason = f"no connection: {type(error).__name__}"
    return Silent(reason)


def _flaw_of_tls(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return getattr(error.certificate_error, "verify_message", "") or "the certificate is not trusted"
    return getattr(error.os_error, "reason", "") or "no agreement"
