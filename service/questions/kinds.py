"""What kind of answer a question asks for, such as a person, a number or a work's authors.

A multinomial logistic regression on the embedder's vector of the question, which the search
computes anyway, and on a few words, which are listed in ``kinds.toml``. ``training/kinds.py`` fits
it and writes ``kinds.json``:

    embedder, dim   the embedder that the weights belong to
    features        names of the features after the vector's, in the order of ``surface_features``
    weights         of each kind: for the dimensions of the vector, the features, and a constant
    thresholds      for each group but ``fact``: the probability that it must pass
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.inference.embedder import Embedder
from index.lexical.tokenizer import is_japanese
from index.types import Floats

WEIGHTS_FILE = Path(__file__).with_name("kinds.json")
FACT, CATALOGUE = "fact", "catalogue"
GROUPS: dict[str, tuple[str, ...]] = {
    FACT: (
        *("person", "time", "place", "number", "choice", "yes_no", "reason", "method"),
        *("definition", "list"),
    ),
    CATALOGUE: (
        *("authors", "date", "venue", "title", "licence", "pages", "references", "cited_by"),
        "documents",
    ),
    **{name: (name,) for name in ("comparison", "summary", "greeting", "help", "other")},
}
"""The kinds of question in each group; a group of one kind has its name."""
_UNKNOWN = "choice"  # any fact: it asks for no person, number, time or place in particular
_READ = 200  # characters at the beginning and at the end of a question that are looked at
_LONGEST = 4  # words of a listed English phrase
_SHORT, _LONG = 3, 12  # words, or pairs of Japanese characters

_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
_RUN = re.compile(r"[\u3005-\u3007\u3041-\u3096\u30a1-\u30fc\u3400-\u9fff]")
_END = re.compile(r"[?!.。、…\s]+$")
_SHAPE = ("shape question mark", "shape short", "shape long", "shape digit", "shape capital",
          "shape japanese")  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuestionKind:
    """What a question asks for.

    Attributes:
        name: The likeliest kind in the group, such as ``person``.
        group: A key of ``GROUPS``. It is ``fact`` unless the kinds of another group together pass
            that group's threshold, which hardly any question for a fact does.
        probability: The probability of the kind, 0 to 1; 0 if nothing is known.
        probabilities: The probability of every kind; empty if nothing is known.
    """

    name: str
    group: str
    probability: float
    probabilities: Mapping[str, float] = field(default_factory=dict)

    def group_probability(self, group: str) -> float:
        """Return the probability, 0 to 1, that the question is of a group's kinds."""
        return sum(self.probabilities.get(kind, 0.0) for kind in GROUPS[group])


@dataclass(frozen=True, slots=True)
class KindModel:
    """The weights of the logistic regression [features, kinds], and the groups' thresholds."""

    embedder: str
    dim: int
    kinds: tuple[str, ...]
    weights: Floats
    thresholds: Mapping[str, float]

    def classify(self, features: Floats) -> QuestionKind:
        """Return the kind of a question from its features; see ``kind_features``."""
        log_odds = features @ self.weights
        odds = np.exp(log_odds - log_odds.max())
        probabilities = dict(zip(self.kinds, map(float, odds / odds.sum()), strict=True))
        whole = QuestionKind(_UNKNOWN, FACT, 0.0, probabilities)
        passing = {
            group: whole.group_probability(group)
            for group, threshold in self.thresholds.items()
            if whole.group_probability(group) > threshold
        }
        group = max(passing, key=passing.__getitem__, default=FACT)
        name = max(GROUPS[group], key=probabilities.__getitem__)
        return QuestionKind(name, group, probabilities[name], probabilities)


def question_kind(question: str, embedder: Embedder) -> QuestionKind:
    """Classify a question by what it asks for.

    The weights belong to the bundled embedder. With any other, and for a question without letters
    or digits, nothing is known: the group is ``fact`` and the probability 0.

    Args:
        question: A question in English or Japanese.
        embedder: The embedder of the library. It embeds the question as the search does, so that a
            shared embedder computes the vector once for both.
    """
    model = kind_model()
    known = (embedder.name, embedder.dim) == (model.embedder, model.dim)
    if not known or not any(map(str.isalnum, question)):
        return QuestionKind(_UNKNOWN, FACT, 0.0)
    return model.classify(kind_features(embedder.embed_query(question), question))


