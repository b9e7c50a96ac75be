"""English questions that hold several: where they are divided, and what a part leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.questions.english_clauses import (
    AUXILIARY,
    DETERMINER,
    PREPOSITION,
    PRONOUN,
    WH,
    Clause,
    capitalised,
    name_length,
    read_clause,
    subject_end,
)
from service.questions.words import any_of

_REQUEST = rf"(?:{any_of('english', 'requests')})"
_LEAD = re.compile(r"(?:(?:and|but|also|so|then|please|finally|or)\b,? )+", re.IGNORECASE)
_JOINT = re.compile(
    # Behind a comma alone, only what cannot be a relative clause: "…, where did she".
    rf",\s+(?=(?:when|where|why|how|what)(?: [^\s,]+)? {AUXILIARY} )|"
    r"(?:\s*[,;])?\s+(?:and|but|also|plus|as well as)\s+(?:(?:also|then|please)\s+)*(?:if so,? )?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’|\([^()]*\)")
_ASKS = re.compile(
    rf"(?:(?:{PREPOSITION}) )?{WH}(?:'s)?\b|{AUXILIARY} |{_REQUEST}\b|(?:can|could|would) you\b"
    r"|i(?:'d| would) like to know\b|i want to know\b",
    re.IGNORECASE,
)
_EMBEDS = re.compile(
    rf"(?:(?:please|can you|could you|and) )*(?:{any_of('english', 'embedding')})\b,? "
    rf"(?=(?:{PREPOSITION} )?{WH}\b)",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(rf"(?:{PREPOSITION} )?{WH} \S+", re.IGNORECASE)
# The beginning of a direct question: with the auxiliary before the subject, or one for the subject.
_DIRECT = re.compile(
    rf"(?:(?:{PREPOSITION} )?(?:when|where|why|how(?: [^\s,]+){{0,3}}?) {AUXILIARY} \S"
    rf"|(?:when|where|why|how|what|who)'s \S"
    rf"|(?:{PREPOSITION} )?(?:how|what)(?: (?!{PRONOUN} |{DETERMINER} |to )[^\s,]+){{1,3}} [^\s,]+"
    rf"|(?:{PREPOSITION} )?(?:who|whose|whom|which)"
    rf" (?!{PRONOUN}\b|{DETERMINER}\b|{PREPOSITION}\b|of\b)[^\s,]+ ?"
    rf"|which one {AUXILIARY} \S"
    rf"|which of \S"
    rf"|{AUXILIARY} (?:{DETERMINER}|{PRONOUN}|(?-i:[A-Z])\w*) \S)",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(
    rf"(?:by|since|until|from|to|in|at|on|for|with)? ?(?:{WH})"
    r"(?: (?!did|does|do|is|are|was|were)[a-z]+)?",
    re.IGNORECASE,
)
_ADVERBIAL = re.compile(
    rf"(?:{PREPOSITION} )?(?:when|where|why|how|(?:what|which) (?:year|time|place|day|month))\b",
    re.IGNORECASE,
)
_BOTH = re.compile(
    rf"(?P<one>(?:{PREPOSITION} )?(?:when|where|why|how)) and (?P<two>(?:{PREPOSITION} )?{WH})"
    rf"(?P<rest> {AUXILIARY} .+)",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\bit (?:takes?|took|true|possible|likely|that|to|rain|snow)", re.IGNORECASE
)
_PRONOUNS = {
    "it": "", "its": "'s", "they": "", "them": "", "their": "'s",
    "he": "", "him": "", "his": "'s", "she": "", "her": "'s",
}  # fmt: skip
_PRONOUN_WORD = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b", re.IGNORECASE)


def asks(sentence: str) -> bool:
    """Return whether a sentence asks something, or requests it."""
    return bool(_ASKS.match(_LEAD.sub("", sentence, count=1)))


def one_choice(sentences: Sequence[str]) -> bool:
    """Return whether sentences offer a choice, and so are one question: Is it new? Or old?"""
    return any(re.match(r"or\b", each, re.IGNORECASE) for each in sentences)


def divide(sentence: str) -> list[str]:
    """Divide a sentence that asks where it asks anew; one question gives itself."""
    body = sentence.rstrip(" ?!.")
    mark = sentence[len(body) :].strip()
    lead = _LEAD.match(body)
    if lead and "please" not in lead[0].lower():
        body = body[lead.end() :]
    both = _BOTH.fullmatch(body)
    parts = [both[each] + both["rest"] for each in ("one", "two")] if both else _divide(body)
    return [capitalised(part) + mark for part in parts] if len(parts) > 1 or lead else [sentence]


def _divide(body: str) -> list[str]:
    quoted = [match.span() for match in _QUOTED.finditer(body)]
    parts: list[str] = []
    start = 0
    request = _EMBEDS.match(body)
    for joint in _JOINT.finditer(body):
        in_request = request and joint.start() < request.end()
        if in_request or any(a <= joint.start() < b for a, b in quoted):
            continue
        left, right = body[start : joint.start()], body[joint.end() :]
        if joint[0].strip() == "," and not _DIRECT.match(left):
            continue  # When it rains, how does …
        if not _LEAD.sub("", left) or not _ASKS.match(_LEAD.sub("", left)):
            continue
        if request and not _requests(right) and _asks_embedded(left, right):
            return [*parts, left, *_divide(request[0] + right)]  # each is requested likewise
        if _asks_anew(left, right):
            parts.append(left)
            start = joint.end()
    return [*parts, body[start:]]


def _requests(text: str) -> bool:
    return bool(re.match(rf"{_REQUEST}\b", text, re.IGNORECASE))


def _asks_embedded(left: str, right: str) -> bool:
    """Whether ``right`` goes on with a request for two things: tell me who …, and when …."""
    asked = _EMBEDS.sub("", left, count=1)
    return bool(_EMBEDDED.match(right)) and not _relative(asked, right)


def _asks_anew(left: str, right: str) -> bool:
    """Whether a question begins with ``right``, not a further word or relative clause."""
    if _requests(left):
        if len(left.split()) < 3:  # list and describe three reasons
            return False
        return _requests(right) or bool(_DIRECT.match(right) and re.match(AUXILIARY, right))
    inner = re.search(rf"(?<=\w ){WH}\b", left.partition(" ")[2], re.IGNORECASE)
    if re.match(rf"{AUXILIARY} ", left, re.IGNORECASE) and inner:
        return False  # Do you know who … and when …
    if _requests(right) and re.match(r"(?:tell me|explain|describe)\b", right, re.IGNORECASE):
        return True
    if _FRAGMENT.fullmatch(right):
        return bool(_filled(right, left))
    return bool(_DIRECT.match(right)) and not _relative(left, right)


def _relative(left: str, right: str) -> bool:
    """Return whether ``right`` begins like a relative clause of ``left``: who …, and who …."""
    begins = re.match(rf"(?:{PREPOSITION} )?{WH}\b", right, re.IGNORECASE)
    word = re.search(rf"{WH}\b", right, re.IGNORECASE)
    inside = left.partition(" ")[2].lower().split()
    return bool(begins and word and word[0].lower() in inside[1:])


def complete(part: str, first: str) -> str:
    """Fill in what a later part leaves out; return '' if that is needed but uncertain."""
    body = part.rstrip(" ?!.")
    mark = part[len(body) :]
    if _FRAGMENT.fullmatch(body):
        filled = _filled(body, first.rstrip(" ?!."))
        return capitalised(filled) + mark if filled else ""
    found = _PRONOUN_WORD.findall(body)
    kinds = {word.lower()[:2] for word in found}
    if len(kinds) != 1 or _EXPLETIVE.search(body):
        return part
    topic = _topic(first, plural=kinds == {"th"})
    if not topic:
        return part

    def replaced(match: re.Match[str]) -> str:
        ending = _PRONOUNS[match[0].lower()]
        return topic + (ending[:1] if ending and topic.endswith("s") else ending)

    first_only = 0 if len(found) == 1 else 1
    return _PRONOUN_WORD.sub(replaced, body, count=first_only) + mark


def _filled(fragment: str, first: str) -> str:
    """Complete a fragment such as "by whom" from the first question; '' if it is uncertain how."""
    clause = read_clause(first)
    if clause is None or clause.auxiliary.endswith("n't"):
        return ""
    if clause.wh and not _ADVERBIAL.fullmatch(clause.wh) and len(clause.wh.split()) < 2:
        return ""
    if not clause.wh or _ADVERBIAL.match(clause.wh):
        rest = re.sub(r"\b(?:ever|indeed) ", "", clause.rest)
        return f"{fragment} {clause.auxiliary.lower()} {rest}"
    return ""


def _topic(question: str, plural: bool) -> str:
    """Return what a pronoun stands for: the subject, or the only object; '' if it is uncertain.

    Args:
        question: The question before that with the pronoun.
        plural: Whether the pronoun is a form of "they".
    """
    clause = read_clause(_EMBEDS.sub("", question, count=1).partition(",")[0])
    subject = _subject(clause, plural) if clause else _object(question.rstrip(" ?!."))
    if subject.lower() in ("he", "she", "it", "they", "i", "you", "we", "one", "there"):
        return ""
    named = name_length(subject.split(), subject.lower().startswith("the ")) > 0
    if _is_plural(subject) != plural and (plural or not named):
        return ""
    return re.sub(r"^an? ", "the ", subject)


def _subject(clause: Clause, plural: bool) -> str:
    words = clause.rest.split()
    if not clause.names_subject_only:
        possessed = re.fullmatch("has|have|had", clause.auxiliary, re.IGNORECASE)
        end = subject_end(clause) or (0 if possessed else _short_subject(words))
        return " ".join(words[:end])
    # "it" is X in: What is the price of X? Who are the authors of X?
    head, _, thing = clause.rest.rpartition(" of ")
    if head and _nouns_end(head.split()) and _nouns_end(thing.split()):
        return clause.rest if plural and _is_plural(head) else thing
    return " ".join(words[: _nouns_end(words)])


def _is_plural(noun: str) -> bool:
    return " and " in noun or bool(re.search(r"[^su]s$", noun.partition(" of ")[0]))


def _nouns_end(words: list[str]) -> int:
    """Return the number of words if they are one short noun phrase, else 0."""
    joined = any(re.fullmatch(rf"{PREPOSITION}|of|and|or", word) for word in words[1:])
    return 0 if joined or len(words) > 4 else len(words)


def _short_subject(words: list[str]) -> int:
    """Return the end of the subject in "the bell cast", three words with a determiner; else 0."""
    determined = bool(re.fullmatch(DETERMINER, words[0], re.IGNORECASE))
    return 2 if determined and len(words) == 3 else 0


def _object(question: str) -> str:
    """Return the object of "Who built the mill": the last noun phrase, if it is the only one."""
    if not re.match(r"(?:who|which|what)\b", question, re.IGNORECASE):
        return ""
    found = re.search(r"\b(?:the|a|an) (\S+(?: \S+){0,2})$", question)
    articles = re.findall(rf"\b{DETERMINER}\b", question.partition(" ")[2], re.IGNORECASE)
    if found and len(articles) == 1 and _nouns_end(found[0].split()):
        return f"the {found[1]}"
    words = question.split()
    starts = [at for at in range(1, len(words)) if name_length(words, at)]
    if not found and starts and len(words) == starts[0] + name_length(words, starts[0]):
        return " ".join(words[starts[0] :])
    return ""
