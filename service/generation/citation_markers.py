r"""Citation markers: every notation that counts as a citation in a sentence that a model wrote.

Models were asked for ``[2]`` and write a dozen other things. Each way that can be told from
ordinary text is known here. Nothing here sees more than one sentence, cut off at a bound by
the parser, so that regular expressions are safe; within a sentence a recognised marker is
kept in one form, ``\x02`` labels ``\x03``, which no text has, since control characters never
reach this module. Repetitions are possessive, so that no pattern tries the same text twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.generation.author_year import author_years, in_running_text

LONGEST_RANGE = 10  # sources in [1-10]; what spans more is pages or years, not sources
_ASIDES = 8  # parentheses of author and year read in one sentence
_ASIDE, _CODE = "\x04", "\x05"  # where something was taken out for the time being

_N = r"[1-9１-９][0-9０-９]?(?![0-9０-９])"  # never 0, nor three digits: [680,000] is a number
_SPAN = rf"{_N}(?:\s?[-‐–—~〜～]\s?{_N})?+"
_MARK = "\x02[0-9,]+\x03"
_EN = r"(?>sources?|references?|refs?\.?|documents?|docs?|passages?|citations?)"
_JA = r"(?>参考文献|参考資料|資料|出典|文献|情報源|ソース)"
_OF = r"[\s:：#._-]{0,3}+(?:no\b\.?\s?)?+"
# In brackets more words can only name a source; "article 1" in running text is of a law.
_EN_IN = (
    rf"(?>{_EN}|evidence|articles?|contexts?|results?|texts?|chunks?|snippets?|items?|pages?"
    r"|links?|web)"
)
_JA_IN = rf"(?>{_JA}|文書|記事|根拠|引用|参照|参考|情報|抜粋|注)"
_AT = r"(?:\s?[,、:：]\s?(?:pp?\.|pages?|sec(?:tion|\.)?|§|ch(?:apter|\.)?)\s?[0-9.–-]{1,12}+)?+"
_ITEM = rf"(?:(?:{_EN_IN}|{_JA_IN}){_OF})?+[#^]?+(?:{_MARK}|{_SPAN}){_AT}"
_AND = r"(?>\s?[,、，;；・&/]\s?(?:and\s)?|\s?(?:と|及び|および)\s?|\sand\s|\s)"
_MORE = rf"(?:{_AND}{_ITEM}){{0,15}}+"
_SQUARE = re.compile(
    rf"(?:\^|#|ids?\b|no\b\.?|see\b|cf\b\.?)?[\s:：.#]{{0,3}}{_ITEM}{_MORE}"
    r"(?:\^|†.{0,60}|\s?(?:より|参照))?",
    re.IGNORECASE,
)
_ROUND = re.compile(
    r"(?:(?:see also|see|cf|from|per|as stated in|according to)\b\.?|詳しくは|詳細は|参照|参考)?"
    r"[\s:：]{0,2}"
    rf"(?:(?:{_EN}|{_JA}){_OF}(?:{_MARK}|{_SPAN})|{_MARK}){_MORE}\s?(?:より|を?参照|による|\.)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"\(\s*<?(?:https?://|www\.|[#/.])\S*(?:\s\"[^\"]*\")?\s*\)", re.IGNORECASE)
_HALF_LINK = re.compile(r"\(\s*<?(?:https?:|www\.)", re.IGNORECASE)
_HALF = re.compile(rf"[\[［【]\s*(?:{_EN}|{_JA})?{_OF}[#^]?{_SPAN}[\s,、，;；]*", re.IGNORECASE)
_INDEXED = re.compile(  # x[12], arr[1], my_list[3]: "word[1]" is a marker, these are not
    r"(?<![A-Za-z0-9_'’.-])(?:[a-z]|arr|argv|args|vec|buf|ptr|idx|[A-Za-z0-9]*_[A-Za-z0-9_]*)$"
)

# A source named in running text: "source 2", "資料2と4", "[2]"; not "20 items" (資料20点).
_EDGE = r"(?![A-Za-z0-9０-９_%]|[.,][0-9]|\s?[点件個枚冊年月日人万億巻つ])"
_ONE = (
    rf"(?:(?:(?<![A-Za-z0-9_-]){_EN}|{_JA}){_OF}(?:{_MARK}|{_SPAN}{_EDGE})|{_MARK})"
    rf"(?:[,、，]\s?{_SPAN}(?=\s?(?:[,、，.。;；:：)）にではのが]|and\b|&|と|$)){_EDGE}"
    rf"|\s?(?:and|&|と|及び|および)\s?{_SPAN}{_EDGE}){{0,15}}+"
)
_S = rf"(?:the\s)?{_ONE}(?:{_AND}{_ONE}){{0,15}}+"
_MENTION = re.compile(_ONE, re.IGNORECASE)

# Phrases that only say where a sentence is from, and can go without harm to its grammar.
_SAY = (
    r"(?:states?|stated|says?|said|notes?|noted|reports?|reported|mentions?|mentioned|explains?"
    r"|explained|shows?|showed|shown|indicates?|indicated|confirms?|confirmed|suggests?"
    r"|suggested|claims?|claimed|describes?|described|writes?|finds?|found)"
)
_LEADING = (
    re.compile(
        rf"(?:according to {_S}(?:\s?[,:]\s|\s(?!of\b|{_SAY}\b))"
        rf"|(?:based on|as per|per|in|from|citing|as (?:it is )?{_SAY} (?:in|by)) {_S}\s?[,:]\s"
        rf"|as {_S} {_SAY}, |{_S} (?:also |further )?{_SAY} that "
        rf"|it is (?:also )?{_SAY} (?:in|by) {_S} that |{_S}\s?:\s)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_S}\s?(?:(?:によると|によれば|によりますと|に(?:基|もと)づ(?:くと|けば)|の(?:通り|とおり)"
        rf"|[がに](?:示す|ある)(?:通り|とおり|ように))\s?[、,，]?|(?:では|でも|には|で|から|より)\s?[、,，]|：)\s?"
    ),
)
_FRAME = re.compile(
    rf"{_S}\s?(?:には|では|は|に)\s?[、,，]?\s?(.+)と(?:(?:記載され|記載し|述べられ|述べ|説明され|説明し"
    r"|報告され|報告し|書かれ|示され|示し|指摘し|され|し)て(?:いる|います)|あります|ある)([。．.]?)"
)
_TRAILING = (
    re.compile(
        r",?\s(?:according to|based on|as per|as (?:also )?(?:cited|seen|given|"
        rf"{_SAY}) (?:in|by)|see(?: also)?) {_S}(?=\s?[,.;!?]|\s?$)",
        re.IGNORECASE,
    ),
    re.compile(rf"\s(?:in|from|by|via) {_S}(?=\s?[.!?]*$)", re.IGNORECASE),
    re.compile(
        rf"と、?{_S}\s?(?:には|では|に|で|が|は)(?:記載|記述|説明|紹介|報告|指摘)?"
        r"(?:されて|して|書かれて|述べられて|述べて|示されて|示して|記されて)(?:いる|います|いた|いました)(?=[。.]?$)"
    ),
)
_URL = re.compile(r"https?://\S+|www\.\S+")
_TALK = frozenset(
    (
        "source sources reference references document documents passage passages citation"
        " citations see also cf this that these those the a is are was were be can it its all"
        " both information info fact facts claim statement answer data detail details content"
        " comes come came from provides provide provided by in of on to at as and or above"
        " below states state stated says say said mentions mention mentioned notes noted"
        " supports support supported confirms confirm confirmed shows show shown describes"
        " described found based according given contains contain discusses discussed cited"
        " listed taken drawn derived reported explained which where for more further has have"
        " been"
    ).split()
)
_TALK_JA = re.compile(
    r"(?:詳しくは|詳細は|これら|これ|この|それ|その|上記|以上|情報|内容|事実|記述|記載|回答|説明|データ|資料|出典|文献|参考"
    r"|参照|引用|根拠|こと|について|によります|によって|による|に基づいて|に基づきます|に基づく|述べられて|述べて|書かれて"
    r"|示されて|示して|されて|して|得られました|得られた|得られます|得た|確認できます|確認できる|提供|ください|下さい|います"
    r"|いる|です|ました|ます|である|あります|ある|もの|した|する|します|から|より|を|に|は|が|で|と|も|の|[\W_])*+"
)
_HEADING = re.compile(rf"(?:{_EN}|{_JA})\s?[:：]?", re.IGNORECASE)

# Any parenthesis: a citation of sources, of author and year, or text.
_PARENTHESIS = re.compile(r"(\s?)[(（\[［]([^()（）\[\]［］]{1,200})[)）\]］](\s?)")
_PREPOSITION = re.compile(r"\b(?:to|in|by|from|of|see|with|per)$", re.IGNORECASE)

_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_RUN = re.compile(
    rf"([,、，]?)\s?{_MARK}(?>\s?(?:[,、，;；・&]|and|と|および)?\s?(?:and\s)?{_MARK})*+\s?"
)
_BULLET = re.compile(r"^\s*((?:" + _MARK + r"\s*)*)(?:(?:[-*•・#>]+\s+|\d{1,2}[.)]\s+)+)")
_DANGLING = re.compile(rf"({_MARK})\s?[,、，;；・]$")
_MARKS = rf"({_MARK}(?>\s?,?\s?{_MARK})*+)"
_HOLLOW = re.compile(  # brackets or emphasis around markers
    rf"\[\s?{_MARKS}\s?\]|[*_]{_MARKS}[*_]|<sup>{_MARKS}</sup>"
)
_RANGE = re.compile("\x02([0-9]{1,2})\x03\\s?[-‐–—~〜～]\\s?\x02([0-9]{1,2})\x03")  # [1]-[3]


@dataclass(frozen=True, slots=True)
class ParsedSentence:
    """A sentence without its citations; the fields are those of a Draft."""

    text: str
    labels: tuple[int, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    asides: tuple[tuple[int, str], ...] = ()


def encode_marker(labels: tuple[int, ...]) -> str:
    """Encode labels in the one form that markers have inside this module and the parser."""
    return f"\x02{','.join(map(str, labels))}\x03"


def square(inside: str) -> tuple[int, ...]:
    """Return the labels in square brackets, or () if what stands there is text."""
    inside = _plain(inside)
    return _numbers(inside) if _SQUARE.fullmatch(inside) else ()


def citation(parenthesis: str) -> str:
    """Return a whole parenthesis in the form it is kept in, if it is a citation; else "".

    A citation of numbered sources, or of author and year.
    """
    inside = _plain(_squares(parenthesis[1:-1]))
    labels = _round(inside)
    if labels:
        return encode_marker(labels)
    cited = author_years(_RUN.sub("", inside))
    return parenthesis[0] + inside + parenthesis[-1] if cited else ""


def is_link(parenthesis: str) -> bool:
    """Return whether a parenthesis right behind a marker is the address of a Markdown link."""
    return bool(_LINK.fullmatch(parenthesis))


def opens_link(held: str) -> bool:
    """Return whether a parenthesis right behind a marker begins like the address of a link."""
    return bool(_HALF_LINK.match(held))


def half_marker(held: str) -> bool:
    """Return whether a stream stopped in the middle of a marker, far enough in to tell."""
    return bool(_HALF.fullmatch(held))


def is_index(before: str) -> bool:
    """Return whether a bracket behind ``before`` is an index, as in x[12], and not a marker."""
    return bool(_INDEXED.search(before))


def parse_sentence(raw: str, code: bool = False) -> ParsedSentence:
    """Separate the text and the citations of a sentence that the parser collected.

    There is no text, but labels, where it only named sources. In a fence of ``code`` nothing is a
    citation.
    """
    text = " ".join(_BULLET.sub(r"\1", raw).replace("**", "").split())
    if code:
        labels = [n for m in re.finditer(_MARK, text) for n in _numbers(m[0])]
        return ParsedSentence(_RUN.sub(_gap, text).strip(), tuple(dict.fromkeys(labels)))
    text, spans = _without_code(text)
    text = _RANGE.sub(_spread, text)
    text = _DANGLING.sub(r"\1", _HOLLOW.sub(_filled, text))
    asides: list[str] = []
    named: list[tuple[str, str]] = []

    def parenthesis(match: re.Match[str]) -> str:
        labels = _round(match[2])
        if labels:
            return match[1] + encode_marker(labels) + match[3]
        cited = author_years(_RUN.sub("", match[2])) if len(asides) < _ASIDES else ()
        if not cited:
            return match[0]
        named.extend(cited)
        before = match.string[max(0, match.start() - 8) : match.start()]
        if _PREPOSITION.search(before):
            return match[0]
        first = not before.strip("\x03 ") or match.start() == 0
        taken = match[0] if first else match[0][: len(match[0]) - len(match[3])]
        asides.append(_RUN.sub("", taken))
        return _ASIDE + "".join(re.findall(_MARK, taken)) + ("" if first else match[3])

    text = _PARENTHESIS.sub(parenthesis, text)
    named += in_running_text(text)
    labels = [n for m in _MENTION.finditer(text) for n in _numbers(m[0])]
    if (labels and _only_names(text)) or _HEADING.fullmatch(_RUN.sub("", text)):
        return ParsedSentence("", tuple(dict.fromkeys(labels)))
    text = _RUN.sub(_gap, _stripped(text) if labels else text).strip()
    text = re.sub(r"\s+(?=[.。,、!?！？;:]+$)", "", text)
    pieces = iter(spans)
    text = re.sub(_CODE, lambda _: next(pieces), text)
    placed, parts, length = [], text.split(_ASIDE), 0
    for part, aside in zip(parts, asides, strict=False):
        length += len(part)
        placed.append((length, aside))
    return ParsedSentence(
        "".join(parts), tuple(dict.fromkeys(labels)), tuple(dict.fromkeys(named)), tuple(placed)
    )


def _filled(match: re.Match[str]) -> str:
    """The markers inside the brackets or the emphasis."""
    return next(group for group in match.groups() if group)


def _spread(match: re.Match[str]) -> str:
    """[1]-[3] is [1][2][3]."""
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + LONGEST_RANGE:
        return match[0]
    return encode_marker(tuple(range(first, last + 1)))


def _plain(inside: str) -> str:
    return " ".join(re.sub("[\u200c-\u200f]", "", inside).split())


def _numbers(text: str) -> tuple[int, ...]:
    """The labels of a list that was recognised, ranges written out; () if a range is none."""
    found: dict[int, None] = {}
    text = re.sub(_AT[:-2], "", text, flags=re.IGNORECASE)
    text = text.partition("†")[0]
    for match in re.finditer(rf"({_N})(?:\s?[-‐–—~〜～]\s?({_N}))?", text):
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + LONGEST_RANGE:
            return ()
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def _round(inside: str) -> tuple[int, ...]:
    inside = _plain(inside)
    return _numbers(inside) if _ROUND.fullmatch(inside) else ()


def _squares(text: str) -> str:
    """A short text with its bracketed markers in their one form."""

    def marked(match: re.Match[str]) -> str:
        labels = () if is_index(match.string[: match.start()][-32:]) else square(match[1])
        return encode_marker(labels) if labels else match[0]

    return re.sub(r"[\[［【]([^\[\]［］【】]{1,60})[\]］】]", marked, text)


def _without_code(text: str) -> tuple[str, list[str]]:
    """Code spans taken out. A backtick that no other closes is a slip: markers follow it."""
    kept: list[str] = []
    spans: list[str] = []
    held, opener = "", 0
    for n, piece in enumerate(re.split("(`+)", text)):
        if not held and n % 2:
            held, opener = piece, len(piece)
        elif not held:
            kept.append(piece)
        else:
            held += piece
            if n % 2 and (opener < 3 or len(piece) >= 3):
                code = "\x02" not in held  # else the parser, which saw more, read it as text
                kept.append(_CODE if code else held)
                spans += [held] * code
                held = ""
    return "".join(kept) + _squares(held), spans


def _only_names(text: str) -> bool:
    """Whether a sentence says nothing beyond which sources there are."""
    rest = _URL.sub(" ", _MENTION.sub(" ", text))
    if _ASIDE in rest or _CODE in rest:
        return False
    if _CJK.search(rest) and not re.search("[A-Za-z0-9]", rest):
        return bool(_TALK_JA.fullmatch(rest))
    return all(word.casefold() in _TALK for word in re.findall(r"\w+", rest))


def _stripped(text: str) -> str:
    """A sentence without the phrases that say where it is from."""
    frame = _FRAME.fullmatch(text)
    if frame:
        return frame[1] + frame[2] + "".join(re.findall(_MARK, text[: frame.start(1)]))
    for pattern in _TRAILING:
        text = pattern.sub("", text)
    for pattern in _LEADING:
        match = pattern.match(text)
        rest = text[match.end() :] if match else ""
        if rest and rest[0] not in _ASIDE + _CODE and any(c.isalnum() for c in rest):
            word = re.match("[a-z]+(?![A-Za-z0-9_])", rest)
            text = rest[0].upper() + rest[1:] if word else rest
    return text


def _gap(match: re.Match[str]) -> str:
    """What a marker leaves behind: a blank between words, nothing before a stop."""
    text, comma = match.string, match[1]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if not before or not after or after in ".。．!?！？":
        return ""
    if after in ",;:、，；：)）」』" + _ASIDE or before in "(（「『" or _CJK.match(comma or before):
        return comma
    if _CJK.match(after):
        return comma
    spaced = match[0] != match[0].strip() or (before.isalnum() and after.isalnum())
    return comma + " " * spaced
