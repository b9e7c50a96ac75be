"""Near-duplicate detection: whether two texts of one language are texts of one work.

Shingles are the overlapping substrings of a text reduced to letters and digits in one case, so
hyphenation, line breaks and headings between paragraphs make no difference. The share of one
text's shingles that another contains (containment, Broder 1997) measures how much of the one is in
the other; a sketch, the smallest of the hashes, finds the texts worth comparing. A missed link only
counts a work twice, while a wrong one hides a witness: so a link needs most of a text, never a
common topic alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from corpus.links import paper
from corpus.text.sentences import sentences
from corpus.types import Passage, Source, text_hash

Reason = Literal["same text", "same words", "same paper", "translation"]

SKETCH_SIZE = 200  # hashes in a sketch
LATIN_SHINGLE, CJK_SHINGLE = 20, 9  # letters of a shingle: about four words, or one clause
SAME_WORK_SHARE = 0.7  # of the shorter text, contained in the longer one
# The same for different titles: some web pages are mostly navigation that they share.
OTHER_TITLE_SHARE = 0.9
SAME_TITLE_SHARE = 0.5  # the same if title and authors, or an identifier, are equal
WHOLE_TEXT_SHARE = 0.55  # of the longer text: at most one work of a collection has so much of it
MIN_TITLE_LETTERS = 8  # a shorter title does not identify a work
NEAR_TITLE_SHARE = 0.6  # of the shorter title's pairs of letters, for two forms of one title
OPENING_LETTERS = 2000  # letters that count as the opening of a text
OPENING_SHARE = 0.5  # of the longer text's opening, contained in the shorter one
MIN_TEXT_LETTERS = 300  # a shorter text is not identified by a share of it
REPEATED_SHARE = 0.7  # of a passage's letters, for it to be a repetition of others
NEW_SENTENCE_SHARE = 0.3  # of a sentence's shingles, for it to be another form of a known sentence
_ARXIV_FILE = re.compile(r"(?:arxiv[-_. ]?)?(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE)
_ACL_FILE = re.compile(r"\d{4}\.[a-z][\w-]*\.\d+|[A-Z]\d{2}-\d{4}")


def normalized_letters(text: str) -> str:
    """Reduce a text to its letters and digits, in NFKC and without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def shingles(letters: str) -> frozenset[int]:
    """Compute the 63-bit hashes of the shingles of a text reduced by ``normalized_letters``.

    A text shorter than a shingle has one hash, of the whole text; an empty text has none.
    """
    spans = (letters[i : i + _length(char)] for i, char in enumerate(letters))
    whole = {span for span in spans if len(span) >= _length(span[0])} or {letters}
    return frozenset(map(_hash, whole - {""}))


def containment(part: frozenset[int], whole: frozenset[int]) -> float:
    """Return the share, 0 to 1, of one text's shingles that another text contains."""
    return len(part & whole) / len(part) if part else 0.0


def is_repetition(earlier: Sequence[str], passage: str) -> bool:
    """Return whether a passage hardly adds anything to some earlier ones.

    A passage that has one of their sentences in another form is not a repetition, however small
    the difference: two versions of a text may disagree in one number, or one "not".
    """
    before = normalized_letters("".join(earlier))
    known = shingles(before)
    repeated = total = 0
    for sentence in map(normalized_letters, sentences(passage)):
        total += len(sentence)
        if sentence in before:
            repeated += len(sentence)
        elif containment(shingles(sentence), known) >= NEW_SENTENCE_SHARE:
            return False
    return repeated >= REPEATED_SHARE * total


