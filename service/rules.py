"""What can be decided about a claim and a quote without understanding them. Pure, no model.

Each rule compares what both texts say in so many words: numbers and their units, names,
negations and doubts, words of comparison, who did what to whom. A rule that finds something
says what stands in the claim, and what in the quote in its place; see ``findings``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from index.tokens import is_japanese, stem
from service.numbers import mentioned, spelled, stated, units

Kind = Literal["number", "unit", "name", "negation", "comparison", "roles"]

# Share of a claim's words that stand in the quote, from which the two are taken to say the
# same thing but for where they differ.
NEAR_COPY = 0.6
CLOSE_COPY = 0.75  # the same in the quote's order, for what hangs on single words
SAME_WORDS = 0.85  # in any order, for what hangs on the order
FEW = 4  # up to here a number may count things that the quote lists
SWAP = 2  # words on either side that may make up one name for another
ROUNDED = 0.05  # by how much "about 200" may differ, as a share

_WORD = re.compile(
    r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"|(?P<katakana>[\u30a1-\u30fa\u30fc]+)|(?P<hiragana>[\u3041-\u3096]+)"
    r"|(?P<kanji>[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<latin>[^\W\d_\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]+"
    r"(?:['’](?!s\b)[^\W\d_]+)?)"
)
_NAME = re.compile(r"[A-Z][A-Za-z0-9'’]*(?:[-.][A-Za-z0-9]+)*")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_FUNCTION_WORDS = frozenset(
    (
        "the a an this that these those it its they their he she his her we our you your i in"
        " on at of for from by with as to and or but if when while where what which who how"
        " why there here however therefore thus also both each one two is are was were be"
        " been being has have had do does did can will would should according about than so"
        " such then s into over out up many more most some all"
    ).split()
)
# Words that turn what is said or make it doubtful.
_TURNS = re.compile(
    r"\b(?:not|no|never|nor|neither|without|cannot|unless|whether|(?-i:may)|might|could|fail(?:s|ed)?|"
    r"false|except|hardly|barely|seldom|rarely)\b|n['’]t\b"
    r"|(?<!少)(?<!危)(?:ない|なかっ|なく)(?!て(?:は|も))|ません|(?<=[\u3041-\u9fff])ずに|ずとも"
    r"|かどうか|かもしれ|とは限ら",
    re.IGNORECASE,
)
_OPPOSITES = """
more | less fewer
larger bigger greater | smaller lesser
large big | small
largest biggest | smallest
higher | lower
high | low
highest | lowest
most | least fewest
best | worst
better | worse
faster quicker | slower
fast | slow
longer | shorter
before | after
earlier | later
first | last second third
oldest | newest youngest
older | newer younger
increase increased increases | decrease decreased decreases
rose grew gained rises grows | fell dropped shrank lost falls
above over | below under
strong stronger | weak weaker
easy easier | hard harder
open | closed
win won wins beat beats | lose lost loses
public | private
free | paid
always | never sometimes
all every | none some
minimum | maximum
at_least | at_most
improve improved improves | worsen worsened worsens
include included includes | exclude excluded excludes
same | different
inside | outside
start started starts | stop stopped stops
with | without
north northern | south southern
east eastern | west western
left | right
online | offline
manual manually | automatic automatically
多い 多く 多か 多数 | 少ない 少なく 少なか 少数
大きい 大きく 大きな | 小さい 小さく 小さな
高い 高く 高か | 低い 低く 低か
上回 | 下回
上が | 下が
増え 増加 増や | 減っ 減る 減少 減り 減ら
広い 広く | 狭い 狭く
強い 強く | 弱い 弱く
速い 速く 早い 早く | 遅い 遅く
長い 長く | 短い 短く
良い よい 良く | 悪い 悪く
以上 | 以下 未満
以前 | 以後 以降
最初 | 最後
最大 | 最小
最高 | 最低
最良 | 最悪
すべて 全て | 一部
必ず | 決して
可能 | 不可能
有料 | 無料
成功 | 失敗
勝っ 勝ち 勝利 | 負け 敗れ 敗北
改善 向上 | 悪化 低下
同じ | 異なる
しやす | しにく しづら
できる | できない
手動 | 自動
"""
_ABOUT = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|over|more than|some)\b"
    r"|約|およそ|ほぼ|あまり|余り|以上|近く|超",
    re.IGNORECASE,
)
_PASSIVE = re.compile(r"\bby\b|れた|れる|れて|れま|によって|により", re.IGNORECASE)
_PARTICLE = re.compile(r"(は|が|を|に|へ|と|から|より|まで)")
_CLAUSES = re.compile(r"[、,;；。]|(?<=[a-z]) (?:and|but|while|whereas) ")
_CLAUSE = 3  # words left out in a row that make it a clause of its own


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a claim says otherwise than its quote.

    ``found`` is what the quote has in its place, '' where it has nothing there.
    """

    kind: Kind
    claimed: str
    found: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the quote says otherwise, rather than nothing about it."""
        return bool(self.found)


@dataclass(frozen=True, slots=True)
class Word:
    """A word to compare by: its folded form, and what it is."""

    text: str
    kind: Literal["number", "name", "turn", "word"]
    shown: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of a claim stands in a quote, as shares of the claim's words, 0 to 1."""

    covered: float  # in any order
    in_order: float  # in the quote's order


