"""Questions on passages, and the rows that the reader is fitted on, made of them.

A row says which characters of a text answer a question; none where nothing does. It also says which
deny what the question takes for granted, where its writer marked them. Texts are whole
passages, windows of one to four sentences, passages without the sentences that answer (their
neighbours stay, so that being about the subject is not enough), near passages of the same article,
and those of other articles that the search takes for similar. Questions are those of XQuAD, JSQuAD
and CLAPNQ, in both languages, those of the hand-written pairs, and those on passages and documents
that were written for fitting (``passages.py``, ``documents.py``). No row is on an article that is
held out, nor on a held-out passage of the hand-written pairs.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.text.sentences import sentence_spans
from index.lexical.tokenizer import is_japanese
from training import documents, sources, spoil
from training import passages as written
from training.near import Index
from training.sources import PAIRS_HELD, Passage

Span = tuple[int, int]
Spans = Sequence[Span]
PAIRS = ("pairs_en_en", "pairs_ja_en", "pairs_en_ja", "pairs_ja_ja")
NEAR = tuple(f"near_unanswerable_{pair}" for pair in ("en_en", "ja_en", "en_ja", "ja_ja"))
TITLED = 0.75  # share of the rows that have the passage's title before the text
# Chances of a row with a similar passage of another article, by whether the question is in the
# passage's language: where it is not, most wrong answers come from there.
SIMILAR_WITHIN, SIMILAR_ACROSS = 0.25, 0.8
DRAWS = 4  # tries to replace a name in a question by another one
_ASKS = re.compile(r"(?:who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A question, a text with the title above it, and the spans of the text that answer."""

    question: str
    title: str
    text: str
    spans: tuple[Span, ...]
    source: str
    twin: str = ""  # the same question in the text's language, where it is known
    denied: tuple[Span, ...] = ()  # where the text denies what the question takes for granted

    @property
    def written(self) -> bool:
        """Whether the text was written for fitting, as a passage by itself."""
        return self.source.startswith("written")

    @property
    def document(self) -> bool:
        """Whether the text is of a document that was written for fitting."""
        return self.source.startswith("document")

    @property
    def premise(self) -> bool:
        """Whether the question takes something false for granted; there are few such rows."""
        return self.source.startswith("premise")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a passage.

    Attributes:
        question: The question.
        home: The id of the passage.
        sentences: The spans of the sentences that answer; none where nothing does.
        exact: The spans of the words that answer, where they are known.
        answers: Strings that answer, where they are known.
        source: The name of the set.
        twin: The same question in the passage's language, where it is known.
        denied: The spans of the sentences that deny what the question takes for granted.
    """

    question: str
    home: str
    sentences: tuple[Span, ...]
    exact: tuple[Span, ...] = ()
    answers: tuple[str, ...] = ()
    source: str = ""
    twin: str = ""
    denied: tuple[Span, ...] = ()

    @property
    def written(self) -> bool:
        """Whether the passage was written for fitting, by itself."""
        return self.source.startswith("written")

    @property
    def document(self) -> bool:
        """Whether the passage is of a document that was written for fitting."""
        return self.source.startswith(("document", "premise"))


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
        yield Asked(
            question, query["doc_id"], tuple(inside), tuple(exact), answers, source,
            twin=query["question"],
        )  # fmt: skip


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


def near_questions(passages: Mapping[str, Passage], name: str) -> Iterator[Asked]:
    """Read questions that a passage nearly answers, and their controls, which it answers.

    None of them is fitted on.
    """
    for row in sources.handwritten(name):
        spans = sentence_spans(passages[row["doc_id"]].text)
        gold = tuple(spans[n] for n in row.get("s", ()))
        yield Asked(row["question"], row["doc_id"], gold, source=name)


def clapnq_questions(shared: Path, wording: dict[str, str] | None = None) -> Iterator[Asked]:
    """Read CLAPNQ's questions; ``wording`` is that of ``squad_questions``."""
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
            yield Asked(question, row["id"], tuple(chosen), source="clapnq", twin=row["question"])


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
                q, twin = each["q"][asking], each["q"][language]
                found.append(Asked(q, key, chosen, exact, (answer,), source, twin))
            for each in row["near"]:
                q, twin = each["q"][asking], each["q"][language]
                found.append(Asked(q, key, (), source=source, twin=twin))
    return passages, found


def document_questions(part: written.Part = "fit") -> tuple[dict[str, Passage], list[Asked]]:
    """Read documents that were written for fitting, in passages, and what is asked of them.

    Each question is there in each language. One with a false premise has no answer.
    """
    passages: dict[str, Passage] = {}
    found: list[Asked] = []
    for row in documents.load(part):
        split = documents.split(row)
        keys = [f"{row['id']}:{number}" for number in range(len(split))]
        for key, passage in zip(keys, split, strict=True):
            passages[key] = Passage(passage.text, row["title"], part != "fit", passage.heading)
        for each in row["questions"]:
            home, chosen, exact = documents.answers(split, each)
            words = tuple({split[home].text[a:b] for a, b in exact})
            for asking in written.LANGUAGES:
                source = f"document_{asking}_{row['lang']}"
                twin = each[row["lang"]]
                found.append(Asked(each[asking], keys[home], chosen, exact, words, source, twin))
        near = [(each, "document", documents.nearest(split, row, each)) for each in row["near"]]
        false = row.get("premises", {"false": []})["false"]
        near += [(each, "premise", documents.speaks_of(split, each)) for each in false]
        for each, kind, home in near:
            denied = documents.sentences_of(split[home], each) if kind == "premise" else ()
            for asking in written.LANGUAGES:
                source = f"{kind}_{asking}_{row['lang']}"
                about = {"source": source, "twin": each[row["lang"]], "denied": denied}
                found.append(Asked(each[asking], keys[home], (), **about))
    return passages, found


