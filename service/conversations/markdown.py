"""Markdown export of answers, with a footnote for every cited source. Pure functions.

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
        "sentence": "sentence {}",
        "notes": " ({})",
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
        "sentence": "第{}文",
        "notes": "（{}）",
        "context": "（補足：質問への答えではありません）",
        "catalogue": "書誌情報：出典そのものの文ではなく、登録された情報です。",
        "metadata": "書誌情報",
    },
}


def markdown(title: str, answers: Sequence[Mapping[str, Any]], base: str = "") -> str:
    """Write answers as CommonMark, with footnotes that have the numbers of the chat page.

    A source has one number in an answer, by its first appearance. Of several answers, the labels
    of footnotes begin with the number of the answer: ``[^2-1]``.

    Args:
        title: The heading.
        answers: The answers of a conversation, or a single one.
        base: The service's address, for sources that have no web address of their own.
    """
    parts = [f"# {escape(title)}"]
    footnotes: list[str] = []
    for number, answer in enumerate(answers, 1):
        parts += _answer(answer, footnotes, base, f"{number}-" if len(answers) > 1 else "")
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


def number_sources(claims: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Number the sources by id in the order in which claims cite them or are disputed by them."""
    cited = (c for claim in claims for c in (*claim["citations"], *claim["disputed_by"]))
    ids = dict.fromkeys(citation["source_id"] for citation in cited)
    return {source_id: number for number, source_id in enumerate(ids, 1)}


def _answer(
    answer: Mapping[str, Any], footnotes: list[str], base: str, prefix: str
) -> Iterable[str]:
    """Give the paragraphs of an answer, and append its footnotes to ``footnotes``."""
    words = _WORDS[language_of(answer["question"])]
    sources = {e["source"]["id"]: e["source"] for e in answer["evidence"]}
    numbers = number_sources(answer["claims"])

    def marks(citations: Sequence[Mapping[str, Any]]) -> str:
        cited = dict.fromkeys(numbers[citation["source_id"]] for citation in citations)
        return "".join(f"[^{prefix}{number}]" for number in cited)

    yield f"## {escape(answer['question'])}"
    if answer["mode"] == "metadata":
        yield f"*{words['catalogue']}*"
    for claim in answer["claims"]:
        text = escape(claim["text"])
        if answer["mode"] == "generated" and claim["verdict"].get("method") == "verbatim":
            text = words["quote"].format(text)  # of a source, between the sentences of a model
        answers = claim.get("answers")  # older answers have none
        beside = words["context"] if answers and not answers["holds"] else ""
        disputes = marks(claim["disputed_by"])
        disputed = words["notes"].format(words["disputed"] + disputes) if disputes else ""
        yield f"{text}{marks(claim['citations'])}{beside}{disputed}"
    for source_id, number in numbers.items():
        said = _footnote(source_id, answer["claims"], sources.get(source_id, {}), words, base)
        footnotes.append(f"[^{prefix}{number}]: {said}")
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
    source_id: str,
    claims: Sequence[Mapping[str, Any]],
    source: Mapping[str, Any],
    words: Mapping[str, str],
    base: str,
) -> str:
    """Write what is known of a source, and its quotes with the sentences that they are for."""
    quotes: list[str] = []
    url = ""
    for number, claim in enumerate(claims, 1):
        sentence = [words["sentence"].format(number)] if len(claims) > 1 else []
        for kind, more in (("citations", "secondary"), ("disputed_by", "disputed")):
            mine = [cited for cited in claim[kind] if cited["source_id"] == source_id]
            noted = [words[more]] if more == "disputed" or claim["secondary"] else []
            for _, group in groupby(mine, key=lambda cited: cited["page"]):
                quotes.append(_quotes(list(group), [*sentence, *noted], words))
            url = url or (mine[0]["url"] if mine else "")
    title = escape(source.get("title") or "")
    known = [
        f"*{title}*" if title else "",
        escape(", ".join(source.get("authors", ()))),
        escape(source.get("venue", "")),
        escape(source.get("published", "")),
        escape(source.get("licence", "")),  # which whoever passes on a quote may have to name
        words["digest"] if source.get("kind") == "digest" else "",
        f"<{link}>" if (link := link_of(url, source_id, base)) else "",
    ]
    return ": ".join(filter(None, (", ".join(filter(None, known)), "; ".join(quotes))))


def _quotes(
    citations: Sequence[Mapping[str, Any]], notes: Sequence[str], words: Mapping[str, str]
) -> str:
    """Write the quotes that one sentence takes from a page."""
    page = citations[0]["page"]
    quotes = " ".join(_quoted(each, words) for each in citations)
    where = f", {words['page'].format(page)}" if page is not None else ""
    return quotes + where + (words["notes"].format(", ".join(notes)) if notes else "")


def _quoted(citation: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Write a quote; a value of the catalogue is marked as one."""
    quote = words["quote"].format(escape(citation["quote"]))
    return quote + words["notes"].format(words["metadata"]) if citation.get("metadata") else quote