def findings(claim: str, quote: str, context: str = "") -> list[Finding]:
    """Everything in which ``claim`` departs from ``quote``, the gravest first; [] if nothing.

    ``context`` is what a reader of the quote knows besides: its passage, heading and title.
    A name may stand there instead. Numbers must stand in the quote itself. What hangs on the
    order of words is only compared where the claim is a near copy in the quote's language.
    """
    if is_japanese(claim) != is_japanese(quote):
        across = _names_across(claim, f"{quote} {context}")
        return [*_numbers(claim, quote, False), *_units(claim, quote), *across]
    ours, theirs = words(claim), words(quote)
    shared = overlap(claim, quote)
    near = shared.covered >= NEAR_COPY
    found = [*_numbers(claim, quote, near), *_units(claim, quote)]
    found += [*_names(ours, theirs, context, near), *_opposites(claim, quote)]
    if shared.in_order >= CLOSE_COPY:
        found += _turned(ours, theirs)
    if shared.covered >= SAME_WORDS:
        found += _roles(claim, quote, ours, theirs)
    return sorted(found, key=lambda f: not f.contradicts)


def overlap(claim: str, quote: str) -> Overlap:
    """Shares of the claim's words that the quote has; of nothing, nothing is covered."""
    ours, theirs = (words(text) for text in (claim, quote))
    if not ours or not theirs:
        return Overlap(0.0, 0.0)
    shared = Counter(w.text for w in ours) & Counter(w.text for w in theirs)
    blocks = _aligned(ours, theirs).get_matching_blocks()
    return Overlap(shared.total() / len(ours), sum(b.size for b in blocks) / len(ours))


