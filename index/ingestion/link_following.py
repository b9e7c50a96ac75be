"""From a page to the papers that it links to, and on to those that they link to.

    ingestion = Ingestion(store, tally, reread=True)  # what was read before has links too
    items = await ingestion.places(places, fetcher)
    items += await follow(ingestion, items, Crawler(fetcher), depth=1, limit=50)

What was named is fetched by the Fetcher, what was only linked to by the Crawler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from corpus.links import Paper, paper, papers
from corpus.store.store import Store
from corpus.types import Link
from corpus.web.crawler import Crawler
from corpus.web.ssrf_guard import refusal_reason
from index.ingestion.ingest import Ingestion
from index.ingestion.report import Item


@dataclass(slots=True)
class LinkedPapers:
    """The papers that some sources link to, each with the places that do, in their order.

    ``left_out`` are those that may not be fetched, or that the bounds leave out, and why.
    """

    papers: dict[Paper, list[Item]] = field(default_factory=dict)
    left_out: list[Item] = field(default_factory=list)


def linked_papers(
    citing: Sequence[Item], allows_host: Callable[[str], bool], seen: Collection[str], limit: int
) -> LinkedPapers:
    """The papers that ``citing`` link to, but for those at the addresses ``seen``.

    ``may_ask`` says which hosts are within bounds; ``limit`` is the most papers there may be.
    """
    linked = LinkedPapers()
    done = set(seen)
    for item in citing:
        for refused in _refused(item.links):
            if refused.place not in done:
                done.add(refused.place)
                linked.left_out.append(refused)
        for each in papers(item.links):
            host = urlsplit(each.url).hostname or ""
            if each in linked.papers:
                linked.papers[each].append(item)
            elif each.url in done:
                continue
            elif not allows_host(host):
                linked.left_out.append(_skipped(each, f"{host} is none of the hosts named"))
            elif len(linked.papers) >= limit:
                linked.left_out.append(_skipped(each, "as many papers as allowed came before it"))
            else:
                linked.papers[each] = [item]
            done.add(each.url)
    return linked


async def follow_links(
    ingestion: Ingestion, starts: Sequence[Item], crawler: Crawler, *, depth: int, limit: int
) -> list[Item]:
    """Ingest the papers that ingested sources link to; each names them in ``cited_by``.

    At a ``depth`` of 2 the papers' own links are followed too, and so on; at most ``limit``
    papers are asked for in all.
    """
    items: list[Item] = []
    citing = starts
    for _ in range(depth):
        seen = {item.place for item in [*starts, *items]}
        linked = linked_papers(citing, crawler.allows_host, seen, limit)
        limit -= len(linked.papers)
        wanted = {each: _ids(by) for each, by in linked.papers.items()}
        citing = await ingestion.papers(wanted, crawler.get)
        items += linked.left_out + citing
    _note_citing(ingestion.store, [*starts, *items])
    return items


def preview_links(
    starts: Sequence[Item], allows_host: Callable[[str], bool], limit: int
) -> list[Item]:
    """What ``follow_links`` would ingest at a depth of 1, as ``planned`` items; nothing is fetched."""
    linked = linked_papers(starts, allows_host, {start.place for start in starts}, limit)
    found = [
        Item(each.url, "planned", reason="linked from " + ", ".join(item.place for item in by))
        for each, by in linked.papers.items()
    ]
    return found + linked.left_out


def _note_citing(store: Store, items: Sequence[Item]) -> None:
    """Sources of one run that link to each other, whichever was read first."""
    ids = {item.place: item.source_id for item in items if item.source_id}
    for item in items:
        for each in papers(item.links):
            cited = ids.get(each.url)
            if cited and item.source_id not in ("", cited):
                store.add_citing(cited, [item.source_id])


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.source_id for item in items if item.source_id]


def _refused(links: Sequence[Link]) -> Iterator[Item]:
    """Links to what would be papers, at addresses of a form that is never fetched."""
    for link in links:
        refused = refusal_reason(link.url)
        if refused and (paper(link.url) or link.url.lower().endswith(".pdf")):
            yield Item(refused.url, "failed", reason=str(refused))


def _skipped(paper: Paper, reason: str) -> Item:
    return Item(paper.url, "skipped", reason=reason)
