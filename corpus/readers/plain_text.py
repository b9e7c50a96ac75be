"""Plain text to a draft, without the furniture of a page that was saved as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.links import bare_urls
from corpus.text.blocks import CJK, Block, ParsedDocument, detect_language, normalize_text, one_line

_LEAST, _MOST = 3, 60  # lines
_PICTURE = re.compile(r"[\w.-]+\.(?:png|jpe?g|gif|webp|svg)", re.IGNORECASE)
_PROSE = re.compile(r"[。．.!?！？]\W*$")
_CJK = re.compile(CJK)


def read_text(text: str) -> ParsedDocument:
    """Read a text. Its links are the addresses written out in it.

    A page saved as text has around its article what the site puts around every article. It
    shows where such a text begins and ends with the same lines, counters among them (so many
    likes, so many comments): the article is what stands between them, and its first line is
    its title.
    """
    lines = normalize_text(text).strip("\n").split("\n")
    article = _unframed(lines)
    if article is None:
        return ParsedDocument([Block(text)], links=list(bare_urls(text)))
    title, body = article
    words = "\n".join(body)
    blocks = [Block(title, 1), Block(words)] if title else [Block(words)]
    return ParsedDocument(blocks, links=list(bare_urls(words)), title=title)


def _unframed(lines: Sequence[str]) -> tuple[str, list[str]] | None:
    """The title and the lines of the article in a saved page, or None where it is none."""
    places = [at for at, line in enumerate(lines) if line.strip()]
    shown = [lines[at].strip() for at in places]
    longest = min(len(shown) // 3, _MOST)
    start = max((k for k in range(1, longest + 1) if shown[:k] == shown[-k:]), default=0)
    if start < _LEAST or not any(line.isdecimal() for line in shown[:start]):
        return None
    # What the page says after the article begins where its first lines come again.
    late = range(max(start, len(shown) // 2), len(shown))
    end = next(at for at in late if shown[at : at + 2] == shown[:2])
    japanese = detect_language("\n".join(shown[start:end])) == "ja"

    def own(line: str) -> bool:
        return not _PICTURE.fullmatch(line) and (not japanese or bool(_CJK.search(line)))

    first = next((i for i in range(start, end) if own(shown[i]) and _PROSE.search(shown[i])), end)
    # Before the first sentence stand a title and a heading, and labels in the site's language.
    heads = [line for line in shown[start:first] if own(line)]
    prose = lines[places[first] : places[end - 1] + 1] if first < end else []
    kept = [line for line in prose if not _PICTURE.fullmatch(line.strip())]
    return one_line(heads[0]) if heads else "", [*"\n\n".join(heads[1:]).split("\n"), "", *kept]
