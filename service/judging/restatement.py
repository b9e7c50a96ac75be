"""True restatements by rule: what a sentence says in slightly other words, in two languages."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from index.lexical.tokenizer import is_japanese
from service.text.number_spelling import WORDS

_NOTE = re.compile(r"\s*[(（][^()（）]{1,80}[)）](?=[.。]$)")
_ACCORDING = re.compile(r"^(According to [^,]{3,60}), ([^,]+)\.$")
_TIME = re.compile(r"^((?:In|Since|Until|By) (?:(?:early |late |mid-)?\d{4}|[A-Z][a-z]+ \d{4})), ")
_CLAUSES = re.compile(r"[,;:]|\b(?:and|but|which|who|that|because|while|when|if)\b")
_OPENING = re.compile(r"^(?:However|Moreover|Furthermore|In addition|Also|Additionally), ")
_OPENING_JA = re.compile(r"^(?:また|さらに|なお|しかし|一方|しかも|そして)、")
_SPELLED = re.compile(
    r"(?<!\bor )\b(?:" + "|".join(w for w, v in WORDS.items() if 2 <= v <= 20) + r")\b"
)
_SCALED = re.compile(r"(?<![\d.,])(\d{1,3})(?:\.(\d{1,2}))? million\b")
_AGAIN = 0.7  # how often another rule is used after the first
# Words and what may stand in their place; the first that occurs is changed.
_SAME = (
    (r"\bmore than (?=\d)", "over "),
    (r"\babout (?=\d)", "approximately "),
    (r"\bapproximately (?=\d)", "about "),
    (r"\bsuch as\b", "like"),
    (r"\bin order to\b", "to"),
    (r"\bwhereas\b", "while"),
    (r"\bdoes not\b", "doesn't"),
    (r"\bdo not\b", "don't"),
    (r"\bdid not\b", "didn't"),
    (r"\bis not\b", "isn't"),
    (r"\bwas not\b", "wasn't"),
    (r"\bcannot\b", "can't"),
    (r"\balso (?=[a-z])", ""),
    (r"\b(notes|reports|explains|states) that\b", "says that"),
    (r"\bsays that\b", "states that"),
    (r"\bbegan\b", "started"),
    (r"\b(?:utili[sz]es|makes use of)\b", "uses"),
    (r"\bis able to\b", "can"),
    (r"\b(was|is) written by\b", r"\1 authored by"),
    (r"\bbecause of\b", "due to"),
    (r"\bbecause\b", "since"),
    (r"\bfor example\b", "for instance"),
    (r"\btherefore\b", "thus"),
    (r"\bneeds (?=[a-z]+s\b)(?!to\b)", "requires "),
    (r"\brequires (?!that\b|no\b)", "needs "),
    (r"\bnearly (?=\d|all\b|every)", "almost "),
    (r"\balmost (?=\d|all\b|every)", "nearly "),
    (r"(?<=\d)%", " percent"),
    (r"(?<=\d) percent\b", " %"),
    (r"\b(is|are) called\b", r"\1 known as"),
    (r"\b(was|were) built\b", r"\1 constructed"),
    (r"\b(was|were) created\b", r"\1 made"),
    (r"\bshows that\b", "demonstrates that"),
    (r"\bmakes it possible to\b", "allows one to"),
    (r"\bas well as\b", "and also"),
    (r"\bboth (?=[\w-]+ and [\w-]+)", ""),
    (r"\bseveral (?=[a-z]+s\b)", "a number of "),
    (r"\bhowever, ", ""),
)
_SAME_JA = (
    ("によると", "によれば"),
    (r"約(?=\d)", "およそ"),
    ("を用いて", "を使って"),
    ("を用いた", "を使った"),
    ("について", "に関して"),
    ("非常に", "とても"),
    ("様々な", "さまざまな"),
    ("全て", "すべて"),
    ("と比べて", "に比べて"),
    ("および", "と"),
    ("及び", "と"),
    ("ならびに", "と"),
    ("によって", "により"),
    ("においても", "でも"),
    ("においては", "では"),
    ("だけでなく", "のみならず"),
    ("のような", "といった"),
    ("例えば", "たとえば"),
    ("もっとも(?=[多大高小低良早古新])", "最も"),
    ("すなわち", "つまり"),
    ("用いている。", "使っている。"),
    ("用いる。", "使う。"),
    ("述べている。", "書いている。"),
    ("しかしながら", "しかし"),
    (r"(?<=\d)%", "パーセント"),
    (r"(?<=\d)％", "パーセント"),
)
_TEN_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,4})万(?![\d千百億兆])")
_KANJI = r"(?<=[\u3400-\u9fff])"
_IS_POLITE = re.compile(r"(?:ます|です|ました|でした|ません|しょう|さい)。$")
# Plain endings and the polite ones that say the same; the first that fits is changed.
_POLITE = tuple(
    (re.compile(f"{plain}。$"), f"{polite}。")
    for plain, polite in (
        ("(?:である|(?<![んい])だ)", "です"),
        ("(?:であった|だった)", "でした"),
        ("ではない", "ではありません"),
        ("(?<=[てでがは])いる", "います"),
        ("(?<=[てで])いた", "いました"),
        ("(?<=[てで])いない", "いません"),
        ("(?<=が)ある", "あります"),
        ("(?<=が)あった", "ありました"),
        ("する", "します"),
        ("した", "しました"),
        ("しない", "しません"),
        ("(?<=[なまがわか])る", "ります"),
        ("(?<=[にと])なった", "なりました"),
        ("(?<=[えけせてげめべれきみじ])る", "ます"),
        ("(?<=[えけせてげめべれきみじ])た", "ました"),
        ("(?<=[見出得])る", "ます"),
        ("(?<=[入送作取走残図])る", "ります"),
        ("す", "します"),
        (f"{_KANJI}う", "います"),
        (f"{_KANJI}く", "きます"),
        (f"{_KANJI}む", "みます"),
        (f"{_KANJI}ぶ", "びます"),
        (f"{_KANJI}つ", "ちます"),
    )
)


def restated(text: str, rng: random.Random) -> str:
    """Say the same in other words, as far as rules can; a sentence that none fits stays as it is.

    Nothing is added: what changes is a note in brackets that is left out, the place of an
    adverbial, the spelling of a number, a word of the same meaning, or the politeness of an ending.
    """
    made = text
    rules: Sequence[Callable[[str], str]] = (
        (without_note, _without_opening_ja, _words_ja, _numbers_ja, _polite)
        if is_japanese(text)
        else (without_note, _without_opening, _adverbial_last, _numbers, _words)
    )
    for rule in rules:
        # Not always all of them, so that the same sentence is not always put in the same way.
        made = rule(made) if made == text or rng.random() < _AGAIN else made
    return made


def without_note(text: str) -> str:
    """Leave a note in brackets at the end of a sentence out."""
    return _NOTE.sub("", text)


def _without_opening(text: str) -> str:
    rest = _OPENING.sub("", text)
    return rest[:1].upper() + rest[1:]


def _without_opening_ja(text: str) -> str:
    return _OPENING_JA.sub("", text)


def _adverbial_last(text: str) -> str:
    """Move "According to X" or "In 2004" from the start of a simple sentence to its end."""
    if match := _ACCORDING.match(text):
        rest = match[2]
        return f"{rest[:1].upper()}{rest[1:]}, {match[1][:1].lower()}{match[1][1:]}."
    match = _TIME.match(text)
    rest = text[match.end() :] if match else ""
    if not match or _CLAUSES.search(rest) or not rest.endswith("."):
        return text
    return f"{rest[:1].upper()}{rest[1:-1]} {match[1][:1].lower()}{match[1][1:]}."


def _numbers(text: str) -> str:
    """Write "three" as 3, and 2.8 million as 2,800,000."""
    text = _SPELLED.sub(lambda match: str(WORDS[match[0]]), text)
    return _SCALED.sub(_unscaled, text)


def _unscaled(match: re.Match[str]) -> str:
    decimals = match[2] or ""
    return f"{int(match[1] + decimals) * 10 ** (6 - len(decimals)):,}"


def _words(text: str) -> str:
    for pattern, other in _SAME:
        changed = re.sub(pattern, other, text, count=1)
        if changed != text:
            return changed
    return text


def _words_ja(text: str) -> str:
    for word, other in _SAME_JA:
        text = re.sub(word, other, text, count=1)
    return text


def _numbers_ja(text: str) -> str:
    """Write 68万 as 680,000."""
    return _TEN_THOUSANDS.sub(lambda match: f"{int(match[1]) * 10_000:,}", text)


def _polite(text: str) -> str:
    if _IS_POLITE.search(text):
        return text
    for plain, polite in _POLITE:
        if plain.search(text):
            return plain.sub(polite, text)
    return text
