"""Generated examples: true and altered claims, questions made from statements, cross-lingual pairs.

Every function takes a seeded generator and returns the same rows each time.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from training import spoil
from training.sources import ENTAILMENT, NOT_SUPPORTED, Passage, Row

WHAT_JA = {
    "年": "何年", "月": "何月", "日": "何日", "人": "何人", "個": "いくつ", "歳": "何歳",
    "回": "何回",
    "位": "何位", "円": "いくら", "%": "何%", "％": "何％", "メートル": "何メートル", "km": "何km",
    "m": "何m", "世紀": "何世紀", "時間": "何時間", "種": "何種", "度": "何度", "つ": "いくつ",
}  # fmt: skip


def window(parts: Sequence[str], at: int, rng: random.Random, widest: int = 7) -> tuple[int, int]:
    """Choose a range of sentences around number `at`, of random size."""
    size = min(len(parts), rng.choice((1, 2, 3, 4, 5, widest)))
    low = max(0, min(at - rng.randrange(size), len(parts) - size))
    return low, low + size


def glue(parts: Sequence[str]) -> str:
    return ("" if parts and spoil.is_japanese(parts[0]) else " ").join(parts)


def claims(
    passages: Sequence[Passage], rng: random.Random, each: int, source: str
) -> Iterator[Row]:
    """Make claims of a few sentences of each passage: true, altered, and not in the passage."""
    articles: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        articles[passage.article].append(passage)
    for passage in passages:
        parts = spoil.sentences(passage.text)
        usable = [i for i, part in enumerate(parts) if 12 < len(part) < 300]
        siblings = [p for p in articles[passage.article] if p.text != passage.text]
        elsewhere = [s for p in siblings[:4] for s in spoil.sentences(p.text)[:4]]
        for i in rng.sample(usable, min(each, len(usable))):
            low, high = window(parts, i, rng)
            evidence = glue(parts[low:high])
            others = [part for part in parts if part != parts[i]] + elsewhere
            made = [(spoil.kept(parts[i], rng), ENTAILMENT)]
            bad = spoil.spoiled(parts[i], others, rng)
            if bad is not None:
                made.append((bad, NOT_SUPPORTED))
            for claim, label in made:
                yield Row("nli", claim, evidence, label, source, passage.held)
            if rng.random() < 0.35:
                yield from _elsewhere(parts, i, siblings, rng, source, passage.held)


def _elsewhere(
    parts: Sequence[str], i: int, siblings: Sequence[Passage], rng: random.Random, source: str,
    out: bool,
) -> Iterator[Row]:  # fmt: skip
    """Pair a sentence with its own passage without it, or with a neighbouring passage."""
    rest = [*parts[:i], *parts[i + 1 :]]
    if siblings and rng.random() < 0.6:
        yield Row("nli", parts[i], rng.choice(siblings).text[:900], NOT_SUPPORTED, source, out)
    elif len(rest) > 1:
        yield Row("nli", parts[i], glue(rest), NOT_SUPPORTED, source, out)


def cloze_english(sentence: str, rng: random.Random) -> str | None:
    """Make a question whose answer is a number, a year or a name of the sentence."""
    year = re.search(r"\b[Ii]n (1[0-9]{3}|20[0-9]{2})\b", sentence)
    plain = sentence.rstrip(" .")
    if year is not None and rng.random() < 0.6:
        rest = (plain[: year.start()] + plain[year.end() :]).strip(" ,")
        return rng.choice((f"In what year {rest}?", f"when {rest[0].lower() + rest[1:]}"))
    many = re.search(r"\b\d[\d,.]*\d (?=[a-z]{3,})", sentence)
    if many is not None:
        return plain[: many.start()] + "how many " + plain[many.end() :] + "?"
    names = [m for m in spoil.NAME_EN.finditer(plain) if m[0].split()[0].lower() not in spoil.LEADS]
    if names and len(plain) > 40:
        found = names[0] if names[0].start() == 0 else rng.choice(names)
        word = rng.choice(("who", "what", "which")) if found.start() == 0 else "what"
        return plain[: found.start()] + word + plain[found.end() :] + rng.choice(("?", ""))
    return None


def cloze_japanese(sentence: str, rng: random.Random) -> str | None:
    plain = sentence.rstrip("。")
    units = "|".join(map(re.escape, sorted(WHAT_JA, key=len, reverse=True)))
    found = list(re.finditer(rf"([0-9０-９,.]+)({units})", plain))
    if found:
        hit = rng.choice(found)
        question = plain[: hit.start()] + WHAT_JA[hit[2]] + plain[hit.end() :]
        return question + rng.choice(("か。", "ですか？", "か？", "のか"))
    subject = re.match(r"([^、はが]{2,20})([はが])(.{8,})", plain)
    if subject is None:
        return None
    asked = rng.choice(("何", "誰", "どれ", "何"))
    style = rng.choice(
        ("{rest}のは{asked}ですか？", "{rest}のは{asked}か。", "{asked}が{rest}か。")
    )
    return style.format(rest=subject[3], asked=asked)


def questions(
    passages: Sequence[Passage], rng: random.Random, each: int, source: str
) -> Iterator[Row]:
    """Make cloze questions with passages that answer them, and such that do not.

    The latter are the passage without the sentence, a neighbouring one, and the passage for a
    question in which a name or number is changed.
    """
    articles: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        articles[passage.article].append(passage)
    for passage in passages:
        parts = spoil.sentences(passage.text)
        usable = [i for i, part in enumerate(parts) if 25 < len(part) < 250]
        siblings = [p for p in articles[passage.article] if p.text != passage.text]
        for i in rng.sample(usable, min(each, len(usable))):
            japanese = spoil.is_japanese(parts[i])
            question = (cloze_japanese if japanese else cloze_english)(parts[i], rng)
            if question is None:
                continue
            low, high = window(parts, i, rng, 9)
            yield Row("ans", question, glue(parts[low:high]), 1, source, passage.held)
            rest = [*parts[:i], *parts[i + 1 :]]
            if len(rest) > 1:
                yield Row("ans", question, glue(rest[:9]), 0, source, passage.held)
            if siblings:
                other = rng.choice(siblings).text
                yield Row("ans", question, other[:1200], 0, source, passage.held)
            bad = spoil.name(question, parts, rng) or spoil.number(question, parts, rng)
            if bad is not None and bad != question:
                yield Row("ans", bad, glue(parts[low:high]), 0, source, passage.held)


def without(text: str, answer: str) -> str | None:
    """Return the passage without the sentences that have the answer, if something is left."""
    parts = spoil.sentences(text)
    rest = [part for part in parts if answer not in part]
    return glue(rest) if 0 < len(rest) < len(parts) else None


def asked_of_claims(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """Turn statements "XはYです" into questions for X, with and without the answering sentence."""
    for row in rows:
        found = re.match(
            r"(.{6,80}?)(?:と)?は、?(.{1,40}?)(?:です|でした|である|だ)。?$", row.first
        )
        if row.label != ENTAILMENT or found is None:
            continue
        ask = rng.choice(
            ("は何ですか？", "は？", "は何か。", "は何でしょうか。", "を教えてください。")
        )
        yield Row("ans", found[1] + ask, row.second, 1, "jaquad_asked", row.held)
        bare = without(row.second, found[2].strip("「」"))
        if bare is not None and len(bare) > 60:
            yield Row("ans", found[1] + ask, bare, 0, "jaquad_asked", row.held)


def across(
    documents: Sequence[Sequence[tuple[str, str]]], rng: random.Random, share: float
) -> Iterator[Row]:
    """Pair a paragraph in one language with a window of a parallel text in the other."""
    for document in documents:
        for i, pair in enumerate(document):
            if rng.random() > share or not 15 < len(pair[1]) < 220:
                continue
            side = int(rng.random() < 0.65)  # 1: a Japanese claim on English evidence
            low, high = window(document, i, rng, 5)
            evidence = glue([p[1 - side] for p in document[low:high]])[:1200]
            claim = spoil.kept(pair[side], rng)
            yield Row("nli", claim, evidence, ENTAILMENT, "parallel")
            others = [p[side] for p in document[max(0, i - 8) : i + 8] if p != pair]
            bad = spoil.spoiled(pair[side], others, rng)
            if bad is not None:
                yield Row("nli", bad, evidence, NOT_SUPPORTED, "parallel")
            if others and rng.random() < 0.4:
                other = rng.choice(others)
                inside = any(other == p[side] for p in document[low:high])
                if not inside:
                    yield Row("nli", other, evidence, NOT_SUPPORTED, "parallel")


def headings(
    documents: Sequence[Sequence[tuple[str, str]]], rng: random.Random, share: float
) -> Iterator[Row]:
    """Make a question of a heading, answered by the text under it in the other language."""
    for document in documents:
        for i, pair in enumerate(document[:-1]):
            is_heading = len(pair[0]) < 60 and not re.search(r"[.。:：]$", pair[0])
            if not is_heading or len(document[i + 1][0]) < 80 or rng.random() > share:
                continue
            side = int(rng.random() < 0.7)
            text = glue([p[1 - side] for p in document[i + 1 : i + rng.choice((2, 3, 4))]])
            ask = rng.choice(("{}とは？", "{}について教えて", "{}はどうすればよいですか。", "{}"))
            question = ask.format(pair[1]) if side else pair[0]
            yield Row("ans", question, text[:1200], 1, "headings")
            far = [j for j in range(len(document) - 1) if abs(j - i) > 4]
            if far:
                j = rng.choice(far)
                wrong = glue([p[1 - side] for p in document[j : j + 3]])
                yield Row("ans", question, wrong[:1200], 0, "headings")