@dataclass(frozen=True)
class WorkText:
    """The text of a source's passages (without headings and references) for comparison.

    ``letters`` is that text, reduced by ``normalized_letters``.
    """

    source: Source
    letters: str

    @classmethod
    def of(cls, source: Source, passages: Sequence[Passage]) -> WorkText:
        """Make the text of a source from its passages, in their order."""
        return cls(source, "".join(normalized_letters(passage.text) for passage in passages))

    @cached_property
    def fingerprint(self) -> str:
        """A hash that is the same for all copies, regardless of layout, case and punctuation."""
        return text_hash(self.letters)

    @cached_property
    def shingles(self) -> frozenset[int]:
        """The hashes of the text's shingles."""
        return shingles(self.letters)

    @cached_property
    def opening(self) -> frozenset[int]:
        """The hashes of the shingles of the first OPENING_LETTERS letters."""
        return shingles(self.letters[:OPENING_LETTERS])

    @cached_property
    def sketch(self) -> tuple[int, ...]:
        """The SKETCH_SIZE smallest hashes, ascending.

        A shingle of a part of a text that is among the smallest of the whole is among those of
        the part too; so the sketches of a text and of a large part of it share hashes.
        """
        return tuple(sorted(self.shingles)[:SKETCH_SIZE])


def same_work_reason(a: WorkText, b: WorkText) -> Reason | None:
    """Decide by words and metadata whether two texts are texts of one work, and why.

    A text that is contained in a much longer one is the same work only if they have the same
    opening or title: the longer one may be a collection, or may quote the shorter.

    Returns:
        The reason, or None if they seem to be different works.
    """
    if a.letters and a.fingerprint == b.fingerprint:
        return "same text"
    short, long = sorted((a, b), key=lambda text: len(text.shingles))
    shared = containment(short.shingles, long.shingles)
    titled, apart = compare_titles(a.source, b.source)
    # A digest has the title and the address of the work that it sums up, but another text.
    digest = "digest" in (a.source.kind, b.source.kind)
    named = not digest and same_name(a.source, b.source)
    known = named or shared >= SAME_TITLE_SHARE
    if known and identifier(a.source) and identifier(a.source) == identifier(b.source):
        return "same paper"
    enough = SAME_TITLE_SHARE if named else OTHER_TITLE_SHARE if apart else SAME_WORK_SHARE
    if len(short.letters) < MIN_TEXT_LETTERS or shared < enough:
        return None
    whole = shared * len(short.shingles) >= WHOLE_TEXT_SHARE * len(long.shingles)
    opens = containment(long.opening, short.shingles) >= OPENING_SHARE
    return "same words" if whole or opens or titled else None


def compare_titles(a: Source, b: Source) -> tuple[bool, bool]:
    """Decide whether the titles of two sources are equal, clearly different, or neither.

    Returns:
        (equal, clearly different). Both are False for similar titles, and where a title is too
        short or only the name of a file.
    """
    first, second = _title(a), _title(b)
    if min(len(first), len(second)) < MIN_TITLE_LETTERS:
        return False, False
    one, other = ({t[i : i + 2] for i in range(len(t) - 1)} for t in (first, second))
    return first == second, len(one & other) < NEAR_TITLE_SHARE * min(len(one), len(other))


def same_name(a: Source, b: Source) -> bool:
    """Return whether two sources have the same title and an author in common."""
    title = _title(a)
    return (
        len(title) >= MIN_TITLE_LETTERS and title == _title(b) and bool(_authors(a) & _authors(b))
    )


def identifier(source: Source) -> str:
    """Derive a paper's canonical URL from a source's address or file name.

    Returns:
        The URL, such as that of arXiv's page for a file ``2202.05263v2.pdf``; "" if neither
        names a paper.
    """
    known = paper(source.url)
    if known and known.publisher != "pdf":
        return known.url
    name = PurePosixPath(unquote(urlsplit(source.url).path)).stem
    if match := _ARXIV_FILE.fullmatch(name):
        return f"https://arxiv.org/abs/{match[1]}"
    return f"https://aclanthology.org/{name}/" if _ACL_FILE.fullmatch(name) else ""


def _title(source: Source) -> str:
    file = unquote(urlsplit(source.url).path).rstrip("/").rpartition("/")[2]
    return "" if source.title == file else normalized_letters(source.title)


def _authors(source: Source) -> set[str]:
    return {normalized_letters(name) for name in source.authors}


def _length(char: str) -> int:
    return CJK_SHINGLE if char >= "\u2e80" else LATIN_SHINGLE


def _hash(span: str) -> int:
    taken = blake2b(span.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(taken, "big") >> 1
