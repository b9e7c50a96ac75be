"""The library that ships with Tenkyo: what ``corpus/library/sources.toml`` lists."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.types import Source

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A work of the library: where it can be fetched, and our digest of it.

    ``source`` describes the original; ``fetch_url`` is empty for a work, such as an
    application's front page, whose bytes say nothing.
    """

    source: Source
    fetch_url: str
    digest_path: Path
    digest_language: str

    def digest(self) -> tuple[Source, bytes]:
        """The digest, under the same id: it stands in for the original until that is read."""
        source = replace(self.source, kind="digest", language=self.digest_language)
        return source, self.digest_path.read_bytes()


def entries(folder: Path = FOLDER) -> list[CatalogueEntry]:
    """The works in the order of the file."""
    with (folder / "sources.toml").open("rb") as file:
        listed = tomllib.load(file)["source"]
    found = []
    for work in listed:
        work = dict(work)
        digest_path = folder / "digests" / work.pop("digest")
        digest_language = work.pop("digest_language")
        fetch_url = work.pop("fetch", work["url"])
        for name in ("authors", "cited_by"):
            work[name] = tuple(work[name])
        found.append(CatalogueEntry(Source(**work), fetch_url, digest_path, digest_language))
    return found


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question about a work of the library, in English and in Japanese."""

    source: str
    en: str
    ja: str


def suggestions(folder: Path = FOLDER) -> list[Suggestion]:
    """The questions of ``questions.toml``, in its order."""
    with (folder / "questions.toml").open("rb") as file:
        return [Suggestion(**each) for each in tomllib.load(file)["question"]]