def turns(text: str) -> int:
    """How many words of ``text`` negate or make doubtful."""
    return len(_TURNS.findall(text))


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text that carry its sense, in order.

    English words are folded and lose their plural s; articles, pronouns and the like are left
    out. Japanese, which has no spaces, is cut where the script changes, and its hiragana,
    mostly particles and endings, is left out. Negations are kept in both.
    """
    folded = unicodedata.normalize("NFKC", text)
    turned = [m.span() for m in _TURNS.finditer(folded)]
    found: list[tuple[int, Word]] = [(a, Word("¬", "turn", folded[a:b])) for a, b in turned]
    start = True
    for match in _WORD.finditer(folded):
        if any(a <= match.start() < b for a, b in turned):
            continue
        kind, shown = match.lastgroup, match[0]
        if kind == "number":
            found.append((match.start(), Word(shown.replace(",", ""), "number", shown)))
        elif kind == "latin":
            low = shown.lower()
            if low in _FUNCTION_WORDS:
                start = False
                continue
            capital = shown[0].isupper() and not (start and shown[1:].islower())
            found.append((match.start(), Word(stem(low), "name" if capital else "word", shown)))
        elif kind == "katakana" and len(shown) >= 3:
            found.append((match.start(), Word(shown, "name", shown)))
        elif kind in ("kanji", "katakana"):
            found.append((match.start(), Word(shown, "word", shown)))
        start = False
    return tuple(word for _, word in sorted(found, key=lambda item: item[0]))


def _aligned(ours: Sequence[Word], theirs: Sequence[Word]) -> SequenceMatcher:
    return SequenceMatcher(None, [w.text for w in ours], [w.text for w in theirs], autojunk=False)


def _numbers(claim: str, quote: str, near: bool) -> Iterable[Finding]:
    """Numbers that the quote does not have, in digits, in words or in another scale."""
    there = mentioned(quote)
    wanted = stated(claim) | spelled(claim)
    near_enough = stated(quote) if _ABOUT.search(claim) else ()
    missing = [
        value
        for value in sorted(wanted - there)
        if (near or value > FEW)
        and not any(abs(value - other) <= ROUNDED * other for other in near_enough)
    ]
    others = sorted(stated(quote) - mentioned(claim)) if near else []
    for i, value in enumerate(missing):
        instead = f"{others[min(i, len(others) - 1)]:,.12g}" if others else ""
        yield Finding("number", f"{value:,.12g}", instead)


def _units(claim: str, quote: str) -> Iterable[Finding]:
    """Numbers that stand with another unit in the quote, and never with the claim's."""
    there: dict[float, set[str]] = {}
    for value, unit in units(quote):
        there.setdefault(value, set()).add(unit)
    for value, unit in sorted(units(claim)):
        if value in there and unit not in there[value]:
            yield Finding("unit", f"{value:,.12g} {unit}", f"{value:,.12g} {min(there[value])}")


def _names(
    ours: Sequence[Word], theirs: Sequence[Word], context: str, near: bool
) -> Iterable[Finding]:
    """Names that the quote does not have: nowhere at all, or another one in their place."""
    here = {w.text for w in theirs}
    said = {w.text for w in ours}
    around = unicodedata.normalize("NFKC", context).casefold()
    replaced = _replaced(ours, theirs) if near else {}
    for i, word in enumerate(ours):
        if word.kind != "name" or word.text in here or _part_of_one(word.shown, theirs):
            continue
        other = next(
            (w for w in replaced.get(i, ()) if w.kind == "name" and w.text not in said), None
        )
        if other is not None:
            yield Finding("name", word.shown, other.shown)
        elif word.shown.casefold() not in around and (near or word.shown.isascii()):
            yield Finding("name", word.shown)


def _part_of_one(name: str, theirs: Sequence[Word]) -> bool:
    """Whether a word in katakana is a shortened or lengthened one of theirs: アプリケーション."""
    return bool(_KATAKANA.fullmatch(name)) and any(
        w.kind == "name" and (w.shown in name or name in w.shown) for w in theirs
    )


def _names_across(claim: str, known: str) -> Iterable[Finding]:
    """Names in Latin letters that a quote in the other language would have to spell alike.

    That ナーフ is NeRF, a rule cannot know; English names seldom stand in Japanese text.
    """
    if not is_japanese(claim):
        return
    folded = unicodedata.normalize("NFKC", known).casefold()
    for match in _NAME.finditer(unicodedata.normalize("NFKC", claim)):
        if match[0].casefold() not in folded:
            yield Finding("name", match[0])


def _replaced(ours: Sequence[Word], theirs: Sequence[Word]) -> dict[int, Sequence[Word]]:
    """For each word of ours that stands where the quote has others: those others."""
    found = {}
    for op, a, b, c, d in _aligned(ours, theirs).get_opcodes():
        if op == "replace" and b - a <= SWAP and d - c <= SWAP:
            found |= dict.fromkeys(range(a, b), theirs[c:d])
    return found


def _turned(ours: Sequence[Word], theirs: Sequence[Word]) -> Iterable[Finding]:
    """Negations and doubts that only one of the two near copies has.

    Words left out of the quote by the clause may hold any; a single one left out turns it.
    """
    for op, a, b, c, d in _aligned(ours, theirs).get_opcodes():
        if op == "equal":
            continue
        mine = [w for w in ours[a:b] if w.kind == "turn"]
        other = [w for w in theirs[c:d] if w.kind == "turn"]
        if len(mine) > len(other):
            yield Finding("negation", mine[0].shown, " ".join(w.shown for w in theirs[c:d]) or "–")
        elif len(other) > len(mine) and (d - c) - len(other) < _CLAUSE + (b - a):
            yield Finding("negation", "–", other[0].shown)