def collect(shared: Path) -> tuple[dict[str, Passage], list[Asked], list[Asked]]:
    """Return the passages by id, the questions for fitting, and those that are held out.

    A passage is marked as held if its article is, or if its hand-written pairs are. What else is
    asked on a passage whose pairs are held is on neither side.
    """
    english, queries = sources.xquad(shared)
    japanese, asked_ja = sources.jsquad(shared)
    clapnq, others = sources.clapnq_passages(shared), sources.passages_by_text_id(shared)
    ours, asked_ours = written_questions()
    whole, asked_whole = document_questions()
    passages = english | japanese | clapnq | others | ours | whole
    words = sources.translated_questions
    found = [
        *squad_questions(english, queries, "xquad"),
        *squad_questions(japanese, asked_ja, "jsquad"),
        *squad_questions(english, queries, "xquad_ja", words("xquad_questions_ja", "ja")),
        *squad_questions(japanese, asked_ja, "jsquad_en", words("jsquad_questions_en", "en")),
        *squad_questions(japanese, asked_ja, "jsquad_en", words("jsquad_fitted_en", "en")),
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
    fitted += [*asked_ours, *asked_whole]
    marked = {key: replace(p, held=p.held or key in apart) for key, p in passages.items()}
    return marked, fitted, held


def rows(
    passages: dict[str, Passage],
    questions: Sequence[Asked],
    rng: random.Random,
    similar: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> Iterator[ReadingRow]:
    """Make the rows of one pass over the questions, in their order.

    Args:
        passages: The passages by id; those that are held out are in no row.
        questions: The questions.
        rng: Draws which texts and titles the rows have.
        similar: Ids of passages that do not answer, as ``similar_passages`` finds them.
    """
    similar = similar or {}
    articles: dict[str, list[str]] = defaultdict(list)
    for key, passage in passages.items():
        articles[passage.article].append(key)
    near = {
        article: Index([passages[key].text for key in keys])
        for article, keys in articles.items()
        if article and len(keys) > 1
    }

    def row(
        asked: Asked, passage: Passage, question: str, text: str, spans: Spans, denied: Spans = ()
    ) -> ReadingRow:
        title = passage.title if rng.random() < TITLED else ""
        twin = _twin(asked, text) if question == asked.question else ""
        return ReadingRow(question, title, text, tuple(spans), asked.source, twin, tuple(denied))

    for asked in questions:
        home = passages[asked.home]
        if asked.denied:
            for text, denied in _denying(asked, home.text, rng):
                yield row(asked, home, asked.question, text, (), denied)
            continue
        for question, text, spans in _at_home(asked, home.text, rng):
            yield row(asked, home, question, text, spans)
        if asked.sentences and home.article in near:
            keys = articles[home.article]
            found = [keys[n] for n in near[home.article].near(asked.question, 4)]
            found += rng.sample(keys, min(2, len(keys)))
            others = [passages[key] for key in dict.fromkeys(found) if key != asked.home]
            wrong = [
                other
                for other in others
                if not other.held and not any(answer in other.text for answer in asked.answers)
            ]
            for passage in wrong[: 1 + (rng.random() < 0.4)]:
                yield row(asked, passage, asked.question, passage.text, ())
        if found := similar.get((asked.question, asked.home)):
            across = is_japanese(asked.question) != is_japanese(home.text)
            if rng.random() < (SIMILAR_ACROSS if across else SIMILAR_WITHIN):
                passage = passages[rng.choice(found)]
                yield row(asked, passage, asked.question, passage.text, ())


def _twin(asked: Asked, text: str) -> str:
    """Return the question in the language of a text, "" if it is not known."""
    for question in (asked.question, asked.twin):
        if question and is_japanese(question) == is_japanese(text):
            return question
    return ""


def _at_home(asked: Asked, text: str, rng: random.Random) -> Iterator[tuple[str, str, Spans]]:
    """Yield questions, texts and the spans that answer, made of one question and its passage.

    The caller may draw from ``rng`` after each.
    """
    gold = asked.exact or asked.sentences
    yield asked.question, text, gold
    if not asked.sentences:
        if rng.random() < 0.3:
            low, high = _window(text, (), rng)
            yield asked.question, text[low:high], ()
        return
    if rng.random() < 0.35:
        low, high = _window(text, asked.sentences, rng)
        cut = [(max(a, low) - low, min(b, high) - low) for a, b in gold if a < high and low < b]
        yield asked.question, text[low:high], cut
    if rng.random() < 0.55:
        bare = without_sentences(text, asked.sentences)
        if len(bare) > 40 and not any(answer in bare for answer in asked.answers):
            yield asked.question, bare, ()
    if rng.random() < 0.12 and (bad := _spoilt(asked.question, text, rng)):
        yield bad, text, ()


def _denying(asked: Asked, text: str, rng: random.Random) -> Iterator[tuple[str, Spans]]:
    """Yield texts, and the spans that deny what a question takes for granted, of its passage."""
    yield text, asked.denied
    if rng.random() < 0.5:
        low, high = _window(text, asked.denied, rng)
        yield (
            text[low:high],
            [
                (max(a, low) - low, min(b, high) - low)
                for a, b in asked.denied
                if a < high and low < b
            ],
        )
    bare = without_sentences(text, asked.denied)
    if rng.random() < 0.3 and len(bare) > 40:
        yield bare, ()


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
