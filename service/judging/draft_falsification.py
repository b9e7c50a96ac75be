"""False sentences made of a draft's own, with a number or a name that stands nowhere else.

Neither the evidence nor the draft has it, so the evidence surely does not support what is made,
whether it supports the draft or not. Such a sentence is as far from the evidence as the draft is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from index.lexical.tokenizer import is_japanese
from service.judging.falsification import (
    GOES_ON,
    NAME,
    NO_NAME,
    UNCLEAR,
    Falsified,
    in_brackets,
    with_number_but,
)
from service.text.numerals import mentioned
from service.verification.checkworthiness import is_not_checkworthy

_STARTS = (
    "Hal Cor Bren Tal Mor Vel Dun Kes Lor Fen Gar Nor Pel Ros Sar Thal Wen Yar Ost Ket".split()
)
_ENDS = "den vane wick mont ley ster dale ric berg holm son nis ford ander".split()
_MADE_UP = [a + b for a, b in product(_STARTS, _ENDS)]
_NOT_REPLACED = re.compile(r"[A-Z]{1,4}s?|.*(?:an|ese|ish|ic)")  # kinds of things, and adjectives
_LEAST, _MOST = 8, 300  # characters of a sentence
_ENDS_PLAINLY = re.compile(r"[^\n]*[\w)）」”%]\s?[.。]")
_OPENING_JA = re.compile(
    r"^(?:また|さらに|なお|しかし|一方|しかも|そして|ただし|つまり|例えば|たとえば)、?"
)
_ADDED = (
    "{said}, according to {name}.",
    "{said}, as {name} showed.",
    "{said}, and {name} confirmed it in {year}.",
    "{said}, which {name} criticised.",
    "{said}, and {name} paid for it.",
)
_ADDED_JA = (
    "{name}によれば、{said}。",
    "{name}が示したように、{said}。",
    "{year}年に{name}が認めたとおり、{said}。",
    "{name}も述べているように、{said}。",
)


def falsified_drafts(
    sentences: Sequence[str], evidence: Sequence[str], rng: random.Random
) -> Iterator[Falsified]:
    """Yield false sentences made of the sentences to judge, of a random kind first.

    Args:
        sentences: The sentences of a draft, true or not.
        evidence: All sentences of the evidence.
        rng: What is drawn at random is drawn from it.
    """
    fit = [text for text in sentences if _is_fit(text)]
    known = "\n".join((*evidence, *sentences))
    kinds: list[Callable[[str, str, random.Random], Iterator[Falsified]]]
    kinds = [_other_number, _other_name, _added]
    for kind in rng.sample(kinds, len(kinds)):
        for text in rng.sample(fit, len(fit)):
            yield from kind(text, known, rng)


def _is_fit(text: str) -> bool:
    return (
        _LEAST <= len(text) <= _MOST
        and bool(_ENDS_PLAINLY.fullmatch(text))
        and not is_not_checkworthy(text)
    )


def _other_number(text: str, known: str, rng: random.Random) -> Iterator[Falsified]:
    if not UNCLEAR.search(text):
        for made in with_number_but(text, mentioned(known), rng):
            yield Falsified(made, text, copied=text)


def _other_name(text: str, known: str, rng: random.Random) -> Iterator[Falsified]:
    if UNCLEAR.search(text):
        return
    found = [match for match in NAME.finditer(text) if _is_name(text, match, known)]
    for match in rng.sample(found, len(found)):
        made = text[: match.start()] + _made_up(known, rng) + text[match.end() :]
        yield Falsified(made, text)


def _is_name(text: str, match: re.Match[str], known: str) -> bool:
    """Whether a word with a capital is a name, also at the start of a sentence."""
    name, before = match[0], text[: match.start()]
    if len(name) < 4 or NO_NAME.fullmatch(name) or _NOT_REPLACED.fullmatch(name):
        return False
    if text.startswith(" of ", match.end()):
        return False
    inside = GOES_ON.search(before) or (
        not before and (is_japanese(text) or re.search(rf"[a-z,] {re.escape(name)}\b", known))
    )
    return bool(inside) and not in_brackets(before)


def _added(text: str, known: str, rng: random.Random) -> Iterator[Falsified]:
    """Hang onto the end of a sentence, or before it, what somebody made up did."""
    said = _OPENING_JA.sub("", text[:-1].rstrip())
    added = _ADDED_JA if is_japanese(text) else _ADDED
    taken = mentioned(known)
    years = [year for year in range(1901, 2020) if year not in taken]
    given = {"name": _made_up(known, rng), "year": rng.choice(years)}
    yield Falsified(rng.choice(added).format(said=said, **given), text)


def _made_up(known: str, rng: random.Random) -> str:
    low = known.casefold()
    free = [name for name in _MADE_UP if name.casefold() not in low]
    return rng.choice(free or _MADE_UP)
