"""Pages that hold nothing but a forwarding address: ``<meta http-equiv="refresh">``. Pure.

Such a page is a redirect in all but its status; the Fetcher follows it as one.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from corpus.readers.html import absolute, parse_page, read_html

MAX_FORWARDING_CHARACTERS = 20_000  # of a page's markup; one that only leads elsewhere is short
_MAX_WORDS = 300  # characters: "This page has moved. If nothing happens, follow this link."
_MAX_SECONDS = 30.0  # a page that is there for longer is there to be read
_REFRESH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*[;,\s]\s*(?:url\s*=)?\s*(.+)", re.I | re.S)


def forwards_to(text: str, url: str) -> str:
    """The address to which a page only leads, made absolute by its own ``url``; "" for others."""
    if len(text) > MAX_FORWARDING_CHARACTERS or "refresh" not in text.lower():
        return ""
    root = parse_page(text)
    target = "" if root is None else _target(root, url)
    if not target or target.partition("#")[0] == url.partition("#")[0]:
        return ""
    shown = sum(len(block.text) for block in read_html(text, url).blocks)
    return target if shown <= _MAX_WORDS else ""


def _target(root: HtmlElement, url: str) -> str:
    for meta in root.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() != "refresh":
            continue
        match = _REFRESH.fullmatch(meta.get("content") or "")
        if match and float(match[1]) <= _MAX_SECONDS:
            return absolute(url, match[2].strip().strip("\"'"))
    return ""