def _opposites(claim: str, quote: str) -> Iterable[Finding]:
    """Words of comparison whose opposite stands in the quote, and they themselves do not.

    Where the quote has both, its clause nearest to the claim decides.
    """
    ours, theirs = _plain(claim), _plain(quote)
    clause = None
    for pair in _OPPOSITE_SETS:
        for mine, other in (pair, pair[::-1]):
            said = [w for w in mine if w in ours]
            if not said or any(w in ours for w in other):
                continue
            there = [w for w in other if w in theirs]
            if there and any(w in theirs for w in mine):
                clause = clause or _plain(_nearest_clause(claim, quote))
                there = [w for w in there if w in clause and not any(m in clause for m in mine)]
            if there:
                yield Finding("comparison", said[0].strip(), there[0].strip())


def _nearest_clause(claim: str, quote: str) -> str:
    clauses = [c for c in _CLAUSES.split(quote) if c.strip()] or [quote]
    return max(clauses, key=lambda c: overlap(claim, c).covered)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower()
    spaced = " ".join(["", *re.findall(r"\w+", folded), ""])
    return spaced.replace(" at least ", " at_least ").replace(" at most ", " at_most ")


def _sides(line: str) -> list[tuple[str, ...]]:
    """The two sides of a line; English words are only found whole."""
    return [
        tuple(f" {word} " if word.isascii() else word for word in side.split())
        for side in line.split("|")
    ]


_OPPOSITE_SETS = [_sides(line) for line in _OPPOSITES.strip().splitlines()]


def _roles(
    claim: str, quote: str, ours: Sequence[Word], theirs: Sequence[Word]
) -> Iterable[Finding]:
    """Names or numbers that have changed places: A beat B against B beat A.

    Where the voice changes too, from active to passive, they may. In Japanese the particle
    behind a name tells its place, not the order.
    """
    if is_japanese(claim):
        yield from _particles(claim, quote, ours, theirs)
    elif bool(_PASSIVE.search(claim)) == bool(_PASSIVE.search(quote)):
        yield from _inverted(ours, theirs, "name")
    yield from _inverted(ours, theirs, "number")


def _inverted(ours: Sequence[Word], theirs: Sequence[Word], kind: str) -> Iterable[Finding]:
    kinds = {w.text for w in (*ours, *theirs) if w.kind == kind}  # a first word may be a name

    def once(listed: Sequence[Word]) -> list[str]:
        counts = Counter(w.text for w in listed)
        return [w.text for w in listed if w.text in kinds and counts[w.text] == 1]

    mine, other = once(ours), once(theirs)
    both = [w for w in mine if w in other]
    order = [other.index(w) for w in both]
    for a, b, x, y in zip(both, both[1:], order, order[1:], strict=False):
        if x > y and not (x == y + 1 and _listed(ours, a, b)):
            yield Finding("roles", f"{a} … {b}", f"{b} … {a}")
            return


def _listed(ours: Sequence[Word], a: str, b: str) -> bool:
    """Whether one stands right behind the other, as in a list, whose order says nothing."""
    texts = [w.text for w in ours]
    return texts.index(b) == texts.index(a) + 1


def _particles(
    claim: str, quote: str, ours: Sequence[Word], theirs: Sequence[Word]
) -> Iterable[Finding]:
    there = {w.text for w in theirs}
    shared = [w.shown for w in ours if w.kind == "name" and w.text in there]
    mine = {name: p for name in shared if (p := _particle(claim, name))}
    other = {name: p for name in shared if (p := _particle(quote, name))}
    for a in mine:
        for b in mine:
            if a >= b or mine[a] == mine[b]:
                continue
            if (mine[a], mine[b]) == (other.get(b), other.get(a)):
                said, there = (f"{a}{p[a]}{b}{p[b]}" for p in (mine, other))
                yield Finding("roles", said, there)


def _particle(text: str, name: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    at = folded.find(name)
    match = _PARTICLE.match(folded, at + len(name)) if at >= 0 else None
    return match[1] if match else ""
