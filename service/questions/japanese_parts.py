"""Japanese questions that hold several: where they are divided, and what a part leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.questions.words import any_of

INTERROGATIVE = re.compile(
    rf"(?:{any_of('japanese', 'interrogatives')})(?!{any_of('japanese', 'indefinite')})"
)
_CONJUNCTION = rf"(?:(?:{any_of('japanese', 'conjunctions')})、?)?"
_JOINT = re.compile(rf"、{_CONJUNCTION}")
_LEAD = re.compile(rf"(?:{any_of('japanese', 'conjunctions')})、?")
_QUOTED = re.compile(r"「[^」]*」|『[^』]*』|（[^（）]*）|\([^()]*\)")
_ASKED = re.compile(r"か$|[のは]$|[？?]$")
# How the first of two predicates ends: 開館し, 続き, 誰で, 青く.
_STEM = re.compile(r"(?:[しりきちみびぎいえけせめれてでくに])$")
_NOT_STEM = re.compile(
    r"(?:^|[^\w])$|[にを]て$|(?:では|には|とは|から|まで|について|として|いて)$|に$"
)
_REQUEST = re.compile(
    rf"(?:{any_of('japanese', 'requests')})"
    r"(?:て|てください|て下さい|てほしい|てくれ)?(?:ますか|です)?$"
)
_REQUESTED = re.compile(
    r"(?:か|を|のかを?|について)?(?:も)?(教えて(?:ください|下さい|ほしいです)?|説明してください)$"
)
_YES_OR_NO = re.compile(r"(?:です|ます|ました|でした|ません|の)か$|(?:る|た|ない|できる)$")
_TWO = re.compile(
    rf"(?P<head>.*?)(?P<one>{any_of('japanese', 'adverbial')})[、,と]?"
    rf"(?P<two>{any_of('japanese', 'adverbial')})(?P<tail>.+)"
)
_TOPIC = re.compile(r"(?P<topic>[^、。]{1,40}?)(?:とは|って|は(?!じ))、?(?!ない|なく|いけ)")
_OWN_TOPIC = re.compile(r"(?P<topic>[^、。]{1,20}?)(?:は(?!じ)|って|(?<!た)が)")
_ATTRIBUTE = re.compile(
    rf"は、?(?:{any_of('japanese', 'interrogatives')})[^、をがにし]{{0,6}}?"
    r"(?:です|でした|なの|だ|で|といい|という|くらい|$)"
)
_OR = re.compile(r"それとも|または、|^もしくは")
_STARTS = re.compile(rf"(?:{any_of('japanese', 'interrogatives')})")
_IS_REQUEST = re.compile(r"(?:て|で)(?:も)?(?:ください|下さい|ほしい(?:です)?|くれますか)?$")
_ASKED_FOR = re.compile(rf"(?P<head>.+のは)(?:{any_of('japanese', 'interrogatives')})")
_BARE = re.compile(rf"(?:{any_of('japanese', 'interrogatives')})[^はがを]{{0,6}}$")
_CLEFT = re.compile(r"[^はが]*[たる]のは(?:なぜ|どうして|いつ|どこ)")
_PRONOUN = re.compile(rf"(?:{any_of('japanese', 'pronouns')})(?=[はがをのにで])")
_ADVERB = re.compile(r"[にで]$|ついて$|^(?:\d|冬|夏|春|秋|今|現在|最初|当時|その)")


def asks(sentence: str) -> bool:
    """Return whether a sentence asks something, or requests it."""
    body = sentence.rstrip(" 　。．.")
    stated = body != sentence.rstrip()
    return bool(
        (INTERROGATIVE.search(body) and not stated)
        or body.endswith(("？", "?"))
        or re.search(r"か$|[てで](?:ください|下さい|ほしい(?:です)?)?$|知りたい(?:です)?$", body)
    )


def one_choice(sentences: Sequence[str]) -> bool:
    """Return whether sentences offer a choice, such as 長い？短い？, and so are one question."""
    return any(_OR.search(each) for each in sentences) or not any(
        map(INTERROGATIVE.search, sentences)
    )


def divide(sentence: str) -> list[str]:
    """Divide a sentence that asks where it asks anew; one question gives itself."""
    body = sentence.rstrip(" 　。．.？?")
    mark = sentence[len(body) :].strip()
    lead = _LEAD.match(body)
    body = body[lead.end() :] if lead else body
    two = _TWO.fullmatch(body)
    if two and not INTERROGATIVE.search(two["head"]) and not INTERROGATIVE.search(two["tail"]):
        parts = [two["head"] + two[each] + two["tail"] for each in ("one", "two")]
        return [part + mark for part in parts]
    quoted = [match.span() for match in _QUOTED.finditer(body)]
    parts, start = [], 0
    for joint in _JOINT.finditer(body):
        if any(a <= joint.start() < b for a, b in quoted):
            continue
        left, right = body[start : joint.start()], body[joint.end() :]
        if _asks_twice(left, right, conjunction=len(joint[0]) > 1):
            parts.append(_finished(left, body))
            start = joint.end()
    return [part + mark for part in [*parts, body[start:]]] if parts or lead else [sentence]


def _asks_twice(left: str, right: str, conjunction: bool) -> bool:
    """Whether both sides of a comma ask something of their own."""
    asked, asked_too = INTERROGATIVE.search(left), INTERROGATIVE.search(right)
    if _OR.search(right) or left.endswith("かどうか"):
        return False
    if _REQUEST.search(left):
        return "を" in left and bool(_IS_REQUEST.search(right))
    if left.endswith("か"):
        return bool(asked_too and (asked or _YES_OR_NO.search(left))) or bool(asked and conjunction)
    if left.endswith("の"):  # どうつけるの、あと冷凍できる
        return bool(asked and conjunction)
    if not asked or not asked_too or _NOT_STEM.search(left):
        return False
    if left.endswith("で"):
        # 場所はどこで、入場料は… is divided; どこで、いつ生まれ and どの工程で are not.
        *_, asked = INTERROGATIVE.finditer(left)
        adverb = left.endswith(("こで", "何で", "れで", "ちらで")) and _STARTS.match(right)
        return left[: asked.start()].rstrip("、").endswith("は") and not adverb
    return bool(_STEM.search(left)) and len(left) > asked.end() + 1


def _finished(left: str, whole: str) -> str:
    """Give the first part an ending of its own: 開館し becomes 開館しましたか."""
    request = _REQUESTED.search(whole)
    if left.endswith("か"):
        return f"{left}{request[1]}" if request and not left.endswith(("すか", "たか")) else left
    if left.endswith("の"):
        return left
    if _REQUEST.search(left):
        return f"{left}ください" if left.endswith("て") else f"{left}てください"
    if left.endswith("で"):
        return f"{left[:-1]}ですか"
    if left.endswith("く"):
        return f"{left[:-1]}いですか"
    stem = re.sub(r"(?<=[きしちみりえけせめれい])て$", "", left)
    present = re.search(r"(?:ます|[るくうむすつぬぶ](?:の|ん)(?:です|でしょう)?)か$", whole)
    return f"{stem}{'ますか' if present else 'ましたか'}"


def complete(part: str, first: str) -> str:
    """Put the topic of the first part before a later one that has none; never return ''."""
    asked_for = _ASKED_FOR.match(first)
    if asked_for and _BARE.match(part.rstrip("。？?")):
        return asked_for["head"] + part  # 発見したのは誰で、いつですか
    found = _TOPIC.match(first)
    topic = found["topic"] if found else ""
    if not found or INTERROGATIVE.search(topic) or topic.endswith("の") or _ADVERB.search(topic):
        return part
    named, _, attribute = topic.rpartition("の")
    thing, asked = topic, _ATTRIBUTE.match(first, found.end("topic"))
    if asked and named and attribute:
        thing = named
    elif (asked and "どこ" not in asked[0]) or part.startswith(topic):
        return part  # 著者は誰で: of what?
    if _PRONOUN.search(part):
        return _PRONOUN.sub(thing, part, count=1)
    own = _OWN_TOPIC.match(part)
    if own and own["topic"] and not INTERROGATIVE.search(own["topic"]):
        if _ADVERB.search(own["topic"]):
            return f"{thing}は{part}"
        if _CLEFT.match(part):
            return f"{thing}が{part}"
        return part if _contrast(part, first) or "の" in own["topic"] else f"{thing}の{part}"
    return f"{thing}は{part}"


def _contrast(part: str, first: str) -> bool:
    """Return whether both parts ask the same of two things: 空はなぜ青く、夕焼けはなぜ赤い."""
    ours, theirs = INTERROGATIVE.search(part), INTERROGATIVE.search(first)
    return bool(ours and theirs and ours[0] == theirs[0])
