"""Where a reader finds a source, whichever door it is named at. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from corpus.types import Source

SHORT = 120  # characters up to which a quote is named whole in an address
WORDS, LETTERS = 6, 20  # of a longer one that are named at each end, with and without spaces


def source_url(source: Source, base: str, words: str = "", page: int | None = None) -> str:
    """Where a reader finds ``words`` of a source: an absolute http(s) address.

    A PDF is opened at the page and another source at the words; a digest leads to its
    original, where its words do not stand. A source without such an address has a page of the
    service's own, below ``base``.
    """
    try:
        parts = urlsplit(source.url)
        web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # [ without ]
        web = False
    if not web:
        place = f"{base.rstrip('/')}/sources/{quote(source.id, safe='')}"
        return f"{place}#:~:text={_fragment(words)}" if words else place
    if source.kind == "digest":
        return source.url
    host, path = parts.hostname.removeprefix("www."), parts.path.lower()
    if path.endswith(".pdf") or (host == "arxiv.org" and path.startswith("/pdf/")):
        return parts._replace(fragment=f"page={page}").geturl() if page else source.url
    if not words:
        return source.url
    return f"{source.url}{'' if parts.fragment else '#'}:~:text={_fragment(words)}"


def _fragment(words: str) -> str:
    """The words as a text fragment names them: a long text by its first and last words."""
    text = " ".join(words.encode("utf-8", "replace").decode().split())
    ends = [text]
    if len(text) > SHORT:
        by_word = text.split(" ")
        if len(by_word) >= 2 * WORDS:
            ends = [" ".join(by_word[:WORDS]), " ".join(by_word[-WORDS:])]
        else:
            ends = [text[:LETTERS], text[-LETTERS:]]
    return ",".join(quote(end, safe="").replace("-", "%2D") for end in ends)
