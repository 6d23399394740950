"""The pages behind signed links: GET asks for a confirmation and does nothing, POST asks the release's gate once.

Scanners open links, so nothing follows from opening one. A page is plain HTML: no script, no image, no address that is
told to anybody. Who opens it types a name, which is shown for what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import parse_qs

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from rollouts.api.actions import BY_LINK, Action, Verb
from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.api.status import status_in
from rollouts.core.links import Link, LinkFlaw, intent_id, read_link
from rollouts.errors import KubeError
from rollouts.ports import Cluster
from rollouts.server.api import address_of
from rollouts.server.guard import Guard
from rollouts.server.intents import NoCanary, Scribe, is_asked
from rollouts.server.limits import FAILURES, WRITES, Limiter

_log = structlog.get_logger(__name__)

NAME_MAX, REASON_MAX = 100, 256


@dataclass(frozen=True, slots=True)
class LinkPages:
    """What the pages stand on."""

    cluster: Callable[[], Cluster]
    """Raises KubeError while it is not there yet."""
    keys: Callable[[], Sequence[bytes]]
    """Read anew each time, so that one can be taken out of use."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    code: int
    title: str
    text: str
    form: str = ""

    def answer(self) -> HTMLResponse:
        """As HTML. Texts are escaped; the form is ours."""
        body = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
            f'<meta name="viewport" content="width=device-width"><title>{escape(self.title)}</title></head>'
            f"<body><h1>{escape(self.title)}</h1><p>{escape(self.text)}</p>{self.form}</body></html>"
        )
        return HTMLResponse(body, self.code)


class _Links:
    def __init__(self, pages: LinkPages) -> None:
        self._pages = pages
        self._failures, self._uses = Limiter(FAILURES, pages.monotonic), Limiter(WRITES, pages.monotonic)

    async def confirm(self, text: str, address: str) -> Page:
        """What the link would do, to be confirmed."""
        link = self._read(text, address)
        return link if isinstance(link, Page) else self._standing(link, text) or _confirmation(link)

    async def use(self, text: str, address: str, form: bytes) -> Page:
        """Do it, once."""
        link = self._read(text, address)
        if isinstance(link, Page):
            return link
        if self._uses.take(address) > 0:
            return _TOO_OFTEN
        if page := self._standing(link, text):
            return page
        fields = _fields_of(form)
        name = " ".join(fields.get("name", [""])[0].split())[:NAME_MAX]
        if not name:
            return Page(400, "Your name is missing", "Go back and say who you are: it is kept with the release.")
        reason = " ".join(fields.get("reason", [""])[0].split())[:REASON_MAX]
        return await self._ask(link, _action(link, text, name, reason), address)

    async def _ask(self, link: Link, action: Action, address: str) -> Page:
        key = ObjectKey(link.facts.namespace, link.facts.name)
        try:
            await Scribe(self._pages.cluster()).write(key, action, address, uid=link.facts.uid)
        except NoCanary:
            return _gone(link)
        done = "The release goes on when the controller has seen it, in a moment."
        ended = "The release ends when the controller has seen it, in a moment."
        text = done if link.verb is Verb.APPROVE else ended
        return Page(202, f"{_past(link.verb)}: {key}, revision {link.facts.revision}", text)

    def _read(self, text: str, address: str) -> Link | Page:
        if self._failures.wait_s(address) > 0:
            return _TOO_OFTEN
        link = read_link(self._pages.keys(), text, self._pages.now())
        if isinstance(link, Link):
            return link
        self._failures.count(address)
        _log.info("link_refused", flaw=str(link), address=address)
        return _FLAWS[link]

    def _standing(self, link: Link, text: str) -> Page | None:
        """Why there is nothing to confirm; None if there is."""
        facts = link.facts
        canary = self._pages.cluster().read(CANARIES, ObjectKey(facts.namespace, facts.name))
        if canary is None or canary["metadata"]["uid"] != facts.uid:
            return _gone(link)
        if is_asked(canary, _action(link, text, "", "")):
            return Page(410, "This link was used", f"It was used to {link.verb} already, and is good for once. {_HOW}")
        status = status_in(canary)
        gate = status.gate if status is not None else None
        waits = status is not None and status.last_applied_spec == facts.revision
        if not waits or gate is None or gate.type is not facts.gate or gate.approved:
            where = f"{facts.gate} of revision {facts.revision}"
            return Page(410, "There is nothing to decide any more", f"The release waits no more at {where}. {_HOW}")
        if link.verb is Verb.APPROVE and gate.needed > 1:
            why = f"This gate takes {gate.needed} persons whose names are verified, which a link can't do."
            return Page(403, "A link is not enough here", f"{why} {_HOW}")
        return None


def _fields_of(form: bytes) -> dict[str, list[str]]:
    """What was typed; nothing of a form that is none of ours."""
    try:
        return parse_qs(form.decode(errors="replace"), max_num_fields=8)
    except ValueError:
        return {}


_HOW = "See how it stands with: kubectl canary describe, or decide there with: kubectl canary approve or reject."
_TOO_OFTEN = Page(429, "Too many requests", "Wait a minute and open the link again.")
_FLAWS = {
    LinkFlaw.FORGED: Page(404, "This is no link of ours", f"Copy it whole from the message that it came in. {_HOW}"),
    LinkFlaw.EXPIRED: Page(410, "This link is over", f"It was good for a while only. {_HOW}"),
}


def _gone(link: Link) -> Page:
    return Page(410, "The Canary is gone", f"{link.facts.namespace}/{link.facts.name} is not the one that was meant.")


def _past(verb: Verb) -> str:
    return "Approved" if verb is Verb.APPROVE else "Rejected"


def _confirmation(link: Link) -> Page:
    facts = link.facts
    what = "goes on" if link.verb is Verb.APPROVE else "ends, and all traffic goes back"
    title = f"{str(link.verb).capitalize()} {facts.namespace}/{facts.name}?"
    text = f"Revision {facts.revision} waits at {facts.gate}. If you {link.verb} it, the release {what}."
    form = (
        '<form method="post" accept-charset="utf-8">'
        f'<p><label>Your name <input name="name" required maxlength="{NAME_MAX}" autocomplete="name"></label></p>'
        f'<p><label>Reason <input name="reason" maxlength="{REASON_MAX}"></label></p>'
        f'<p><button type="submit">{escape(str(link.verb).capitalize())}</button></p></form>'
    )
    return Page(200, title, text, form)


def _action(link: Link, text: str, name: str, reason: str) -> Action:
    """What the link asks for. A key of its own lets it overwrite nobody's approval."""
    asked = intent_id(text)
    return Action(
        verb=link.verb, id=asked, revision=link.facts.revision, user=name, reason=reason, via=BY_LINK,
        key=asked[:17] if link.verb is Verb.APPROVE else "",
    )  # fmt: skip


def make_links(pages: LinkPages) -> FastAPI:
    """The application, to be mounted at /links."""
    links, server = _Links(pages), FastAPI(title="links", openapi_url=None)
    server.add_middleware(Guard, null_origin=True)

    @server.get("/{text}")
    async def confirm(text: str, request: Request) -> HTMLResponse:
        """A page that asks."""
        return (await links.confirm(text, address_of(request))).answer()

    @server.post("/{text}")
    async def use(text: str, request: Request) -> HTMLResponse:
        """The page that says what was done."""
        return (await links.use(text, address_of(request), await request.body())).answer()

    async def away(_request: Request, _error: Exception) -> HTMLResponse:
        return Page(503, "Not now", "The cluster does not answer: open the link again in a minute.").answer()

    server.add_exception_handler(KubeError, away)
    return server
