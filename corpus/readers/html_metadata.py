"""Extraction of title, authors, date and language from the tags and JSON-LD of a web page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml.html import HtmlElement

from corpus.text.blocks import ParsedDocument, iso_date, one_line

_TITLE = ("citation_title", "og:title", "dc.title", "twitter:title")
_AUTHOR = ("citation_author", "dc.creator", "author", "article:author", "parsely-author")
_DATE = (
    "citation_publication_date",
    "citation_date",
    "article:published_time",
    "datepublished",
    "dc.date",
    "date",
)


def page_metadata(root: HtmlElement) -> ParsedDocument:
    """Read the metadata of a web page from its tree: title, authors, date and language.

    Returns:
        A parsed document without blocks; what the page does not say is empty.
    """
    meta: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        key = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if value := one_line(element.get("content") or ""):
            meta.setdefault(key.lower(), []).append(value)
    linked = list(_linked_data(root))
    title = next(root.iter("title"), None)
    titles = [*(meta[key][0] for key in _TITLE if key in meta), _text(title)]
    return ParsedDocument(
        [],
        title=next(filter(None, titles), ""),
        authors=_authors(meta, linked),
        published=_published(root, meta, linked),
        language=(root.get("lang") or root.get("xml:lang") or "")[:2].lower(),
    )


def _text(element: HtmlElement | None) -> str:
    return "" if element is None else one_line("".join(element.itertext()))


def _authors(meta: Mapping[str, list[str]], linked: list[dict[str, Any]]) -> tuple[str, ...]:
    for key in _AUTHOR:
        names = [name for name in meta.get(key, ()) if not name.startswith("http")]
        if names:
            return tuple(dict.fromkeys(_name(name) for name in names))
    for item in linked:
        people = item.get("author")
        people = people if isinstance(people, list) else [people]
        listed = (each.get("name") if isinstance(each, dict) else each for each in people)
        names = [one_line(name) for name in listed if isinstance(name, str) and name.strip()]
        if names:
            return tuple(names)
    return ()


def _name(name: str) -> str:
    """Turn ``Family, Given`` (common in citation_author) into ``Given Family``."""
    family, comma, given = name.partition(", ")
    return f"{given} {family}" if comma and "," not in given else name


def _published(
    root: HtmlElement, meta: Mapping[str, list[str]], linked: list[dict[str, Any]]
) -> str:
    dates = [meta[key][0] for key in _DATE if key in meta]
    dates += [str(item.get("datePublished", "")) for item in linked]
    dates += [time.get("datetime") or "" for time in root.iter("time")][:1]
    return next(filter(None, map(iso_date, dates)), "")


def _linked_data(root: HtmlElement) -> Iterator[dict[str, Any]]:
    """Yield the objects of a page's JSON-LD scripts, skipping those that are not valid JSON."""
    for script in root.iter("script"):
        if script.get("type") != "application/ld+json":
            continue
        try:
            data = json.loads(re.sub(r"[\x00-\x1f]", " ", script.text or ""))
        except (ValueError, RecursionError):  # JSON-LD in web pages is often broken
            continue
        items = data if isinstance(data, list) else [data]
        for item in items:
            graph = item.get("@graph") if isinstance(item, dict) else None
            inner = graph if isinstance(graph, list) else [item]
            yield from (each for each in inner if isinstance(each, dict))
