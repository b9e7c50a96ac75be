"""Author-year citations: recognises them in a sentence, and finds the sources that they name.

"(Radford et al., 2022; Tay, 2022)", "本田ら（2022）". Pure functions of short texts.
"""

from __future__ import annotations

import re
import unicodedata

from corpus.types import Source

_WORKS = 8  # read in one parenthesis, or in the run of one sentence

_YEAR = r"((?:1[5-9]|20)[0-9]{2})[a-z]?年?"
_KANJI = r"[\u3005-\u3007\u30a1-\u30fa\u30fc\u3400-\u9fff]"
_CAPITAL = r"[A-Z\u00c0-\u00de][A-Za-z0-9\u00c0-\u024f'’.-]{0,40}+"
_AUTHORS = rf"(?:{_CAPITAL}|{_KANJI}{{1,12}}+)"
_PART = re.compile(
    rf"(?:see also |see |cf\. |e\.g\.,? )?((?:(?:van|von|de|der|den|la|le|di) ){{0,2}}{_AUTHORS}"
    rf"(?: {_CAPITAL}){{0,4}}+)(?>\s?(?:[,、，&・]|and|et al\.?|ほか|ら)\s?"
    rf"(?:{_AUTHORS}(?: {_CAPITAL}){{0,3}}+)?+){{0,6}}\s?[,、，]?\s?{_YEAR}(?:\s?,\s?{_YEAR})*"
    r"(?:, ?pp?\. ?[0-9–-]+)?"
)
_NARRATIVE_YEAR = re.compile(rf"[(（]{_YEAR}[)）]")
_NARRATIVE = re.compile(
    rf"(?<![\w'’.-])({_CAPITAL}(?: {_CAPITAL}){{0,3}}+)(?:,? (?:and|&) {_CAPITAL})?"
    r"(?:,? et al\.?)?\s?$"
    rf"|({_KANJI}{{1,12}}?)(?:ら|ほか|他|氏)?\s?$"
)
_OTHERS = re.compile(r"(?<=.)(?:ら|ほか|他|氏)$")
_UNMISTAKABLE = re.compile(r"\bet al\b|(?:ら|ほか|他)[,、，\s]|[;；]")


def author_years(inside: str) -> tuple[tuple[str, str], ...]:
    """Return (surname or organisation, year) for each work that a parenthesis names, or ()."""
    parts = re.split(r"\s?[;；]\s?", inside)
    matches = [match for part in parts if (match := _PART.fullmatch(part))]
    if len(matches) < len(parts) or len(matches) > _WORKS:
        return ()
    return tuple(
        (_OTHERS.sub("", match[1]).rstrip("."), year)
        for match in matches
        for year in dict.fromkeys(match.groups()[1:])
        if year
    )


def unmistakable(aside: str) -> bool:
    """Return whether a parenthesis can be nothing but a citation of authors."""
    return bool(_UNMISTAKABLE.search(aside))


def in_running_text(text: str) -> list[tuple[str, str]]:
    """Find works named in the run of a sentence: "Radford et al. (2022) trained it"."""
    found = []
    for year in list(_NARRATIVE_YEAR.finditer(text))[:_WORKS]:
        match = _NARRATIVE.search(text[max(0, year.start() - 80) : year.start()])
        if match:
            found.append((match[1] or match[2], year[1]))
    return found


def wrote(source: Source, name: str, year: str) -> bool:
    """Return whether someone of that name published a source in that year."""
    published = source.published[:4]
    if published and published != year:
        return False
    folded = _folded(name)
    words = folded.split()
    wanted = {" ".join(words[n:]) for n in range(len(words)) if n == 0 or len(words[-1]) > 2}
    for author in map(_folded, source.authors):
        if any(f" {name} " in f" {author} " for name in wanted):
            return True
        unspaced = len(name) > 1 and not name.isascii()  # 本田 in 本田志温
        if unspaced and author.replace(" ", "").startswith(folded):
            return True
    return False


def _folded(name: str) -> str:
    """A name to compare: no case, no accents, no punctuation."""
    kept = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", "".join(kept).casefold()).split())
