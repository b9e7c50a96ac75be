"""What a question asks of the catalogue: fields of a work, or a list of documents.

Rules of thumb for questions of which it is known that they name a work, or that they ask about the
library; they do not tell such questions from others. Pure functions, no model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from service.catalogue.fields import Field

_WORKS = r"(?:documents?|papers?|articles?|sources?|files?|texts?|books?|(?:blog )?posts?|works?)"
_WORKS_JA = r"(?:資料|文書|論文|記事|文献|ドキュメント|ファイル|本)"

_FIELDS: dict[Field, str] = {
    "authors": r"\b(?:co-?)?authors?\b|\bwho\b[^.?]{0,20}\b(?:wrote|writes?|written)\b"
    r"|\bwritten by\b|\bwriters?\b|著者|筆者|作者|執筆者|書いたのは|誰(?:が|によって)[^。]{0,20}書",
    "published": r"\bwhen\b[^?]{0,80}\b(?:publish|written|appear|release|come out|came out|posted"
    r"|dated)|\b(?:publication|release) (?:date|year)\b|\b(?:what|which) (?:year|date)\b"
    r"|\bdate of\b|\bhow (?:old|recent) is\b"
    r"|いつ[^。]{0,12}(?:発表|公開|出版|刊行|掲載|投稿|書)|(?:発表|公開|出版|刊行|掲載|投稿)(?:さ|し)?"
    r"(?:れた|た)?(?:の(?:は|が)いつ|日|年|時期)|(?:何年|何月)[^。]{0,8}(?:発表|公開|出版|刊行|掲載|書)"
    r"|日付",
    "venue": r"\bwhere\b[^?]{0,80}\b(?:publish|appear|present|posted|come out|came out)|\bvenues?\b"
    r"|\b(?:what|which) (?:conference|journal|workshop|magazine|proceedings|publisher)\b"
    r"|どこ(?:で|に|から)[^。]{0,12}(?:発表|掲載|出版|公開|投稿)|(?:どの|何の|なんの)(?:学会|会議|雑誌"
    r"|ジャーナル|論文誌)|掲載(?:先|誌)|発表(?:先|の場)|出版社",
    "title": r"\btitles?\b|\bwhat\b[^?]{0,40}\bcalled\b|題名|タイトル|表題",
    "licence": r"\blicen[cs](?:e|ed|es|ing)\b|ライセンス|(?:利用|使用)許諾|利用条件",
    "pages": r"\b(?:how many|number of) pages\b|\bpage count\b|\bhow long is\b|何ページ|ページ数"
    r"|頁数|何頁",
}
_CITED_BY = re.compile(
    r"\b(?:cited|referenced) by\b|\bwhat\s+(?:else\s+)?(?:cites|references)\b"
    r"|\b(?:who|(?:which|what)(?! (?:\w+ )?(?:do|does|did)\b)(?: \w+){1,3})"
    r"\s+(?:cites?|references?|citing)\b"
    rf"|\b{_WORKS}\s+(?:that\s+)?(?:cit(?:e|es|ing)|referenc(?:e|es|ing))\b|\bciting\b"
    r"|引用され|参照され|を(?:引用|参照)(?:し|する)[^。？]{0,10}(?:論文|資料|記事|文書|文献|もの|の(?:は|が))",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"\b(?:cites?|cited|referenc\w+|citations?|bibliography)\b|参考文献|引用|参照", re.IGNORECASE
)
_IS_CITING = re.compile(  # what follows cites: "What does the paper cite?"
    r"\b(?:do|does|did)\s(?:\S+\s){0,12}?(?:cite|reference)\b"
    r"|(?:何|どの[^。]{1,8}|どれ|どんな[^。]{1,8})を(?:引用|参照)",
    re.IGNORECASE,
)

_LISTS = re.compile(
    rf"\b(?:what|which)\s+(?:\w+\s+){{0,2}}{_WORKS}\b[^?]{{0,40}}?\b(?:do you have|have you got|are"
    r" (?:there|here|in|available|about|on)|is there|can you (?:search|use|read|answer)|do you know"
    r"|does (?:the|this|your) library|did i add|have i added|deal with|discuss)"
    r"|\bwhat do you have\b|\bwhat(?:'s| is) in (?:the|this|your|my) library\b"
    rf"|\b(?:list|show)\s+(?:me\s+)?(?:all|the|your|every|my)\s+(?:\w+\s+){{0,3}}{_WORKS}\b"
    rf"|\bdo you have\s+(?:any|some|other)?(?:thing|\s*(?:\w+\s+)?{_WORKS})\s+(?:on|about|by)\b"
    rf"|\bhow many\s+{_WORKS}\b[^?]{{0,20}}\b(?:do you have|are (?:there|here|in))"
    rf"|\b(?:latest|newest|most recent)\s+{_WORKS}\b"
    rf"|(?:どんな|どの|どういう|どのような|何の|なんの){_WORKS_JA}[^。]{{0,4}}(?:ある|あり|持|入って|登録)"
    rf"|{_WORKS_JA}(?:の)?(?:一覧|リスト)|{_WORKS_JA}(?:は|が)?(?:何|いくつ|どれ)[^。]{{0,8}}(?:ある|あり"
    rf"|入って)|(?:に関する|について(?:の)?|に関して)[^。]{{0,6}}{_WORKS_JA}[^。]{{0,6}}(?:ある|あり|持"
    rf"|教え|見せ|挙げ)|(?:最新|最近|一番新しい|最も新しい)の?{_WORKS_JA}"
    r"|(?:に関する|について)(?:は)?何があ",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:on|about|regarding|concerning|related to|that deal with|dealing with|discuss(?:ing)?)\s+"
    r"(?!(?:the|this|your) library\b|hand\b|file\b)(?:the topic of\s+)?(.+?)[\s?.!]*$",
    re.IGNORECASE,
)
_TOPIC_JA = re.compile(r"([^、。]+?)(?:に関する|について|に関して|関連の|に関連する)")
_LEAD_JA = re.compile(
    r"^(?:ここには|ライブラリに(?:は)?|この中に|手元に|最新の|最近の|新しい順に)+、?"
)
_NEWEST = re.compile(
    r"\b(?:latest|newest|most recent|recent)\b|最新|最近|新しい|新着", re.IGNORECASE
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
    if _CITED_BY.search(asked) and not _IS_CITING.search(asked):
        found.append("cited_by")
    elif _REFERENCES.search(asked):
        found.append("references")
    return tuple(found)


def listing_request(question: str) -> ListingRequest | None:
    """Return the list of documents that a question asks for, or None if it asks for none."""
    asked = unicodedata.normalize("NFKC", question).strip()
    if not _LISTS.search(asked):
        return None
    topic = _TOPIC.search(asked) or _TOPIC_JA.search(asked)
    words = _LEAD_JA.sub("", topic[1]).strip() if topic else ""
    return ListingRequest(words, bool(_NEWEST.search(asked)))
