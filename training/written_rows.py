"""Rows of the checker made of the passages and documents that were written for fitting.

A passage gives each claim and question in both languages on the text in both languages: four rows
that say the same. Evidence is the sentences that a claim rests on (``own_sentences``), these with
their neighbours (``own_windows``), the whole passage (``own_passages``), a passage without them
(``own_without``) and one in which one of them is changed (``own_changed``); a lie behind a true
clause is in ``own_lies``, questions in ``own_asked`` (on sentences) and ``own_asked_passages``.
Where readers graded a claim or question, their mean is its target. A document is in one language:
its questions (``own_documents``), and what they take for granted (``own_premises``: on the
sentences that say or deny it, and on the passage around them), are in both.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.questions.presuppositions import open_presupposition, presupposition
from training import documents, grading, passages, reading
from training.passages import LANGUAGE_PAIRS, LANGUAGES, Part, Text
from training.sources import CONTRADICTION, ENTAILMENT, NOT_SUPPORTED, Row

TITLED = 0.6  # share of the questions on sentences that have the title above the evidence
NOTHING: Text = {"en": "", "ja": ""}


@dataclass(frozen=True, slots=True)
class Case:
    """A claim or question on some evidence, in both languages.

    Attributes:
        source: The name of the set.
        text: The claim or question.
        sentences: The evidence.
        label: Its label.
        kind: Its kind on readers' sheets; empty if it is on none.
        words: The words of the claim that are unsupported, NOTHING for none; None if unknown.
        titled: Whether the passage's title is above the evidence.
    """

    source: str
    text: Text
    sentences: Sequence[Text]
    label: int
    kind: str = ""
    words: Text | None = None
    titled: bool = False


def rows(part: Part = "fit") -> Iterator[Row]:
    """Make the rows of a part, always the same.

    What two readers graded too far apart is left out; and of held-out rows, what they take for the
    opposite of what the writer meant.
    """
    targets = grading.targets(part)
    held = part != "fit"
    for row in passages.load(part):
        rng = random.Random(row["id"])
        cases = [*(_claims(row, held, rng) if "claims" in row else ()), *_questions(row, rng)]
        for number, case in enumerate(cases):
            grade = _grade(targets, row["id"], case)
            true = case.label == (1 if "asked" in case.source else ENTAILMENT)
            apart = grade == grading.NO_TARGET
            if not apart and not (held and grade is not None and (grade > 0.5) != true):
                yield from _in_each_language(row, case, f"{row['id']}:{number}", grade, held)
    yield from _on_documents(part)
    yield from _premises(part)


def _grade(targets: grading.Targets, name: str, case: Case) -> float | None:
    found = [targets.get((name, case.kind, text)) for text in case.text.values()]
    return next((grade for grade in found if grade is not None), None)


def _in_each_language(
    row: passages.Row, case: Case, key: str, grade: float | None, held: bool
) -> Iterator[Row]:
    head = "ans" if "asked" in case.source else "nli"
    for first, second in LANGUAGE_PAIRS:
        claim, words = case.text[first], case.words
        evidence, _ = passages.text_of({**row, "sentences": case.sentences}, second)
        if case.titled:
            evidence = f"{row['title'][second]}\n{evidence}"
        wrong = None
        if words is not None:
            start = claim.find(words[first])
            wrong = (start, start + len(words[first]))
        yield Row(
            head, claim, evidence, case.label, case.source, held,
            grade=grade, same=key, wrong=wrong,
        )  # fmt: skip


def _claims(row: passages.Row, held: bool, rng: random.Random) -> Iterator[Case]:
    sentences, lie, changed = row["sentences"], row["lie"], row["changed"]
    for claim in row["claims"]:
        bearing = [sentences[n] for n in claim["s"]]
        evidence = {
            "own_sentences": bearing,
            "own_windows": _window(sentences, claim["s"], rng),
            "own_passages": sentences,
        }
        if held:  # beside the false ones that are measured
            evidence |= {"own_lies": bearing, "own_without": sentences}
        for source, chosen in evidence.items():
            yield Case(source, claim["true"], chosen, ENTAILMENT, "true", NOTHING)
            if source not in ("own_lies", "own_without"):
                yield Case(source, claim["false"], chosen, NOT_SUPPORTED, "false", claim["words"])
        rest = _without(sentences, claim["s"])
        yield Case("own_without", claim["true"], rest, NOT_SUPPORTED)
    text, words = lie["text"], lie["words"]
    for chosen in ([sentences[n] for n in lie["s"]], _window(sentences, lie["s"], rng)):
        yield Case("own_lies", text, chosen, NOT_SUPPORTED, "lie", words)
    after = [*sentences]
    after[changed["s"]] = changed["text"]
    for number, claim in enumerate(row["claims"]):
        if number == changed["claim"]:
            yield Case("own_changed", claim["true"], after, NOT_SUPPORTED, "changed")
        elif changed["s"] not in claim["s"]:
            yield Case("own_changed", claim["true"], after, ENTAILMENT, "still", NOTHING)


def _questions(row: passages.Row, rng: random.Random) -> Iterator[Case]:
    sentences = row["sentences"]
    for each in row["questions"]:
        rest = _without(sentences, each["s"])
        titled = rng.random() < TITLED
        bearing = [sentences[n] for n in each["s"]]
        yield Case("own_asked", each["q"], bearing, 1, "question", titled=titled)
        yield Case("own_asked_passages", each["q"], sentences, 1, "question")
        if rest:
            yield Case("own_asked", each["q"], [rng.choice(rest)], 0, titled=titled)
            yield Case("own_asked_passages", each["q"], rest, 0)
    for each in row["near"]:
        yield Case("own_asked_passages", each["q"], sentences, 0, "near")


def _without(sentences: Sequence[Text], numbers: Sequence[int]) -> list[Text]:
    return [each for n, each in enumerate(sentences) if n not in numbers]


def _window(sentences: Sequence[Text], numbers: Sequence[int], rng: random.Random) -> list[Text]:
    """Choose adjacent sentences that have all of the given ones, and one to three more."""
    low = max(0, numbers[0] - rng.randint(0, 2))
    high = min(len(sentences), numbers[-1] + 1 + rng.randint(0 if low < numbers[0] else 1, 2))
    return [*sentences[low:high]]


def _on_documents(part: Part) -> Iterator[Row]:
    texts, asked = reading.document_questions(part)
    for each in reading.rows(texts, asked, random.Random(part)):
        evidence = f"{each.title}\n{each.text}" if each.title else each.text
        label = int(bool(each.spans))
        yield Row("ans", each.question, evidence, label, "own_documents", part != "fit")


def _premises(part: Part) -> Iterator[Row]:
    for document in documents.load(part):
        split = documents.split(document)
        for kind, asked in document.get("premises", {}).items():
            label = ENTAILMENT if kind == "true" else CONTRADICTION
            for number, each in enumerate(asked):
                passage = split[documents.speaks_of(split, each)]
                key = f"{document['id']}:{kind}:{number}"
                for near, text in enumerate((" ".join(each["s"]), passage.text)):
                    evidence = f"{document['title']}. {text}"
                    for language in LANGUAGES:
                        question = each[language]
                        said = presupposition(question) or open_presupposition(question)
                        if said:
                            yield Row(
                                "nli", said, evidence, label, "own_premises", part != "fit",
                                same=f"{key}:{near}",
                            )  # fmt: skip
