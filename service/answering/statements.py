"""The sentences of any text that state something, with their places in it.

Markers and citations that the text has itself are ignored: the library alone decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.errors import TextRefused
from corpus.text.sentences import sentence_spans
from service.answering.sentence_reader import SENTENCES_BEFORE
from service.generation.citation_parser import SentenceParser
from service.types import Draft

MAX_SENTENCE_CHARACTERS = 2000

# What states nothing: front matter, comments, code blocks, headings of three kinds (`# …`,
# underlined, a line in bold), and definitions of links and footnotes.
_FENCE = r"^[ \t]{0,3}(?P=fence)"
_NO_CLAIM = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(?=[\w-]+[ \t]*:)(?:[^\n]*\n)*?---[ \t]*(?=\r?\n|\Z)"
    r"|<!--(?:(?!-->).)*(?:-->)?"
    rf"|^[ \t]{{0,3}}(?P<fence>`{{3,}}|~{{3,}})(?:(?!{_FENCE}).)*(?:{_FENCE}[`~]*)?"
    r"|^[ \t]{0,3}#{1,6}(?:[ \t][^\n]*)?$"
    r"|^(?![ \t]*(?:[-*+>|]|\d{1,3}[.)])[ \t])[^\n]*[^\s.。!！][ \t\r]*"
    r"\n[ \t]{0,3}(?:={2,}|-{2,})\s*?$"
    r"|^[ \t]*\*\*[^*\n]*[^*\n.。!！]\*\*\s*?$"
    r"|^[ \t]*\[\^?[^\]\n]{1,60}\]:[ \t][^\n]*$",
    re.MULTILINE | re.DOTALL,
)
_LEAD = re.compile(r"(?:[-*+•・>]\s+|\d{1,3}[.)]\s+|[\[［【][\d ,、，;-]{1,20}[\]］】]\s*)+")
_TAIL = re.compile(r"(?:\s*[\[［【](?:\d[\d ,、，;-]{0,20}|\^[^\]\n]{1,40})[\]］】])+$")
_NEW_PARAGRAPH = re.compile(r"\n[ \t\r]*\n|\n[ \t]{0,3}#")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,400})\]\([^()\s]{0,600}\)")
_FOOTNOTE = re.compile(r"\[\^[^\]\n]{1,40}\]")
_QUESTION = re.compile(
    r"[?？][)）*_]*$|^[「『“\"].*[?？][」』”\"]$"
    r"|(?:で(?:す|した|しょう)|ま(?:す|した|せん)|だろう)か。?$"
)


def statements(text: str) -> list[tuple[int, int, Draft]]:
    """Return the sentences of a text that state something: start, end, and a draft of each.

    A draft has the sentences before it in its paragraph, by which its pronouns are understood.

    Raises:
        TextRefused: The text has no word, or a lone surrogate, or a sentence of more than
            MAX_SENTENCE_CHARACTERS characters.
    """
    if not any(char.isalnum() for char in text):
        raise TextRefused("the text is empty: give the sentences that you want verified")
    half = _SURROGATE.search(text)
    if half:
        raise TextRefused(
            f"the text has half a character at {half.start():,} (a lone surrogate): send whole"
            " characters, in UTF-8 or as pairs of \\u escapes"
        )
    found: list[tuple[int, int, Draft]] = []
    masked = _NO_CLAIM.sub(lambda match: "\n" * len(match[0]), text)
    for start, end in sentence_spans(masked):
        lead = _LEAD.match(text, start, end)
        start = lead.end() if lead else start
        tail = _TAIL.search(text, max(start, end - 100), end)
        end = tail.start() if tail else end
        if end - start > MAX_SENTENCE_CHARACTERS:
            raise TextRefused(
                f"the sentence at character {start:,} has {end - start:,} characters, and at most"
                f" {MAX_SENTENCE_CHARACTERS:,} are read: end it with a full stop or a line break"
            )
        said = _said(text[start:end])
        if any(char.isalpha() for char in said) and not _QUESTION.search(said):
            before = _before(found, text, start)
            found.append((start, end, Draft(said, before=before)))
    return found


def _before(found: Sequence[tuple[int, int, Draft]], text: str, start: int) -> tuple[str, ...]:
    """Return the last sentences before ``start`` that are in the same paragraph."""
    before: list[str] = []
    for _, end, draft in reversed(found[-SENTENCES_BEFORE:]):
        if _NEW_PARAGRAPH.search(text, end, start):
            break
        before.insert(0, draft.text)
    return tuple(before)


def _said(sentence: str) -> str:
    """Return a sentence without markup, markers and superfluous blanks."""
    bare = _FOOTNOTE.sub("", _LINK.sub(r"\1", " ".join(sentence.split())))
    parser = SentenceParser()
    drafts = parser.feed(bare) + parser.finish()
    return " ".join(draft.text for draft in drafts).replace("`", "")
