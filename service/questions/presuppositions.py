"""What a question takes for granted: "Why did the mill close?" takes for granted that it closed.

Some questions assert all but a reason: those with why, how come, since when, or who was the first.
Others, such as those with when and where, assert something and ask for one detail of it. Both
become statements that an entailment model can read; the verb keeps its "did", since its past tense
is not known.
"""

from __future__ import annotations

import re

from index.lexical.tokenizer import is_japanese
from service.questions.english_clauses import (
    AUXILIARY,
    DETERMINER,
    PREPOSITION,
    PRONOUN,
    Clause,
    capitalised,
    read_clause,
    subject_end,
)
from service.questions.words import any_of

_LEAD = re.compile(
    rf"(?:(?:{any_of('english', 'openings')})\b[,!]? )*"
    rf"(?:(?:can you |could you )?(?:{any_of('english', 'embedding')})\b,? )?",
    re.IGNORECASE,
)
_THE_REASON = r"what(?:'s| is| was) the reason"
_WHY = re.compile(rf"(?:why|how come|since when|for what reason|{_THE_REASON})\b", re.IGNORECASE)
_STATED = re.compile(
    rf"(?:how come|why|{_THE_REASON}(?: that| why)?(?! (?:for|of|behind|to|not)\b))\b,? "
    r"(?:it is that |is it that |was it that )?(?P<stated>.+)",
    re.IGNORECASE,
)
_IS_IT_THAT = re.compile(r"why (?:is|was) it that (?P<stated>.+)", re.IGNORECASE)
_FIRST = re.compile(
    r"(?:who|which \w+(?: \w+)?) (?:(?:was|were|is) the first (?:[\w ]{1,20}? )?to (?P<base>.+)"
    r"|first (?!to )(?P<past>.+))",
    re.IGNORECASE,
)
_MADE = re.compile(r"what (?:made|caused|led) (?P<object>.+?) to (?P<base>.+)", re.IGNORECASE)
_ADVICE = re.compile(
    rf"why (?:not|bother|do (?:you|we|i)|should (?:you|we|i)|{AUXILIARY} (?:you|i)\b)",
    re.IGNORECASE,
)
# What is asked for is only a circumstance: the rest of the question is a statement without it.
_CIRCUMSTANCE = re.compile(
    r"(?:(?:in|on|at|since|until|from|by) )?"
    r"(?:when|where|how(?: long| often)?|(?:what|which) (?:year|month|day|century|date))",
    re.IGNORECASE,
)
_SUBJECT_ASKED = re.compile(
    rf"(?P<asked>who|what)(?P<said> (?!(?:{AUXILIARY}) (?:{DETERMINER}|{PRONOUN})\b).+)",
    re.IGNORECASE,
)
_DENIED = re.compile(rf"\b(?P<verb>{AUXILIARY})\b(?P<denied> not\b)?", re.IGNORECASE)
_NONE = {"Someone": "Nobody", "Something": "Nothing"}
_SECOND_ARTICLE = re.compile(
    rf"((?!the |an? |\w+ing )\S+|{DETERMINER}(?: (?!(?:{PREPOSITION}|of|and|{DETERMINER})\b)\S+)+?)"
    r" (?:the|an?)\b",
    re.IGNORECASE,
)
_EMPTY = re.compile(rf"(?:{PRONOUN}|this|that)(?: (?:so|not|happen|matter))?", re.IGNORECASE)

_WHY_JA = rf"(?:{any_of('japanese', 'why')})"
_WHAT_CAUSE_JA = r"何(?:が(?:原因|理由|きっかけ)|の(?:ため|おかげ|せい))"
_ASKED_LAST = re.compile(
    rf"(?P<stated>.+[^の、])(?:の|こと)(?:は|って)、?(?:{_WHY_JA}|どういう理由|いつから|{_WHAT_CAUSE_JA})"
    r"(?:なの|なん)?(?:です|でしょう|だろう|だった|でした)?(?:か|の)?"
    r"(?:だ?と[^、。]{0,12}(?:思|考え|述べ|書|言|説明)[^、。]{0,8})?"  # だと筆者は考えていますか
)
_OPEN_LAST = re.compile(
    r"(?P<stated>.+[^のな、])の(?:は|って)、?(?:いつ|どこ|誰|だれ|どうやって|どのように|何[年月])[^、。]{0,12}"
)
_OPEN_FIRST = re.compile(
    r"(?P<topic>.*?)(?:いつ|どこ[でに]|どうやって|どのように|何[年月]に)(?!も|か)、?(?P<rest>.+)"
)
_REASON = re.compile(
    r"(?P<stated>.+(?:[たるいうくすつぬむぐぶ]|(?<!主)(?<!要)(?<!おも)(?<!き)(?<!的)な))"
    r"(?:理由|原因|わけ|訳)(?:[はをがも]、?|って|について)?"
    r"(?:(?:何|なん|なに|どこ|教え|説明|述べ|知り|わか|分か).{0,12})?"
)
_ASKED_FIRST = re.compile(rf"(?P<topic>.*?)(?:{_WHY_JA}|いつから(?!いつ))、?(?P<rest>.+)")
_FIRST_JA = re.compile(
    r"(?P<stated>(?:.*?)(?:最初に|初めて|はじめて).+[ただ])の(?:は|って)、?(?:誰|だれ|どなた|どこ|どの).*"
)
# The end of a question, and that of the statement in its place.
_ENDINGS = [
    (re.compile(pattern + "$"), stated)
    for pattern, stated in [
        (r"なの(?:です|でしょう|だろう)?か?|なんですか?|なんでしょうか?", "だ"),
        (r"(?<=[たるいうくすつぬむぐぶん])(?:の|ん)(?:です|でしょう|だろう|だ)?か?", ""),
        (r"(?<=[たるいう])(?:でしょう|だろう)か?", ""),
        (r"(?<=[すただん])か", ""),
        (r"(?<=[たるいうく])か", ""),
    ]
]
_REQUESTED = re.compile(r"(?:の|ん)?(?:です)?か?(?:を|、|について)?(?:教えて|説明して|知りたい).*$")
_PARTICLE = re.compile(r"[はがをにでも]")
_END_OF_STATEMENT = re.compile(r"(?:[たるいうくすつぬむぐぶだ]|ます|です|ません)$")


