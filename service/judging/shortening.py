"""Leaving parts of a sentence out, and joining two, so that what is said stays true."""

from __future__ import annotations

import re

from index.lexical.tokenizer import is_japanese

# Where these stand, a part may hold only together with the rest.
_BOUND = re.compile(
    r"\b(?:if|unless|whether|except|only|not?|never|nor|neither|without|or|either|may|might|could"
    r"|would|should|says?|said|claims?|claimed|argues?|argued|thinks?|believes?|suggests?|reports?"
    r"|reported|according|because|since|so|while|although|though|when|both|same|first|last|second"
    r"|compared|than|other|another|respectively|example|instance)\b|n['’]t\b",
    re.IGNORECASE,
)
_FINITE = r"(?:is|are|was|were|has|have|had|can|does|did|uses|makes|gives|shows|takes|needs|holds)"
_WHICH = re.compile(r", (?:which|who) [^,;()]{5,90}(?:, (?=[a-z])|(?=\.$))")
_NOTE = re.compile(r" \((?!only|not|except|if|or|un)[^()]{2,80}\)(?=[ ,])")
_TWO = re.compile(
    rf"^(?P<first>[A-Z][^,;:]*? {_FINITE} [^,;:]{{8,}}), (?:and|but) "
    rf"(?:the|a|an|its|their|it|they|[A-Z][\w-]*)(?: [\w-]+){{0,4}} {_FINITE} [^,;:]{{4,}}\.$"
)
_LEAST = 25  # characters that are left
_BOUND_JA = re.compile(
    r"ない|なく|ず、|ば、|たら、|なら、|ので|から、|ため|場合|と(?:述べ|言|主張|報告|考え|し)|によると|によれば"
    r"|より|または|もし|それ|これ|この|その|前者|後者|だけ|のみ|同じ|他の|以外|初めて|最後|ても|では|ながら"
)
_TWO_JA = re.compile(
    r"^(?P<topic>[^、。]{2,30}は)、?(?P<first>[^、。はが]{4,50}"
    r"(?:し|され|られ|あり|行い|作り|持ち|使い|用い|なり|開かれ|含み|示し|受け|得て|して))、"
    r"(?P<second>[^、。はが]{5,80}。)$"
)
# Endings of a Japanese sentence, and how it goes on in another clause; plain ones, by tense.
_PAST_JA = tuple(
    tuple(pair.split(":"))
    for pair in (
        "であった:であり された:され した:し られた:られ なった:なり れた:れ があった:があり"
    ).split()
)
_PRESENT_JA = tuple(
    tuple(pair.split(":"))
    for pair in (
        "である:であり される:され する:し られる:られ なる:なり がある:があり れる:れ せる:せ"
    ).split()
)
_OPENS = re.compile(r"(?:The|A|An|All|Each|Most|Many|Two|Three|Four|Five|Several|For|At|On|In) ")
_EITHER, _TOGETHER = {"en": 120, "ja": 50}, {"en": 230, "ja": 100}  # characters


def shortened(text: str) -> str:
    """Leave a clause, or a note in brackets, of a sentence out; it stays as it is if none fits."""
    return _shortened_ja(text) if is_japanese(text) else _shortened(text)


def _shortened(text: str) -> str:
    if _BOUND.search(text):
        return _NOTE.sub("", text, count=1)
    made = _WHICH.sub(lambda match: "" if match.end() == len(text) - 1 else " ", text, count=1)
    if made == text:
        made = _NOTE.sub("", text, count=1)
    if made == text and (two := _TWO.match(text)):
        made = f"{two['first']}."
    return made if len(made) >= _LEAST else text


def _shortened_ja(text: str) -> str:
    """Leave the first of two predicates out, which have one topic."""
    match = None if _BOUND_JA.search(text) else _TWO_JA.match(text)
    return match["topic"] + match["second"] if match else text


def joined(first: str, second: str, known: str) -> str | None:
    """Join two sentences that follow each other into one; None where that may not be grammatical.

    Args:
        first: A sentence that stands alone.
        second: The next one, which stands alone too.
        known: All evidence, by which a name at the start of a sentence is known to be one.
    """
    japanese = is_japanese(first)
    if japanese != is_japanese(second):
        return None
    language = "ja" if japanese else "en"
    if max(len(first), len(second)) > _EITHER[language]:
        return None
    if len(first) + len(second) > _TOGETHER[language]:
        return None
    return _joined_ja(first, second) if japanese else _joined(first, second, known)


def _joined(first: str, second: str, known: str) -> str | None:
    if _BOUND.search(first) or first.count(",") > 1 or not first.endswith("."):
        return None
    word = second.split(" ", 1)[0]
    if _OPENS.match(second):
        second = second[:1].lower() + second[1:]
    elif not re.search(rf"[a-z,] {re.escape(word)}(?![\w-])", known):
        return None
    return f"{first[:-1]}, and {second}"


def _joined_ja(first: str, second: str) -> str | None:
    if _BOUND_JA.search(first) or first.count("、") > 1:
        return None
    past = second.endswith("た。")
    for ending, goes_on in _PAST_JA if past else _PRESENT_JA:
        if first.endswith(f"{ending}。"):
            return first.removesuffix(f"{ending}。") + f"{goes_on}、{second}"
    return None