@cache
def kind_model(path: Path = WEIGHTS_FILE) -> KindModel:
    """Read the fitted model.

    Raises:
        ValueError: The weights were fitted with other words than ``kinds.toml`` has now.
    """
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if tuple(stored["features"]) != feature_names():
        raise ValueError("kinds.toml has changed: run python -m training.kinds --write")
    weights = np.array(list(stored["weights"].values()), np.float32).T
    return KindModel(
        stored["embedder"], stored["dim"], tuple(stored["weights"]), weights, stored["thresholds"]
    )


def kind_features(vector: Floats, question: str) -> Floats:
    """Return the features of a question: its vector, ``surface_features``, and a constant."""
    return np.concatenate([vector, surface_features(question), [1.0]]).astype(np.float32)


def surface_features(question: str) -> Floats:
    """Describe a question by its words, each feature 0 or 1, in the order of ``feature_names``."""
    lists = _lists()
    capital = question.lstrip()[:1].isupper()
    text = unicodedata.normalize("NFKC", question).lower().replace("’", "'").strip()
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]} {text[-_READ:]}"
    bare = _END.sub("", text)
    words, characters = _WORD.findall(bare), len(_RUN.findall(bare))
    length = len(words) + characters / 2
    found = set(_english(words, lists))
    if characters:
        found.update(_japanese(bare, lists))
    found |= {
        name for name, patterns in lists.patterns.items() if any(p.search(bare) for p in patterns)
    }
    shape = (
        text.endswith("?") or bare.endswith("か"), length <= _SHORT, length >= _LONG,
        any(map(str.isdigit, text)), capital, is_japanese(text),
    )  # fmt: skip
    found |= {name for name, present in zip(_SHAPE, shape, strict=True) if present}
    return np.array([name in found for name in lists.names], np.float32)


def feature_names() -> tuple[str, ...]:
    """Return the names of the surface features, in the order of their weights."""
    return _lists().names


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of ``kinds.toml``: which features each phrase has, and the patterns of each."""

    names: tuple[str, ...]
    phrases: dict[str, list[str]]  # anywhere, both languages
    beginnings: dict[str, list[str]]  # of English words: compar*
    edges: dict[str, list[str]]
    longest: int  # characters of a Japanese phrase
    patterns: dict[str, list[re.Pattern[str]]]


@cache
def _lists() -> _Lists:
    lists = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    phrases, beginnings, edges = (defaultdict[str, list[str]](list) for _ in range(3))
    patterns = defaultdict[str, list[re.Pattern[str]]](list)
    for table in (lists["english"], lists["japanese"]):
        for name, listed in table["words"].items():
            for phrase in listed:
                kept = beginnings if phrase.endswith("*") else phrases
                kept[_plain(phrase)].append(f"words {name}")
        for name, listed in table["edge"].items():
            for phrase in listed:
                edges[_plain(phrase)].append(f"edge {name}")
        document = "|".join(re.escape(_plain(word)) for word in table["words"]["one_document"])
        for name, pattern in table["patterns"].items():
            compiled = re.compile(pattern.replace("{document}", document))
            patterns[f"pattern {name}"].append(compiled)
    longest = max(len(phrase) for phrase in (*phrases, *edges) if _RUN.search(phrase))
    listed_names = itertools.chain(*phrases.values(), *beginnings.values(), *edges.values())
    names = (*sorted({*listed_names, *patterns}), *_SHAPE)
    return _Lists(names, dict(phrases), dict(beginnings), dict(edges), longest, dict(patterns))


def _plain(phrase: str) -> str:
    return unicodedata.normalize("NFKC", phrase).lower().rstrip("*")


def _english(words: list[str], lists: _Lists) -> Iterator[str]:
    """Yield the features of English words: listed phrases, and those at the beginning."""
    for start, word in enumerate(words):
        for stop in range(start + 1, min(start + _LONGEST, len(words)) + 1):
            phrase = " ".join(words[start:stop])
            yield from lists.phrases.get(phrase, ())
            if start == 0:
                yield from lists.edges.get(phrase, ())
        for length in range(3, len(word) + 1):
            yield from lists.beginnings.get(word[:length], ())


def _japanese(text: str, lists: _Lists) -> Iterator[str]:
    """Yield the features of Japanese text: listed phrases, and those at the end."""
    for start in range(len(text)):
        for stop in range(start + 1, min(start + lists.longest, len(text)) + 1):
            if not text[start:stop].isascii():
                yield from lists.phrases.get(text[start:stop], ())
            if stop == len(text):
                yield from lists.edges.get(text[start:], ())
