"""Cross-lingual training data: a dictionary, code switching, and parallel manuals.

Code switching (CoSDA-ML, Qin et al. 2020, arXiv 2006.06402) replaces words by their dictionary
translations, so that a model that has learned a task in one language meets it in a mixture.
Dictionaries: EDICT and ENAMDICT (CC BY-SA 4.0; Debian packages edict, enamdict). Parallel text:
manuals and game texts that Debian ships in both languages, aligned by paragraph id, by position in
the page, or by message catalogue. All of it is optional and none of it is copied here.
"""

from __future__ import annotations

import gettext
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from lxml import html

from training.spoil import MONTHS

KANA = re.compile(r"[ぁ-ん]")
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龥]")
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|[0-9][0-9,.]*|[^\sA-Za-z0-9]")
STOP_WORDS = """a an the of to in on at by for with from as and or but is are was were be been
being am do does did has have had it its this that these those which who whom whose will would can
could may might shall should must there their they them he she his her him i you we our your my me
us not no if then than so such into over also s t"""
STOP = frozenset(STOP_WORDS.split())
FIXED_EN = {m.lower(): f"{i + 1}月" for i, m in enumerate(MONTHS) if m != "May"}
FIXED_JA = {
    "月": "month", "年": "year", "日": "day", "人": "people", "第": "", "者": "person", "的": "",
    "一": "one", "二": "two", "三": "three", "四": "four", "五": "five", "六": "six",
    "七": "seven", "八": "eight", "九": "nine", "十": "ten", "時": "hour", "回": "times",
    "する": "", "なる": "become", "ある": "exist", "いる": "", "れる": "", "られる": "",
    "よる": "by",
    "何": "what", "誰": "who", "何処": "where", "何時": "when", "為る": "", "有る": "exist",
    "居る": "", "依る": "by", "於く": "in", "こと": "", "事": "", "成る": "become",
    "言う": "called",
    "年間": "years", "世紀": "century", "初めて": "for the first time", "世界": "world",
}  # fmt: skip
DULL = re.compile(r"prefix|suffix|particle|indicat|counter|interjection|!|\.\.|^\W*$")
PARTICLES = {"the": "", "a": "", "an": "", "of": "の", "and": "と", "or": "か", "not": "ない"}
ASKING = {
    "who": "誰", "what": "何", "when": "いつ", "where": "どこ", "which": "どの", "why": "なぜ",
    "how": "どう", "whose": "誰の", "many": "いくつ", "whom": "誰",
}  # fmt: skip


class Dictionary:
    """EDICT and ENAMDICT in both directions, common entries first."""

    def __init__(self, folder: Path) -> None:
        self.to_english: dict[str, list[str]] = defaultdict(list)
        self.to_japanese: dict[str, list[str]] = defaultdict(list)
        ranked: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for head, glosses, common in _edict(folder / "edict.utf8"):
            self.to_english[head].extend(glosses[:3])
            for place, gloss in enumerate(glosses[:4]):
                if gloss.count(" ") < 2:
                    plain = len(head) > 1 and not re.match("[ァ-ヶ]", head)
                    cost = place + (0 if common else 6) + (0 if plain else 1)
                    ranked[gloss.lower()].append((cost, head))
        for gloss, heads in ranked.items():
            self.to_japanese[gloss] = [head for _, head in sorted(heads)[:3]]
        self.names: dict[str, str] = {}
        self.romaji: dict[str, str] = {}
        for head, kind, name in _enamdict(folder / "enamdict"):
            self.romaji.setdefault(head, name)
            if not re.fullmatch(r"[ァ-ヶー・]+", head) and "p" not in kind:
                continue
            if name not in self.names or re.fullmatch(r"[ァ-ヶー]+", head):
                self.names[name] = head

    def japanese(self, word: str, rng: random.Random, named: bool = False) -> str | None:
        """Translate an English word, or return None; `named`: a capital means a name."""
        low = word.lower()
        if low in ASKING or low in FIXED_EN:
            return ASKING.get(low) or FIXED_EN[low]
        if named and word[0].isupper() and word in self.names:
            return self.names[word]
        for form in _lemmas(low):
            found = self.to_japanese.get(form)
            if found:
                return found[min(int(rng.expovariate(1.2)), len(found) - 1)]
        return self.names.get(word)

    def english(self, word: str, rng: random.Random) -> str | None:
        if word in FIXED_JA:
            return FIXED_JA[word]
        found = self.to_english.get(word)
        if found:
            return found[min(int(rng.expovariate(1.2)), len(found) - 1)]
        return self.romaji.get(word)


def _edict(path: Path) -> Iterator[tuple[str, list[str], bool]]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        head, _, rest = line.partition(" /")
        head = head.split(" [")[0].strip()
        glosses = []
        for part in rest.split("/"):
            gloss = re.sub(r"\([^)]*\)|\{[^}]*\}", "", part).strip()
            gloss = re.sub(r"^to (be )?", "", gloss)
            short = gloss.isascii() and gloss.count(" ") < 4 and not gloss.startswith("Ent")
            if short and not DULL.search(gloss):
                glosses.append(gloss)
        if head and glosses:
            yield head, glosses, "(P)" in rest


