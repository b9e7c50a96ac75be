"""Detection of web pages that only redirect, by ``<meta http-equiv="refresh">``.

The fetcher follows such a page as it follows an HTTP redirect.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from corpus.readers.html import absolute, parse_page, read_html

MAX_FORWARDING_CHARACTERS = 20_000  # of markup; a page that only redirects is short
_MAX_SHOWN = 300  # characters: "This page has moved. If nothing happens, follow this link."
_MAX_SECONDS = 30.0  # a page that is shown for longer is meant to be read
_REFRESH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*[;,\s]\s*(?:url\s*=)?\s*(.+)", re.I | re.S)


def forwards_to(text: str, url: str) -> str:
    """Return the URL to which a page redirects by a meta refresh; "" if it has content.

    Args:
        text: The markup of the page.
        url: The address of the page, against which the target is resolved.
    """
    if len(text) > MAX_FORWARDING_CHARACTERS or "refresh" not in text.lower():
        return ""
    root = parse_page(text)
    target = "" if root is None else _target(root, url)
    if not target or target.partition("#")[0] == url.partition("#")[0]:
        return ""
    shown = sum(len(block.text) for block in read_html(text, url).blocks)
    return target if shown <= _MAX_SHOWN else ""


def _target(root: HtmlElement, url: str) -> str:
    for meta in root.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() != "refresh":
            continue
        match = _REFRESH.fullmatch(meta.get("content") or "")
        if match and float(match[1]) <= _MAX_SECONDS:
            return absolute(url, match[2].strip().strip("\"'"))
    return ""
