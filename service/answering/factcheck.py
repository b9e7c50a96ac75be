"""Fact-checking: looks each sentence of a text up in the library, and gives it a verdict.

What a text says is cut into sentences where they stand, so that a claim's ``start`` and ``end``
count code points in the text that was given. Markers and citations of the text's own are
ignored: the library decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from corpus.errors import TextRefused
from corpus.readers.format_detection import detect_format
from corpus.readers.sandbox import ReaderPool
from corpus.text.sentences import sentence_spans
from corpus.types import Source
from index.inference.cross_encoder import CrossEncoder
from index.search import Library
from service.answering.evidence import LatestOriginals, select_evidence, with_originals
from service.generation.citation_parser import SentenceParser
from service.types import Citation, Claim, Draft, Evidence
from service.verification.calibration import load_calibration
from service.verification.verifier import Verifier

MAX_TEXT_CHARACTERS = 20_000  # characters verified at once by the service
MAX_SENTENCES = 200
MAX_SENTENCE_CHARACTERS = 2000  # characters
PASSAGES_PER_SENTENCE = 8  # passages looked up for a sentence
EVIDENCE_CHARACTERS = 8000  # of them together

# What makes no claim: front matter, comments, code blocks, headings of three kinds (`# …`,
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
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,400})\]\([^()\s]{0,600}\)")
_FOOTNOTE = re.compile(r"\[\^[^\]\n]{1,40}\]")
_QUESTION = re.compile(
    r"[?？][)）*_]*$|^[「『“\"].*[?？][」』”\"]$"
    r"|(?:で(?:す|した|しょう)|ま(?:す|した|せん)|だろう)か。?$"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """The result for a text: its claims in order, and the passages that they cite.

    ``evidence`` is numbered by first use, one label a passage, over all claims.
    ``error_rates`` is how often the verifier was measured to be wrong; empty with a judge
    other than ours.
    """

    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    error_rates: dict[str, Any]


def document_text(name: str, data: bytes, workers: ReaderPool, password: str = "") -> str:
    """Return the text of a file's bytes: text and Markdown as they are, else by a file reader.

    ``password`` opens an encrypted PDF. Raises CorpusError where there is none to be read.
    """
    found, text = detect_format(data, name)
    if found in ("markdown", "text"):
        return text
    document, _ = workers.read(data, Source("", name), password=password)
    return document.text


def statements(text: str) -> list[tuple[int, int, Draft]]:
    """Return the sentences of a text that claim something: start, end, and a draft of each.

    Raises TextRefused for a text without a word or with half a character, and for a sentence
    of more than MAX_SENTENCE_CHARACTERS characters.
    """
    if not any(char.isalnum() for char in text):
        raise TextRefused("the text is empty: give the sentences that you want verified")
    half = _SURROGATE.search(text)
    if half:
        raise TextRefused(
            f"the text has half a character at {half.start():,} (a lone surrogate): send whole"
            " characters, in UTF-8 or as pairs of \\u escapes"
        )
    found = []
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
            found.append((start, end, Draft(said)))
    return found


def check_text(text: str) -> str:
    """Return the text itself; TextRefused if there is nothing to verify in it, or too much."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TextRefused(
            f"the text has {len(text):,} characters, and at most {MAX_TEXT_CHARACTERS:,} are"
            " verified at once: send it in parts, or run `tenkyo verify FILE`, which has no such"
            " limit"
        )
    count = len(statements(text))
    if count > MAX_SENTENCES:
        raise TextRefused(
            f"the text has {count:,} sentences, and at most {MAX_SENTENCES} are verified at once:"
            " send it in parts, or run `tenkyo verify FILE`, which has no such limit"
        )
    return text


class FactChecker:
    """Looks each sentence of a text up in a library, and checks it."""

    def __init__(self, library: Library, verifier: Verifier) -> None:
        self._library, self._verifier = library, verifier
        self._originals = LatestOriginals(library.store)

    def check(
        self,
        text: str,
        source_ids: Sequence[str] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Checked:
        """Return the claims of ``text``, of any length, each with its verdict.

        ``text[claim.start : claim.end] == claim.text`` holds for each. ``source_ids`` limits
        where to look; NotFound for an unknown one, TextRefused as of ``statements``.
        """
        for source_id in source_ids or ():
            self._library.store.source(source_id)
        originals = self._originals()
        said = statements(text)
        claims: list[Claim] = []
        shown: dict[str, Evidence] = {}  # by the id of the passage
        for start, end, draft in said:
            hits = self._library.search(draft.text, PASSAGES_PER_SENTENCE, source_ids)
            if source_ids is None:
                hits = with_originals(
                    self._library, originals, draft.text, hits, PASSAGES_PER_SENTENCE
                )
            twins = self._library.store.works.twins([hit.passage.id for hit in hits])
            evidence = select_evidence(hits, PASSAGES_PER_SENTENCE, EVIDENCE_CHARACTERS, twins)
            claim = _numbered(self._verifier.check(draft, evidence, originals), evidence, shown)
            claims.append(replace(claim, text=text[start:end], start=start, end=end))
            if progress:
                progress("verify", len(claims), len(said))
        rates = (
            load_calibration().errors if self._verifier.checker.name == CrossEncoder.name else {}
        )
        return Checked(tuple(claims), tuple(shown.values()), rates)


def _said(sentence: str) -> str:
    """What a sentence says, without markup, markers and blanks that are too many."""
    bare = _FOOTNOTE.sub("", _LINK.sub(r"\1", " ".join(sentence.split())))
    parser = SentenceParser()
    drafts = parser.feed(bare) + parser.finish()
    return " ".join(draft.text for draft in drafts).replace("`", "")


def _numbered(claim: Claim, evidence: Sequence[Evidence], shown: dict[str, Evidence]) -> Claim:
    """The claim with the labels of the whole text in place of those of its own evidence."""
    own = {e.passage.id: e for e in evidence}

    def number(citation: Citation) -> Citation:
        id = citation.passage_id
        found = shown.setdefault(id, replace(own[id], label=len(shown) + 1))
        return replace(citation, label=found.label)

    return replace(
        claim,
        citations=tuple(map(number, claim.citations)),
        disputed_by=tuple(map(number, claim.disputed_by)),
    )