def _enamdict(path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_bytes().decode("euc-jp", "ignore").splitlines()[1:]:
        found = re.match(r"(\S+)(?: \[[^\]]*\])? /\(([a-z,]+)\) ([A-Za-z' -]+)", line)
        if found:
            yield found[1], found[2], found[3].strip()


def _lemmas(word: str) -> Iterator[str]:
    yield word
    for suffix, new in (
        ("ies", "y"), ("ied", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""),
        ("ing", "e"), ("ing", ""), ("ly", ""), ("er", ""), ("est", ""),
    ):  # fmt: skip
        if word.endswith(suffix) and len(word) > len(suffix) + 2:
            stem = word[: -len(suffix)]
            yield stem + new
            if len(stem) > 3 and stem[-1] == stem[-2]:
                yield stem[:-1]


def to_japanese(text: str, book: Dictionary, rng: random.Random, share: float) -> str:
    """Translate a share of the words of an English text to Japanese, word by word."""
    out: list[str] = []
    for place, token in enumerate(WORD.findall(text)):
        if not token[0].isalpha() or rng.random() > share:
            out.append(token)
            continue
        low = token.lower()
        if low in PARTICLES:
            out.append(PARTICLES[low])
        elif low in STOP:
            out.append("" if share > 0.6 else token)
        else:
            out.append(book.japanese(token, rng, named=place > 0) or token)
    return _join(out)


def _join(tokens: list[str]) -> str:
    text = " ".join(token for token in tokens if token)
    text = re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", text)
    return re.sub(r" (?=[,.;:!?)%])", "", text)


class Glosser:
    """Word-by-word translation of Japanese to English; needs fugashi and unidic-lite (on PyPI)."""

    def __init__(self, book: Dictionary) -> None:
        import fugashi

        self.book, self.tagger = book, fugashi.Tagger()

    def to_english(self, text: str, rng: random.Random, share: float) -> str:
        out = []
        for token in self.tagger(text):
            surface, feature = token.surface, token.feature
            if not JAPANESE.search(surface) or rng.random() > share:
                out.append(surface)
                continue
            lemma = (feature.lemma or surface).split("-")[0]
            if feature.pos1 in ("助詞", "補助記号"):
                keep = {"。": ".", "、": ",", "「": '"', "」": '"'}.get(surface, "")
                out.append(keep if share > 0.6 else surface)
            elif feature.pos1 == "助動詞":
                out.append("not" if lemma in ("ない", "ず", "ぬ") else "")
            else:
                found = self.book.english(lemma, rng)
                if not found and not KANA.fullmatch(surface):
                    found = self.book.english(surface, rng)
                dull = found is None or (len(surface) == 1 and KANA.fullmatch(surface))
                out.append(surface if dull else found)
        return _join(out)


# --- parallel text -------------------------------------------------------------------------


def parallel(root: Path) -> list[list[tuple[str, str]]]:
    """Read documents as lists of (English, Japanese) paragraphs, from unpacked Debian packages."""
    share = root / "usr/share"
    documents = [
        *_by_id(share / "libreoffice/help/en-US", share / "libreoffice/help/ja"),
        *_by_place(share / "gimp/3.0/help/en", share / "gimp/3.0/help/ja", "*.html"),
        *_by_place(share / "developers-reference", share / "developers-reference/ja", "*.html"),
        *_by_place(share / "help/C", share / "help/ja", "*.page"),
        *_suffixed(share / "doc/debian-reference-common/docs"),
        *_suffixed(share / "doc/maint-guide/html"),
        *_catalogues(share),
    ]
    kept = []
    for document in documents:
        pairs = [(en, ja) for en, ja in dict.fromkeys(document) if _translated(en, ja)]
        if pairs:
            kept.append(pairs)
    return kept


def _translated(en: str, ja: str) -> bool:
    """Whether a pair is a real translation: one side Japanese, similar length, same numbers."""
    if len(en) < 12 or not KANA.search(ja) or JAPANESE.search(en):
        return False
    dense = len(JAPANESE.findall(ja)) / len(ja)
    ratio = len(en) / len(ja)
    same = sorted(re.findall(r"\d+", en)) == sorted(re.findall(r"\d+", ja))
    return dense > 0.4 and 1.2 < ratio < 5 and same


def _text(node: html.HtmlElement) -> str:
    return " ".join(node.text_content().split())


def _by_id(en: Path, ja: Path) -> Iterator[list[tuple[str, str]]]:
    for path in sorted(en.rglob("*.html")):
        other = ja / path.relative_to(en)
        if not other.exists():
            continue
        left, right = (
            {e.get("id"): _text(e) for e in html.parse(str(p)).iter("p", "h1", "h2") if e.get("id")}
            for p in (path, other)
        )
        yield [(left[key], right[key]) for key in left if key in right]


def _by_place(en: Path, ja: Path, pattern: str) -> Iterator[list[tuple[str, str]]]:
    for path in sorted(en.rglob(pattern)):
        other = ja / path.relative_to(en)
        if other.exists() and other != path:
            yield _placed(path, other)


def _suffixed(folder: Path) -> Iterator[list[tuple[str, str]]]:
    for path in sorted(folder.glob("*.en.html")):
        other = path.with_name(path.name.replace(".en.", ".ja."))
        if other.exists():
            yield _placed(path, other)


def _placed(path: Path, other: Path) -> list[tuple[str, str]]:
    left, right = (
        [_text(e) for e in html.parse(str(p)).iter("p", "h1", "h2", "h3", "dt", "title")]
        for p in (path, other)
    )
    return list(zip(left, right, strict=True)) if len(left) == len(right) else []


def _catalogues(share: Path) -> Iterator[list[tuple[str, str]]]:
    for path in sorted(share.rglob("ja/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            entries = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        clean = [
            (_plain(en), _plain(ja)) for en, ja in entries.items() if isinstance(en, str) and en
        ]
        yield [pair for pair in clean if "%" not in pair[0]]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>|[_*&]", "", text.split("^")[-1]).split())
