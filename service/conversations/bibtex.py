r"""BibTeX export of the sources that answers cite. Pure functions.

The output is UTF-8, which every TeX reads today, so Japanese names and titles stay as they are.
Characters special to TeX become the commands that print them; so do braces, since BibTeX counts
them even where they are escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.conversations.markdown import link_of, number_sources

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: "\\" + c for c in "$&#%_"},
}
_MEETING = re.compile(
    r"(?i:\b(?:proceedings|conference|workshop|symposium|findings)\b)|\b(?:CVPR|ICCV|ECCV|NeurIPS|NIPS|ICML|ICLR"
    r"|AAAI|IJCAI|ACL|EMNLP|NAACL|EACL|COLING|SIGIR|KDD|WWW|CHI|INTERSPEECH|ICASSP)\b"
    r"|大会|会議|研究会|シンポジウム"
)
_JOURNAL = re.compile(
    r"^(nature|science|cell|pnas)\b|\b(journal|transactions|letters|review|annals|magazine)\b"
    r"|論文誌|学会誌|ジャーナル",
    re.IGNORECASE,
)
_VOLUME = re.compile(r"^(?P<name>.*?\D)[, ]+(?P<volume>\d+)(?:, *(?P<pages>\d+[-–]\d+))?$")
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5})", re.IGNORECASE)
_DOI = re.compile(r"^https?://(?:dx\.)?doi\.org/(10\.\d{4,9}/[\w.()/:;-]+)$", re.IGNORECASE)
_SMALL = {"a", "an", "the", "on", "of", "in", "for", "and", "to", "how", "what"}


def bibtex(answers: Sequence[Mapping[str, Any]], base: str = "") -> str:
    """Write a BibTeX entry for every source that is cited, in the order of first citation.

    Args:
        answers: Answers as JSON.
        base: The service's address, for sources that have no web address of their own.
    """
    sources: dict[str, Mapping[str, Any]] = {}
    for answer in answers:
        known = {e["source"]["id"]: e["source"] for e in answer["evidence"]}
        for source_id in number_sources(answer["claims"]):
            if source_id in known:
                sources.setdefault(source_id, known[source_id])
    taken: set[str] = set()
    named = [(source, _unique(citation_key(source), taken)) for source in sources.values()]
    return "\n".join(bibtex_entry(source, key, base) for source, key in named)


def bibtex_entry(source: Mapping[str, Any], key: str, base: str = "") -> str:
    """Write the BibTeX entry of a source; a web page becomes @misc, since BibTeX has no @online."""
    kind, place = _kind(source)
    year, month = _date(source["published"])
    url = link_of(source["url"], source["id"], base)
    arxiv, doi = _ARXIV.search(url), _DOI.match(url)
    note = "Read in a summary, not in the original" if source["kind"] == "digest" else ""
    fields = {
        "author": " and ".join(_name(name) for name in source["authors"] if escape_tex(name)),
        "title": f"{{{escape_tex(source['title'])}}}" if source["title"] else "",
        **place,
        "year": year,
        "month": month,
        "eprint": arxiv[1] if arxiv else "",
        "archiveprefix": "arXiv" if arxiv else "",
        "doi": doi[1] if doi else "",
        "url": url,
        "urldate": source["retrieved_at"][:10],
        "langid": {"ja": "japanese", "en": "english"}.get(source["language"], ""),
        "copyright": escape_tex(source.get("licence", "")),
        "note": note,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"


def escape_tex(text: str) -> str:
    """Escape a text as one line of TeX that prints it."""
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return "".join(_TEX.get(c, c) for c in " ".join(shown.split()))


def citation_key(source: Mapping[str, Any]) -> str:
    """Make a citation key: surname, year and first word of the title, in lower-case ASCII.

    A source with neither name nor title in Latin letters gets a key made from its id.
    """
    first = source["authors"][0] if source["authors"] else ""
    surname = first.partition(",")[0] if "," in first else (first.split() or [""])[-1]
    words = (_ascii(word) for word in source["title"].split())
    word = next((w for w in words if w and w not in _SMALL), "")
    year = _date(source["published"])[0]
    name = _ascii(surname)
    return (
        f"{name or word}{year}{word if name else ''}" if name or word else _ascii_id(source, year)
    )


def _ascii_id(source: Mapping[str, Any], year: str) -> str:
    return (_ascii(source["id"]) or "source") + year


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())[:24]


def _unique(key: str, taken: set[str]) -> str:
    """Make a key unique by a suffix of letters, and add it to ``taken``."""
    unique = next(k for k in _suffixed(key) if k not in taken)
    taken.add(unique)
    return unique


def _suffixed(key: str) -> Iterable[str]:
    yield key
    number = 0
    while True:
        number, letters, rest = number + 1, "", number
        while rest >= 0:
            letters, rest = chr(97 + rest % 26) + letters, rest // 26 - 1
        yield f"{key}-{letters}"


def _kind(source: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the type of entry, and the fields for where the work was published."""
    venue = source["venue"].strip()
    if _MEETING.search(venue):
        return "inproceedings", {"booktitle": escape_tex(venue)}
    if _JOURNAL.search(venue):
        parts = _VOLUME.match(venue)
        if not parts:
            return "article", {"journal": escape_tex(venue)}
        pages = (parts["pages"] or "").replace("–", "-").replace("-", "--")
        return "article", {
            "journal": escape_tex(parts["name"]), "volume": parts["volume"], "pages": pages,
        }  # fmt: skip
    return "misc", {"howpublished": escape_tex(venue)} if venue else {}


def _name(name: str) -> str:
    """Write an author's name, in braces where BibTeX would split it wrongly.

    That is so for Japanese names, which have the surname first or no blank, and for names that
    contain "and".
    """
    latin = all(ord(c) < 0x2E80 for c in name)
    whole = not latin or re.search(r"\band\b|,.*,", name, re.IGNORECASE) or " " not in name.strip()
    return f"{{{escape_tex(name)}}}" if whole else escape_tex(name)


def _date(published: str) -> tuple[str, str]:
    """Return the year and month of an ISO date; each may be missing, and is then empty."""
    found = re.match(r"(\d{4})(?:-(\d{2}))?", published)
    return (found[1], str(int(found[2])) if found[2] else "") if found else ("", "")
