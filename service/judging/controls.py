"""Control sentences: two sentences of known truth that are hidden in every call of a judge.

One is made false from a sentence of the evidence, the other says the same as another one. A judge
that supports the first, or does not support the second by the sentence of which it was made, is not
believed in that call.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise

from index.lexical.tokenizer import is_japanese
from service.judging.draft_falsification import falsified_drafts
from service.judging.falsification import Falsified, falsified, with_other_numbers
from service.judging.restatement import restated, without_note
from service.judging.shortening import joined, shortened
from service.judging.types import Judgement, NumberedEvidence
from service.query import language_of
from service.text.alignment import coverage_share
from service.text.prompt_injection import neutral
from service.verification.checkworthiness import is_not_checkworthy
from service.verification.rules import registry

# Least and most characters, as sentences of an answer have; Japanese needs fewer.
_LENGTHS = {"en": (30, 240), "ja": (10, 120)}
_LEAST_WORDS = 5  # of an English sentence
# What speaks of the sentence before, or of the text that it stands in.
_LEANS = re.compile(
    r"\b(?:it|its|itself|they|them|their|he|him|his|she|her|this|these|those|such|we|us|our|i|my"
    r"|you|your|here|above|below|former|latter|respectively|following|previous|previously|then|let['’]s)\b"
    r"|^(?:That|There|Another|Other|One|Both|But|And|So|Thus|Instead|Again|Yet)\b",
    re.IGNORECASE,
)
_LEANS_JA = re.compile(
    r"これ|それ|あれ|この|その|あの|ここ|そこ|こちら|そちら|どちら|彼|我々|私|本[稿書論研]|同[年氏社書館じ]|前者|後者|両者|以下の|以上の"
    r"|上記|下記|前述|次の|^(?:しかし|また|さらに|そして|一方|ただし|つまり|なお|例えば|たとえば|なぜなら)"
)
_CANNOT_STAND_ALONE = 2
_TRUE_TRIES = 8  # sentences of which the true control may be made, if the first cannot be restated
_JOINED = 0.4  # how often it is made of two sentences, where that is possible
_SHORTENED = 0.8  # how often a part of a sentence is left out, where that is possible
_SAYS_SAME = 0.9  # share of a sentence's words, from which another says the same
_SPOKEN_OF = 0.5  # share of a sentence's words, from which it speaks of one of the evidence
_FAR = 30  # characters from the start, behind which a pronoun mostly means the sentence's subject
_TOPIC_JA = re.compile(
    r"^[^。]{2,50}?(?:(?<![にでと])は|(?<=[\u30a1-\u30fa\u30fc\u3400-\u9fffA-Za-z])が)"
)
_NO_CLAIM = re.compile(  # asks the reader to do something
    r"(?:See|Use|Notice|Note|Let|Check|Try|Make|Consider|Imagine|Remember|Suppose|Please|Run|Click"
    r"|Take|Keep|Defaults|Do)\b"
)
_NO_CLAIM_JA = re.compile(r"(?:さい|しょう|[かねよな])。$")  # asks, or muses
_NOT_PROSE = re.compile(
    r"https?:|www\.|[@=|<>\[\]{}\\^~?!？！;；:：…•]|\.\.\.|et al|e\.g|i\.e|cf\."
)
_PAIRS = (("(", ")"), ("（", "）"), ("“", "”"), ("「", "」"), ("『", "』"))
_SHAPE = {
    "en": re.compile(r"(?!\d+\. )[A-Z0-9].*[\w)”%]\.", re.DOTALL),
    "ja": re.compile(r"(?!\d+[.．] ?)[^-*・、。)）」].*[\w)）」%]。", re.DOTALL),
}
# What in a sentence refers to the one before it.
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|that|these|those|such|former|latter)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Controls:
    """A sentence that the evidence does not support, and one that it does.

    Attributes:
        false: The sentence that it does not support.
        true: The sentence that it does.
        sources: What a verdict on the true one must name: of each set one number at least.
        copied: The sentence to judge that the false one repeats but for a number; "" if none.
    """

    false: str
    true: str
    sources: tuple[frozenset[int], ...] = ()
    copied: str = ""


@dataclass(frozen=True, slots=True)
class Disguised:
    """Sentences to judge with the two controls among them, and where those stand."""

    sentences: tuple[str, ...]
    false_at: int
    true_at: int
    sources: tuple[frozenset[int], ...] = ()

    def believed(self, judgements: Sequence[Judgement]) -> bool:
        """Return whether the false control is not supported, and the true one is by its source."""
        false, true = judgements[self.false_at], judgements[self.true_at]
        named = set(true.numbers)
        return (
            false.ruling != "supported"
            and true.ruling == "supported"
            and all(named & source for source in self.sources)
        )


def make_controls(
    evidence: NumberedEvidence, sentences: Sequence[str], rng: random.Random
) -> Controls | None:
    """Make two control sentences from the evidence; None if no sentence of it is fit for that.

    They are made from two different sentences of it where there are two, and in the language of
    the ``sentences`` to judge where it has such. Half of the false ones are made from one of the
    ``sentences``, so that they do not differ from these in their distance to the evidence.
    """
    texts = [neutral(sentence.text) for sentence in evidence.sentences]
    language = language_of(" ".join(sentences))
    pool = [text for text in dict.fromkeys(texts) if _is_plain(text) and text not in sentences]
    rng.shuffle(pool)
    pool.sort(key=lambda text: (language_of(text) != language, _leaning(text)))
    alone = [text for text in pool if _leaning(text) < _CANNOT_STAND_ALONE]
    ways = [_false_ones(alone, pool, texts, rng), falsified_drafts(sentences, texts, rng)]
    false = next(chain.from_iterable(rng.sample(ways, 2)), None)
    if false is None:
        return None
    made = _true_control(alone, false.original, evidence, sentences, rng)
    if made is None:
        return None
    true, made_of = made
    sources = tuple(_sources(text, texts) for text in made_of)
    return Controls(restated(false.text, rng), true, sources, false.copied)


def _false_ones(
    alone: Sequence[str], pool: Sequence[str], texts: Sequence[str], rng: random.Random
) -> Iterator[Falsified]:
    """False sentences; in what cannot stand alone, only a new number is surely wrong."""
    for _, group in groupby(alone, key=language_of):
        yield from falsified(list(group), texts, rng)
    yield from with_other_numbers(pool, texts, rng)


def _true_control(
    pool: Sequence[str],
    used: str,
    evidence: NumberedEvidence,
    sentences: Sequence[str],
    rng: random.Random,
) -> tuple[str, tuple[str, ...]] | None:
    """Restate a sentence of a pool that no other one of the evidence contradicts.

    Better are those that are not already used, are in the language of the answer, and of which no
    sentence to judge speaks: its verdict would be right for the control too if the judge lost
    count.

    Returns:
        What was made, and the sentences that it was made of.
    """
    language = language_of(" ".join(sentences))

    def worth(text: str) -> tuple[bool, ...]:
        spoken_of = any(coverage_share(each, text) >= _SPOKEN_OF for each in sentences)
        return text == used, language_of(text) != language, spoken_of

    groups = groupby(sorted(pool, key=worth), key=worth)
    made = (_restated_true(list(group), evidence, rng) for _, group in groups)
    return next(filter(None, made), None)


def _restated_true(
    originals: Sequence[str], evidence: NumberedEvidence, rng: random.Random
) -> tuple[str, tuple[str, ...]] | None:
    """Restate one of the first sentences for which rules can; or two of all as one."""
    texts = [neutral(sentence.text) for sentence in evidence.sentences]

    def is_safe(text: str) -> bool:
        return not any(_conflict(text, other) for other in texts if other != text)

    if rng.random() < _JOINED:
        for made, pair in _joined_pairs(originals, evidence, texts, rng):
            if all(map(is_safe, pair)):
                return restated(made, rng), pair
    same = None
    for text in islice(filter(is_safe, originals), _TRUE_TRIES):
        made = restated(shortened(text) if rng.random() < _SHORTENED else text, rng)
        if made != text:
            return made, (text,)
        same = same or (text, (text,))
    return same


def _joined_pairs(
    originals: Sequence[str], evidence: NumberedEvidence, texts: Sequence[str], rng: random.Random
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Pairs of sentences that follow each other in a passage and can be joined, in any order."""
    known, fit = "\n".join(texts), set(originals)
    for one, two in rng.sample(pairs := list(pairwise(evidence.sentences)), len(pairs)):
        first, second = texts[one.number - 1], texts[two.number - 1]
        if one.evidence is two.evidence and {first, second} <= fit:
            made = joined(without_note(first), without_note(second), known)
            if made:
                yield made, (first, second)


