"""Rules on names: a name in the claim that the quote does not have."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from service.text.aliases import is_wide, known_as
from service.text.alignment import Word, folded_text
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

_SWAP = 2  # words on either side that may make up one name for another
_ALIKE = {True: 0.6, False: 0.8}  # from which two spellings may be one name: in katakana, in Latin
# Another part of the same name: South Africa, Mia Smith, ピーター・ディーン.
_PART_BEFORE = re.compile(
    r"(?:\b(?!(?:The|In|At|By|On|Of|For|From|To|With) )[A-Z][\w.'-]*[ -]"
    r"|[\u30a1-\u30fa\u30fc][・=＝ ]?)$"
)
_PART_BEHIND = re.compile(r"(?:[ -][A-Z]|[・=＝ ]?[\u30a1-\u30fa\u30fc])")
_B = dict(zip("ヴァ ヴィ ヴェ ヴォ ヴ".split(), "バビベボブ", strict=True))
_V = re.compile("ヴ[ァィェォ]?")
_SHORT = 3  # letters of katakana
_NAME = re.compile(r"[A-Z][A-Za-z0-9'’]*(?:[-.][A-Za-z0-9]+)*")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_LISTS = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
_JAPANESE_WORDS = frozenset(_LISTS["japanese_words_in_latin_letters"].split())
_BEGINNINGS = frozenset(_LISTS["beginnings"].split())


def changed_names(pair: Pair) -> Iterator[Finding]:
    """Find names that the quote does not have: nowhere at all, or another one in their place."""
    if pair.across:
        yield from _across_languages(pair)
        return
    here = {w.text for w in pair.theirs}
    around = unicodedata.normalize("NFKC", pair.context).casefold()
    for i, word in enumerate(pair.ours):
        mine, replaced = pair.run(i, _SWAP)
        first = _first_name(pair, i)
        if (word.kind != "name" and not first) or word.text in here or _respelled(word, pair):
            continue
        if known_as(word.shown, pair.claim, pair.quote if replaced else f"{pair.quote} {around}"):
            continue
        whole = not first and all(w.kind == "name" and w.text not in here for w in mine)
        other = first or next(
            (w for w in replaced if w.kind == "name" and w not in pair.ours), None
        )
        if other is None:
            if word.shown.casefold() not in around and (pair.near or word.shown.isascii()):
                yield Finding("name", word.shown)
        elif not whole or word is mine[0]:
            mine, names = (mine, replaced) if whole else ([word], [other])
            claimed, found = _shown(pair.claim, mine), _shown(pair.quote, names)
            yield Finding("name", claimed, found, _exactly(pair, i, mine, other))


def _shown(text: str, words: Sequence[Word]) -> str:
    """Return words as they stand in a text, from the first to the last: GT Sophy."""
    return folded_text(text)[words[0].start : words[-1].end]


def _exactly(pair: Pair, position: int, mine: Sequence[Word], other: Word) -> bool:
    """Whether one name stands for another, and is neither a part of the same nor around it.

    France may be said for Paris, and President Smith be Mia Smith.
    """
    word, replaced = mine[0], pair.run(position, _SWAP)[1]
    text = folded_text(pair.claim)
    longer = bool(
        _PART_BEFORE.search(text, 0, word.start) or _PART_BEHIND.match(text, mine[-1].end)
    )
    wide = is_wide(word.shown) and not is_wide(other.shown)
    loose = longer or wide or pair.contrasts or not pair.stands_alone(position, other)
    names = all(_surely(w, pair) for w in (*mine, *replaced))
    # Few words in katakana are names: テープ, カウチ. The longer they are, the more are.
    short = any(not w.shown.isascii() and len(w.shown) <= _SHORT for w in (word, other))
    said, there = _shown(pair.claim, mine), _shown(pair.quote, replaced)
    return pair.close and names and not (loose or short or _abbreviates(said, there))


def _abbreviates(one: str, other: str) -> bool:
    """Whether a name in capitals may stand for the other: SFX for SquirrelFish Extreme."""
    short, long = sorted((one, other), key=len)
    if not (short.isupper() and short[0] == long[0]):
        return False
    letters = iter(long.casefold())
    return all(letter in letters for letter in short.casefold())


def _surely(word: Word, pair: Pair) -> bool:
    """Whether a word is a name for sure: one at the start has a capital elsewhere too."""
    inside = rf"[a-z,;)] {re.escape(word.shown)}\b"
    return word.kind == "name" or bool(word.shown[0].isupper() and re.search(inside, pair.context))


def _first_name(pair: Pair, position: int) -> Word | None:
    """Return the first word of the quote if it and the claim's are names, and only they differ.

    Any word that begins a sentence has a capital: those that often do are listed.
    """
    if position or pair.japanese or not pair.close:
        return None
    replaced = pair.run(0, _SWAP)[1]
    starts = [words[0].start for words in (pair.ours, replaced) if words]
    if starts != [0, 0] or not all(w.shown[0].isupper() for w in replaced):
        return None
    said = (pair.ours[0].shown, replaced[0].shown)
    common = (w.lower() in _BEGINNINGS or w.endswith(("ly", "ing", "s")) for w in said)
    named = said[0][0].isupper() and not any(common) and not same_name(pair.ours[0], replaced[0])
    return replaced[0] if named else None


def _respelled(name: Word, pair: Pair) -> bool:
    """Whether the quote may have the same name in another spelling."""
    return any(other.kind == "name" and same_name(name, other) for other in pair.theirs)


def same_name(one: Word, other: Word) -> bool:
    """Return whether two words may be spellings of one name: Noël, ジェームス, アプリ."""
    kana = all(_KATAKANA.fullmatch(w.shown) for w in (one, other))
    if kana and (one.shown in other.shown or other.shown in one.shown):
        return True
    plain, there = sorted(map(_unaccented, (one.shown, other.shown)), key=len)
    if len(plain) > 2 and there.startswith(plain):
        return True  # Tim and Timothy
    least = _ALIKE[kana] + (0 if plain[:1] == there[:1] else 0.1 if kana else 1)
    return len(there) > 3 and _alike(plain, there) >= least


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", _V.sub(lambda m: _B[m[0]], text))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _across_languages(pair: Pair) -> Iterator[Finding]:
    """Find names in Latin letters that a quote in the other language lacks.

    That ナーフ is NeRF, a rule cannot know; English names seldom stand in Japanese text.
    """
    known = f"{pair.quote} {pair.context}"
    folded = _unapostrophed(known)
    for match in _NAME.finditer(unicodedata.normalize("NFKC", pair.claim if pair.japanese else "")):
        listed = len(match[0]) == 1 or match[0] in _JAPANESE_WORDS
        if listed or known_as(match[0], pair.claim, known):
            continue
        name = re.escape(_unapostrophed(match[0]))
        if not re.search(
            rf"(?<![a-z]){name}(?!{'' if match[0].islower() else '[a-z]{2}'})", folded
        ):
            yield Finding("name", match[0])


def _unapostrophed(text: str) -> str:
    """Folded, and what stands around an apostrophe put together: I 'm is im, God's gods."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s?(n?)['’]\s?(?=[a-z])", r"\1", folded)
