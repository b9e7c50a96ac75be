"""The names of sources: what a reader may call them, and what a reply calls them.

Pure functions. A title is data that anybody may have written: in a reply it is one line without
markers, cut where it is long, and never repeated if it gives orders to a language model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from corpus.store.uploads import upload_prefix
from corpus.types import Source
from service.catalogue.matching import folded_letters
from service.disclosure import file_name, is_local
from service.text.prompt_injection import neutral, speaks_to_a_model

NameKind = Literal[
    "title", "file name", "short title", "coined name", "part of title", "author", "venue", "only"
]
LONGEST_TITLE = 100  # characters of a title in a reply
LONGEST_NAME = 60  # characters of a person's name in a reply

_SHORT_TITLE = re.compile(r"\s*[:：]\s*|\s[-–—|｜]+\s|\s*[〜～―]\s*")
_SENTENCE = re.compile(r"[.!?。！？,、]")
_MANY_WORDS = 4  # a longer beginning of a title is not a name
_GENERIC = frozenset(
    "a an the paper papers article document doc file final draft copy version main report note"
    " notes readme index untitled scan download downloaded print pdf html htm page text new"
    " introduction overview abstract part chapter appendix preprint camera ready".split()
)
_GENERIC_JA = frozenset(
    "論文 資料 文書 記事 原稿 最終版 報告 報告書 要約 概要 はじめに まとめ".split()
)
_VERSION = re.compile(r"v?\d{1,2}|rev\d*", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"\.(?:pdf|docx?|pptx?|x?html?|txt|md|markdown|epub|xml|tex|rst)$", re.IGNORECASE
)
FILE_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,5}$")
# "We propose ALCE, the first …", "our method, named ReAct": the text names its own work.
_NAME = r"((?:[A-Z]|[a-z]{1,3}[A-Z])[A-Za-z0-9+]*(?:-[A-Z0-9][A-Za-z0-9]*)*)(?![A-Za-z0-9])"
_COINED = (
    re.compile(
        r"\b(?:[Ww]e|[Tt]h(?:is|e present) (?:paper|work|article|report|study))\b[^.]{0,60}?"
        r"\b(?:propose|introduce|present|develop|release|describe|build)(?:s|d|ed)?"
        rf"\s+(?:[a-z-]+\s+){{0,3}}{_NAME}"
    ),
    re.compile(
        r"\b(?:[Ww]e|[Oo]ur|[Tt]his)\b[^.]{0,120}?\b(?:call(?:ed|s)?|named?|dub(?:bed)?|termed)"
        rf"\s+(?:it\s+|this\s+(?:\w+\s+){{0,2}})?[“\"']?{_NAME}"
    ),
    re.compile(
        r"(?:本論文|本研究|本稿|我々|われわれ|私たち|筆者ら)[^。]{0,60}?([A-Za-z][A-Za-z0-9-]+)"
        r"(?:という[^。]{1,20})?を(?:提案|開発|紹介|公開|構築)"
    ),
)
# The beginnings of passages that say what the work of a digest is called.
_NAMED = r"[A-Z][\w+-]*(?: [A-Z0-9][\w+-]*){0,3}"
_DEFINED = re.compile(
    rf"({_NAMED})(?:,? (?:or|also called|known as) ({_NAMED}),?)? is (?:an?|the)\b"
)
_ITS_PAPER = re.compile(rf"The ({_NAMED}) (?:paper|model|system|method|article)\b")
_WORD_LIKE = re.compile(r"[a-z]{3,}(?:-[a-z0-9]+)*")  # an id that a person chose
_PLAIN_WORDS = frozenset("We The This Our In A An It Figure Table Section I".split())


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a source, and what sort of name it is."""

    text: str
    kind: NameKind

    @property
    def letters(self) -> str:
        """The name as it is compared: its letters and digits alone."""
        return folded_letters(self.text)


def file_of(source: Source) -> str:
    """Return the name of the file that a source was read from, or the end of its address."""
    if prefix := upload_prefix(source.url):
        return unquote(source.url.removeprefix(prefix))
    if is_local(source.url):
        return file_name(source.url)
    try:
        path = urlsplit(source.url).path
    except ValueError:  # [ without ]
        return ""
    return unquote(path).rstrip("/").rpartition("/")[2]


def known_title(source: Source) -> str:
    """Return a source's title; empty where its file name stands in for one that is not known."""
    title = source.title.strip()
    stands_in = title in (file_of(source), source.url, source.id) or _FILE_NAME.search(title)
    return "" if stands_in else title


def short_title(title: str) -> str:
    """Return the name before the colon of a title, such as ReAct; empty if there is none."""
    head, *rest = _SHORT_TITLE.split(unicodedata.normalize("NFKC", title), maxsplit=1)
    named = bool(rest) and bool(rest[0]) and len(head.split()) <= _MANY_WORDS and len(head) <= 40
    return head.strip() if named and not _SENTENCE.search(head) and not is_generic(head) else ""


