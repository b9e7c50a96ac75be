"""The rule on ranks and ordinals: the second largest, her third, 第2回."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.text.number_spelling import ORDINALS
from service.text.numerals import in_figures, mentioned
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

_WORDS = {word: n for word, n in ORDINALS.items() if word.endswith(("st", "nd", "rd", "th"))}
_KANJI = {kanji: n for n, kanji in enumerate("一二三四五六七八九", 1)}
_SUPERLATIVE = r"(?:(?:most|least) [a-z]+|[a-z]{3,}est\b)"
_ORDINAL = re.compile(
    # the second largest, his 3rd book
    r"(?<!\d[ -])\b(?:(?:the|his|her|its|their) )?"
    rf"(?:(?P<word>{'|'.join(_WORDS)})|(?P<digits>\d{{1,2}})(?:st|nd|rd|th))"
    rf"[ -](?:and \w+ )?(?:(?:\w+ )?(?P<top>{_SUPERLATIVE})|(?!century)(?P<of>[a-z]{{3,}}))"
    # 2番目に大きい, 第3回, 三代目
    r"|(?P<ja>\d{1,2}|[一二三四五六七八九])番目に"
    r"(?P<best>大き|小さ|高|低|多|少な|長|短|古|新し|広|狭|深|速|重|人口|人気)"
    r"|第(?P<th>\d{1,2}|[一二三四五六七八九])(?![\d一二三四五六七八九十百条])(?P<unit>回|位|代|部|章|節|巻|版)?"
    r"|(?<![\d一二三四五六七八九十第])(?P<at>\d{1,2}|[一二三四五六七八九])(?P<place>番目|代目|回目|位)",
    re.IGNORECASE,
)
_TOP = re.compile(
    rf"(?:\bthe|['’]s)\s(?P<top>{_SUPERLATIVE})"
    r"|最も|もっとも|一番(?!目)|最大|最高|最古|最長|最小"
)
_AMONG = re.compile(
    r"\bone of (?:the|its|\w+['’]s)\b|\bamong the\b"
    r"|(?:最も|最大|最高|最古)[^。]{0,30}(?:一つ|ひとつ|1つ|一人|1人|一員|部類)|最大級|有数|屈指"
)
_BEST = "best "  # before the superlative that is ranked; alone in Japanese


def changed_ranks(pair: Pair) -> Iterator[Finding]:
    """Find ranks and ordinals that the quote gives differently to the same thing.

    Each is compared with those of the same noun or superlative. Across languages the two cannot be
    compared, so any may be meant.
    """
    mine, other = _ranks(pair.claim), _ranks(pair.quote)
    known = {rank for rank, _ in other} | mentioned(pair.quote)
    for rank, thing in sorted(mine.keys() - other.keys()):
        best = thing.startswith(_BEST)
        there = {
            r: said
            for (r, t), said in other.items()
            if t == thing or (pair.across and t.startswith(_BEST) == best)
        }
        among = best and (0 in known or any(r == 0 for r, _ in mine))
        if there and not among and (rank not in known or rank == 1):
            yield Finding("number", mine[rank, thing], there[min(there)])


def _ranks(text: str) -> dict[tuple[int, str], str]:
    """Return (rank, what is ranked) with its words: 1 of the largest, 0 of one of the largest."""
    text = in_figures(text)
    found = {}
    for match in _ORDINAL.finditer(text):
        said = next(g for g in match.group("word", "digits", "ja", "th", "at") if g).lower()
        value = _WORDS.get(said) or _KANJI.get(said) or int(said)
        thing = match["of"] or match["unit"] or (match["place"] or "").removesuffix("目")
        best = f"{_BEST}{match['top'] or ''}" if match["top"] or match["best"] else ""
        shown = match[0].removesuffix(match["of"] or match["best"] or "").strip(" -")
        found[value, (best or thing).lower()] = shown
    rest = _ORDINAL.sub(" ", text)
    if _AMONG.search(rest):
        found[0, _BEST] = ""
    elif not found:
        found = {(1, f"{_BEST}{m['top'] or ''}".lower()): m[0].strip() for m in _TOP.finditer(rest)}
    return found
