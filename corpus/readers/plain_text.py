"""The reader for plain text, without the navigation of web pages that were saved as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.links import bare_urls
from corpus.text.blocks import CJK, Block, ParsedDocument, detect_language, normalize_text, one_line
from corpus.text.line_wraps import join_wrapped_lines

_MIN_FRAME, _MAX_FRAME = 3, 60  # lines
_PICTURE = re.compile(r"[\w.-]+\.(?:png|jpe?g|gif|webp|svg)", re.IGNORECASE)
_PROSE = re.compile(r"[。．.!?！？]\W*$")
_CJK = re.compile(CJK)


def read_text(text: str) -> ParsedDocument:
    """Read plain text into paragraphs; its links are the URLs written in it.

    Lines that were broken inside a sentence are joined.

    A web page saved as text has the site's navigation around its article. This is recognized
    where the text begins and ends with the same lines, some of which are numbers (of likes, of
    comments): then only the lines between them are read, and the first of those is the title.
    """
    lines = normalize_text(text).strip("\n").split("\n")
    article = _unframed(lines)
    title, body = article or ("", lines)
    content = join_wrapped_lines("\n".join(body))
    blocks = [Block(title, 1), Block(content)] if title else [Block(content)]
    return ParsedDocument(blocks, links=list(bare_urls(content)), title=title)


def _unframed(lines: Sequence[str]) -> tuple[str, list[str]] | None:
    """Find the title and the lines of the article in a saved page; None if it is not one."""
    positions = [at for at, line in enumerate(lines) if line.strip()]
    shown = [lines[at].strip() for at in positions]
    longest = min(len(shown) // 3, _MAX_FRAME)
    start = max((k for k in range(1, longest + 1) if shown[:k] == shown[-k:]), default=0)
    if start < _MIN_FRAME or not any(line.isdecimal() for line in shown[:start]):
        return None
    # The article ends where the first lines of the page are repeated.
    late = range(max(start, len(shown) // 2), len(shown))
    end = next(at for at in late if shown[at : at + 2] == shown[:2])
    japanese = detect_language("\n".join(shown[start:end])) == "ja"

    def of_article(line: str) -> bool:
        return not _PICTURE.fullmatch(line) and (not japanese or bool(_CJK.search(line)))

    first = next(
        (i for i in range(start, end) if of_article(shown[i]) and _PROSE.search(shown[i])), end
    )
    # Before the first sentence: a title, perhaps a heading, and labels in the site's language.
    heads = [line for line in shown[start:first] if of_article(line)]
    prose = lines[positions[first] : positions[end - 1] + 1] if first < end else []
    kept = [line for line in prose if not _PICTURE.fullmatch(line.strip())]
    return one_line(heads[0]) if heads else "", [*"\n\n".join(heads[1:]).split("\n"), "", *kept]