def is_generic(name: str) -> bool:
    """Return whether a name says nothing about which document it is, such as "Final draft"."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold().replace("_", " "))
    return all(w in _GENERIC or w in _GENERIC_JA or _VERSION.fullmatch(w) for w in words)


def names_of(source: Source) -> list[Name]:
    """List the names by which a reader may call a source: titles, parts of them, file names."""
    names = []
    if title := known_title(source):
        names.append(Name(title, "title"))
        bare = re.sub(r"【[^】]*】|\[[^\]]*\]", "", title).strip()
        names.append(Name(bare, "title"))
        if short := short_title(bare):
            names.append(Name(short, "short title"))
        rest = _SHORT_TITLE.split(bare, maxsplit=1)[1:]
        names += [Name(each, "part of title") for each in rest if len(folded_letters(each)) >= 12]
    names += [Name(text, "file name") for text in _file_names(file_of(source))]
    names += [Name(text, "coined name") for text in _id_names(source)]
    return [n for n in dict.fromkeys(names) if len(n.letters) >= 2]


def name_forms(author: str) -> tuple[str, ...]:
    """Return the forms in which a person is named: the whole name, and the surname."""
    name = unicodedata.normalize("NFKC", author).strip()
    words = name.split()
    if not words:
        return ()
    if any(c >= "\u3041" for c in name):
        forms = [name, "".join(words), words[0] if len(words) > 1 else name[:2]]
    else:
        forms = [name, name.partition(",")[0] if "," in name else words[-1]]
    return tuple(form for form in dict.fromkeys(forms) if len(form) >= 2)


def _file_names(file: str) -> list[str]:
    stem = FILE_SUFFIX.sub("", file)
    words = [w for w in re.split(r"[\s_.\-]+", stem) if w]
    own = [w for w in words if w.casefold() not in _GENERIC and not _VERSION.fullmatch(w)]
    found = [file] if stem != file else []
    for text in (stem, " ".join(own)):
        letters = folded_letters(text)
        if len(letters) >= 3 and not is_generic(text) and (len(letters) >= 6 or not text.isdigit()):
            found.append(text)
    return found


def words_of_names(source: Source, coined: Sequence[str]) -> str:
    """Return the names of a source as one text: title, file name, id, and what it calls itself."""
    file = re.sub(r"[_.\-]+", " ", FILE_SUFFIX.sub("", file_of(source)))
    return "\n".join((known_title(source), file, *_id_names(source), *coined))


def _id_names(source: Source) -> list[str]:
    """Return the id of a source where it is a word, as those are that a person chose."""
    words = source.id.replace("-", " ")
    return [words] if _WORD_LIKE.fullmatch(source.id) and not is_generic(words) else []


def coined_names(opening: Sequence[str]) -> tuple[str, ...]:
    """Find the names that a text gives to its own work, as in "we propose ALCE".

    Args:
        opening: The first passages of the text.
    """
    text = "\n".join(opening)
    found = [match[1] for pattern in _COINED for match in pattern.finditer(text)]
    return tuple(
        name
        for name in dict.fromkeys(found)
        if len(name) >= 3 and name not in _PLAIN_WORDS and not name[1:].islower()
    )


def defined_names(opening: Sequence[str]) -> tuple[str, ...]:
    """Find the names that a digest has for its work: "Whisper is a model", "the Whisper paper".

    Args:
        opening: The first passages of the digest, which speaks of one work.
    """
    found = [name for text in opening if (m := _DEFINED.match(text)) for name in m.groups() if name]
    found += [match[1] for text in opening if (match := _ITS_PAPER.match(text))]
    return tuple(name for name in dict.fromkeys(found) if not is_generic(name))


# What a reply calls a source


def displayed(text: str, limit: int = LONGEST_TITLE) -> str:
    """Return a value of the catalogue as it may stand in a reply; empty if it must not."""
    if speaks_to_a_model(text):
        return ""
    line = neutral(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def catalogue_name(source: Source) -> tuple[str, str]:
    """Return what the catalogue calls a source: the field (title, file or id) and its value.

    A local file's address is not used: a receipt, which must give the same, does not have it.
    """
    name = source.title or file_of(source)
    if displayed(name):
        return ("title" if known_title(source) else "file"), name
    if not is_local(source.url) and displayed(file_of(source)):
        return "file", file_of(source)
    return "id", source.id


def displayed_title(source: Source, language: str) -> str:
    """Return a source's title in quotation marks, or its file name, or its id."""
    shown = displayed(catalogue_name(source)[1]) or "?"
    return f"「{shown}」" if language == "ja" else f"“{shown}”"


def subject(source: Source, others: Sequence[Source], language: str) -> str:
    """Name a source in a sentence: by a short title of one word, else by its whole title.

    Args:
        source: The source.
        others: The sources that the same reply names. Where one has the same title, what tells
            the two apart follows in brackets.
        language: ``en`` or ``ja``.
    """
    rivals = [other for other in others if other.id != source.id]
    short = displayed(short_title(known_title(source)))
    if short and " " not in short and not any(_is_like(short, other) for other in rivals):
        return short
    name = displayed_title(source, language)
    twins = [other for other in rivals if displayed_title(other, language) == name]
    note = _difference(source, twins) if twins else ""
    opening, closing = ("（", "）") if language == "ja" else (" (", ")")
    return f"{name}{opening}{note}{closing}" if note else name


def _is_like(short: str, other: Source) -> bool:
    title = known_title(other)
    return folded_letters(short) in (folded_letters(short_title(title)), folded_letters(title))


def _difference(source: Source, twins: Sequence[Source]) -> str:
    """Return the first detail of a source that none of its namesakes shares."""

    def details(each: Source) -> list[str]:
        file = "" if is_local(each.url) else file_of(each)
        return [each.venue, each.published, "".join(each.authors[:1]), file, each.id[:16]]

    others = [details(twin) for twin in twins]
    for n, detail in enumerate(details(source)):
        shown = displayed(detail, LONGEST_NAME)
        if shown and all(detail != other[n] for other in others):
            return shown
    return ""
