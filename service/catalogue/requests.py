"""What questions about documents say besides what the parser finds in them.

Rules of thumb; pure functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from service.catalogue.descriptions import WORK as _WORKS
from service.catalogue.descriptions import WORK_JA as _WORKS_JA
from service.text.alignment import content_words

_PLACE = re.compile(
    r"(?:^|\s+)(?:(?i:(?:in|among) (?:the|this|your|my) (?:library|collection|archive|sources"
    r"|documents))|(?:in )?here)$"  # Wish You Were Here is a title
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


def topic_of(phrase: str) -> str:
    """Return the topic of a list without the place where it is to be looked for."""
    return _PLACE.sub("", phrase)


def asks_for_the_newest(question: str) -> bool:
    """Return whether a question for documents asks for the newest first."""
    return bool(_NEWEST.search(unicodedata.normalize("NFKC", question)))


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
