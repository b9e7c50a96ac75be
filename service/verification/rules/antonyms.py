"""Antonyms in claim and quote, such as more and less, in English and Japanese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from service.text.alignment import content_words, coverage_share

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
rose grew gained rises grows climbed soared | fell dropped shrank lost falls declined plunged
above over | below under
strong stronger | weak weaker
easy easier | hard harder
open | closed
win won wins beat beats | lose lost loses
accepted approved accepts | rejected rejects
agree agreed agrees | disagree disagreed disagrees
possible | impossible
legal | illegal
often frequently usually | rarely seldom
passed enacted | repealed
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
上が 上昇 | 下が 落ち 低下 下落
増え 増加 増や | 減っ 減る 減少 減り 減ら
広い 広く | 狭い 狭く
強い 強く | 弱い 弱く
速い 速く 早い 早く | 遅い 遅く
長い 長く | 短い 短く
良い よい 良く | 悪い 悪く
以上 | 以下 未満
以前 より前 の前に | 以後 以降 より後 の後に
最初 | 最後
最大 | 最小
最高 | 最低
最良 | 最悪
すべて 全て | 一部
必ず | 決して
可能 | 不可能
戦前 | 戦後
午前 | 午後
有料 | 無料
成功 | 失敗
勝っ 勝ち 勝利 | 負け 敗れ 敗北
改善 向上 | 悪化
同じ | 異なる
しやす | しにく しづら
できる | できない
手動 | 自動
"""
_THAN = re.compile(r"\bthan\b", re.IGNORECASE)
_NOT_BEFORE = re.compile(
    r" (?:not|never|no|nor|cannot|hardly|n t|\w+n t)"
    r"(?: (?:a|an|the|so|very|as|been|be|much|any|yet))? $"
)
_NOT_BEHIND = re.compile(r"[\u3041-\u3096]{0,4}?(?:ない|なかっ|なく|ませ)")
_CLAUSES = re.compile(r"[、,;；。]|(?<=[a-z]) (?:and|but|while|whereas) ")


def antonym_pairs(claim: str, quote: str) -> Iterator[tuple[str, str]]:
    """Yield words of the claim whose opposite stands in the quote, each with that opposite.

    A word that stands in the quote itself does not count.
    """
    # In A above B and B below A, where the two have changed places, the opposite says the same.
    if not converse(claim, quote):
        yield from _opposites(claim, quote)


def reversed_sense(claim: str, quote: str) -> bool:
    """Return whether a word of the claim has its opposite in the quote, whatever is compared."""
    return next(_opposites(claim, quote), None) is not None


def converse(claim: str, quote: str) -> tuple[str, str] | None:
    """Return what follows "than" in claim and quote, if the two compare the same pair in reverse.

    A is more than B, B is less than A.
    """
    mine, other = _compared(claim), _compared(quote)
    if not mine or not other or mine[1] == other[1]:
        return None
    if mine[1] in other[0] and (other[1] in mine[0] or not other[1]):
        return mine[2], other[2]
    return None


def _compared(text: str) -> tuple[set[str], str, str] | None:
    """Return what a comparison says something of, and what it compares it with.

    That is the words, and the one behind than or before より, folded and as it stands; None for a
    text with none or several.
    """
    japanese = text.count("より")
    than = _THAN.split(text)
    if len(than) == 2 and not japanese:
        said, against = content_words(than[0]), content_words(f"- {than[1]}")[:1]
    elif len(than) == 1 and japanese == 1 and "より" not in text[:1]:
        before, after = text.split("より")
        listed = content_words(before)
        said, against = (*listed[:-1], *content_words(after)), listed[-1:]
    else:
        return None
    shown = against[0].shown if against else "–"
    return {w.text for w in said}, against[0].text if against else "", shown


def _opposites(claim: str, quote: str) -> Iterator[tuple[str, str]]:
    ours, theirs = _plain(claim), _plain(quote)
    clause = None
    for pair in _OPPOSITE_SETS:
        for mine, other in (pair, pair[::-1]):
            said = [w for w in mine if _has(w, ours)]
            if not said or any(_has(w, ours) for w in other):
                continue
            there = [w for w in other if _has(w, theirs)]
            if there and any(_has(w, theirs) for w in mine):  # the nearest clause decides
                clause = clause or _plain(_nearest_clause(claim, quote))
                there = [
                    w for w in there if _has(w, clause) and not any(_has(m, clause) for m in mine)
                ]
            if there and _negated(said[0], ours) == _negated(there[0], theirs):
                yield said[0].strip(), there[0].strip()


def _has(word: str, text: str) -> bool:
    """可能 does not stand in 不可能, nor 大きい in 大きくない."""
    return word in text and any(
        text[m.start() - 1] not in "不非未" for m in re.finditer(re.escape(word), text)
    )


def _negated(word: str, text: str) -> bool:
    """Whether a negation belongs to a word: not so large, 大きくはない."""
    at = text.find(word)
    if word.isascii():
        return bool(_NOT_BEFORE.search(text[max(0, at - 40) : at + 1]))
    return bool(_NOT_BEHIND.match(text, at + len(word)))


def _nearest_clause(claim: str, quote: str) -> str:
    clauses = [c for c in _CLAUSES.split(quote) if c.strip()] or [quote]
    return max(clauses, key=lambda c: coverage_share(claim, c))


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
