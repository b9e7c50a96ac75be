"""Digests (SHA-256) of the outputs of readers, chunking and verifier for fixed inputs.

    python -m tests.support.golden            # compares, and names what differs
    python -m tests.support.golden --append   # adds digests for versions that were raised

``digests.json`` has a digest for each version and is append-only: outputs that differ from the
digest of their version are an error. The verifier gets recorded outputs of the models, so that
results do not depend on how a processor rounds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.readers.extract import extract
from corpus.readers.format_detection import FileFormat
from corpus.store.fingerprint import CHUNKING_VERSION, READER_VERSIONS
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Passage, Section, Source, passage_id
from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder
from index.inference.reading import Reading
from service.types import Citation, Claim, Draft, Evidence
from service.verification.rules.registry import findings
from service.verification.verifier import VERIFIER_VERSION, Verifier
from tests.support.paths import DATA

FOLDER = DATA / "golden"
DIGESTS = FOLDER / "digests.json"
MODELS = FOLDER / "models.json"
# The files of each format, which is detected from their content, as usual.
DOCUMENTS: dict[FileFormat, tuple[str, ...]] = {
    "pdf": ("columns.pdf", "table.pdf"),
    "html": ("page.html", "shift_jis.html"),
    "jats": ("article.xml",),
    "markdown": ("notes.md", "toml.md"),
    "docx": ("report.docx",),
    "pptx": ("talk.pptx",),
    "epub": ("book.epub",),
    "text": ("plain.txt", "saved.txt", "euc_jp.txt", "wrapped.txt"),
}

Digests = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Golden:
    """Something with a version: where that is set, and the outputs for the fixed inputs."""

    name: str
    constant: str
    version: int
    outputs: Callable[[], Any]

    def digest(self) -> str:
        """Hash the outputs as JSON (SHA-256)."""
        plain = json.dumps(self.outputs(), ensure_ascii=True, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()

    def fault(self, digests: Digests) -> str:
        """Describe how the outputs differ from the digest of their version; "" if they do not."""
        known = digests.get(self.name, {}).get(str(self.version))
        append = "run `python -m tests.support.golden --append` and commit tests/data/golden"
        if known is None:
            return f"{self.name}: version {self.version} has no digest yet: {append}"
        try:
            same = self.digest() == known
        except NotRecorded:
            same = False
        if same:
            return ""
        return (
            f"{self.name}: its outputs changed, and {self.constant} is still {self.version}. If that"
            f" is intended, raise it by one, then {append}; if not, fix what changed them"
        )


def everything() -> list[Golden]:
    """List everything that has a version."""
    where = "corpus.store.fingerprint.READER_VERSIONS"
    readers = [
        Golden(name, f'{where}["{name}"]', version, lambda name=name: documents(name))
        for name, version in READER_VERSIONS.items()
    ]
    chunking = Golden(
        "chunking", "corpus.store.fingerprint.CHUNKING_VERSION", CHUNKING_VERSION, passages
    )
    verifier = Golden(
        "verifier",
        "service.verification.verifier.VERIFIER_VERSION",
        VERIFIER_VERSION,
        verifier_outputs,
    )
    return [*readers, chunking, verifier]


def read_digests() -> Digests:
    """Read the recorded digests: name to version to digest."""
    return json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}


# Outputs of readers and chunking


def documents(name: FileFormat) -> list[Any]:
    """Read the files of a format: metadata, text, sections, pages, links and gaps of each."""
    made = []
    for file in DOCUMENTS[name]:
        source = Source("golden", f"https://example.org/{file}")
        read = extract((FOLDER / "documents" / file).read_bytes(), source)
        about = read.source
        metadata = [about.title, about.authors, about.published, about.language, about.version]
        parts = [read.sections, read.pages, read.links, read.gaps]
        made.append([metadata, read.text, *([astuple(p) for p in part] for part in parts)])
    return made


def passages() -> list[Any]:
    """Cut a fixed text with headings, in both languages, into passages."""
    text = (FOLDER / "chunking.txt").read_text(encoding="utf-8")
    starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
    lines = {at: text[at:].partition("\n")[0] for at in starts}
    heads = [at for at, line in lines.items() if line.startswith("§ ")]
    ends = [*heads[1:], len(text)]
    sections = tuple(
        Section(lines[at], 1 + lines[at].count("."), at, end)
        for at, end in zip(heads, ends, strict=True)
    )
    document = Document(Source("golden", "https://example.org/chunking"), text, sections)
    return [astuple(passage) for passage in split_into_passages(document)]


# Outputs of the verifier


class NotRecorded(Exception):
    """An input of the models whose output is not in ``models.json``."""


class Recorded:
    """A checker and embedder that returns recorded outputs."""

    name, digest, dim = "cross-encoder", "", 384

    def __init__(self, held: dict[str, dict[str, Any]]) -> None:
        self._held = held

    def supports(self, pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
        found = [self._find("supports", "\n".join(pair)) for pair in pairs]
        return np.array(found, np.float64).reshape(-1, 3)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        found = [np.array(self._find("readings", "\n".join(pair))) for pair in pairs]
        return [Reading(rows[:, :2].astype(np.int32), rows[:, 2]) for rows in found]

    def answers(self, pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
        raise AssertionError("claims are not questions")

    def reads_whole(self, claim: str) -> bool:
        return len(claim) < 200

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        found = [_vector(self._find("passages", text)) for text in texts]
        return np.array(found, np.float64).reshape(-1, self.dim)

    def embed_query(self, text: str) -> npt.NDArray[np.float64]:
        return _vector(self._find("queries", text))

    def embed_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.array([self.embed_query(text) for text in texts]).reshape(-1, self.dim)

    def _find(self, kind: str, asked: str) -> Any:
        try:
            return self._held.get(kind, {})[asked]
        except KeyError:
            raise NotRecorded(f"{kind}: {asked!r}") from None


class Recording(Recorded):
    """A checker and embedder that runs the models for inputs that are not yet recorded."""

    def __init__(
        self, held: dict[str, dict[str, Any]], checker: Checker, embedder: Embedder
    ) -> None:
        super().__init__(held)
        self._checker, self._embedder = checker, embedder

    def _find(self, kind: str, asked: str) -> Any:
        held = self._held.setdefault(kind, {})
        if asked not in held:
            held[asked] = self._ask(kind, asked)
        return held[asked]

    def _ask(self, kind: str, asked: str) -> Any:
        if kind in ("supports", "readings"):
            first, _, second = asked.rpartition("\n")
            if kind == "readings":
                (reading,) = self._checker.read([(first, second)])
                tokens = zip(reading.spans.tolist(), reading.logits.tolist(), strict=True)
                return [[*span, round(logit, 6)] for span, logit in tokens]
            (found,) = self._checker.supports([(first, second)]).tolist()
            return [round(probability, 6) for probability in found]
        if kind == "passages":
            vector = self._embedder.embed_passages([asked])[0]
        else:
            vector = self._embedder.embed_query(asked)
        return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def _vector(held: str) -> npt.NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(held), "<f2").astype(np.float64)


def verifier_outputs(models: Recorded | None = None) -> dict[str, Any]:
    """Verify the fixed claims, and run the rules alone on the fixed pairs of texts."""
    given = json.loads((FOLDER / "claims.json").read_text(encoding="utf-8"))
    models = models or Recorded(json.loads(MODELS.read_text(encoding="utf-8")))
    verifier = Verifier(models, models)
    sources = {row["id"]: row for row in given["sources"]}
    return {
        "claims": [
            _claim(verifier.check(draft, shown))
            for row in given["claims"]
            for draft in [
                Draft(row["text"], tuple(row["labels"]), question=row.get("question", ""))
            ]
            for shown in [tuple(_evidence(sources[id] for id in row["on"]))]
        ],
        "pairs": [[astuple(found) for found in findings(*pair)] for pair in given["pairs"]],
    }


def _evidence(rows: Iterator[dict[str, Any]]) -> Iterator[Evidence]:
    for label, row in enumerate(rows, 1):
        about = {name: value for name, value in row.items() if name != "text"}
        about["cited_by"] = tuple(about.get("cited_by", ()))
        source, text = Source(url=about.pop("url"), **about), row["text"]
        id = passage_id(source.id, "golden", 10, 10 + len(text))
        passage = Passage(id, source.id, 10, 10 + len(text), text)
        yield Evidence(label, passage, source, 1.0)


def _claim(claim: Claim) -> dict[str, Any]:
    def quote(citation: Citation) -> list[Any]:
        return [citation.label, citation.start, citation.end, citation.quote]

    return {
        "text": claim.text,
        "verdict": astuple(claim.verdict),
        "reason": claim.reason,
        "secondary": claim.secondary,
        "works": claim.works,
        "citations": [quote(citation) for citation in claim.citations],
        "disputed_by": [quote(citation) for citation in claim.disputed_by],
    }


# The command


def append() -> list[str]:
    """Add the digests of versions that have none; return their names."""
    digests, added = read_digests(), []
    for each in everything():
        known = digests.setdefault(each.name, {})
        if str(each.version) not in known:
            if each.name == "verifier":
                _record()
            known[str(each.version)] = each.digest()
            added.append(f"{each.name} {each.version}")
    DIGESTS.write_text(json.dumps(digests, indent=1) + "\n")
    return added


def _record() -> None:
    """Record outputs of the models for new inputs of the verifier."""
    from index.inference.cross_encoder import CrossEncoder
    from index.inference.embedder import SentenceTransformerEmbedder
    from index.inference.model_registry import BUNDLED_EMBEDDER

    empty: dict[str, dict[str, Any]] = {"supports": {}, "passages": {}, "queries": {}}
    held = json.loads(MODELS.read_text(encoding="utf-8")) if MODELS.exists() else empty
    with tempfile.TemporaryDirectory() as cache:
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, Path(cache))
        verifier_outputs(Recording(held, CrossEncoder(), embedder))
    MODELS.write_text(json.dumps(held, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Compare or, with ``--append``, add first; returns the exit code."""
    if arguments == ["--append"]:
        print("added:", ", ".join(append()) or "nothing: raise a version first")
    faults = [fault for each in everything() if (fault := each.fault(read_digests()))]
    print("\n".join(faults) or "all outputs are those of their versions")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
