"""Passages written for fitting: each in English and Japanese, with claims and questions about it.

    python -m training.passages [FILE …]        # checks files, by default all in data/passages

A line of a file is a passage: ``sentences`` (4 to 8, or as many ``lines`` of a list or table;
aligned between the languages) below a ``title``; ``questions`` with the sentences ``s`` and the
words that answer; ``near`` questions, which it almost answers. Most have also ``claims``, each with
the sentences that it rests on, a true wording, and a false one whose false words are ``words``; a
``lie`` behind a true clause; and one ``changed`` sentence that makes a claim's true wording false.
Every text is there as ``en`` and ``ja``. Files in ``data/passages/calibration`` are for what
depends on a fit (``relevance.py``), those in ``data/passages/held`` for measuring only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "data" / "passages"
LANGUAGES = ("en", "ja")
LANGUAGE_PAIRS = tuple((a, b) for a in LANGUAGES for b in LANGUAGES)
SENTENCES = (4, 8)
LONGEST = {"en": 600, "ja": 250}  # characters of a claim or question
_JAPANESE = re.compile(r"[ぁ-んァ-ヶー一-龥々]")
OTHER_LANGUAGE = re.compile(r"[\u0400-\u052f\u0590-\u08ff\u0e00-\u0e7f\uac00-\ud7af]")

Part = Literal["fit", "calibration", "held"]
Text = Mapping[str, str]
Row = Mapping[str, Any]


class BadRow(ValueError):
    """A line that cannot be used for fitting, with the reason."""


def text_of(row: Row, language: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a passage's text in a language, and where its sentences stand in it."""
    text, spans = "", []
    for sentence in row["sentences"]:
        text += _between(row, language) if spans else ""
        spans.append((len(text), len(text) + len(sentence[language])))
        text += sentence[language]
    return text, spans


def _between(row: Row, language: str) -> str:
    return "\n" if row.get("lines") else " " if language == "en" else ""


def check(row: Row) -> None:
    """Raise BadRow where a passage breaks the format that the module describes."""
    sentences = row["sentences"]
    if not SENTENCES[0] <= len(sentences) <= SENTENCES[1]:
        raise BadRow(f"{len(sentences)} sentences; {SENTENCES[0]} to {SENTENCES[1]} are wanted")
    for sentence in sentences:
        if any(not sentence[language].strip() for language in LANGUAGES):
            raise BadRow("a sentence is empty")
    _check_text(row["title"])
    for language in LANGUAGES:
        _check_language(text_of(row, language)[0], language)
    for question in row["questions"]:
        _check_text(question["q"])
        for language in LANGUAGES:
            text = _chosen(row, question["s"], language)
            if not question["answer"][language] or question["answer"][language] not in text:
                raise BadRow(f"not in the sentences: {question['answer'][language]!r}")
    for question in row["near"]:
        _check_text(question["q"])
    if "claims" in row:
        _check_claims(row)


def _check_claims(row: Row) -> None:
    sentences = row["sentences"]
    for claim in row["claims"]:
        _check_claim(claim["true"], sentences)
        _check_claim(claim["false"], sentences)
        _check_words(claim["words"], claim["false"])
        for language in LANGUAGES:
            chosen = _chosen(row, claim["s"], language)
            if claim["true"][language] in (claim["false"][language], chosen):
                raise BadRow(f"a claim repeats: {claim['true'][language]}")
    lie = row["lie"]
    _chosen(row, lie["s"], "en")
    _check_claim(lie["text"], sentences)
    _check_words(lie["words"], lie["text"])
    changed = row["changed"]
    _check_text(changed["text"])
    for language in LANGUAGES:
        if _chosen(row, [changed["s"]], language) == changed["text"][language]:
            raise BadRow("the changed sentence is as it was")
    if changed["s"] not in row["claims"][changed["claim"]]["s"]:
        raise BadRow("the changed sentence is none that the claim rests on")


def _chosen(row: Row, numbers: Sequence[int], language: str) -> str:
    """Return some sentences of a passage as one text; raise BadRow for numbers out of order."""
    sentences = row["sentences"]
    if not numbers or sorted(set(numbers)) != list(numbers) or numbers[-1] >= len(sentences):
        raise BadRow(f"sentences {list(numbers)} of {len(sentences)}")
    return _between(row, language).join(sentences[n][language] for n in numbers)


def _check_text(text: Text) -> None:
    for language in LANGUAGES:
        written = text[language].strip()
        if not written or len(written) > LONGEST[language]:
            raise BadRow(f"empty or longer than {LONGEST[language]} characters: {written!r}")
        _check_language(written, language)


def _check_language(text: str, language: str) -> None:
    if bool(_JAPANESE.search(text)) != (language == "ja") or OTHER_LANGUAGE.search(text):
        raise BadRow(f"not in {language}: {text!r}")


def _check_claim(text: Text, sentences: Sequence[Text]) -> None:
    _check_text(text)
    for language in LANGUAGES:
        if any(text[language] == sentence[language] for sentence in sentences):
            raise BadRow(f"a claim is a sentence of the passage: {text[language]}")


def _check_words(words: Text, text: Text) -> None:
    for language in LANGUAGES:
        if not words[language] or words[language] not in text[language]:
            raise BadRow(f"{words[language]!r} is not in {text[language]!r}")


def load(part: Part = "fit") -> Iterator[Row]:
    """Read the passages of a part, in a fixed order."""
    for path in sorted((FOLDER if part == "fit" else FOLDER / part).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def report_faults(paths: Iterable[Path], check_row: Callable[[Row], None], noun: str) -> int:
    """Check each line of some files, and that no id is taken twice; print what is wrong.

    Returns:
        How many lines are faulty.
    """
    wrong, ids = 0, set()
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                check_row(row)
                if row["id"] in ids:
                    raise BadRow(f"the id {row['id']} is taken")
                ids.add(row["id"])
            except (ValueError, KeyError, TypeError, IndexError) as problem:
                wrong += 1
                print(f"{path.name}:{number}: {type(problem).__name__}: {problem}")
    print(f"{len(ids)} {noun}, {wrong} faulty lines")
    return wrong


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("files", nargs="*", type=Path, default=sorted(FOLDER.rglob("*.jsonl")))
    return bool(report_faults(ap.parse_args().files, check, "passages"))


if __name__ == "__main__":
    sys.exit(main())
