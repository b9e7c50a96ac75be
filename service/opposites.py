"""Words of comparison and their opposites, in English and Japanese. Pure, no model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from service.words import covered, words

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
上が 上昇 | 下が 落ち 低下
増え 増加 増や | 減っ 減る 減少 減り 減ら
広い 広く | 狭い 狭く
強い 強く | 弱い 弱く
速い 速く 早い 早く | 遅い 遅く
長い 長く | 短い 短く
良い よい 良く | 悪い 悪く
以上 | 以下 未満
以前 より前 | 以後 以降 より後
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
改善 向上 | 悪化
同じ | 異なる
しやす | しにく しづら
できる | できない
手動 | 自動
"""
_THAN = re.compile(r"\bthan\b", re.IGNORECASE)
_CLAUSES = re.compile(r"[、,;；。]|(?<=[a-z]) (?:and|but|while|whereas) ")


def opposites(claim: str, quote: str) -> Iterator[tuple[str, str]]:
    """Words of the claim whose opposite stands in the quote, and they themselves do not, each
    with that opposite.

    Where the quote has both, its clause nearest to the claim decides. Where the two that are
    compared have changed places, as in A above B and B below A, the opposite says the same.
    """
    if not converse(claim, quote):
        yield from _opposites(claim, quote)


def reversed_sense(claim: str, quote: str) -> bool:
    """Whether a word of the claim has its opposite in the quote, whatever is compared."""
    return next(_opposites(claim, quote), None) is not None


def converse(claim: str, quote: str) -> tuple[str, str] | None:
    """What claim and quote say "than" of, if each says it of what the other compares with it:
    A is more than B, B is less than A."""
    mine, other = _compared(claim), _compared(quote)
    if not mine or not other or mine[1] == other[1]:
        return None
    if mine[1] in other[0] and (other[1] in mine[0] or not other[1]):
        return mine[2], other[2]
    return None


def _compared(text: str) -> tuple[set[str], str, str] | None:
    """The words that a comparison says something of, and the one behind than or before より,
    folded and as it stands; None for a text with none or several."""
    japanese = text.count("より")
    than = _THAN.split(text)
    if len(than) == 2 and not japanese:
        said, against = words(than[0]), words(f"- {than[1]}")[:1]
    elif len(than) == 1 and japanese == 1 and "より" not in text[:1]:
        before, after = text.split("より")
        listed = words(before)
        said, against = (*listed[:-1], *words(after)), listed[-1:]
    else:
        return None
    shown = against[0].shown if against else "–"
    return {w.text for w in said}, against[0].text if against else "", shown


def _opposites(claim: str, quote: str) -> Iterator[tuple[str, str]]:
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
                yield said[0].strip(), there[0].strip()


def _nearest_clause(claim: str, quote: str) -> str:
    clauses = [c for c in _CLAUSES.split(quote) if c.strip()] or [quote]
    return max(clauses, key=lambda c: covered(claim, c))


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
