"""Rows for the reader: questions on passages, with the characters that answer, if any do.

A row says which characters of a text answer a question; none where nothing does. Texts are whole
passages, windows of one to four sentences, passages without the sentences that answer (their
neighbours stay, so that being about the subject is not enough), and near passages of the same
article. No row is on an article that is held out, nor on a held-out passage of the hand-written
pairs.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.text.sentences import sentence_spans
from training import passages as written
from training import sources, spoil
from training.data import PAIRS_HELD, text_id
from training.near import Index
from training.sources import Passage

Span = tuple[int, int]
PAIRS = ("pairs_en_en", "pairs_ja_en", "pairs_en_ja", "pairs_ja_ja")
TITLED = 0.75  # share of the rows that have the passage's title before the text
DRAWS = 4  # of a name in a question that is to be spoilt
_ASKS = re.compile(r"(?:who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A question, a text with the title above it, and the spans of the text that answer."""

    question: str
    title: str
    text: str
    spans: tuple[Span, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a passage: the spans of the exact answer, and of the sentences that have it.

    No ``sentences``: nothing in the passage answers. ``answers`` are strings that answer.
    """

    question: str
    home: str
    sentences: tuple[Span, ...]
    exact: tuple[Span, ...] = ()
    answers: tuple[str, ...] = ()
    source: str = ""


def squad_questions(
    passages: dict[str, Passage], queries: Sequence[dict], source: str,
    wording: dict[str, str] | None = None,
) -> Iterator[Asked]:  # fmt: skip
    """Read questions with answer strings; where a string stands more than once, all places count.

    ``wording`` replaces questions (by id) with their translations and drops the others.
    """
    for query in queries:
        question = query["question"] if wording is None else wording.get(query["id"])
        text = passages[query["doc_id"]].text
        answers = tuple(dict.fromkeys(a for a in query["answers"] if a))
        exact = [(at, at + len(answer)) for answer in answers[:1] for at in _places(text, answer)]
        if question is None or not exact:
            continue
        inside = [(a, b) for a, b in sentence_spans(text) if any(a < y and x < b for x, y in exact)]
        yield Asked(question, query["doc_id"], tuple(inside), tuple(exact), answers, source)


def _places(text: str, part: str) -> list[int]:
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found


def pair_questions(passages: dict[str, Passage], name: str) -> Iterator[tuple[Asked, bool]]:
    """Read the hand-written pairs: a question that a passage answers, and one that it does not."""
    for row in sources.handwritten(name):
        out = sources.held("pairs" + row["id"], PAIRS_HELD) or passages[row["id"]].held
        spans = sentence_spans(passages[row["id"]].text)
        chosen = tuple(spans[n] for n in row["s"])
        yield Asked(row["q"], row["id"], chosen, source=name), out
        yield Asked(row["u"], row["id"], (), source=name), out


def clapnq_questions(shared: Path, wording: dict[str, str] | None = None) -> Iterator[Asked]:
    for row in sources.clapnq(shared):
        question = row["question"] if wording is None else wording.get(row["id"])
        if question is None:
            continue
        chosen = []
        for part in dict.fromkeys(s for found in row["selected_sentences"] for s in found):
            at = row["passage"].find(part)
            if at >= 0:
                chosen.append((at, at + len(part)))
        if bool(chosen) == bool(row["answerable"]):
            yield Asked(question, row["id"], tuple(chosen), source="clapnq")


def written_questions(part: written.Part = "fit") -> tuple[dict[str, Passage], list[Asked]]:
    """Read passages that were written for fitting, and what is asked of them.

    Each question is there in each language for the text in each language.
    """
    passages: dict[str, Passage] = {}
    found: list[Asked] = []
    for row in written.load(part):
        for asking, language in written.LANGUAGE_PAIRS:
            key = f"{row['id']}:{language}"
            text, spans = written.text_of(row, language)
            passages[key] = Passage(text, row["title"][language], part != "fit")
            source = f"written_{asking}_{language}"
            for each in row["questions"]:
                chosen = tuple(spans[n] for n in each["s"])
                answer = each["answer"][language]
                places = [(at, at + len(answer)) for at in _places(text, answer)]
                exact = tuple(p for p in places if any(a <= p[0] < b for a, b in chosen))
                found.append(Asked(each["q"][asking], key, chosen, exact, (answer,), source))
            found += [Asked(each["q"][asking], key, (), source=source) for each in row["near"]]
    return passages, found


def collect(shared: Path) -> tuple[dict[str, Passage], list[Asked], list[Asked]]:
    """Return the passages by id, the questions for fitting, and those that are held out.

    A passage is marked as held if its article is, or if its hand-written pairs are. What else is
    asked on a passage whose pairs are held is on neither side.
    """
    english, queries = sources.xquad(shared)
    japanese, asked_ja = sources.jsquad(shared)
    long = {r["id"]: Passage(r["passage"], r["title"], r["held"]) for r in sources.clapnq(shared)}
    posts = {text_id(p.text): p for p in sources.prose(shared)}
    more = {
        text_id(r.second): Passage(r.second, "", r.held)
        for r in sources.plain_sets(shared)
        if r.source == "fm2_long"
    }
    ours, asked_ours = written_questions()
    passages = english | japanese | long | posts | more | ours

    def words(name: str, language: str) -> dict[str, str]:
        return {row["id"]: row[language] for row in sources.handwritten(name)}

    found = [
        *squad_questions(english, queries, "xquad"),
        *squad_questions(japanese, asked_ja, "jsquad"),
        *squad_questions(english, queries, "xquad_ja", words("xquad_questions_ja", "ja")),
        *squad_questions(japanese, asked_ja, "jsquad_en", words("jsquad_questions_en", "en")),
        *clapnq_questions(shared),
        *clapnq_questions(shared, words("clapnq_questions_ja", "ja")),
    ]
    for name in ("xquad_unanswerable_ja", "clapnq_unanswerable_ja"):
        for row in sources.handwritten(name):
            found.append(Asked(row["question"], row["doc_id"], (), source=name))
    pairs = [each for name in PAIRS for each in pair_questions(passages, name)]
    apart = {asked.home for asked, out in pairs if out}
    held = [asked for asked in found if passages[asked.home].held]
    held += [asked for asked, out in pairs if out]
    fitted = [a for a in found if a.home not in apart and not passages[a.home].held]
    fitted += [asked for asked, out in pairs if not out]
    fitted += asked_ours
    marked = {key: replace(p, held=p.held or key in apart) for key, p in passages.items()}
    return marked, fitted, held


def rows(
    passages: dict[str, Passage], questions: Sequence[Asked], rng: random.Random
) -> Iterator[ReadingRow]:
    """Make the rows of one pass over the questions, in the order of these."""
    articles: dict[str, list[str]] = defaultdict(list)
    for key, passage in passages.items():
        articles[passage.article].append(key)
    near = {
        article: Index([passages[key].text for key in keys])
        for article, keys in articles.items()
        if article and len(keys) > 1
    }

    def row(
        asked: Asked, key: str, text: str, spans: Sequence[Span], question: str = ""
    ) -> ReadingRow:
        title = passages[key].article.replace("_", " ") if rng.random() < TITLED else ""
        return ReadingRow(question or asked.question, title, text, tuple(spans), asked.source)

    for asked in questions:
        home = passages[asked.home]
        if not asked.sentences:
            yield row(asked, asked.home, home.text, ())
            if rng.random() < 0.3:
                low, high = _window(home.text, (), rng)
                yield row(asked, asked.home, home.text[low:high], ())
            continue
        gold = asked.exact or asked.sentences
        yield row(asked, asked.home, home.text, gold)
        if rng.random() < 0.35:
            low, high = _window(home.text, asked.sentences, rng)
            cut = [(max(a, low) - low, min(b, high) - low) for a, b in gold if a < high and low < b]
            yield row(asked, asked.home, home.text[low:high], cut)
        if rng.random() < 0.55:
            bare = without_sentences(home.text, asked.sentences)
            if len(bare) > 40 and not any(answer in bare for answer in asked.answers):
                yield row(asked, asked.home, bare, ())
        if rng.random() < 0.12 and (bad := _spoilt(asked.question, home.text, rng)):
            yield row(asked, asked.home, home.text, (), bad)
        if home.article in near:
            keys = articles[home.article]
            found = [keys[n] for n in near[home.article].near(asked.question, 4)]
            found += rng.sample(keys, min(2, len(keys)))
            others = [
                key
                for key in dict.fromkeys(found)
                if key != asked.home
                and not passages[key].held
                and not any(a in passages[key].text for a in asked.answers)
            ]
            for key in others[: 1 + (rng.random() < 0.4)]:
                yield row(asked, key, passages[key].text, ())


def _spoilt(question: str, text: str, rng: random.Random) -> str | None:
    """Put another name of the text, or another number, into a question; None without either.

    The word that asks is no name, though it has a capital.
    """
    for _ in range(DRAWS):
        bad = spoil.name(question, [text], rng)
        if bad is None:
            break
        if not _ASKS.match(question) or bad.split()[0] == question.split()[0]:
            return bad
    return spoil.number(question, [], rng)


def _window(text: str, sentences: Sequence[Span], rng: random.Random) -> Span:
    """Choose one to four adjacent sentences, around one of the given ones if there are any."""
    spans = sentence_spans(text)
    if not spans:
        return 0, len(text)
    at = [n for n, span in enumerate(spans) if span in sentences] or list(range(len(spans)))
    size = min(len(spans), rng.randint(1, 4))
    low = min(max(0, rng.choice(at) - rng.randrange(size)), len(spans) - size)
    return spans[low][0], spans[low + size - 1][1]


def without_sentences(text: str, sentences: Sequence[Span]) -> str:
    """Take sentences out of a text."""
    kept, last = [], 0
    for a, b in sorted(sentences):
        kept.append(text[last:a])
        last = max(last, b)
    return "".join([*kept, text[last:]]).strip()
