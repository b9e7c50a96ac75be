"""Rules on roles: a claim that exchanges who does what to whom, or names another subject.

What a comparison compares counts as a role too. Each of the two functions gives pairs: what the
claim says, what the quote says instead. Both mean something only where the claim is a near copy of
the quote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.lexical.tokenizer import is_japanese
from service.text.aliases import known_as
from service.text.alignment import Word, align_words, content_words, coverage_share, order_share
from service.verification.rules.antonyms import antonym_pairs, converse, reversed_sense

SAME_WORDS_SHARE = 0.85  # share of a claim's words in the quote, for what hangs on their order
SAME_REST = 0.9  # of the claim behind its subject, in the quote's order

# With it, what stands first in the one text stands last in the other.
_TURNED_ROUND = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"\bby\b|れた|れる|れて|れま|によって|により", r"['’]s?\s")
)
_SUBJECT = re.compile(r"([^、。はが]{1,40})[はが](?![\u3041-\u3096])")
_PHRASE = re.compile(r"(?:[^\u3041-\u3096]|の)*$")  # a noun, and what it is of
_PRONOUN = re.compile(r"(?:s?he|it|they|his|her|its|their)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_NOTE = re.compile(r"\([^()]{0,80}\)(?=[。.]?$)")  # on where it comes from, at the end
_PARTICLE = re.compile(r"(は|が|を|に|へ|と|から|より|まで)")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A subject in Japanese: the last word before は or が.

    ``telling``: whether it or what it is of is a name or the like; ``end``: where the particle
    ends.
    """

    word: Word
    telling: bool
    end: int


def other_subjects(claim: str, quote: str) -> Iterator[Pair]:
    """Find a subject that replaces the quote's before what is otherwise the quote's own words.

    In Japanese the word before は or が is the subject; in English, whatever begins.
    """
    ours, theirs = content_words(claim), content_words(quote)
    if is_japanese(claim):
        mine, other = _subjects(claim), _subjects(quote)
        if not mine or not other or mine[0].word.text in {o.word.text for o in other}:
            return
        subject, instead = mine[0].word, other[0].word
        if not (mine[0].telling or other[0].telling):
            return  # 犬 may be 動物, and 男性 a 人
        said = _NOTE.sub("", unicodedata.normalize("NFKC", quote)).casefold()
        elsewhere = re.search(rf"{re.escape(subject.text)}(?:は|が|を|に|と|も)", said)
        if elsewhere or known_as(subject.text, claim, said):
            return
        if order_share(ours[len(content_words(claim[: mine[0].end])) :], theirs) >= SAME_REST:
            yield subject.text, instead.text
        return
    if _PRONOUN.match(quote):
        return  # which may stand for the claim's
    op, a, b, c, d = align_words(ours, theirs).get_opcodes()[0]
    here = {w.text for w in theirs}
    new = [
        w
        for w in ours[a:b]
        if w.text not in here
        and w.kind != "number"
        and not known_as(w.shown, claim, quote)
        and not any(_short_for(w.shown, o.shown) for o in theirs[c:d])
    ]
    named = any(w.shown[0].isupper() for w in (*new, *theirs[c:d]))
    if op == "replace" and new and named and order_share(ours[b:], theirs) >= SAME_REST:
        yield " ".join(w.shown for w in ours[a:b]), " ".join(w.shown for w in theirs[c:d])


def changed_places(claim: str, quote: str) -> Iterator[Pair]:
    """Find names or numbers that have exchanged places.

    A beat B against B beat A, A is larger than B against B is larger than A. Where the voice
    changes too, from active to passive, they may, and so in "A's B" for "B of A". In Japanese the
    particle behind a name tells its place, not the order.
    """
    swapped = converse(claim, quote)
    if swapped:
        if not reversed_sense(claim, quote) and not any(antonym_pairs(claim, quote)):
            yield swapped
        return
    if coverage_share(claim, quote) < SAME_WORDS_SHARE:
        return
    ours, theirs = content_words(claim), content_words(quote)
    if is_japanese(claim):
        yield from _particles(claim, quote)
    elif all(bool(turn.search(claim)) == bool(turn.search(quote)) for turn in _TURNED_ROUND):
        yield from _inverted(ours, theirs, "name")
    for years in (False, True):
        mine, other = (
            [w for w in listed if bool(_YEAR.fullmatch(w.shown)) == years]
            for listed in (ours, theirs)
        )
        yield from _inverted(mine, other, "number")


def _short_for(a: str, b: str) -> bool:
    """Whether one of two names may be short for the other: Tim and Timothy."""
    short, long = sorted((a, b), key=len)
    return len(short) > 2 and short[0].isupper() and long.startswith(short)


def _subjects(text: str) -> list[_Subject]:
    """What stands before each は and が."""
    found = []
    for match in _SUBJECT.finditer(text):
        before = [w for w in content_words(match[1]) if w.text != "方"]
        if before:
            noun = _PHRASE.search(match[1])
            phrase = content_words(noun[0] if noun else "")
            telling = any(w.kind == "name" or len(w.text) > 2 for w in phrase)
            found.append(_Subject(before[-1], telling, match.end()))
    return found


def _inverted(ours: Sequence[Word], theirs: Sequence[Word], kind: str) -> Iterator[Pair]:
    kinds = {w.text for w in (*ours, *theirs) if w.kind == kind}  # a first word may be a name

    def first(listed: Sequence[Word]) -> list[str]:
        return list(dict.fromkeys(w.text for w in listed if w.text in kinds))

    mine, other = first(ours), first(theirs)
    both = [w for w in mine if w in other]
    order = [other.index(w) for w in both]
    for (a, b), (x, y) in zip(pairwise(both), pairwise(order), strict=True):
        if x > y and not (x == y + 1 and _listed(ours, a, b)):
            yield f"{a} … {b}", f"{b} … {a}"
            return


def _listed(ours: Sequence[Word], a: str, b: str) -> bool:
    """Whether one stands right behind the other, as in a list, whose order says nothing."""
    texts = [w.text for w in ours]
    return texts.index(b) == texts.index(a) + 1


def _particles(claim: str, quote: str) -> Iterator[Pair]:
    there = {w.text for w in content_words(quote)}
    shared = [w.shown for w in content_words(claim) if w.kind == "name" and w.text in there]
    mine = {name: p for name in shared if (p := _particle(claim, name))}
    other = {name: p for name in shared if (p := _particle(quote, name))}
    for a in mine:
        for b in mine:
            if a >= b or mine[a] == mine[b]:
                continue
            if (mine[a], mine[b]) == (other.get(b), other.get(a)):
                yield f"{a}{mine[a]}{b}{mine[b]}", f"{a}{other[a]}{b}{other[b]}"


def _particle(text: str, name: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    at = folded.find(name)
    match = _PARTICLE.match(folded, at + len(name)) if at >= 0 else None
    return match[1] if match else ""
