"""Precision and recall of linking texts of the same work.

    python tests/benchmarks/works.py

Reads the papers, posts, articles and model cards beside the repository (../shared) and our digests,
each a different work but for the article in two languages. To these it adds altered copies, and
translations of digests (tests/data/translations). Each pair of texts is a decision: linked or not.
Prints precision and recall, and each error. It writes only to a temporary folder.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from corpus.library.catalogue import entries
from corpus.readers.extract import extract
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.text.sentences import sentence_spans
from corpus.types import Document, Source, text_hash
from index.inference.embedder import SentenceTransformerEmbedder
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.ingestion.work_linking import link_works
from service.settings import read_settings

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
TRANSLATIONS = ROOT / "tests" / "data" / "translations"
PAPERS = ("2020.acl-main.447", "ALCE", "pasa", "react_paper", "tracemonkey")
OTHERS = ("dummy_jap.docx", "flag_day.html", "sample_pdf_1.pdf", "jo.pdf", "issue16538.pdf")
# Translated when the thresholds of index/ingestion/translation_detection.py stood, and looked at once.
HELD_OUT = ("chatgpt.fr.md", "stable-diffusion.ja.md")
# Our digests of the two versions of the article: two summaries, of texts of one work. That they
# are one work is neither right nor wrong.
UNDECIDED = {frozenset({"digest:article-ja", "digest:article-en"})}


@dataclass(frozen=True)
class Text:
    """A document, the work that it is a text of, and how it was made from another one."""

    document: Document
    work: str
    altered: str = ""


def originals() -> Iterator[Text]:
    files = [
        *sorted((SHARED / "corpus").glob("*.*")),
        *sorted((SHARED / "corpus" / "posts").glob("*.md")),
        *(SHARED / "pdfs" / f"{name}.pdf" for name in PAPERS),
        *(SHARED / "pdfs" / name for name in OTHERS),
    ]
    for path in files:
        document = extract(path.read_bytes(), Source(path.name, path.as_uri(), kind="upload"), "")
        article = path.stem.startswith("article")
        yield Text(document, "the article" if article else path.name)
    for entry in entries():
        source, data = entry.digest()
        source = replace(source, id=f"digest:{source.id}")
        yield Text(extract(data, source, "text/markdown"), source.id)


def altered(texts: dict[str, Text]) -> Iterator[Text]:
    """Make other texts of the same works: typical copies, and translations."""
    for name in PAPERS:
        paper = texts[f"{name}.pdf"]
        for how, change in ALTERED.items():
            yield _copy(paper, how, change(paper.document))
    posts = [each for id, each in texts.items() if id.endswith(".md") and "model-card" not in id]
    for number, post in enumerate(posts[:: len(posts) // 24]):
        how, change = list(EDITED.items())[number % len(EDITED)]
        yield _copy(post, how, change(post.document))
    for path in sorted(TRANSLATIONS.glob("*.md")):
        source = Source(f"{path.stem}, translated", path.as_uri(), kind="upload")
        document = extract(path.read_bytes(), source, "")
        how = "translated, held out" if path.name in HELD_OUT else "translated"
        yield Text(document, f"digest:{path.name.partition('.')[0]}", how)


def alike(texts: dict[str, Text]) -> Iterator[Text]:
    """Make texts of different works that have much in common."""
    names = [
        id for id, each in texts.items() if id.endswith(".md") and len(each.document.text) > 4000
    ]
    paper = texts["ALCE.pdf"].document.text
    furniture = paper[len(paper) // 2 :][:2500]
    for one, other in zip(names[::6], names[3::6], strict=False):
        quoting, quoted = texts[one].document, texts[other].document.text
        third = quoted[len(quoted) // 3 : 2 * len(quoted) // 3]
        half = quoting.text[: len(quoting.text) // 2]
        yield _other(quoting, f"quotes {other}", f"{half[::-1]}\n\n{third}")
    for id in ("teams_email.md", "go_periodic.md", "boost_memo.md", "pandas_sparse.md"):
        short = texts[id].document
        yield Text(
            Document(replace(short.source, id=f"{id}, in a frame"), f"{furniture}\n\n{short.text}"),
            id,
            "in a frame",
        )


def _other(document: Document, how: str, text: str) -> Text:
    id = f"{document.source.id}, {how}"
    return Text(Document(replace(document.source, id=id), text), id, "quotes")


def _copy(text: Text, how: str, changed: str) -> Text:
    """Make a text a separate file that names neither title nor authors."""
    id = f"{text.document.source.id}, {how}"
    source = Source(
        id, f"https://example.org/{text_hash(id)[:12]}", language=text.document.source.language
    )
    return Text(Document(source, changed), text.work, how)


def _without_sections(document: Document) -> str:
    """Drop every fourth section."""
    dropped = [s for n, s in enumerate(document.sections) if n % 4 == 3]
    return _without(document, [(s.start, s.end) for s in dropped])


def _without(document: Document, spans: list[tuple[int, int]]) -> str:
    text, kept, at = document.text, [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = max(at, end)
    return "".join([*kept, text[at:]])


def _first_pages(document: Document) -> str:
    return document.text[: document.pages[3].end]


def _opening(document: Document) -> str:
    """Keep title, abstract and introduction: about a page and a half."""
    return document.text[: document.pages[1].start + 2000]


def _hyphenated(document: Document) -> str:
    """Break into narrow lines with hyphens, and add a running head every forty lines."""
    broken = re.sub(r"\b([a-z]{5})([a-z]{4,})\b", r"\1-\n\2", document.text[:60_000])
    return _headed(broken, "PREPRINT. UNDER REVIEW.")


def _proceedings(document: Document) -> str:
    head = "In Proceedings of the 14th Conference on Imaginary Systems, pages 101-115, 2021\n\n"
    return head + _headed(document.text, "Imaginary Systems 2021") + "\n\nCopyright 2021."


def _headed(text: str, head: str) -> str:
    lines = text.split("\n")
    return "\n".join(
        line for n, each in enumerate(lines) for line in ([head, each] if n % 40 == 39 else [each])
    )


def _every(document: Document, nth: int, change: re.Pattern[str], by: str) -> str:
    """Change every nth sentence."""
    text, made, at = document.text, [], 0
    for n, (start, end) in enumerate(sentence_spans(text)):
        if n % nth == nth - 1:
            made += [text[at:start], change.sub(by, text[start:end])]
            at = end
    return "".join([*made, text[at:]])


def _revised(document: Document) -> str:
    """Drop every fifth sentence."""
    return _every(document, 5, re.compile(r"(?s).+"), "")


def _corrected(document: Document) -> str:
    """Insert a word at the second space or comma of every fourth sentence."""
    return _every(document, 4, re.compile(r"(?s)^(.*?[ 、].*?[ 、])"), r"\1 (updated) ")


def _furnished(document: Document) -> str:
    """Put other navigation around a page."""
    menu = "\n".join(f"- Category {name}" for name in "ABCDEFGH")
    foot = "Share this post. Subscribe to the newsletter. All rights reserved. Cookie settings."
    return (
        f"Home | About | Archive | Search\n\n{menu}\n\n{document.text}\n\nRelated posts\n\n{foot}"
    )


def _first_part(document: Document) -> str:
    """Keep the first two thirds, as feeds do."""
    return document.text[: len(document.text) * 2 // 3]


ALTERED = {
    "proceedings": _proceedings,
    "without sections": _without_sections,
    "first 4 pages": _first_pages,
    "abstract and introduction": _opening,
    "hyphenated": _hyphenated,
    "revised": _revised,
}
EDITED = {
    "the same": lambda document: document.text,
    "furnished": _furnished,
    "revised": _revised,
    "corrected": _corrected,
    "first part": _first_part,
}


def decide(texts: list[Text], folder: Path) -> tuple[dict[str, str], float, float]:
    """Return the work of each text by its id, and the seconds of indexing and of linking."""
    settings = read_settings()
    embedder = SentenceTransformerEmbedder(settings.embedder, settings.models_dir)
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    for text in texts:
        store.put(text.document, split_into_passages(text.document))
    start = time.perf_counter()
    sync(store, embedder, folder / "index", IngestProgress())
    indexed = time.perf_counter()
    link_works(store, embedder, folder / "index", IngestProgress())
    done = time.perf_counter()
    found = {source.id: source.work_key for source, _ in store.sources()}
    return found, indexed - start, done - indexed


def main() -> None:
    known = {text.document.source.id: text for text in originals()}
    made = [*known.values(), *altered(known), *alike(known)]
    texts = [text for text in made if split_into_passages(text.document)]
    with tempfile.TemporaryDirectory() as folder:
        work, indexing, linking = decide(texts, Path(folder) / "data")
    counted: Counter[str] = Counter()
    kinds: dict[str, Counter[bool]] = {}
    for a, b in combinations(texts, 2):
        one, other = a.document.source.id, b.document.source.id
        if frozenset({one, other}) in UNDECIDED:
            print("undecided:", one, "|", other, "linked" if work[one] == work[other] else "not")
            continue
        linked, same = work[one] == work[other], a.work == b.work
        counted[("true" if linked == same else "false") + (" linked" if linked else " apart")] += 1
        if not (a.altered or b.altered):
            counted["as they are"] += 1
            counted["as they are, wrong"] += linked and not same
        if same and not (a.altered and b.altered):
            kind = a.altered or b.altered or "article"
            kinds.setdefault(kind, Counter())[linked] += 1
        if linked != same:
            print("linked wrongly:" if linked else "missed:", one, "|", other)
    right, wrong, missed = counted["true linked"], counted["false linked"], counted["false apart"]
    apart = counted["true apart"]
    print(f"\n{len(texts)} texts: {right + missed} pairs of one work, {wrong + apart} of two")
    print(
        f"of {counted['as they are']} pairs of texts as they are, {counted['as they are, wrong']}"
        " linked wrongly"
    )
    print(f"precision {right / max(1, right + wrong):.3f} ({wrong} wrong)")
    print(f"recall    {right / max(1, right + missed):.3f} ({missed} missed)")
    print(f"seconds: index {indexing:.1f}, links {linking:.1f}\n")
    for kind, found in kinds.items():
        print(f"| {kind} | {found[True]} of {found.total()} |")


if __name__ == "__main__":
    main()
