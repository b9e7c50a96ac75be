"""The catalogue of the works that ship with Tenkyo, read from ``corpus/library/sources.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.types import Source

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A shipped work: its metadata, where its text is, and our digest (summary) of it.

    Attributes:
        source: The metadata of the original.
        fetch_url: The URL to fetch the text from; empty where that would yield no text, as for the
            front page of a web application.
        digest_path: The file of our digest.
        digest_language: The language of the digest.
        text_path: The file of the whole text, where its licence lets us ship it; nothing is fetched
            then. None for other works.
    """

    source: Source
    fetch_url: str
    digest_path: Path
    digest_language: str
    text_path: Path | None = None

    def digest(self) -> tuple[Source, bytes]:
        """Read our summary of the work, which stands in for it until the original is fetched.

        Returns:
            Its metadata, with the original's id and the kind ``digest``, and its Markdown bytes.
        """
        source = replace(self.source, kind="digest", language=self.digest_language)
        return source, self.digest_path.read_bytes()


def entries(folder: Path = FOLDER) -> list[CatalogueEntry]:
    """Read the catalogue of shipped works, in the order of its file ``sources.toml``."""
    with (folder / "sources.toml").open("rb") as file:
        listed = tomllib.load(file)["source"]
    found = []
    for work in listed:
        work = dict(work)
        digest_path = folder / "digests" / work.pop("digest")
        digest_language = work.pop("digest_language")
        fetch_url = work.pop("fetch", work["url"])
        text = work.pop("text", "")
        text_path = folder / "texts" / text if text else None
        for name in ("authors", "cited_by"):
            work[name] = tuple(work[name])
        source = Source(**work)
        found.append(
            CatalogueEntry(source, fetch_url, digest_path, digest_language, text_path=text_path)
        )
    return found


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sample question about a shipped work, in English and in Japanese.

    Attributes:
        source: The id of the work.
        en: The question in English.
        ja: The question in Japanese.
        measured: Whether embedders are measured on it. Not where only the whole text answers it,
            since they are measured on the digests.
    """

    source: str
    en: str
    ja: str
    measured: bool = True


def suggestions(folder: Path = FOLDER) -> list[Suggestion]:
    """Read the sample questions of the shipped library, in the order of ``questions.toml``."""
    with (folder / "questions.toml").open("rb") as file:
        return [Suggestion(**each) for each in tomllib.load(file)["question"]]
