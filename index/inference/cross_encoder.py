"""The checker: whether evidence supports a claim, where a text answers, and what a question asks.

A cross-encoder reads both texts together. So it can notice a changed number, a negation or a
swapped name, which a comparison of two embeddings cannot. There are three networks, which have the
same embeddings and lowest layers: one tells whether evidence supports a claim; the reader finds
answers; the parser reads a question alone, and finds what it asks for. The weights ship with the
package; ``training/`` makes them, and docs/checker.md describes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from index.inference.pair_network import PairNetwork, unreadable
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.types import Floats

WEIGHTS = Path(__file__).parents[1] / "checker.safetensors"
READER_WEIGHTS = Path(__file__).parents[1] / "reader.safetensors"
PARSER_WEIGHTS = Path(__file__).parents[1] / "parser.safetensors"
LABELS = ("entailment", "neutral", "contradiction")


class Checker(Protocol):
    """A model that scores pairs of texts, in English, Japanese, or one in each.

    All methods may be called from several threads.
    """

    @property
    def name(self) -> str:
        """Name of the model, as it appears in receipts."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the weights in hexadecimal: equal values mean equal scores."""
        ...

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely evidence entails or contradicts claims.

        Args:
            pairs: (evidence, claim) pairs.

        Returns:
            Probabilities [n, 3] of entailment, neutral and contradiction.
        """
        ...

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely texts, as wholes, answer questions.

        Args:
            pairs: (text, question) pairs.

        Returns:
            Log-odds [n].
        """
        ...

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """Find where texts answer questions.

        Args:
            pairs: (text, question) pairs.

        Returns:
            A reading of each pair.
        """
        ...

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        """Find what questions ask for, and of what.

        Args:
            questions: The questions.

        Returns:
            What each was found to ask.
        """
        ...

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim fits into what the model reads, so that none of it is cut off."""
        ...


class CrossEncoder:
    """The bilingual cross-encoder that ships as the checker; safe to share between threads.

    Each of its three networks is loaded at first use, and run by OpenVINO, or by numpy if OpenVINO
    cannot.

    Args:
        path: The file with the weights, the tokenizer and the configuration.
        cache: The folder for the converted networks, which all processes share; if None, each
            process converts them for itself.
        reader: The file with those weights of the reader that are not the checker's.
        parser: The file with those of the parser.
    """

    name = "cross-encoder"

    def __init__(
        self,
        path: Path = WEIGHTS,
        cache: Path | None = None,
        reader: Path = READER_WEIGHTS,
        parser: Path = PARSER_WEIGHTS,
    ) -> None:
        self._path = path
        self._digest = ""
        self._support = PairNetwork([path], cache, "checker")
        self._reader = PairNetwork([path, reader], cache, "reader")
        self._parser = PairNetwork([path, parser], cache, "parser")

    @property
    def digest(self) -> str:
        """SHA-256 of the file of the weights that support claims, in hexadecimal.

        Raises:
            ModelUnavailable: The file cannot be read.
        """
        if not self._digest:
            try:
                with self._path.open("rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise unreadable(self._path, error) from error
        return self._digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely evidence supports claims; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        if not pairs:
            return np.empty((0, len(LABELS)), np.float32)
        rows, _ = self._support.rows(pairs)
        logits = self._support.run(rows)[0]
        odds: Floats = np.exp(logits - logits.max(-1, keepdims=True))
        probabilities: Floats = odds / odds.sum(-1, keepdims=True)
        return probabilities

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely texts answer questions; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        if not pairs:
            return np.empty(0, np.float32)
        rows, _ = self._support.rows(pairs)
        return self._support.run(rows)[1]

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """Find where texts answer questions; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        if not pairs:
            return []
        rows, spans = self._reader.rows(pairs)
        (logits,) = self._reader.run(rows)
        # The tokens of the text are the last of a row but one.
        return [
            Reading(there, logits[n, len(row) - 1 - len(there) : len(row) - 1])
            for n, (row, there) in enumerate(zip(rows, spans, strict=True))
        ]

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        """Find what questions ask for, and of what; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        if not questions:
            return []
        rows, spans = self._parser.rows([(question, "") for question in questions])
        intents, fields, slots = self._parser.run(rows)
        return [
            # The question's tokens stand behind three special ones.
            ParsedQuestion(question, intents[n], fields[n], there, slots[n, 3 : 3 + len(there)])
            for n, (question, there) in enumerate(zip(questions, spans, strict=True))
        ]

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim has at most as many tokens as the model reads; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        return self._support.reads_whole(claim)
