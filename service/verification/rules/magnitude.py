"""Rules on magnitudes: signs, ranks, ordinals, factors, directions of change and bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.text.numerals import mentioned
from service.verification.rules.temporal import Departure

_SUPERLATIVE = r"(?:most|least|[a-z]{3,}est)\b"
_RANKED = re.compile(
    # the second largest, the 2nd most
    r"(?:\b(?P<word>second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    rf"|\b(?P<digits>\d{{1,2}})(?:st|nd|rd|th))[- ](?:\w+ )?{_SUPERLATIVE}"
    # 2番目に大きい
    r"|(?:(?P<ja>[2-9]|1\d)|(?P<kanji>[二三四五六七八九]))番目に"
    r"(?=大き|小さ|高|低|多|少な|長|短|古|新し|広|狭|深|速|重|人口|人気)"
)
_TOP = re.compile(
    rf"(?:\bthe|['’]s)\s{_SUPERLATIVE}"
    r"|最も|もっとも|一番(?!目)|最大|最高|最古|最長|最小"
)
_AMONG = re.compile(
    r"\bone of (?:the|its|\w+['’]s)\b|\bamong the\b"
    r"|(?:最も|最大|最高|最古)[^。]{0,30}(?:一つ|ひとつ|1つ|一人|1人|一員|部類)|最大級|有数|屈指"
)
_RANKS = {
    word: rank
    for words in (
        "second third fourth fifth sixth seventh eighth ninth tenth".split(),
        "二三四五六七八九",
    )
    for rank, word in enumerate(words, 2)
}
_FACTOR = re.compile(
    r"(?<![\d.])(?P<n>\d{1,9}(?:\.\d{1,9})?)\s?(?:times\b|-?fold\b|[x×](?!\w)|倍)"
    r"|(?P<word>\b(?:doubled|doubling|twofold|twice|tripled|tripling|threefold|quadrupled"
    r"|fourfold|tenfold)\b"
    r"|(?<![\d数何一二三四五六七八九十])倍(?:増|に|の))",  # 倍 alone doubles
    re.IGNORECASE,
)
_FACTORS = {"doub": 2, "twof": 2, "twic": 2, "trip": 3, "thre": 3, "quad": 4, "four": 4, "tenf": 10}
_N = r"[$€£¥]?(?<![\d.,])(\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,9})?)(?!\d)"
_CHANGE = re.compile(
    rf"\bfrom (?:about |around |some )?{_N}[^.;,\d]{{0,14}}\bto (?:about |around |some )?{_N}"
    rf"|{_N}[^\d、。,]{{0,5}}から約?{_N}"
)
_OVER = r"at least|more than|over|exceed(?:s|ed|ing)?|(?:no|not) (?:fewer|less) than|a minimum of"
_UNDER = r"at most|up to|less than|fewer than|under|below|(?:no|not) more than|a maximum of"
_BOUND = re.compile(
    # no more than is an upper bound, not the lower one that stands in it
    rf"\b(?:(?P<over>(?<!not )(?<!no )(?:{_OVER}))|(?P<under>(?<!not )(?<!no )(?:{_UNDER}))) {_N}"
    # 少なくとも5人, 最大5人
    rf"|(?P<ja_least>少なくとも|最低)約?{_N}|(?P<ja_most>最大|最高)約?{_N}"
    # 5人以上, 5人に満たない
    rf"|{_N}\s?[^\d、。,以超未を]{{0,5}}(?:(?P<ja_over>以上|超|を超え|を上回)"
    r"|(?P<ja_under>以下|未満|を下回|に(?:も)?満たな))",
    re.IGNORECASE,
)
_DEGREES = re.compile(
    r"(?P<below>\bminus\s|マイナス|氷点下|零下|(?<![\w)%.])[-−])?\s?"
    r"(?P<n>(?<![\d.])\d{1,9}(?:\.\d{1,9})?)\s?(?:°|degrees\b|度(?![目合])|℃)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    # her third, the 3rd, World War 2
    r"\b(?:the|his|her|its|their) (?P<word>second|third|fourth)\b(?! of\b)"
    r"|\b(?P<digit>[234])(?:nd|rd|th)\b|\bWar (?P<war>[2-4])\b"
    # 第3, 3番目, 三代目
    r"|第(?P<ja>[2-4二三四])(?![\d一二三四五六七八九十百])"
    r"|(?<![\d一二三四五六七八九十])(?P<at>[2-4二三四])(?:番目|代目|位)"
)
_ANY_ORDINAL = re.compile(
    r"\b(?:First|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)\b"
    r"|\b\d+(?:st|nd|rd|th)\b(?!.century)|\bWar \d\b"
    r"|第[\d一二三四五六七八九十]|[\d一二三四五六七八九十](?:番目|代目|位)|初代"
)


def changed_signs(claim: str, quote: str) -> Iterator[Departure]:
    """Find degrees that are above zero in one text and below zero in the other."""
    mine, other = (
        {(float(m["n"]), bool(m["below"])) for m in _DEGREES.finditer(t)} for t in (claim, quote)
    )
    for value, below in sorted(mine - other):
        if (value, not below) in other:
            yield "number", f"{'-' * below}{value:g}", f"{'' if below else '-'}{value:g}"


def changed_ranks(claim: str, quote: str) -> Iterator[Departure]:
    """Find ranks of a superlative, as in "the second largest", that the quote gives differently."""
    mine, other = _places(claim), _places(quote)
    if not mine or not other or 0 in mine or 0 in other or (1 in mine and len(mine | other) > 2):
        return
    for rank in sorted(mine - other):
        yield "number", f"#{rank}", f"#{min(other)}"


def _places(text: str) -> set[int]:
    """Ranks that superlatives have: 2 of the second largest, 1 of the largest, 0 of one of them."""
    found = {
        int(m["digits"] or m["ja"] or _RANKS[m["word"] or m["kanji"]])
        for m in _RANKED.finditer(text)
    }
    rest = _RANKED.sub(" ", text)
    if _AMONG.search(rest):
        return found | {0}
    return found | ({1} if _TOP.search(rest) else set())


def changed_ordinals(claim: str, quote: str, original: str) -> Iterator[Departure]:
    """Find ordinals, as in "her third", that the quote does not have in any spelling."""
    there = _ANY_ORDINAL.search(quote)
    if not there:
        return
    for match in _ORDINAL.finditer(claim):
        said = match["word"] or match["digit"] or match["war"] or match["ja"] or match["at"]
        value = _RANKS.get(said) or int(said)
        if value not in mentioned(original):
            yield "number", match[0], there[0]


def changed_factors(claim: str, quote: str, original: str) -> Iterator[Departure]:
    """Find factors, as in "doubled", that the quote gives differently."""
    mine, other = _times(claim), _times(quote)
    for factor in sorted(mine - other - mentioned(original)) if other else ():
        yield "number", f"×{factor:g}", f"×{min(other):g}"


def _times(text: str) -> set[float]:
    """How many times as much, in digits or in a word."""
    return {
        float(m["n"]) if m["n"] else float(_FACTORS.get(m["word"][:4].lower(), 2))
        for m in _FACTOR.finditer(text)
    }


def changed_directions(claim: str, quote: str) -> Iterator[Departure]:
    """Find changes from one number to another that the quote has the other way round."""
    mine, other = (
        {(m[1] or m[3], m[2] or m[4]) for m in _CHANGE.finditer(t)} for t in (claim, quote)
    )
    for a, b in sorted(mine - other):
        if a != b and (b, a) in other:
            yield "roles", f"{a} → {b}", f"{b} → {a}"


def changed_bounds(claim: str, quote: str) -> Iterator[Departure]:
    """Find upper bounds that the quote gives as lower bounds, or the reverse."""
    mine, other = limits(claim), limits(quote)
    for value, over in sorted(mine.keys() - other.keys()):
        if (value, not over) in other:
            yield "comparison", mine[value, over], other[value, not over]


def limits(text: str) -> dict[tuple[float, bool], str]:
    """Return the bounds of a text: (value, whether a lower bound), each with its words."""
    found = {}
    for match in _BOUND.finditer(text):
        over = bool(match["over"] or match["ja_least"] or match["ja_over"])
        value = next(g for g in match.groups() if g and g[0].isdigit())
        found[float(value.replace(",", "")), over] = match[0].strip()
    return found
