"""Answers as a text to keep: Markdown with a footnote for every claim. Pure.

Takes answers as JSON (see ``service.types.to_json``) and gives a text. Whatever stands in a
question, a claim, a quote or a title is words here, never markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.disclosure import is_local, page_of
from service.query import language_of

_MARKS = re.compile(r"[\\`*_\[\]<>&#|~$!^@(){}]")
_LEADING = re.compile(r"([-+=]|\d{1,9}(?=[.)]))")  # a list's or a heading's, at a line's start
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
    },
}


def markdown(title: str, answers: Sequence[Mapping[str, Any]], base: str = "") -> str:
    """A conversation, or one answer, as CommonMark with footnotes, numbered through.

    ``base`` is the service's address, for sources that have none but their page there.
    """
    parts = [f"# {escape(title)}"]
    notes: list[str] = []
    for answer in answers:
        parts += _answer(answer, notes, base)
    return "\n\n".join(parts + notes) + "\n"


def escape(text: str) -> str:
    r"""A text as one line of Markdown that shows just its words.

    Line breaks and control characters (so too those that turn the direction of writing)
    become blanks, and what could be markup anywhere gets a backslash; ``://`` and ``www.``
    get one so that they do not become links where GitHub's rules hold.
    """
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    marked = _MARKS.sub(r"\\\g<0>", " ".join(shown.split()))
    return _LEADING.sub(_backslash, _LINKED.sub(r"\\\g<0>", marked), count=1) if marked else ""


def safe_url(url: str) -> str:
    """A web address that can stand in angle brackets; empty for any other, such as a file's:
    where on this machine something lies is nobody's business.
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
    """The web address of a source, or, where it has none, of its page on the service at ``base``;
    empty where that is not known either.
    """
    if not url or url.lower().startswith(_SCHEMES) or not base:
        return safe_url(url)
    if is_local(url) or url.startswith("upload:"):
        return safe_url(base.rstrip("/") + page_of(source_id))
    return ""


def _answer(answer: Mapping[str, Any], notes: list[str], base: str) -> Iterable[str]:
    """The paragraphs of an answer; its footnotes are put behind ``notes``."""
    words = _WORDS[language_of(answer["question"])]
    sources = {e["source"]["id"]: e["source"] for e in answer["evidence"]}
    yield f"## {escape(answer['question'])}"
    for claim in answer["claims"]:
        notes.append(f"[^{len(notes) + 1}]: {_footnote(claim, sources, words, base)}")
        yield f"{escape(claim['text'])}[^{len(notes)}]"
    if answer["reason"]:
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
    cited = [_cited(citation, sources, words, base) for citation in claim["citations"]]
    if claim["secondary"]:
        cited[-1] += f" ({words['secondary']})"
    other = [_cited(citation, sources, words, base) for citation in claim["disputed_by"]]
    if other:
        other[0] = f"{words['disputed']}: {other[0]}"
    return "; ".join(cited + other)


def _cited(
    citation: Mapping[str, Any], sources: Mapping[str, Any], words: Mapping[str, str], base: str
) -> str:
    """A quote, and where it stands: title, authors, date, page, address; what is known of it."""
    source = sources.get(citation["source_id"], {})
    title = escape(source.get("title") or "")
    page = citation["page"]
    parts = [
        f"*{title}*" if title else "",
        escape(", ".join(source.get("authors", ()))),
        escape(source.get("venue", "")),
        escape(source.get("published", "")),
        words["page"].format(page) if page is not None else "",
        words["digest"] if source.get("kind") == "digest" else "",
        f"<{url}>" if (url := link_of(citation["url"], citation["source_id"], base)) else "",
    ]
    quote = words["quote"].format(escape(citation["quote"]))
    return f"{quote} " + ", ".join(part for part in parts if part)
