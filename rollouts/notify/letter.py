"""What every kind of service is handed: the message, where it goes, and words that the user may have written himself.

Pure. A template's variables are replaced in one pass, so that a value can't smuggle in another variable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from rollouts.api.alert_provider import TEMPLATE_VARIABLES, AlertProviderSpec
from rollouts.core.notification import Link, Notification
from rollouts.ports import Destination

_VARIABLE = re.compile(r"\{\{ ?(" + "|".join(TEMPLATE_VARIABLES) + r") ?\}\}")
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way to one service."""

    to: Destination
    notification: Notification
    thread: str = ""
    """What the service called the thread of this release."""

    @property
    def spec(self) -> AlertProviderSpec:
        """The AlertProvider."""
        return self.to.spec

    @property
    def title(self) -> str:
        """The headline: the user's template, or ours."""
        template = self.spec.template
        return self.notification.title if template is None or template.title is None else self.filled(template.title)

    @property
    def text(self) -> str:
        """The sentence below it."""
        template = self.spec.template
        return self.notification.message if template is None or template.text is None else self.filled(template.text)

    @property
    def links(self) -> tuple[Link, ...]:
        """Where to read on: the provider's links, filled in, after those of the message itself."""
        own = (Link(link.title, self.filled(link.url, _in_url)) for link in self.spec.links)
        return (*self.notification.links, *own)

    @property
    def address(self) -> str:
        """Where it goes; empty if neither the spec nor the Secret says it."""
        return (self.spec.address or self.to.secret.get("address", "")).strip()

    def filled(self, template: str, escape: Callable[[str], str] = str) -> str:
        """A template with the values in it."""
        values = self.values()
        return _VARIABLE.sub(lambda found: escape(values[found.group(1)]), template)

    def values(self) -> dict[str, str]:
        """The variables of templates."""
        told = self.notification
        plain = {name: str(getattr(told, name)) for name in TEMPLATE_VARIABLES if name not in {"at", "since"}}
        return plain | {"at": told.at.isoformat(), "since": told.since.isoformat() if told.since is not None else ""}


def in_json(value: str) -> str:
    """A value as it stands within the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` characters, as services count them: pairs outside the basic plane count twice."""
    if _units(text) <= limit:
        return text
    kept, size = [], len(_CUT)
    for char in text:
        size += _units(char)
        if size > limit:
            break
        kept.append(char)
    return "".join(kept) + _CUT


def _in_url(value: str) -> str:
    return quote(value, safe="")


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)
