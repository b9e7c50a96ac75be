"""Questions that a sentence answers, made from its own words. Pure functions.

Only sentences of a few plain forms give one: a count, a measure, a date, who made something, an
attribute, a definition. A sentence that leans on others (it, this, here) gives none, since its
question would mean nothing by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_SENTENCE = 240  # characters
_MIN_QUESTION, _MAX_QUESTION = 8, 120  # characters

_Rule = tuple[str, Callable[[re.Match[str]], str]]  # a pattern, and what makes its question

# English. A subject is a name or a noun phrase without a verb, a comma or a bracket in it.
_WHO = r"(?P<who>[A-Z][\w’'-]*(?: [\w’'&-]+){0,7}?)"
_LEANS = re.compile(  # words of a subject that says too little by itself
    r"\b(?:it|its|they|their|them|these|those|this|that|there|here|we|our|us|he|his|she|her|you|your"
    r"|i|my|both|each|such|some|others?|another|many|most|all|one|none|who|which|what|when|where"
    r"|while|since|because|although|however|in|on|at|for|from|as|if|by|with|after|before|during"
    r"|figure|table|section|appendix|equation|eq|fig|et|al|above|below|former|latter|following"
    r"|result|results|author|authors|experiment|experiments|approach|model|method|paper)\b",
    re.IGNORECASE,
)
_ABOUT = r"(?:about|around|over|more than|nearly|almost|at least|roughly|approximately|only|up to)?"
_N = rf"{_ABOUT} ?\d[\d,.]*(?: (?:thousand|million|billion|trillion))?"
_WHAT = (
    r"(?P<what>[a-z][a-z-]*(?: [a-z][a-z-]*){0,3}?s(?: of [a-z]+(?: [a-z]+)?)?)"
    r"(?=[,.;:]|$| (?:and|which|that|from|in|on|at|for|with|by|to|per|than|across|between|into|as)"
    r"\b)"
)
_HAS = {
    "has": "have", "holds": "hold", "contains": "contain", "uses": "use", "covers": "cover",
    "includes": "include", "lists": "list", "keeps": "keep", "offers": "offer", "serves": "serve",
    "needs": "need", "requires": "require", "takes": "take", "owns": "own", "spans": "span",
    "supports": "support", "comprises": "comprise", "employs": "employ", "reaches": "reach",
    "uses up": "use up", "collects": "collect", "divides into": "divide into",
}  # fmt: skip
_DONE = r"(?P<done>[a-z]+ed|built|made|drawn|written|taken|given|found|held|shown|cut|sent|lit)"
_BEGAN = {
    "opened": "open", "closed": "close", "began": "begin", "started": "start", "ended": "end",
    "died": "die", "appeared": "appear", "arrived": "arrive",
}  # fmt: skip
_MADE = {"written": "wrote", "drawn": "drew", "built": "built", "made": "made"}
_YEAR = r"(?:[A-Z][a-z]+ )?(?:1[0-9]|20)\d\d\b"
_ENGLISH: tuple[_Rule, ...] = (
    (
        rf"{_WHO} (?P<verb>{'|'.join(_HAS)}) {_N} {_WHAT}",
        lambda m: f"How many {m['what']} does {{who}} {_HAS[m['verb']]}?",
    ),
    (
        rf"{_WHO} (?P<is>was|were|is|are) {_DONE} (?P<prep>on|from|of|with|for) {_N} {_WHAT}",
        lambda m: f"How many {m['what']} {m['is']} {{who}} {m['done']} {m['prep']}?",
    ),
    (
        rf"{_WHO} (?P<is>was|were|is|are) {_N} (?:[a-z]+)"
        r" (?P<how>high|tall|long|wide|deep|old|thick)\b",
        lambda m: f"How {m['how']} {m['is']} {{who}}?",
    ),
    (
        rf"{_WHO} (?P<is>was|were) (?P<first>first )?{_DONE} in {_YEAR}",
        lambda m: f"When {m['is']} {{who}} {m['first'] or ''}{m['done']}?",
    ),
    (
        rf"{_WHO} (?P<verb>{'|'.join(_BEGAN)}) in {_YEAR}",
        lambda m: f"When did {{who}} {_BEGAN[m['verb']]}?",
    ),
    (
        rf"{_WHO} (?:was|were) (?P<done>[a-z]+ed|built|made|drawn|written) by (?:the )?[A-Z]",
        lambda m: f"Who {_MADE.get(m['done'], m['done'])} {{who}}?",
    ),
    (
        r"(?P<who>The [a-z]+(?: [a-z]+)? of (?:the )?[\w-]+(?: [\w-]+){0,3})"
        r" (?P<is>is|are|was|were) (?:an? |the |from |between |[A-Z0-9])",
        lambda m: f"What {m['is']} {{who}}?",
    ),
    (
        r"(?P<who>[A-Z][\w-]*[A-Z\d][\w-]*|[A-Z][\w-]+(?: [A-Z][\w-]+){0,3}) (?P<is>is|are)"
        r" (?:an?|the) [a-z]",
        lambda m: f"What {m['is']} {{who}}?",
    ),
)

# Japanese. A topic is a noun phrase: the only hiragana in it is の.
_NOUN = r"[^、。，．「」『』（）()\sぁ-ん]"
_TOPIC = rf"(?P<who>{_NOUN}{{2,20}}(?:の{_NOUN}{{1,20}}さ?){{0,2}})"
_JA_LEANS = re.compile(
    r"^本(?:研究|稿|論文|手法|章|節)|我々|私|筆者|著者|彼|上記|以下|前者|後者|^図|^表|結果|実験|提案"
    r"|^(?:手法|モデル|論文|原著|本書|今回|前回|最近|一方)$|^[一-龠]{1,2}$"
)
_JA_N = r"(?:約|およそ)?[\d０-９][\d０-９,.，．]*[万億兆千]?"
_UNIT = (
    r"(?P<unit>点|冊|人|件|台|枚|本|種類|時間|日間|年間|メートル|キロメートル|個|頁|ページ|語|軒|隻|匹"
    r"|頭|回|度|歳)"
)
_JA_DO = {
    "している": "しています", "する": "します", "した": "しました", "しています": "しています",
    "します": "します", "しました": "しました", "持つ": "持っています",
    "持っている": "持っています",
}  # fmt: skip
_JA_WAS = {
    "られた": "られました",
    "された": "されました",
    "られました": "られました",
    "されました": "されました",
}
_END = r"[。．.]?$"
_JAPANESE: tuple[_Rule, ...] = (
    (
        rf"{_TOPIC}は、?{_JA_N}{_UNIT}(?P<rest>の[^、。]{{1,15}}を[^、。]{{0,12}}?)(?P<do>{'|'.join(_JA_DO)}){_END}",
        lambda m: f"{m['who']}は何{m['unit']}{m['rest']}{_JA_DO[m['do']]}か？",
    ),
    (
        rf"{_TOPIC}は、?{_JA_N}{_UNIT}(?:である|です|だ|だった|でした){_END}",
        lambda m: f"{m['who']}は何{m['unit']}ですか？",
    ),
    (
        rf"{_TOPIC}は、?\d{{3,4}}年(?:\d+月)?(?:\d+日)?に、?(?P<rest>[^、。は]{{0,20}}?)(?P<was>{'|'.join(_JA_WAS)}){_END}",
        lambda m: f"{m['who']}はいつ{m['rest']}{_JA_WAS[m['was']]}か？",
    ),
    (rf"{_TOPIC}とは(?!い|言|違|異|限|別)、?[^。]{{6,}}", lambda m: f"{m['who']}とは何ですか？"),
    (
        rf"{_TOPIC}は、?[^。]{{4,80}}(?:の一つ|の総称|のこと|の一種)(?:である|です|だ){_END}",
        lambda m: f"{m['who']}とは何ですか？",
    ),
)  # fmt: skip
_RULES = {
    "en": [(re.compile(pattern), make) for pattern, make in _ENGLISH],
    "ja": [(re.compile(pattern), make) for pattern, make in _JAPANESE],
}

# What a name is, as the rules ask it: a name in Latin letters is the same in both languages.
_WHAT_IS = re.compile(r"What (?:is|are) ([A-Z][\w.-]*(?: [A-Z\d][\w.-]*){0,3})\?")
_JA_WHAT_IS = re.compile(r"([A-Z][\w.-]*)とは何ですか？", re.ASCII)


def sentence_question(sentence: str, language: str, text: str = "") -> str:
    """Make a question that a sentence answers; empty if it gives none.

    Args:
        sentence: The sentence.
        language: ``en`` or ``ja``, its language and that of the question.
        text: The text that it is from: a word that is written with a capital within sentences, too,
            is a name.
    """
    sentence = " ".join(sentence.split())
    if len(sentence) > MAX_SENTENCE:
        return ""
    for pattern, make in _RULES[language]:
        if found := pattern.match(sentence):
            who = found["who"]
            if (_JA_LEANS if language == "ja" else _LEANS).search(who):
                return ""
            shown = who if language == "ja" else _within(who, text)
            if not shown:
                return ""
            question = make(found).replace("{who}", shown)
            return question if _MIN_QUESTION <= len(question) <= _MAX_QUESTION else ""
    return ""


def in_other_language(question: str) -> str:
    """Put a question of :func:`sentence_question` into Japanese, or one in Japanese into English.

    Only what a name is can be asked so, since a name is the same in both; empty for all others.
    """
    if english := _WHAT_IS.fullmatch(question):
        return f"{english[1]}とは何ですか？"
    japanese = _JA_WHAT_IS.fullmatch(question)
    return f"What is {japanese[1]}?" if japanese else ""


def _within(subject: str, text: str) -> str:
    """Write the subject of a sentence as it is within one; empty if it names nothing.

    A noun phrase names something if there is a capital or a digit in it, behind its first letter:
    what "the tower" is, only the text around it says.
    """
    first, _, rest = subject.partition(" ")
    if re.match(r"(?:The|An?)$", first):
        return f"{first.lower()} {rest}" if _names(rest) else ""
    if _names(first[1:]) or rest[:1].isupper() or re.search(rf"[a-z,;] {re.escape(first)}\b", text):
        return subject
    return f"{first.lower()} {rest}" if _names(rest) else ""


def _names(text: str) -> bool:
    return any(c.isupper() or c.isdigit() for c in text)
