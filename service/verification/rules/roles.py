"""Rules on roles: a near copy that exchanges who does what to whom, or has another subject.

What a comparison compares counts as a role too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from service.text.aliases import known_as
from service.text.alignment import Word, content_words, folded_text
from service.verification.rules.antonyms import antonyms
from service.verification.rules.entities import same_name
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

SAME_WORDS_SHARE = 0.85  # share of a claim's words in the quote, for what hangs on their order

# With it, what stands first in the one text stands last in the other.
_TURNED_ROUND = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"\bby\b|れた|れる|れて|れま|によって|により", r"['’]s?\s")
)
_SUBJECT = re.compile(r"([^、。はが]{1,40})[はが](?![\u3041-\u3096])")
_PHRASE = re.compile(r"(?:[^\u3041-\u3096]|の)*$")  # a noun, and what it is of
_NAME_LIKE = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}|[A-Za-z]+")
_NOTE = re.compile(r"\s*\([^()]{0,80}\)(?=[。.]?$)")  # on where it comes from, at the end
_ORGANISATION = re.compile(r"(?:[社局省庁校院]|大学|機関|協会|財団|団体|組織|企業|政府|新聞)$")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_PARTICLE = re.compile(r"(?:の(?:方|ほう))?(は|が|を|に|へ|と|から|より|まで)")


def opposite_words(pair: Pair) -> Iterator[Finding]:
    """Find words of a near copy whose opposite stands in the quote.

    In A above B and B below A, where the two have exchanged places, the opposite says the same.
    """
    if pair.near and not any(_exchanged(pair)):
        for said, there in antonyms(pair.claim, pair.quote):
            yield Finding("comparison", said, there)


def changed_places(pair: Pair) -> Iterator[Finding]:
    """Find names or numbers of a near copy that have exchanged places.

    A beat B against B beat A. Where the voice changes too, from active to passive, they may, and so
    in "A's B" for "B of A"; or where the word between them has become its opposite.
    """
    if not pair.near or pair.coverage < SAME_WORDS_SHARE or pair.recast:
        return
    voices = (bool(t.search(pair.claim)) == bool(t.search(pair.quote)) for t in _TURNED_ROUND)
    if (pair.japanese or all(voices)) and not any(antonyms(pair.claim, pair.quote)):
        yield from _exchanged(pair)
    for years in (False, True):
        mine, other = (
            [w for w in listed if bool(_YEAR.fullmatch(w.shown)) == years]
            for listed in (pair.ours, pair.theirs)
        )
        yield from _inverted(mine, other, "number")


def _exchanged(pair: Pair) -> Iterator[Finding]:
    """Find names in another order; in Japanese, where particles tell the place, with others."""
    return _particles(pair) if pair.japanese else _inverted(pair.ours, pair.theirs, "name")


def changed_subjects(pair: Pair) -> Iterator[Finding]:
    """Find a Japanese subject that replaces the quote's before what the two say word for word.

    The word before は or が is the subject. One that may describe a name is not another subject.
    """
    mine = next(_subjects(pair.claim), None) if pair.near and pair.japanese else None
    said = unicodedata.normalize("NFKC", pair.quote).casefold()
    if not mine or re.search(rf"{re.escape(mine[0].text)}(?:は|が|を|に|と|も)", said):
        return
    subject, telling, rest = mine
    for instead, also_telling, other in _subjects(pair.quote):
        if not other.startswith(rest) or not (telling or also_telling):
            continue  # 犬 may be 動物, and 男性 a 人
        if _NAME_LIKE.fullmatch(subject.text) and _ORGANISATION.search(instead.text):
            continue  # パリ may be where the 通信社 is
        if not known_as(subject.text, pair.claim, said) and not same_name(subject, instead):
            yield Finding("subject", subject.text, instead.text)
            return


def _subjects(text: str) -> Iterator[tuple[Word, bool, str]]:
    """Yield the word before each は and が, whether its phrase tells much, and what follows."""
    text = _NOTE.sub("", unicodedata.normalize("NFKC", text))
    for match in _SUBJECT.finditer(text):
        before = [w for w in content_words(match[1]) if w.text != "方"]
        if before:
            noun = _PHRASE.search(match[1])
            phrase = content_words(noun[0] if noun else "")
            telling = any(w.kind == "name" or len(w.text) > 2 for w in phrase)
            yield before[-1], telling, text[match.end() :].strip("、。 ")


def _inverted(ours: Sequence[Word], theirs: Sequence[Word], kind: str) -> Iterator[Finding]:
    kinds = {w.text for w in (*ours, *theirs) if w.kind == kind}  # a first word may be a name

    def first(listed: Sequence[Word]) -> list[str]:
        return list(dict.fromkeys(w.text for w in listed if w.text in kinds))

    mine, other = first(ours), first(theirs)
    both = [w for w in mine if w in other]
    order = [other.index(w) for w in both]
    for (a, b), (x, y) in zip(pairwise(both), pairwise(order), strict=True):
        if x > y and not (x == y + 1 and _listed(ours, a, b)):
            yield Finding("roles", f"{a} … {b}", f"{b} … {a}")
            return


def _listed(ours: Sequence[Word], a: str, b: str) -> bool:
    """Whether one stands right behind the other, as in a list, whose order says nothing."""
    texts = [w.text for w in ours]
    return texts.index(b) == texts.index(a) + 1


def _particles(pair: Pair) -> Iterator[Finding]:
    mine, other = (
        {w.text: p for w in words if w.kind in ("name", "word") and (p := _particle(text, w))}
        for text, words in ((pair.claim, pair.ours), (pair.quote, pair.theirs))
    )
    for a, b in combinations(sorted(mine.keys() & other.keys()), 2):
        if mine[a] != mine[b] and (mine[a], mine[b]) == (other[b], other[a]):
            yield Finding("roles", f"{a}{mine[a]}{b}{mine[b]}", f"{a}{other[a]}{b}{other[b]}")


def _particle(text: str, word: Word) -> str:
    match = _PARTICLE.match(folded_text(text), word.end)
    return match[1] if match else ""