def _sources(text: str, texts: Sequence[str]) -> frozenset[int]:
    """The numbers of the sentences of the evidence that say what one of them says."""
    return frozenset(
        n
        for n, other in enumerate(texts, 1)
        if other == text or coverage_share(text, other) >= _SAYS_SAME
    )


def _conflict(text: str, other: str) -> bool:
    near = coverage_share(text, other) >= registry.NEAR_COPY
    return near and registry.exact_conflict(text, other) is not None


def _is_plain(text: str) -> bool:
    """Whether a sentence of the evidence could stand in an answer as it is."""
    language = language_of(text)
    least, most = _LENGTHS[language]
    return (
        least <= len(text) <= most
        and bool(_SHAPE[language].fullmatch(text))
        and not _NOT_PROSE.search(text)
        and all(text.count(a) == text.count(b) for a, b in _PAIRS)
        and text.count('"') % 2 == 0
        and (language == "ja" or len(text.split()) >= _LEAST_WORDS)
        and not _NO_CLAIM.match(text)
        and not _NO_CLAIM_JA.search(text)
        and not is_not_checkworthy(text)
    )


def _leaning(text: str) -> int:
    """How much a sentence needs the one before it: 0 not at all, 2 too much to stand alone."""
    if is_japanese(text):
        return _CANNOT_STAND_ALONE if _LEANS_JA.search(text) or not _TOPIC_JA.search(text) else 0
    match = _LEANS.search(text)
    return 0 if not match else 1 if match.start() > _FAR else _CANNOT_STAND_ALONE


def disguise(sentences: Sequence[str], controls: Controls, rng: random.Random) -> Disguised:
    """Put control sentences at random places among the sentences to judge.

    Never directly before a sentence that refers to the one before it, which it would then be
    taken to speak of. Only a copy of that very sentence but for a number may stand there: both
    refer to the same.
    """
    mixed: list[str] = list(sentences)
    free = [n for n, after in enumerate(mixed) if not refers(after)]
    true_at = rng.choice([*free, len(mixed)])
    mixed.insert(true_at, controls.true)
    free = [
        n
        for n, after in enumerate(mixed)
        if n == true_at or not refers(after) or after == controls.copied
    ]
    false_at = rng.choice([*free, len(mixed)])
    mixed.insert(false_at, controls.false)
    true_at += false_at <= true_at
    return Disguised(tuple(mixed), false_at, true_at, controls.sources)


def refers(sentence: str) -> bool:
    """Return whether a sentence may refer to the one before it: a pronoun, or no own subject."""
    if is_japanese(sentence):
        return bool(_LEANS_JA.search(sentence)) or not _TOPIC_JA.search(sentence)
    return bool(_REFERS.search(sentence))
