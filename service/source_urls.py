"""Web addresses that open a source at a page or at quoted words. Pure functions."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from corpus.types import Source

SHORT = 120  # characters up to which a whole quote goes into an address
WORDS, LETTERS = 6, 20  # of a longer one, at each end: words, or letters where it has no spaces


def source_url(source: Source, base: str, words: str = "", page: int | None = None) -> str:
    """Make an http or https address at which a reader finds a quote of a source.

    A PDF opens at its page, a web page at the quoted words (by a text fragment). A digest leads
    to its original, which does not have the digest's words. A source without a web address leads
    to its page on this service.

    Args:
        source: The source.
        base: The address of this service.
        words: The quote; empty for the source as a whole.
        page: The quote's page, counted from 1, if it is known.
    """
    try:
        parts = urlsplit(source.url)
        web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # [ without ]
        web = False
    if not web:
        own_page = f"{base.rstrip('/')}/sources/{quote(source.id, safe='')}"
        return f"{own_page}#:~:text={_fragment(words)}" if words else own_page
    if source.kind == "digest":
        return source.url
    host, path = (parts.hostname or "").removeprefix("www."), parts.path.lower()
    if path.endswith(".pdf") or (host == "arxiv.org" and path.startswith("/pdf/")):
        return parts._replace(fragment=f"page={page}").geturl() if page else source.url
    if not words:
        return source.url
    return f"{source.url}{'' if parts.fragment else '#'}:~:text={_fragment(words)}"


def _fragment(words: str) -> str:
    """Encode words as a URL text fragment: a long text as its first and last words."""
    text = " ".join(words.encode("utf-8", "replace").decode().split())
    ends = [text]
    if len(text) > SHORT:
        by_word = text.split(" ")
        if len(by_word) >= 2 * WORDS:
            ends = [" ".join(by_word[:WORDS]), " ".join(by_word[-WORDS:])]
        else:
            ends = [text[:LETTERS], text[-LETTERS:]]
    return ",".join(quote(end, safe="").replace("-", "%2D") for end in ends)
