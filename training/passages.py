"""Passages written for fitting: each in English and Japanese, with claims and questions about it.

    python -m training.passages [FILE …]        # checks files, by default all in data/passages

A line of a file is a passage: ``sentences`` (4 to 8, aligned between the languages) below a
``title``; ``claims``, each with the numbers ``s`` of the sentences that it rests on, a true
wording, and a false one whose false words are ``words``; a ``lie`` behind a true clause; one
``changed`` sentence that makes a claim's true wording false; ``questions`` with the sentences and
the words that answer; and ``near`` questions, which the passage almost answers. Every text is
there as ``en`` and ``ja``. Files in ``data/passages/held`` are for measuring only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "passages"
LANGUAGES = ("en", "ja")
LANGUAGE_PAIRS = tuple((a, b) for a in LANGUAGES for b in LANGUAGES)
SENTENCES = (4, 8)
LONGEST = {"en": 600, "ja": 250}  # characters of a claim or question
_JAPANESE = re.compile(r"[ぁ-んァ-ヶー一-龥々]")
_OTHER = re.compile(r"[\u0400-\u052f\u0590-\u08ff\u0e00-\u0e7f\uac00-\ud7af]")

Text = Mapping[str, str]
Row = Mapping[str, Any]


class BadRow(ValueError):
    """A line that cannot be used for fitting, with the reason."""


def joined(sentences: Sequence[Text], language: str) -> str:
    """Return the text of a passage in a language."""
    return (" " if language == "en" else "").join(s[language] for s in sentences)


def spans(sentences: Sequence[Text], language: str) -> list[tuple[int, int]]:
    """Return where the sentences stand in the text of ``joined``."""
    found, at = [], 0
    for sentence in sentences:
        found.append((at, at + len(sentence[language])))
        at = found[-1][1] + (1 if language == "en" else 0)
    return found


def check(row: Row) -> None:
    """Raise BadRow where a passage breaks the format that the module describes."""
    sentences = row["sentences"]
    if not SENTENCES[0] <= len(sentences) <= SENTENCES[1]:
        raise BadRow(f"{len(sentences)} sentences; {SENTENCES[0]} to {SENTENCES[1]} are wanted")
    for text in (row["title"], *sentences):
        _check_text(text)
    for claim in row["claims"]:
        chosen = _chosen(sentences, claim["s"])
        _check_claim(claim["true"], sentences)
        _check_claim(claim["false"], sentences)
        _check_words(claim["words"], claim["false"])
        for language in LANGUAGES:
            if claim["true"][language] in (claim["false"][language], joined(chosen, language)):
                raise BadRow(f"a claim repeats: {claim['true'][language]}")
    lie = row["lie"]
    _chosen(sentences, lie["s"])
    _check_claim(lie["text"], sentences)
    _check_words(lie["words"], lie["text"])
    changed = row["changed"]
    _check_text(changed["text"])
    (before,) = _chosen(sentences, [changed["s"]])
    if any(before[language] == changed["text"][language] for language in LANGUAGES):
        raise BadRow("the changed sentence is as it was")
    if changed["s"] not in row["claims"][changed["claim"]]["s"]:
        raise BadRow("the changed sentence is none that the claim rests on")
    for question in row["questions"]:
        _check_text(question["q"])
        for language in LANGUAGES:
            text = joined(_chosen(sentences, question["s"]), language)
            if not question["answer"][language] or question["answer"][language] not in text:
                raise BadRow(f"not in the sentences: {question['answer'][language]!r}")
    for question in row["near"]:
        _check_text(question["q"])


def _chosen(sentences: Sequence[Text], numbers: Sequence[int]) -> list[Text]:
    if not numbers or sorted(set(numbers)) != list(numbers) or numbers[-1] >= len(sentences):
        raise BadRow(f"sentences {list(numbers)} of {len(sentences)}")
    return [sentences[n] for n in numbers]


def _check_text(text: Text) -> None:
    for language in LANGUAGES:
        written = text[language].strip()
        if not written or len(written) > LONGEST[language]:
            raise BadRow(f"empty or longer than {LONGEST[language]} characters: {written!r}")
        if bool(_JAPANESE.search(written)) != (language == "ja") or _OTHER.search(written):
            raise BadRow(f"not in {language}: {written!r}")


def _check_claim(text: Text, sentences: Sequence[Text]) -> None:
    _check_text(text)
    for language in LANGUAGES:
        if any(text[language] == sentence[language] for sentence in sentences):
            raise BadRow(f"a claim is a sentence of the passage: {text[language]}")


def _check_words(words: Text, text: Text) -> None:
    for language in LANGUAGES:
        if not words[language] or words[language] not in text[language]:
            raise BadRow(f"{words[language]!r} is not in {text[language]!r}")


def load(held: bool = False) -> Iterator[Row]:
    """Read the passages for fitting, or those that are held out, in a fixed order."""
    for path in sorted((FOLDER / "held" if held else FOLDER).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("files", nargs="*", type=Path, default=sorted(FOLDER.rglob("*.jsonl")))
    wrong, ids = 0, set()
    for path in ap.parse_args().files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                check(row)
                if row["id"] in ids:
                    raise BadRow(f"the id {row['id']} is taken")
                ids.add(row["id"])
            except (ValueError, KeyError, TypeError, IndexError) as problem:
                wrong += 1
                print(f"{path.name}:{number}: {type(problem).__name__}: {problem}")
    print(f"{len(ids)} passages, {wrong} faulty lines")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