def presupposition(question: str) -> str | None:
    """Return what a question takes for granted, as a statement; None if it is only its topic.

    "Why did Block-NeRF fail?" gives "Block-NeRF did fail", "What is Block-NeRF?" gives None.
    """
    body = question.strip().rstrip("?？。．.!！ 　")
    stated = _japanese(body) if is_japanese(body) else _english(_LEAD.sub("", body, count=1))
    return stated or None


def open_presupposition(question: str) -> str | None:
    """Return what a question takes for granted besides what it asks for, as a statement.

    "When did the mill close?" gives "The mill did close", "Who built it?" gives "Someone built it";
    None where ``presupposition`` has more, or where it cannot be told.
    """
    body = question.strip().rstrip("?？。．.!！ 　")
    if is_japanese(body):
        if last := _OPEN_LAST.fullmatch(body):
            return last["stated"]
        first = _OPEN_FIRST.fullmatch(body)
        return (_stated(first["topic"] + first["rest"]) or None) if first else None
    body = _LEAD.sub("", body, count=1)
    clause = read_clause(body)
    if clause and _CIRCUMSTANCE.fullmatch(clause.wh):
        subject_only = clause.has_be and subject_end(clause) is None  # "Where is the mill?"
        return None if subject_only else capitalised(_ordered(clause)) or None
    if asked := _SUBJECT_ASKED.fullmatch(body):
        someone = "Someone" if asked["asked"].lower() == "who" else "Something"
        return someone + asked["said"]
    return None


def denial(statement: str) -> str | None:
    """Return the opposite of a statement as these functions make them; None if it cannot be told.

    "The mill did close" gives "The mill did not close".
    """
    if is_japanese(statement):
        said = re.sub(r"(?<![んい])だ$", "", statement)  # 重要だ, but not 学んだ
        return f"{said}わけではない" if said == statement else f"{said}ではない"
    subject = statement.partition(" ")[0]
    if subject in _NONE:
        return _NONE[subject] + statement.removeprefix(subject)
    if not (verb := _DENIED.search(statement)):
        return None
    denied = "" if verb["denied"] else " not"
    return statement[: verb.end("verb")] + denied + statement[verb.end() :]


def _english(body: str) -> str:
    if _ADVICE.match(body):
        return ""
    if first := _FIRST.fullmatch(body):
        return f"Someone did {first['base']}" if first["base"] else f"Someone {first['past']}"
    if made := _MADE.fullmatch(body):
        return capitalised(f"{made['object']} did {made['base']}")
    if not _WHY.match(body):
        return ""
    if inner := _IS_IT_THAT.fullmatch(body):
        return capitalised(inner["stated"])
    clause = read_clause(body)
    if clause and clause.wh.lower() in ("why", "since when", "how come", "for what reason"):
        return capitalised(_ordered(clause))
    stated = _STATED.fullmatch(body)
    return capitalised(stated["stated"]) if stated and len(stated["stated"].split()) > 2 else ""


def _ordered(clause: Clause) -> str:
    """Return the words of a question in the order of a statement; '' if that is uncertain."""
    if _EMPTY.fullmatch(clause.rest):
        return ""
    words, auxiliary = clause.rest.split(), clause.auxiliary.lower()
    if auxiliary.endswith("n't"):
        auxiliary = {"can't": "cannot", "won't": "will not"}.get(auxiliary, f"{auxiliary[:-3]} not")
    end = subject_end(clause)
    if clause.has_be and (other := _SECOND_ARTICLE.match(clause.rest)):
        end = len(other[1].split())  # the old mill | the best place to swim
    elif end is None and clause.has_be:
        # the sky | blue; the old mill | popular with tourists
        phrase = re.search(rf" {PREPOSITION}\b", clause.rest, re.IGNORECASE)
        end = len((clause.rest[: phrase.start()] if phrase else clause.rest).split()) - 1 or None
    if end is None:  # better without the auxiliary than with it in the wrong place
        return clause.rest if auxiliary in ("did", "do", "does") else ""
    if end == len(words):
        return ""
    return " ".join([*words[:end], auxiliary, *words[end:]])


def _japanese(body: str) -> str:
    if first := _FIRST_JA.fullmatch(body):
        return first["stated"]
    if last := _ASKED_LAST.fullmatch(body):
        return _predicative(last["stated"])
    if asked := _ASKED_FIRST.fullmatch(body):
        return _stated(asked["topic"] + asked["rest"])
    if reason := _REASON.fullmatch(body):
        return _predicative(reason["stated"])
    return ""


def _predicative(clause: str) -> str:
    """Return a clause that stands before a noun as a sentence of its own: 重要な becomes 重要だ."""
    return f"{clause[:-1]}だ" if clause.endswith("な") else clause


def _stated(asked: str) -> str:
    """Make a statement of a question without its interrogative; '' if it does not end like one."""
    asked = _REQUESTED.sub("", asked)
    for ending, stated in _ENDINGS:
        if ending.search(asked):
            asked = ending.sub(stated, asked, count=1)
            break
    says = len(asked) > 3 and _PARTICLE.search(asked) and _END_OF_STATEMENT.search(asked)
    return asked.strip("、 ") if says else ""
