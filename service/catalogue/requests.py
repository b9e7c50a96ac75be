"""What a question asks of the catalogue: fields of a work, or a list of documents.

Rules of thumb for questions of which it is known that they name a work, or that they ask about the
library; they do not tell such questions from others. Pure functions, no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from service.catalogue.descriptions import WORK as _WORKS
from service.catalogue.descriptions import WORK_JA as _WORKS_JA
from service.catalogue.fields import Field
from service.text.alignment import content_words

# Narrow patterns, because questions about a paper's contents have the same words: "What do the
# authors conclude?", "When was the model released?"
_FIELDS: dict[Field, str] = {
    "authors": r"\b(?:who|name|list|tell me|give me|which|what (?:are|is|was|were)|how many)\b"
    r"[^?]{0,40}\b(?:co-?)?authors?\b(?! (?:say|think|find|conclude|do|did|use|mean)\b)"
    r"|^\W*(?:the )?(?:co-?)?authors? of\b|\bwho\b[^.?]{0,20}\b(?:wrote|writes?|written)\b"
    r"|\bwritten by (?:who|which)"
    r"|(?:著者|筆者|作者|執筆者)(?:名|一覧|リスト|を(?:教え|挙げ|示|知り)|[^。?]{0,6}(?:誰|だれ|どなた)"
    r"|(?:は|って)?[?。]?$)|書いたのは|誰(?:が|によって)[^。]{0,20}書",
    "published": rf"\bwhen\b[^?]{{0,80}}\b(?:publish|written|appear|posted|dated)"
    rf"|\bwhen\b[^?]{{0,60}}\b{_WORKS}\b[^?]{{0,40}}\b(?:release|come out|came out)"
    rf"|^\W*(?:the )?(?:year|date) of (?:\w+ ){{0,3}}?{_WORKS}\b"
    r"|\bpublication (?:date|year)\b|\b(?:year|date) of publication\b"
    r"|\b(?:what|which) (?:year|date)\b[^?]{0,60}\b(?:publish|written|appear|posted|dated)"
    rf"|\bdate of (?:the |this )?{_WORKS}\b|\bhow (?:old|recent) is (?:the |this )?{_WORKS}\b"
    r"|いつ[^。]{0,12}(?:発表|出版|刊行|掲載|投稿|書)|(?:発表|出版|刊行|掲載|投稿)(?:日|年|時期)"
    r"|(?:発表|出版|刊行|掲載|投稿)された(?:のは|年は|日は)|(?:何年|何月)[^。]{0,8}(?:発表|出版|刊行|掲載|書)"
    rf"|{_WORKS_JA}[^。]{{0,8}}(?:いつ|何年)[^。]{{0,6}}公開|{_WORKS_JA}の(?:公開日|日付)",
    "venue": r"\bwhere\b[^?]{0,80}\b(?:publish|appear|presented|posted)|\bvenues?\b"
    r"|\b(?:what|which) (?:conference|journal|workshop|magazine|proceedings|publisher)\b"
    r"|どこ(?:で|に|から)[^。]{0,12}(?:発表|掲載|出版|投稿)|(?:どの|何の|なんの)(?:学会|会議|雑誌"
    r"|ジャーナル|論文誌)|掲載(?:先|誌)|発表(?:先|の場)|出版社",
    "title": r"\bwhat(?:'s|’s| is| are)[^?]{0,20}\btitles?\b|\btitle of\b|\bfull title\b"
    rf"|\btitled\b|\bwhat is (?:the|this) {_WORKS} called\b|題名|タイトル|表題",
    "licence": r"\blicen[cs](?:e|ed|es|ing)\b|ライセンス|(?:利用|使用)許諾|利用条件",
    "pages": r"\b(?:how many|number of) pages\b|\bpage count\b"
    rf"|\bhow long is [^?]{{0,40}}\b{_WORKS}\b|何ページ|ページ数|頁数|何頁",
}
_CITED_BY = re.compile(
    rf"\b(?:cited|referenced) by\b|\b(?:what|who|(?:which|what) {_WORKS})\s+(?:else\s+)?"
    rf"(?:cites?|references?)\b|\b{_WORKS}\s+(?:that\s+)?(?:cit(?:e|es|ing)|referenc(?:e|es|ing))\b"
    r"|引用され|参照され|を(?:引用|参照)(?:し|する)[^。?]{0,10}(?:論文|資料|記事|文書|文献|もの|の(?:は|が))",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    rf"\b(?:{_WORKS}|what|which) (?:are|is|were) (?:cited|referenced) (?:in|by)\b|"
    r"\b(?:do|does|did)\s(?:\S+\s){0,12}?(?:cite|reference)\b"  # "What does the paper cite?"
    r"|\b(?:references|bibliography|works cited)\b(?: (?:of|in|does)\b|\W*$)"
    r"|参考文献|(?:何|どの[^。]{1,8}|どれ|どんな[^。]{1,8})を(?:引用|参照)"
    r"|(?:は|が)[^。?]{0,20}(?:引用|参照)(?:し|する)",
    re.IGNORECASE,
)
_WHICH_CITES_JA = re.compile(r"(?:どの[^がは]{0,8}|何|どれ|誰)が[^。]{0,40}を(?:引用|参照)")

_HERE = r"(?:there[\s?.!]*$|here|in (?:the|this|your|my) library)"
_LISTS = re.compile(
    rf"\b(?:what|which)\s+(?:\w+\s+){{0,2}}{_WORKS}\b[^?]{{0,40}}?\b(?:do you have|have you got"
    rf"|are (?:{_HERE}|available|(?:there )?(?:about|on))|can you (?:search|use|read|answer)"
    r"|do you know|does (?:the|this|your) library|did i add|have i added|deal with|discuss)"
    r"|\bwhat do you have\b(?! to\b)|\bwhat(?:'s| is) in (?:the|this|your|my) library\b"
    rf"|\b(?:list|show)\s+(?:me\s+)?(?:all|the|your|every|my)\s+(?:\w+\s+){{0,3}}{_WORKS}\b"
    rf"|\bdo you have\s+(?:any|some|other)?(?:thing|\s*(?:\w+\s+)?{_WORKS})\s+(?:on|about|by)\b"
    rf"|\bhow many\s+{_WORKS}\b[^?]{{0,20}}\b(?:do you have|are {_HERE})"
    rf"|\b(?:latest|newest|most recent)\s+{_WORKS}\b"
    rf"|(?:どんな|どの|どういう|どのような|何の|なんの){_WORKS_JA}[^。]{{0,4}}(?:ある|あり|持|入って|登録)"
    rf"|{_WORKS_JA}(?:の)?(?:一覧|リスト)|{_WORKS_JA}(?:は|が)?(?:何|いくつ|どれ)[^。]{{0,8}}(?:ある|あり"
    rf"|入って)|(?:に関する|について(?:の)?|に関して)[^。]{{0,6}}{_WORKS_JA}[^。]{{0,6}}(?:ある|あり|持"
    rf"|教え|見せ|挙げ)|(?:最新|最近|一番新しい|最も新しい)の?{_WORKS_JA}"
    r"|(?:に関する|について)(?:は)?何があ",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:on|about|regarding|concerning|related to|that deal with|dealing with|discuss(?:ing)?|by)"
    r"\s+"
    r"(?!(?:the|this|your) library\b|hand\b|file\b)(?:the topic of\s+)?(.+?)"
    r"(?:\s+(?:(?:in|among) (?:the|this|your|my) (?:library|collection|archive|sources|documents)"
    r"|(?:in )?(?-i:here)))?[\s?.!]*$",
    re.IGNORECASE,
)
_TOPIC_JA = re.compile(
    r"([^、。]+?)(?:に関する|について|に関して|関連の|に関連する|さんの|が書いた)"
)
_LEAD_JA = re.compile(
    r"^(?:ここには|ライブラリに(?:は)?|この中に|手元に|最新の|最近の|新しい順に)+、?"
)
_NEWEST = re.compile(
    r"\b(?:latest|newest|most recent|recent)\b|最新|最近|新しい|新着", re.IGNORECASE
)
# Words that only say that a question is about a document, a field of one, or a list of documents.
_ASKED = (
    r"wr(?:ote|ites?|itten|iting)|(?:co-?)?authors?|names?|publi\w+|appear\w*|dated?"
    r"|years?|posted|released?|come|came|venue|journal|conference|titled?|called|licen[cs]\w*|pages?"
    r"|number|long|old|cite[sd]?|citing|cited|referenc\w+|bibliography|tell|give|show|list|please"
    r"|me|know|thank(?:s| you)|have|got|there|here|library|collection|everything|anything|something"
    r"|things?|stuff|available|contain\w*|find|found|see|search|read|use|any|other|latest|newest"
    r"|recent|exactly|actually|under|own|what['’]?s|who['’]?s"
)
_ASKED_JA = (
    r"著者|筆者|作者|執筆者?|書[いくか]|発表|公開|出版|刊行|掲載|投稿|引用|参照|参考文献"
    r"|日付|何年|何月|年月日|何ページ|ページ数?|ライセンス|題名|タイトル|教え|見せ|誰|何|一覧|リスト|全部"
    r"|すべて|全て|登録|入って|持って|知りたい|下さい|最新|最近|新しい|今|中|ライブラリ"
)
_SAYS_NO_MORE = re.compile(rf"\b(?:{_WORKS}|{_ASKED})\b|{_WORKS_JA}|{_ASKED_JA}", re.IGNORECASE)


_DOCUMENT = re.compile(
    rf"\b(?:{_WORKS}|obituar(?:y|ies)|minutes|release notes|faqs?|logs?|diar(?:y|ies)|recipes?"
    rf"|newsletters?|travelogues?|trials?)\b|{_WORKS_JA}|追悼文|議事録|リリースノート|FAQ|日記|記録"
    r"|手記|旅行記|レシピ|随筆|エッセイ|書簡",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ListingRequest:
    """A request for a list of documents: on a topic (empty for all), perhaps newest first."""

    topic: str = ""
    newest: bool = False


def requested_fields(question: str) -> tuple[Field, ...]:
    """Return the fields of a named work that a question asks for, in a fixed order."""
    asked = unicodedata.normalize("NFKC", question)
    found = [name for name, says in _FIELDS.items() if re.search(says, asked, re.IGNORECASE)]
    if _REFERENCES.search(asked) and not _WHICH_CITES_JA.search(asked):
        found.append("references")
    elif _CITED_BY.search(asked) or _WHICH_CITES_JA.search(asked):
        found.append("cited_by")
    return tuple(found)


def listing_request(question: str, certain: bool = False) -> ListingRequest | None:
    """Return the list of documents that a question asks for, or None if it asks for none.

    Args:
        question: The question.
        certain: Whether it is known that it asks for one. Then any words are taken for a topic
            that are not those of such a request.
    """
    asked = unicodedata.normalize("NFKC", question).strip()
    listed = bool(_LISTS.search(asked))
    if not listed and not certain:
        return None
    topic = _TOPIC.search(asked) or _TOPIC_JA.search(asked)
    words = _LEAD_JA.sub("", topic[1]).strip() if topic else ""
    if not topic and not listed:
        words = " ".join(further_words(asked))
    return ListingRequest(words, bool(_NEWEST.search(asked)))


def further_words(question: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the content words of a question that are not those of a question for metadata.

    "Who wrote ReAct?" has none beside the name; "Who wrote the code of ReAct?" has "code".

    Args:
        question: The question.
        names: Its words that name sources, which do not count.
    """
    asked = unicodedata.normalize("NFKC", question)
    for name in names:
        asked = asked.replace(name, " ")
    return tuple(word.shown for word in content_words(_SAYS_NO_MORE.sub(" ", asked)))


def speaks_of_a_document(phrase: str) -> bool:
    """Return whether a phrase has a word for some sort of document."""
    return bool(_DOCUMENT.search(unicodedata.normalize("NFKC", phrase)))
