"""Provenance: which sources of the library only report on others that are in it too.

An article that links to a paper, and a digest of it, report on the paper: what rests on them
alone is second hand where the work itself can be cited. Two texts of one work, such as an article
and its translation, do not report on each other, though one may link to the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from corpus.types import Source


def same_work(a: Source, b: Source) -> bool:
    """Return whether two sources are texts of one work."""
    return a.work_key == b.work_key


class Originals:
    """The works that each of some sources reports on.

    A source reports on another if the other says that it is cited by it, or if it is a digest
    and the other is a text of the same work.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        known = {source.id: source for source in sources}
        self._of: dict[str, list[Source]] = {id: [] for id in known}
        works = {s.url: s for s in known.values() if s.kind != "digest" and s.url}
        for source in known.values():
            for citing in source.cited_by:
                mutual = citing in known and source.id in known[citing].cited_by
                if citing in known and not mutual and not same_work(known[citing], source):
                    self._of[citing].append(source)
            work = works.get(source.url)
            if source.kind == "digest" and work is not None and not same_work(work, source):
                self._of[source.id].append(work)

    def reports(self, source: Source) -> bool:
        """Return whether a source reports on another one of these sources."""
        return bool(self._of.get(source.id))

    def works(self, source_ids: Iterable[str]) -> set[str]:
        """Return the ids of all works that these sources report on."""
        return {work.id for work in self.original_works(source_ids)}

    def original_works(self, source_ids: Iterable[str]) -> list[Source]:
        """Return the works that these sources report on, ordered by id."""
        found = {work.id: work for id in source_ids for work in self._of.get(id, ())}
        return [found[id] for id in sorted(found)]

    def independent(self, sources: Iterable[Source]) -> int:
        """Count the works of some sources that do not report on another of these works."""
        cited = {source.id: source for source in sources}
        works = {source.work_key for source in cited.values()}
        reports = {
            source.work_key
            for source in cited.values()
            if any(behind.work_key in works for behind in self._of.get(source.id, ()))
        }
        return len(works - reports) or len(works)

    def secondary(self, source_ids: Iterable[str]) -> bool:
        """Return whether each of these only reports on works whose full text is here too."""
        ids = list(source_ids)
        return bool(ids) and all(
            any(work.kind != "digest" for work in self._of.get(id, ())) for id in ids
        )
