"""Markdown export of answers, with a footnote for every claim. Pure functions.

Answers are JSON, as ``service.types.to_json`` makes it. Questions, claims, quotes and titles are
escaped, so that nothing in them acts as markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from service.disclosure import is_local, page_of
from service.query import language_of

_MARKS = re.compile(r"[\\`*_\[\]<>&#|~$!^@(){}]")
_LEADING = re.compile(
    r"([-+=]|\d{1,9}(?=[.)]))"
)  # marks of a list or heading at the start of a line
_LINKED = re.compile(r":(?=//)|(?<=\bwww)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_UNSAFE = re.compile(r"""[\s<>"'`\\()\[\]{}|^*_~]""")
_SCHEMES = ("http://", "https://")
_WORDS = {
    "en": {
        "withheld": "Withheld",
        "abstained": "Not answered",
        "note": "Note",
        "page": "p. {}",
        "digest": "read in our summary",
        "secondary": "second hand",
        "disputed": "Another source says otherwise",
        "quote": "“{}”",
        "context": " (context: it does not answer the question)",
        "catalogue": "From the catalogue: what the library knows of its sources.",
        "metadata": "from the catalogue",
    },
    "ja": {
        "withheld": "示さなかった文",
        "abstained": "回答なし",
        "note": "注",
        "page": "{}ページ",
        "digest": "当方の要約による",
        "secondary": "二次資料",
        "disputed": "別の資料の記述と異なります",
        "quote": "「{}」",
        "context": "（補足：質問への答えではありません）",
        "catalogue": "書誌情報：出典そのものの文ではなく、登録された情報です。",
        "metadata": "書誌情報",
    },
}


def markdown(title: str, answers: Sequence[Mapping[str, Any]], base: str = "") -> str:
    """Write answers as CommonMark, with footnotes numbered through all of them.

    Args:
        title: The heading.
        answers: The answers of a conversation, or a single one.
        base: The service's address, for sources that have no web address of their own.
    """
    parts = [f"# {escape(title)}"]
    footnotes: list[str] = []
    for answer in answers:
        parts += _answer(answer, footnotes, base)
    return "\n\n".join(parts + footnotes) + "\n"


def escape(text: str) -> str:
    r"""Escape a text as one line of Markdown that shows exactly its words.

    Line breaks and control characters (including those that change the direction of writing)
    become blanks, and anything that could be markup gets a backslash; so do ``://`` and
    ``www.``, which GitHub's Markdown would turn into links.
    """
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    marked = _MARKS.sub(r"\\\g<0>", " ".join(shown.split()))
    return _LEADING.sub(_backslash, _LINKED.sub(r"\\\g<0>", marked), count=1) if marked else ""


def safe_url(url: str) -> str:
    """Escape a web address for use in angle brackets.

    Returns:
        The address; empty if it is not http or https, such as a local file's path.
    """
    if not url.lower().startswith(_SCHEMES):
        return ""
    clean = "".join(c for c in url if unicodedata.category(c)[0] != "C")
    return _UNSAFE.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), clean)


def _backslash(found: re.Match[str]) -> str:
    if found.start():
        return found[0]
    return found[0] + "\\" if found[0][0].isdigit() else "\\" + found[0]


def link_of(url: str, source_id: str, base: str) -> str:
    """Return the link for a source: its web address, or else its page on the service.

    Args:
        url: The source's address.
        source_id: The source's id.
        base: The service's address; empty if it is not known.

    Returns:
        An escaped http or https address; empty if there is neither.
    """
    if not url or url.lower().startswith(_SCHEMES) or not base:
        return safe_url(url)
    if is_local(url) or url.startswith("upload:"):
        return safe_url(base.rstrip("/") + page_of(source_id))
    return ""


def _answer(answer: Mapping[str, Any], footnotes: list[str], base: str) -> Iterable[str]:
    """Give the paragraphs of an answer, and append its footnotes to ``footnotes``."""
    words = _WORDS[language_of(answer["question"])]
    sources = {e["source"]["id"]: e["source"] for e in answer["evidence"]}
    yield f"## {escape(answer['question'])}"
    if answer["mode"] == "metadata":
        yield f"*{words['catalogue']}*"
    for claim in answer["claims"]:
        footnotes.append(f"[^{len(footnotes) + 1}]: {_footnote(claim, sources, words, base)}")
        text = escape(claim["text"])
        if answer["mode"] == "generated" and claim["verdict"].get("method") == "verbatim":
            text = words["quote"].format(text)  # of a source, between the sentences of a model
        answers = claim.get("answers")  # older answers have none
        beside = words["context"] if answers and not answers["holds"] else ""
        yield f"{text}[^{len(footnotes)}]{beside}"
    if answer["reason"] and answer["mode"] == "guide":
        yield escape(answer["reason"])
    elif answer["reason"]:
        name = words["abstained" if answer["mode"] == "abstained" else "note"]
        yield f"**{name}:** {escape(answer['reason'])}"
    if answer["rejected"]:
        yield f"**{words['withheld']}:**"
        yield "\n".join(_withheld(rejected) for rejected in answer["rejected"])


def _withheld(rejected: Mapping[str, Any]) -> str:
    text = escape(rejected["text"])
    return f"- {f'~~{text}~~' if text else '…'} {escape(rejected['reason'])}"


def _footnote(
    claim: Mapping[str, Any], sources: Mapping[str, Any], words: Mapping[str, str], base: str
) -> str:
    cited = _all_cited(claim["citations"], sources, words, base)
    if claim["secondary"]:
        cited[-1] += f" ({words['secondary']})"
    disputing = _all_cited(claim["disputed_by"], sources, words, base)
    if disputing:
        disputing[0] = f"{words['disputed']}: {disputing[0]}"
    return "; ".join(cited + disputing)


def _all_cited(
    citations: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Any],
    words: Mapping[str, str],
    base: str,
) -> list[str]:
    """Write quotes with their sources, those from one page of a source together."""
    places = groupby(citations, key=lambda cited: (cited["source_id"], cited["page"]))
    return [_cited(list(group), sources, words, base) for _, group in places]


def _cited(
    citations: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Any],
    words: Mapping[str, str],
    base: str,
) -> str:
    """Write quotes with what is known of their source: title, authors, date, licence, page, URL."""
    citation = citations[0]
    source = sources.get(citation["source_id"], {})
    title = escape(source.get("title") or "")
    page = citation["page"]
    parts = [
        f"*{title}*" if title else "",
        escape(", ".join(source.get("authors", ()))),
        escape(source.get("venue", "")),
        escape(source.get("published", "")),
        escape(source.get("licence", "")),  # which whoever passes on a quote may have to name
        words["page"].format(page) if page is not None else "",
        words["digest"] if source.get("kind") == "digest" else "",
        f"<{url}>" if (url := link_of(citation["url"], citation["source_id"], base)) else "",
    ]
    quotes = " ".join(_quoted(each, words) for each in citations)
    return f"{quotes} " + ", ".join(part for part in parts if part)


def _quoted(citation: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Write a quote; a value of the catalogue is marked as one."""
    quote = words["quote"].format(escape(citation["quote"]))
    if not citation.get("metadata"):
        return quote
    return (
        f"{quote} ({words['metadata']})"
        if words is _WORDS["en"]
        else f"{quote}（{words['metadata']}）"
    )
