"""Lines of a text that are no sentences: rows of tables, headings and captions.

Pure functions, no model. Readers of files write a row of a table as one line, its cells joined by
" | "; plain text may have tabs.
"""

from __future__ import annotations

import re

from corpus.text.chunking import text_width

MAX_TITLE_WIDTH = 100.0  # of a heading, in units of ``text_width``

_ENDS = re.compile(r"[.!?。．｡…！？:：;；,，、][”’\"'」』)）\]】]*(?:\[\d{1,3}\])*$")
_ITEM = re.compile(r"[-*•●◦・▪]|\d{1,3}[.)]\s|[①-⑳]")
# "Table 1: …", "Figure 2 Results", 図3 構成; not "Table 1 shows …" and 図3は….
_CAPTION = re.compile(
    r"(?:(?i:fig(?:ure|\.)?|tab(?:le|\.)|algorithm|listing|chart|scheme)|図表|図|表|写真)"
    r"\s*[A-Z]?[\d０-９]+(?:[.．-][\d０-９]+)*[a-z]?"
    r"(?:\s*[:：|.．。]|\s*$|\s+[^\sa-z\u3041-\u3096])"
)


def is_caption(sentence: str) -> bool:
    """Return whether a sentence is the caption of a table or figure, or begins one."""
    return _CAPTION.match(sentence) is not None


def is_heading(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` looks like a heading.

    It is a short line of its own, above other text, that ends without punctuation, and neither an
    item of a list nor a row of a table.
    """
    line = text[start:end]
    beside = text[text.rfind("\n", 0, start) + 1 : start] + text[end : _line_end(text, end)]
    return (
        not ("\n" in line or beside.strip())
        and bool(text[end:].strip())
        and text_width(line) <= MAX_TITLE_WIDTH
        and not (_ENDS.search(line) or _ITEM.match(line) or _is_row(line))
    )


def is_table_head(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is in the first of several rows of a table."""
    rows = table_rows(text, start, end)
    if rows is None or rows[0] != text.rfind("\n", 0, start) + 1:
        return False
    below = rows[1] + 1
    return _is_row(text[below : _line_end(text, below)])


def table_rows(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the rows begin and end from the head of a table to a row of it.

    Args:
        text: The text of a passage.
        start: Where the row, or a sentence in it, begins.
        end: Where that ends.

    Returns:
        The span from the first of the adjacent rows to the end of this one; None if it is no row.
    """
    head = text.rfind("\n", 0, start) + 1
    if not _is_row(text[head : _line_end(text, start)]):
        return None
    while head:
        above = text.rfind("\n", 0, head - 1) + 1
        if not _is_row(text[above : head - 1]):
            break
        head = above
    return head, _line_end(text, end)


def _is_row(line: str) -> bool:
    return " | " in line or "\t" in line.strip()


def _line_end(text: str, at: int) -> int:
    """Return where the line ends that has the character ``at``."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end
