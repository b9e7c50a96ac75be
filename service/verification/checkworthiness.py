"""Check-worthiness: whether a sentence states anything that a source could support.

A checker takes "More of it." for supported by any text that has "more". So these are no claims: a
sentence without a content word of its own (pronouns, "yes", remarks on the answer), a phrase that
is no sentence (a heading, "The model."), and one that breaks off or repeats itself. One of the
others with a number always is a claim, and so is a row of a table, by which its cells belong
together. A name alone is one only as the answer to a question that asks for it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

from index.lexical.tokenizer import is_japanese
from service.text.alignment import Word, content_words

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_TALK = frozenset(f"{_LISTS['english']} {_LISTS['japanese']}".split())
_SUBJECT = re.compile(r"\b(?:it|they|he|she|this|that|these|those|we|you|i|there)\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|may|might|must"
    r"|shall|should|cannot|\w+n['’]t|\w+ed|won|beat|made|ran|came|went|took|gave|got|grew|fell|rose"
    r"|led|held|wrote|built|sold|lost|began|became|found|left|met|set|put|cost|sang|says?|said|shows?"
    r"|\w+(?:ises?|izes?|ates?|ifies|ify))\b"
    r"|\b\w+[^s\W]s\b(?=\s+\w)",  # wins, or models before what they do
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…。！？]['\"”’」』)\]]*$")
_PHRASE = re.compile(
    r"^(?:an?|the|its|their|his|her|of|in|on|at|from|for|with|by|as|about|and|or|but|more|also"
    r"|most|some|many|all|both|each)\b",
    re.IGNORECASE,
)
_CELLS = re.compile(r"\S \| \S")  # as readers of files write a row of a table
_SHORT = 4  # words of a phrase that may be taken for a sentence
_PARTICLE = re.compile(r"[はがをに]")
_BROKEN = re.compile(r"(?:は|が|を|の|について|に関して|および|または)[。.…!！?？:：]*$")
_NOMINAL = re.compile(r"[\u30a1-\u30fa\u30fc\u3400-\u9fffA-Za-z][。.…!！?？:：]*$")
_LONG_KANA = 12  # hiragana in a row, among which words stand that are not looked for


# How no sentence ends, only one that broke off.
_BROKEN_OFF = re.compile(r"(?:\b(?:an?|the|and|or|of|its|their|which)|[はを])[.。…]*$")
_ASKS_FOR_A_THING = re.compile(
    r"\b(?:who|whom|whose|which|what|where|when"
    r"|how (?:many|much|long|old|large|big|high|far|often))\b"
    r"|誰|だれ|どこ|何|なに|どの|どれ|どちら|どんな|いつ|いくつ|いくら",
    re.IGNORECASE,
)
_OFFERS_A_CHOICE = re.compile(r"\bor\b|どちら|どっち|どれ|それとも", re.IGNORECASE)
_COPULA = re.compile(r"(?:です|でした|だった|である|だ)?[。.!！]*$")
_PREDICATE = re.compile(r"[はがを]|[\u3041-\u3096]{3}$|(?:い|う|く|す|つ|む|る|た|て)$")
_BARE_WORDS = 12  # words of a name or a noun phrase at most
_BARE_CHARACTERS = 40  # the same in Japanese
_SAID_AGAIN = re.compile(r"\b(\w+(?: \w+){1,7})(?: \1){2,}\b|\b(\w+)(?: \2){3,}\b")
_SAID_AGAIN_JA = re.compile(r"(.{3,40}?)\1{2,}")
_CLAUSES = re.compile(r"[,;:.!?、。；：！？\n]+\s*(?:and |but |or )?")
_TIMES = 3  # from which the same clause repeats itself


def is_not_checkworthy(text: str, question: str = "") -> bool:
    """Return whether a sentence has nothing that a source could support (English or Japanese).

    Args:
        text: the sentence.
        question: the question that it answers; '' for a sentence that stands alone.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if _BROKEN_OFF.search(folded) or repeats_itself(folded):
        return True
    if any(char.isdigit() for char in folded) or is_bare_answer(text, question):
        return False
    listed = content_words(folded)
    if any(word.kind == "number" for word in listed):
        return False
    own = _own_words(folded)
    if _CELLS.search(folded) and len(own) > 1:
        return False
    if is_japanese(folded) or re.search(r"[\u3041-\u3096]", folded):
        return _nothing_in_japanese(folded, len(own))
    if not own:
        return True
    if _VERB.search(folded):
        return False
    count = len(re.findall(r"\w+(?:['’-]\w+)*", folded))
    if len(own) == 1:
        return not (_SUBJECT.search(folded) and count > 1)
    heading = not _ENDS.search(folded) or folded.endswith(":")
    return heading or (count <= _SHORT and bool(_PHRASE.match(folded)))


def why_no_claim(text: str, question: str = "") -> str:
    """Return the name of the message that says why a sentence is no claim; "" if it is one.

    Args:
        text: The sentence.
        question: The question that it answers; "" for a sentence that stands alone.
    """
    if repeats_itself(text):
        return "repeats_itself"
    return "says_nothing" if is_not_checkworthy(text, question) else ""


def is_bare_answer(text: str, question: str) -> bool:
    """Return whether a text is only the name, number or thing that a question asks for.

    It must be read together with the question: "Stability AI." for "Who made it?". What only
    repeats words of the question answers nothing, unless they were offered as a choice.
    """
    if not _ASKS_FOR_A_THING.search(question):
        return False
    folded = unicodedata.normalize("NFKC", text).strip()
    own = {word.text for word in _own_words(folded)}
    asked = {word.text for word in content_words(question)}
    if not own or (own <= asked and not _OFFERS_A_CHOICE.search(question)):
        return False
    if folded.endswith((":", "?")) or _BROKEN.search(folded):
        return False
    if re.search(r"[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]", folded):
        phrase = _COPULA.sub("", folded)
        return len(phrase) <= _BARE_CHARACTERS and not _PREDICATE.search(phrase)
    words = re.findall(r"\w+(?:['’-]\w+)*", folded)
    return len(words) <= _BARE_WORDS and not (_VERB.search(folded) or _SUBJECT.search(folded))


def repeats_itself(text: str) -> bool:
    """Return whether a sentence says the same words over and over, as a model in a loop does."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    clauses = (clause.strip() for clause in _CLAUSES.split(folded))
    again = Counter(clause for clause in clauses if len(clause) > 3 and not clause.isdigit())
    if any(times >= _TIMES for times in again.values()):
        return True
    words = re.findall(r"\w+", folded)
    runs = _SAID_AGAIN_JA.finditer("".join(words) if is_japanese(folded) else "")
    japanese = any(not run[1].isdigit() for run in runs)
    return japanese or bool(_SAID_AGAIN.search(" ".join(words)))


def _own_words(folded: str) -> list[Word]:
    """Return the content words that do not only speak of the answer."""
    listed = content_words(folded)
    return [w for w in listed if w.kind != "turn" and not _is_talk(w.text, w.shown)]


def _is_talk(folded: str, shown: str) -> bool:
    return folded in _TALK or shown.lower() in _TALK


def _nothing_in_japanese(text: str, own: int) -> bool:
    if not own:
        return not re.search(rf"[\u3041-\u3096]{{{_LONG_KANA},}}", text)
    if _BROKEN.search(text):
        return True
    return bool(_NOMINAL.search(text)) and not _PARTICLE.search(text)
