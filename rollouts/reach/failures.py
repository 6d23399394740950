"""Why a server gave no answer, from the errors of aiohttp, purely.

In words of ours: the library's own hold the URL, and with it perhaps a password, or the value of a header.
"""

from __future__ import annotations

import os

import aiohttp

from rollouts.reach.policy import REFUSED

Failure = aiohttp.ClientError | OSError | ValueError
"""What aiohttp raises in place of an answer."""
NOT_HTTP = "it can't be called: the url or a header is not one that HTTP allows"


def explain(error: Failure, *, timeout_s: float) -> str:
    """What happened instead of an answer. The order matters: errors of TLS and of the name are OSErrors too."""
    match error:
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case aiohttp.ClientSSLError():
            return f"TLS: {_flaw_of_tls(error)}"
        case aiohttp.ClientConnectorDNSError():
            return "the name of the host can't be resolved"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case aiohttp.ClientResponseError():
            return "the answer is no HTTP"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case ValueError():
            return NOT_HTTP
        case OSError() if refusal := refusal_in(error):
            return refusal
        case OSError() if error.errno and error.errno > 0:
            return f"no connection: {os.strerror(error.errno)}"
        case _:
            return f"no connection: {type(error).__name__}"


def refusal_in(error: BaseException) -> str:
    """What the reach policy said, where it was what kept a connection from being made; else empty."""
    said = str(error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error)
    # Of a name with several addresses the library joins what happened at each with commas.
    _, found, rest = said.partition(REFUSED)
    return f"{found}{rest.partition(',')[0]}" if found else ""


def _flaw_of_tls(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return getattr(error.certificate_error, "verify_message", "") or "the certificate is not trusted"
    return getattr(error.os_error, "reason", "") or "no agreement"
