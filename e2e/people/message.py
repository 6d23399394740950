"""A message as Slack's incoming webhook got it, and what a person reads in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    at_s: float
    payload: Mapping[str, Any]
    flaw: str = ""
    """What Slack would have said against it; empty if it fits."""

    @property
    def headline(self) -> str:
        """Which Canary, and in a few words what."""
        return unescape(str(self.payload.get("text", ""))).strip("*")

    @property
    def sentence(self) -> str:
        """What happened, with its numbers."""
        return next((unescape(block["text"]["text"]) for block in self._blocks("section") if "text" in block), "")

    @property
    def fields(self) -> Mapping[str, str]:
        """What stands below the sentence, by its names."""
        told = [field["text"] for block in self._blocks("section") for field in block.get("fields", ())]
        parts = (unescape(text).partition("\n") for text in told)
        return {label.strip("*"): words for label, _, words in parts}

    @property
    def links(self) -> Mapping[str, str]:
        """Where the buttons lead, by their words."""
        elements = [element for block in self._blocks("actions") for element in block["elements"]]
        return {element["text"]["text"]: element["url"] for element in elements}

    @property
    def reason(self) -> str:
        """The Event's."""
        return self._last.partition(" · ")[0]

    @property
    def id(self) -> str:
        """The same at each delivery."""
        return self._last.partition(" · ")[2]

    @property
    def _last(self) -> str:
        contexts = self._blocks("context")
        return str(contexts[-1]["elements"][0]["text"]) if contexts else ""

    def _blocks(self, kind: str) -> list[Mapping[str, Any]]:
        attachments = self.payload.get("attachments") or ()
        blocks = [block for one in attachments for block in one.get("blocks", ())]
        return [block for block in blocks if block.get("type") == kind]
