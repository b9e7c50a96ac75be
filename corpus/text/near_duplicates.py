"""Which texts of one language are texts of one work, by their words. Pure: knows no vectors.

Shingles are the overlapping stretches of a text of which only letters and digits are kept, in
one case: so neither hyphenation, nor line breaks, nor headings between two paragraphs tell two
copies apart. What share of one text's shingles another has (containment, Broder 1997) tells how
much of it stands there; a sketch, the smallest of their hashes, finds the texts worth comparing.
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

SKETCH_SIZE = 200  # hashes that stand for a text
LATIN_SHINGLE, CJK_SHINGLE = 20, 9  # letters of a shingle: about four words, or one clause
SAME_WORK_SHARE = 0.7  # share of the shorter text that stands in the longer one
OTHER_TITLE_SHARE = (
    0.9  # the same, where the titles are of two works: some pages are mostly furniture
)
SAME_TITLE_SHARE = 0.5  # the same, where title and authors, or an identifier, say that it is one
WHOLE_TEXT_SHARE = 0.55  # share of the longer text: in a collection, no two works have as much each
MIN_TITLE_LETTERS = 8  # letters of a title that names a work
NEAR_TITLE_SHARE = 0.6  # share of the shorter title's pairs of letters in another form of it
OPENING_LETTERS = 2000  # letters with which a text opens
OPENING_SHARE = 0.5  # share of the longer text's opening that stands in the shorter
MIN_TEXT_LETTERS = 300  # letters of a text that may be told by a part of it
REPEATED_SHARE = 0.7  # share of a passage that has to stand in others, which it then repeats
NEW_SENTENCE_SHARE = 0.3  # share of a sentence's shingles that makes it another form of one
_ARXIV_FILE = re.compile(r"(?:arxiv[-_. ]?)?(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE)
_ACL_FILE = re.compile(r"\d{4}\.[a-z][\w-]*\.\d+|[A-Z]\d{2}-\d{4}")


def normalized_letters(text: str) -> str:
    """The letters and digits of a text, NFKC and without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def shingles(letters: str) -> frozenset[int]:
    """Hashes, of 63 bits, of the shingles of a ``normalized_letters`` text; of the whole if it is short."""
    spans = (letters[i : i + _length(char)] for i, char in enumerate(letters))
    whole = {span for span in spans if len(span) >= _length(span[0])} or {letters}
    return frozenset(map(_hash, whole - {""}))


def containment(part: frozenset[int], whole: frozenset[int]) -> float:
    """The share of one text's shingles that another one has, 0 to 1."""
    return len(part & whole) / len(part) if part else 0.0


def is_repetition(said: Sequence[str], again: str) -> bool:
    """Whether a passage says hardly anything that some others, in the same words, do not.

    One that says a sentence of theirs otherwise does not repeat them, however little it changes:
    two versions of a text may disagree in one number, or one "not".
    """
    before = normalized_letters("".join(said))
    known = shingles(before)
    found = total = 0
    for sentence in map(normalized_letters, sentences(again)):
        total += len(sentence)
        if sentence in before:
            found += len(sentence)
        elif containment(shingles(sentence), known) >= NEW_SENTENCE_SHARE:
            return False
    return found >= REPEATED_SHARE * total


@dataclass(frozen=True)
class WorkText:
    """What a source says in its passages: without its headings and the works it cites."""

    source: Source
    letters: str

    @classmethod
    def of(cls, source: Source, passages: Sequence[Passage]) -> WorkText:
        """The text of a source's passages, in their order."""
        return cls(source, "".join(normalized_letters(passage.text) for passage in passages))

    @cached_property
    def digest(self) -> str:
        """The same for every copy, whatever its line breaks, case and punctuation."""
        return text_hash(self.letters)

    @cached_property
    def shingles(self) -> frozenset[int]:
        return shingles(self.letters)

    @cached_property
    def opening(self) -> frozenset[int]:
        return shingles(self.letters[:OPENING_LETTERS])

    @cached_property
    def sketch(self) -> tuple[int, ...]:
        """The smallest hashes, ascending: those of a part that are among the whole's own are
        among the part's too, so that two sketches share some if one text is in the other.
        """
        return tuple(sorted(self.shingles)[:SKETCH_SIZE])


def same_work_reason(a: WorkText, b: WorkText) -> Reason | None:
    """Why two texts are texts of one work; None if their words and names do not say so.

    A text in a much longer one is one work with it only if they open alike or are named alike:
    the longer one may be a collection, or may quote the shorter.
    """
    if a.letters and a.digest == b.digest:
        return "same text"
    short, long = sorted((a, b), key=lambda text: len(text.shingles))
    shared = containment(short.shingles, long.shingles)
    titled, apart = compare_titles(a.source, b.source)
    # A digest has the name and the address of the work that it sums up, and is another text.
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
    """Whether two sources have one title, and whether they have two; neither where a title is
    too short, or only the name of a file.
    """
    first, second = _title(a), _title(b)
    if min(len(first), len(second)) < MIN_TITLE_LETTERS:
        return False, False
    one, other = ({t[i : i + 2] for i in range(len(t) - 1)} for t in (first, second))
    return first == second, len(one & other) < NEAR_TITLE_SHARE * min(len(one), len(other))


def same_name(a: Source, b: Source) -> bool:
    """Whether title and an author agree."""
    title = _title(a)
    return (
        len(title) >= MIN_TITLE_LETTERS and title == _title(b) and bool(_authors(a) & _authors(b))
    )


def identifier(source: Source) -> str:
    """The canonical address of the paper that a source's address or file is named after."""
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
