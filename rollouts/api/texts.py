"""How long a text may be that is kept in a status: counted as the API server stores it, since an object has its limit.

Pure. Knows no status.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate, takewhile
from types import MappingProxyType

_HTML = (("<", 5), (">", 5), ("&", 5))
_ESCAPED = MappingProxyType({**dict(_HTML), "\u2028": 3, "\u2029": 3})
"""And by how many bytes more than in other JSON."""
_MOST = 6
"""What one character takes at the most."""


def stored_bytes(text: str) -> int:
    """What a text takes in stored JSON: UTF-8, in which some characters are escaped, those of HTML among them."""
    if text.isascii() and text.isprintable():
        # The same for the texts of every day, which each step looks at.
        escaped = text.count('"') + text.count("\\")
        return len(text) + escaped + sum(text.count(character) * more for character, more in _HTML)
    plain = len(json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass")) - len('""')
    return plain + sum(text.count(character) * more for character, more in _ESCAPED.items())


def cut(text: str, limit_bytes: int) -> str:
    """The longest beginning of a text that takes no more than that."""
    if len(text) * _MOST <= limit_bytes or stored_bytes(text) <= limit_bytes:
        return text
    ends = accumulate(map(stored_bytes, text))
    return text[: sum(1 for _ in takewhile(lambda end: end <= limit_bytes, ends))]


def share_out(texts: Sequence[str], limit_bytes: int) -> list[str]:
    """Texts cut so that they take no more than that in all: the longest give way first, short ones stay whole."""
    if sum(map(len, texts)) * _MOST <= limit_bytes:
        return list(texts)
    left, share = limit_bytes, limit_bytes
    for waiting, size in zip(range(len(texts), 0, -1), sorted(map(stored_bytes, texts)), strict=True):
        share = left // waiting
        if size > share:
            break
        left -= size
        share = limit_bytes
    return [cut(text, share) for text in texts]
