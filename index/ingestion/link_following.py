"""Ingestion of the papers that ingested sources link to.

    ingestion = Ingestion(store, progress, reread=True)  # documents read before have links too
    items = await ingestion.places(places, fetcher)
    items += await follow_links(ingestion, items, Crawler(fetcher), depth=1, limit=50)

Addresses that a person named are fetched by the Fetcher. Those that were only linked to are
fetched by the Crawler, which obeys robots.txt and rate limits.
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
from index.ingestion.tasks import refused_item


@dataclass(slots=True)
class LinkedPapers:
    """The papers that some ingested sources link to.

    Attributes:
        papers: Each paper to ingest, with the items of the sources that link to it, in order.
        excluded: The papers that may not be fetched, or that the limits exclude, and why.
    """

    papers: dict[Paper, list[Item]] = field(default_factory=dict)
    excluded: list[Item] = field(default_factory=list)


def linked_papers(
    citing: Sequence[Item], allows_host: Callable[[str], bool], seen: Collection[str], limit: int
) -> LinkedPapers:
    """Collect the papers that ingested sources link to.

    Args:
        citing: The items of the sources.
        allows_host: Says whether a host may be asked.
        seen: Addresses that were ingested already.
        limit: The highest number of papers.
    """
    linked = LinkedPapers()
    done = set(seen)
    for item in citing:
        for refused in _refused(item.links):
            if refused.place not in done:
                done.add(refused.place)
                linked.excluded.append(refused)
        for each in papers(item.links):
            host = urlsplit(each.url).hostname or ""
            if each in linked.papers:
                linked.papers[each].append(item)
            elif each.url in done:
                continue
            elif not allows_host(host):
                reason = f"{host} is not one of the hosts named"
                linked.excluded.append(Item(each.url, "skipped", reason=reason))
            elif len(linked.papers) >= limit:
                reason = "the limit on papers was reached before it"
                linked.excluded.append(Item(each.url, "skipped", reason=reason, problem="limit"))
            else:
                linked.papers[each] = [item]
            done.add(each.url)
    return linked


async def follow_links(
    ingestion: Ingestion, starts: Sequence[Item], crawler: Crawler, *, depth: int, limit: int
) -> list[Item]:
    """Ingest the papers that ingested sources link to, and record who links to them.

    Args:
        ingestion: Reads the papers.
        starts: The items of the ingested sources.
        crawler: Fetches the papers.
        depth: 1 follows the links of ``starts``, 2 also those of the papers found, and so on.
        limit: The highest number of papers in all.

    Returns:
        An item for each paper that is linked to, the excluded ones too.
    """
    items: list[Item] = []
    citing = starts
    for _ in range(depth):
        seen = {item.place for item in [*starts, *items]}
        linked = linked_papers(citing, crawler.allows_host, seen, limit)
        limit -= len(linked.papers)
        wanted = {each: _ids(by) for each, by in linked.papers.items()}
        citing = await ingestion.papers(wanted, crawler.get)
        items += linked.excluded + citing
    _record_citing(ingestion.store, [*starts, *items])
    return items


def preview_links(
    starts: Sequence[Item], allows_host: Callable[[str], bool], limit: int
) -> list[Item]:
    """List the papers that following links once would ingest, as ``planned`` items."""
    linked = linked_papers(starts, allows_host, {start.place for start in starts}, limit)
    found = [
        Item(each.url, "planned", reason="linked from " + ", ".join(item.place for item in by))
        for each, by in linked.papers.items()
    ]
    return found + linked.excluded


def _record_citing(store: Store, items: Sequence[Item]) -> None:
    """Record which sources of one run link to which, whichever was read first."""
    ids = {item.place: item.source_id for item in items if item.source_id}
    for item in items:
        for each in papers(item.links):
            cited = ids.get(each.url)
            if cited and item.source_id not in ("", cited):
                store.add_citing(cited, [item.source_id])


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.source_id for item in items if item.source_id]


def _refused(links: Sequence[Link]) -> Iterator[Item]:
    """Links to papers at addresses of a form that is never fetched."""
    for link in links:
        refused = refusal_reason(link.url)
        if refused and (paper(link.url) or link.url.lower().endswith(".pdf")):
            yield refused_item(refused)
