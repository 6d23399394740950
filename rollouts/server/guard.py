"""What holds for every answer of the API and of the pages: headers, short bodies, nothing posted by foreign pages.

Knows neither users nor Canaries. No cookie is ever set or read, so that no browser sends anything by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 16 * 1024
LENGTH_MAX = 18
"""Digits of a Content-Length that anybody could mean."""
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OWN_SITE = frozenset({"same-origin", "none"})


class Guard:
    """ASGI middleware around an application."""

    def __init__(self, application: ASGIApp, *, null_origin: bool = False) -> None:
        """`null_origin`: whether a page of ours posts here, which hides its address from everybody."""
        self._application = application
        self._null_origin = null_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say why not."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        answer = self._application if refusal is None else refusal
        await answer(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        if method in {"GET", "HEAD", "OPTIONS"}:
            return None
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) <= LENGTH_MAX):
            return refused(411, "LengthRequired", "say how long the body is: Content-Length")
        if int(length) > BODY_MAX:
            return refused(413, "TooLong", f"a body has at most {BODY_MAX} bytes")
        if self._is_foreign(headers):
            return refused(403, "ForeignPage", "a page of another site may not ask this")
        return None

    def _is_foreign(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in _OWN_SITE
        origin = headers.get("origin")
        if origin is None or (origin == "null" and self._null_origin):
            return False
        return _host_of(origin) != headers.get("host", "")


def _host_of(origin: str) -> str | None:
    """Host and port; None of what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def refused(code: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that says why not, and what to do."""
    return JSONResponse({"reason": reason, "message": message}, code, headers)
