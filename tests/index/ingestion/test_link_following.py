"""Link following against a small web: a real server with every kind of failure.

The guard is the real one: names resolve to public addresses, and only behind it is each
connection led to the server on 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpus.store.store import Store
from corpus.types import Source
from corpus.web.crawler import Crawler
from corpus.web.fetcher import Fetcher, Limits
from corpus.web.http_cache import HttpCache
from index.ingestion.ingest import Ingestion
from index.ingestion.link_following import follow_links, preview_links
from index.ingestion.report import Item
from index.ingestion.tasks import FileSelection
from tests.support.small_web import LONG, Web, html, links, paper_pdf, serving

pytestmark = [pytest.mark.process, pytest.mark.server, pytest.mark.usefixtures("kept_readers")]

PUBLIC = "93.184.216.34"
ADDRESSES = {
    "router.lan": ["192.168.1.1"],
    "metadata.cloud": ["169.254.169.254"],
    "half.org": [PUBLIC, "10.0.0.7"],
    "169.254.169.254": ["169.254.169.254"],
    "127.0.0.1": ["127.0.0.1"],
    "[::1]": ["::1"],
    "::1": ["::1"],
}


async def resolve(host: str, port: int) -> Sequence[str]:
    return ADDRESSES.get(host, [PUBLIC])


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as server:
        yield server


class Detour(httpx.AsyncHTTPTransport):
    """Redirects each connection to the test server; ``addresses`` are the intended ones."""

    def __init__(self, web: Web) -> None:
        super().__init__(limits=httpx.Limits(max_keepalive_connections=0))
        self.port, self.addresses = web.server_port, []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.addresses.append(request.url.host)
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        led = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream,
            extensions={k: v for k, v in request.extensions.items() if k != "sni_hostname"},
        )  # fmt: skip
        return await super().handle_async_request(led)


class FollowingHarness:
    """A store with its cache, and `tenkyo ingest … --follow papers` on the small web."""

    def __init__(self, web: Web, folder: Path) -> None:
        self.web, self.folder = web, folder
        self.store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
        self.cache = HttpCache(folder / "fetched")
        self.detour = Detour(web)
        self.fetcher: dict[str, Any] = {"limits": Limits(max_wait=3.0), "resolve": resolve}
        self.crawler: dict[str, Any] = {"pause": 0.0}

    def run(self, work: Callable[[Fetcher, Crawler], Any]) -> Any:
        async def scenario() -> Any:
            transport = self.detour = Detour(self.web)
            options = {"transport": transport, "cache": self.cache, **self.fetcher}
            async with Fetcher(**options) as fetcher:
                return await work(fetcher, Crawler(fetcher, **self.crawler))

        return asyncio.run(scenario())

    def ingest(self, *places: object, depth: int = 1, limit: int = 50) -> dict[str, Item]:
        async def work(fetcher: Fetcher, crawler: Crawler) -> list[Item]:
            with Ingestion(self.store, reread=True) as ingestion:
                items = await ingestion.places(map(str, places), fetcher)
                found = await follow_links(ingestion, items, crawler, depth=depth, limit=limit)
                return items + found

        return self._by_place(self.run(work))

    def preview(self, *places: object, limit: int = 50) -> dict[str, Item]:
        async def work(fetcher: Fetcher, crawler: Crawler) -> list[Item]:
            with Ingestion(self.store) as ingestion:
                names = map(str, places)
                items = await ingestion.preview(names, fetcher, FileSelection(), open_them=True)
                return items + preview_links(items, crawler.allows_host, limit)

        return self._by_place(self.run(work))

    def _by_place(self, items: list[Item]) -> dict[str, Item]:
        found = {item.place: item for item in items}
        assert len(found) == len(items), "a place was reported twice"
        for item in items:
            assert "\n" not in item.reason and "geheim" not in item.place + item.reason
            assert bool(item.reason) >= (item.outcome in ("failed", "skipped"))
        return found

    def source(self, url: str) -> Source:
        source = self.store.source_at(url)
        assert source is not None, url
        return source


@pytest.fixture
def harness(web: Web, tmp_path: Path) -> FollowingHarness:
    return FollowingHarness(web, tmp_path / "data")


def bare(url: str) -> str:
    return url.partition("://")[2]


def tags(**named: str | list[str]) -> str:
    pairs = [(k, v) for k, vs in named.items() for v in ([vs] if isinstance(vs, str) else vs)]
    return "".join(f'<meta name="citation_{key}" content="{value}">' for key, value in pairs)


def to(location: str) -> tuple[int, dict[str, str], bytes]:
    return 302, {"location": location}, b""


# How papers are found


def test_each_kind_of_paper_address_is_resolved(harness: FollowingHarness, web: Web) -> None:
    web.pages |= {
        "blog.org/2022": html(links(
            "https://arxiv.org/pdf/2202.05263v3", "https://doi.org/10.1145/ABC.1",
            "https://openreview.net/forum?id=aB1", "https://aclanthology.org/2020.acl-main.447/",
            "https://doi.org/10.18653/v1/2020.acl-main.447",  # the same paper again
            "https://www.nature.com/articles/s41586-021-04357-7", "https://lab.org/paper.pdf",
            "https://blog.org/about", "mailto:someone@blog.org",
        )),
        "arxiv.org/abs/2202.05263": html("<p>Abstract.</p>", tags(
            title="Block-NeRF", author=["Tancik, Matthew", "Casser, Vincent"], date="2022/02/10",
            pdf_url="https://arxiv.org/pdf/2202.05263",
        )),
        "arxiv.org/pdf/2202.05263": paper_pdf("Block-NeRF renders a city."),
        "doi.org/10.1145/abc.1": to("https://publisher.org/paper?x=1"),
        "publisher.org/paper?x=1": html("<p>Abstract.</p>", tags(
            title="A Paper on Maps", author="Ada Kanda", publication_date="2021-05",
            journal_title="Journal of Maps", pdf_url="/files/maps",
        )),
        "publisher.org/files/maps": paper_pdf("Maps are drawn by hand."),
        "openreview.net/forum?id=aB1": html("<p>Loading.</p>", tags(title="Reviewed")),
        "openreview.net/pdf?id=aB1": paper_pdf("It was reviewed in the open."),
        "aclanthology.org/2020.acl-main.447/": html("<p>A</p>", tags(title="Bound by Language")),
        "aclanthology.org/2020.acl-main.447.pdf": paper_pdf("Language binds."),
        # No PDF for the public: its page has the text.
        "www.nature.com/articles/s41586-021-04357-7": html(
            f"<h1>Outracing champions</h1><p>{LONG}</p>",
            tags(title="Outracing champions", author="Wurman, Peter R.", journal_title="Nature"),
        ),
        "www.nature.com/articles/s41586-021-04357-7.pdf": (403, {}, b""),
        "lab.org/paper.pdf": paper_pdf("It was made in a lab."),
    }  # fmt: skip
    items = harness.ingest("https://blog.org/2022")
    assert {item.outcome for item in items.values()} == {"fetched"}
    assert list(items) == [
        "https://blog.org/2022",
        "https://arxiv.org/abs/2202.05263",
        "https://doi.org/10.1145/abc.1",
        "https://openreview.net/forum?id=aB1",
        "https://aclanthology.org/2020.acl-main.447/",
        "https://www.nature.com/articles/s41586-021-04357-7",
        "https://lab.org/paper.pdf",
    ]
    page = harness.source("https://blog.org/2022")
    assert page.kind == "web" and page.cited_by == ()
    texts = {}
    for place in list(items)[1:]:
        source = harness.source(place)
        assert (source.kind, source.cited_by) == ("paper", (page.id,))
        texts[place] = harness.store.document(source.id).text
    block_nerf = harness.source("https://arxiv.org/abs/2202.05263")
    assert block_nerf.title == "Block-NeRF" and block_nerf.published == "2022-02-10"
    assert block_nerf.authors == ("Matthew Tancik", "Vincent Casser")
    assert "renders a city" in texts[block_nerf.url]
    maps = harness.source("https://doi.org/10.1145/abc.1")
    assert (maps.title, maps.authors) == ("A Paper on Maps", ("Ada Kanda",))
    assert (maps.venue, maps.published) == ("Journal of Maps", "2021-05")
    assert "drawn by hand" in texts[maps.url]
    nature = "https://www.nature.com/articles/s41586-021-04357-7"
    assert "403" in items[nature].reason and "680,000" in texts[nature]
    assert harness.source(nature).authors == ("Peter R. Wurman",)
    assert "blog.org/about" not in web.requests()


def test_doi_with_blocked_page_is_resolved_by_registry(harness: FollowingHarness, web: Web) -> None:
    csl = {
        "title": ["A Paper on Maps"],
        "author": [{"given": "Ada", "family": "Kanda"}, {"literal": "The Map Group"}, 7],
        "issued": {"date-parts": [[2021, 5, 3]]},
        "container-title": "Journal of Maps",
        "link": [{"URL": "https://publisher.org/maps", "content-type": "application/pdf"}],
    }

    def doi(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if "csl+json" in headers.get("accept", ""):
            return 200, {"content-type": "application/json"}, json.dumps(csl).encode()
        return to("https://publisher.org/paper")

    web.pages |= {
        "blog.org/": html(links("https://doi.org/10.1145/abc.1", "https://doi.org/10.1145/abc.2")),
        "doi.org/10.1145/abc.1": doi,
        "doi.org/10.1145/abc.2": to("https://publisher.org/paper"),
        "publisher.org/paper": (403, {}, b""),
        "publisher.org/maps": paper_pdf("Maps are drawn by hand."),
    }
    items = harness.ingest("https://blog.org/")
    maps = harness.source("https://doi.org/10.1145/abc.1")
    assert (maps.title, maps.authors) == ("A Paper on Maps", ("Ada Kanda", "The Map Group"))
    assert (maps.venue, maps.published) == ("Journal of Maps", "2021-05-03")
    assert items["https://doi.org/10.1145/abc.2"].outcome == "failed"
    assert "403" in items["https://doi.org/10.1145/abc.2"].reason
    unread = {u.place: u.problem for u in harness.store.unread()}
    assert unread["https://doi.org/10.1145/abc.2"] == "not allowed"


def test_login_page_does_not_count_as_paper(harness: FollowingHarness, web: Web) -> None:
    web.pages |= {
        "blog.org/": html(links("https://doi.org/10.1145/abc.1")),
        "doi.org/10.1145/abc.1": html("<h1>Log in</h1><p>Please log in.</p>"),
    }
    item = harness.ingest("https://blog.org/")["https://doi.org/10.1145/abc.1"]
    assert item.outcome == "failed"
    assert "names no PDF" in item.reason and "almost no text" in item.reason
    assert harness.store.source_at(item.place) is None


def test_login_page_in_place_of_pdf_does_not_count_as_paper(
    harness: FollowingHarness, web: Web
) -> None:
    paper = "https://doi.org/10.1145/abc.1"
    head = tags(title="A Paper on Maps", pdf_url="https://publisher.org/get?doc=maps")
    web.pages |= {
        "blog.org/": html(links(paper)),
        "doi.org/10.1145/abc.1": html(f"<h1>A Paper on Maps</h1><p>{LONG}</p>", head),
        "publisher.org/get?doc=maps": html(f"<h1>Log in</h1><p>{'Buy it. ' * 500}</p>"),
    }
    item = harness.ingest("https://blog.org/")[paper]
    assert item.reason == "https://publisher.org/get?doc=maps is not a PDF"
    assert item.problem == "no pdf"
    text = harness.store.document(item.source_id).text
    assert "680,000" in text and "Buy it" not in text


def test_paper_named_directly_is_resolved(harness: FollowingHarness, web: Web) -> None:
    web.pages |= {
        "arxiv.org/abs/2202.05263": html("<p>Abstract.</p>", tags(title="Block-NeRF")),
        "arxiv.org/pdf/2202.05263": paper_pdf("Block-NeRF renders a city."),
    }
    (item,) = harness.ingest("https://arxiv.org/pdf/2202.05263v2").values()
    assert (item.place, item.title) == ("https://arxiv.org/abs/2202.05263", "Block-NeRF")
    assert "renders a city" in harness.store.document(item.source_id).text


def test_paper_of_library_keeps_id_and_metadata(harness: FollowingHarness, web: Web) -> None:
    from corpus.library.catalogue import entries

    async def digests(fetcher: Fetcher, crawler: Crawler) -> list[Item]:
        with Ingestion(harness.store) as ingestion:
            return await ingestion.library(entries(), fetcher)

    harness.run(digests)  # nothing of it is on the small web
    before = harness.store.source("block-nerf")
    assert before.kind == "digest" and before.cited_by
    web.pages |= {
        "blog.org/": html(links("https://arxiv.org/abs/2202.05263")),
        "arxiv.org/abs/2202.05263": html("<p>Abstract.</p>", tags(title="Block-NeRF")),
        "arxiv.org/pdf/2202.05263": paper_pdf("Block-NeRF renders a city."),
    }
    item = harness.ingest("https://blog.org/")["https://arxiv.org/abs/2202.05263"]
    after = harness.store.source("block-nerf")
    assert item.source_id == "block-nerf" and after.kind == "paper"
    assert (after.title, after.authors, after.venue) == (before.title, before.authors, before.venue)
    assert after.cited_by == (*before.cited_by, harness.source("https://blog.org/").id)
    assert "renders a city" in harness.store.document("block-nerf").text


# Limits


def test_depth_limit_and_hosts_are_respected(harness: FollowingHarness, web: Web) -> None:
    urls = [f"https://arxiv.org/abs/2202.0000{i}" for i in range(5)]
    web.pages["blog.org/"] = html(
        links("https://lab.org/a.pdf", *urls, "https://sub.arxiv.org/b.pdf")
    )
    harness.crawler["hosts"] = ["arxiv.org"]
    items = harness.ingest("https://blog.org/", limit=3)
    assert [item.outcome for item in items.values()] == [
        "fetched", "skipped", "skipped", "skipped", "skipped", "failed", "failed", "failed",
    ]  # fmt: skip
    assert "lab.org is not one of the hosts" in items["https://lab.org/a.pdf"].reason
    assert "the limit on papers" in items[urls[4]].reason and items[urls[4]].problem == "limit"
    assert {page.split("/")[0] for page in web.requests(robots=True)} == {"blog.org", "arxiv.org"}
    assert {unread.place for unread in harness.store.unread()} == set(urls[:3])


def test_redirect_to_other_host_is_not_followed(harness: FollowingHarness, web: Web) -> None:
    web.pages |= {
        "blog.org/": html(links("https://doi.org/10.1145/abc.1")),
        "doi.org/10.1145/abc.1": to("https://publisher.org/paper"),
    }
    harness.crawler["hosts"] = ["doi.org"]
    item = harness.ingest("https://blog.org/")["https://doi.org/10.1145/abc.1"]
    assert "publisher.org is not one of the hosts allowed" in item.reason and item.problem == ""
    web.pages["doi.org/robots.txt"] = to("https://publisher.org/robots.txt")
    item = harness.ingest("https://blog.org/")["https://doi.org/10.1145/abc.1"]
    assert "robots.txt cannot be read (publisher.org is not one of the hosts" in item.reason
    assert item.problem == ""
    assert not any("publisher.org" in page for page in web.requests(robots=True))


def test_papers_linked_from_papers_are_followed_to_depth(
    harness: FollowingHarness, web: Web
) -> None:
    def paper(i: int, *linked: str) -> tuple[int, dict[str, str], bytes]:
        return html(f"<p>{LONG}</p>" + links(*linked), tags(title=f"Paper {i}"))

    doi = "https://doi.org/10.1145/abc.{}".format
    web.pages |= {
        "blog.org/": html(links(doi(1), doi(2))),
        "doi.org/10.1145/abc.1": paper(1, doi(2), doi(3), doi(1)),
        "doi.org/10.1145/abc.2": paper(2, doi(1)),
        "doi.org/10.1145/abc.3": paper(3, doi(4), doi(1), "https://blog.org/"),
        "doi.org/10.1145/abc.4": paper(4),
    }
    page = "https://blog.org/"
    assert list(harness.ingest(page)) == [page, doi(1), doi(2)]
    ids = {url: harness.source(url).id for url in (page, doi(1), doi(2))}
    assert set(harness.source(doi(1)).cited_by) == {ids[page], ids[doi(2)]}
    assert set(harness.source(doi(2)).cited_by) == {ids[page], ids[doi(1)]}
    assert list(harness.ingest(page, depth=2)) == [page, doi(1), doi(2), doi(3)]
    assert harness.source(doi(3)).cited_by == (ids[doi(1)],)
    items = harness.ingest(page, depth=9)
    assert list(items) == [page, doi(1), doi(2), doi(3), doi(4)]
    assert {items[url].outcome for url in list(items)[:4]} == {"unchanged"}
    assert set(harness.source(doi(1)).cited_by) == {
        ids[page],
        ids[doi(2)],
        harness.source(doi(3)).id,
    }
    assert list(harness.ingest(page, depth=9, limit=2)) == [page, doi(1), doi(2), doi(3)]
    assert harness.ingest(page, depth=9, limit=2)[doi(3)].outcome == "skipped"


def test_preview_fetches_only_the_page(harness: FollowingHarness, web: Web) -> None:
    web.pages["blog.org/"] = html(
        links(
            "https://arxiv.org/abs/2202.05263",
            "https://a:geheim@lab.org/a.pdf",
            "https://doi.org/10.1145/1",
        )
    )
    items = harness.preview("https://blog.org/", limit=1)
    assert [(item.place, item.outcome) for item in items.values()] == [
        ("https://blog.org/", "planned"),
        ("https://arxiv.org/abs/2202.05263", "planned"),
        ("https://lab.org/a.pdf", "failed"),
        ("https://doi.org/10.1145/1", "skipped"),
    ]
    assert items["https://blog.org/"].title == "Year in review"
    assert items["https://arxiv.org/abs/2202.05263"].reason == "linked from https://blog.org/"
    assert "password" in items["https://lab.org/a.pdf"].reason
    assert web.requests(robots=True) == ["blog.org/"] and harness.store.sources() == []


def test_links_in_files_and_folders_are_followed(
    harness: FollowingHarness, web: Web, tmp_path: Path
) -> None:
    web.pages["lab.org/a.pdf"] = paper_pdf("It was made in a lab.")
    (tmp_path / "docs").mkdir()
    one, two = tmp_path / "docs" / "one.md", tmp_path / "docs" / "two.html"
    one.write_text("# One\n\nSee [the paper](https://lab.org/a.pdf) for more.")
    two.write_bytes(html(links("https://lab.org/a.pdf"))[2])
    items = harness.ingest(tmp_path / "docs")
    assert list(items) == [str(one), str(two), "https://lab.org/a.pdf"]
    ids = [harness.source(path.as_uri()).id for path in (one, two)]
    assert harness.source("https://lab.org/a.pdf").cited_by == tuple(ids)
    two.unlink()
    harness.ingest(tmp_path / "docs")
    harness.ingest("https://lab.org/a.pdf")  # by itself: who cites it is still known
    assert harness.source("https://lab.org/a.pdf").cited_by == tuple(ids)


def test_relative_links_resolve_against_final_redirect(harness: FollowingHarness, web: Web) -> None:
    web.pages |= {
        "blog.org/2022": to("https://www.blog.org/2022/index"),
        "www.blog.org/2022/index": html(links("papers/a.pdf", "/b.pdf")),
        "www.blog.org/2022/papers/a.pdf": paper_pdf("Paper a."),
        "www.blog.org/b.pdf": to("/login"),
        "www.blog.org/login": html(f"<h1>Log in</h1><p>{LONG}</p>"),
    }
    items = harness.ingest("https://blog.org/2022")
    assert items["https://www.blog.org/2022/papers/a.pdf"].outcome == "fetched"
    assert "looks like an HTML page" in items["https://www.blog.org/b.pdf"].reason
    assert harness.source("https://blog.org/2022").id == items["https://blog.org/2022"].source_id
    (login,) = harness.ingest("https://www.blog.org/b.pdf").values()
    assert "looks like an HTML page" in login.reason


def test_paper_that_cannot_be_refetched_is_kept(harness: FollowingHarness, web: Web) -> None:
    paper = "https://lab.org/a.pdf"
    web.pages |= {
        "blog.org/": html(links(paper)),
        "other.org/": html(links(paper)),
        "lab.org/a.pdf": paper_pdf("Paper a."),
    }
    harness.ingest("https://blog.org/")
    del web.pages["lab.org/a.pdf"]
    item = harness.ingest("https://other.org/")[paper]
    assert item.outcome == "kept" and "404" in item.reason and item.problem == "not found"
    pages = [harness.source(url).id for url in ("https://blog.org/", "https://other.org/")]
    assert harness.source(paper).cited_by == tuple(pages) and harness.store.unread() == []


# Failures


def test_every_kind_of_failure_is_reported_and_isolated(
    harness: FollowingHarness, web: Web
) -> None:
    def drip(headers: dict[str, str]) -> Any:
        def body() -> Iterator[bytes]:
            for _ in range(100):
                time.sleep(0.05)
                yield b"."

        return 200, {"content-type": "application/pdf"}, body()

    def endless(headers: dict[str, str]) -> Any:
        return 200, {"content-type": "application/pdf"}, (b"%PDF-" * 20_000 for _ in range(20_000))

    expected = {
        "gone": "404",
        "slow": "no complete answer within 3 s",
        "busy": "429",
        "picture": "PNG picture",
        "login": "looks like an HTML page",
        "endless": "larger than 5 MB",
        "declared": "larger than 5 MB",
        "loop": "more than 5 redirects",
        "self": "more than 5 redirects",
        "to-router": "router.lan is at 192.168.1.1, which is not on the public internet",
        "to-cloud": "metadata.cloud is at 169.254.169.254",
        "to-half": "half.org is at 10.0.0.7",
        "to-file": "only http and https",
        "to-ftp": "only http and https",
        "to-password": "user name or password",
        "forbidden/x": "robots.txt",
        "to-forbidden": "robots.txt",
    }
    lab = {f"https://lab.org/{name}.pdf": why for name, why in expected.items()}
    others = {
        "http://router.lan/a.pdf": "not on the public internet",
        "http://169.254.169.254/latest/a.pdf": "not on the public internet",
        "http://127.0.0.1/a.pdf": "not on the public internet",
        "http://[::1]/a.pdf": "not on the public internet",
        "http://half.org/a.pdf": "half.org is at 10.0.0.7",
        "ftp://lab.org/a.pdf": "only http and https",
        "file:///etc/passwd.pdf": "only http and https",
        "https://down.org/a.pdf": r"robots.txt cannot be read \(the server answered 500",
    }
    fine = {f"https://lab.org/{name}.pdf": "" for name in ("typed", "again", "moved")}
    web.pages |= {
        "blog.org/": html(links(*lab, *others, *fine, "https://u:geheim@lab.org/secret.pdf")),
        "lab.org/robots.txt": (200, {}, b"User-agent: *\nDisallow: /forbidden/\n"),
        "down.org/robots.txt": (500, {}, b""),
        "lab.org/slow.pdf": drip,
        "lab.org/busy.pdf": (429, {"retry-after": "0"}, b""),
        "lab.org/picture.pdf": (200, {}, b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
        "lab.org/login.pdf": html("<p>Please log in.</p>"),
        "lab.org/endless.pdf": endless,
        "lab.org/declared.pdf": (200, {"content-length": str(2 * 10**9)}, b"%PDF-1.4"),
        "lab.org/loop.pdf": to("https://lab.org/loop2.pdf"),
        "lab.org/loop2.pdf": to("https://lab.org/loop.pdf"),
        "lab.org/self.pdf": to("/self.pdf"),
        "lab.org/to-router.pdf": to("http://router.lan/"),
        "lab.org/to-cloud.pdf": to("http://metadata.cloud/latest/meta-data"),
        "lab.org/to-half.pdf": to("http://half.org/"),
        "lab.org/to-file.pdf": to("file:///etc/passwd"),
        "lab.org/to-ftp.pdf": to("ftp://lab.org/a.pdf"),
        "lab.org/to-password.pdf": to("https://u:geheim@lab.org/typed.pdf"),
        "lab.org/to-forbidden.pdf": to("/forbidden/y.pdf"),
        "lab.org/typed.pdf": (200, {"content-type": "text/html"}, paper_pdf("Typed wrong.")[2]),
        "lab.org/again.pdf": [(503, {"retry-after": "1"}, b""), paper_pdf("At the second try.")],
        "lab.org/moved.pdf": to("https://lab.org/typed.pdf"),
    }
    harness.fetcher["limits"] = Limits(max_wait=3.0, deadline=3.0, max_bytes=5_000_000)
    begun = time.monotonic()
    items = harness.ingest("https://blog.org/")
    assert time.monotonic() - begun < 60
    for place, why in {**lab, **others}.items():
        assert items[place].outcome == "failed", items[place]
        assert re.search(why, items[place].reason), items[place]
    for place in fine:
        assert items[place].outcome in ("fetched", "unchanged"), items[place]
    refused = items["https://lab.org/secret.pdf"]
    assert refused.outcome == "failed" and "password" in refused.reason
    assert refused.problem == "address"
    asked = web.requests()
    assert not [page for page in asked if "forbidden/" in page or "secret" in page]
    assert {page.split("/")[0] for page in asked} == {"blog.org", "lab.org"}
    assert set(harness.detour.addresses) == {PUBLIC}
    assert web.sent < 40_000_000
    assert max(file.stat().st_size for file in harness.cache.folder.iterdir()) < 1_000_000


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://u:geheim@blog.org/", "user name or password"),
        ("file:///etc/passwd", "only http"),
        ("ftp://blog.org/a", "only http"),
        ("javascript://blog.org/a", "only http"),
        ("http://router.lan/", "not on the public internet"),
        ("http://169.254.169.254/latest/meta-data", "not on the public internet"),
    ],
)
def test_refused_start_address_is_reported(
    harness: FollowingHarness, web: Web, url: str, why: str
) -> None:
    (item,) = harness.ingest(url).values()
    assert item.outcome == "failed" and why in item.reason
    (item,) = harness.preview(url).values()
    assert item.outcome == "failed" and why in item.reason
    assert web.asked == [] and harness.store.sources() == []


def test_dns_rebinding_is_refused(harness: FollowingHarness, web: Web) -> None:
    """Every second DNS answer is a private address: it is refused, or never requested."""
    answers = 0

    async def rebinding(host: str, port: int) -> Sequence[str]:
        nonlocal answers
        answers += host == "lab.org"
        return [PUBLIC if answers % 2 or host != "lab.org" else "127.0.0.1"]

    web.pages |= {
        "blog.org/": html(links(*(f"https://lab.org/{i}.pdf" for i in range(4)))),
        **{f"lab.org/{i}.pdf": paper_pdf(f"Paper {i}.") for i in range(4)},
    }
    harness.fetcher["resolve"] = rebinding
    items = list(harness.ingest("https://blog.org/").values())[1:]
    assert set(harness.detour.addresses) == {PUBLIC}
    outcomes = {item.outcome for item in items}
    assert outcomes == {"failed", "fetched"}
    refused = [item for item in items if item.outcome == "failed"]
    assert all("127.0.0.1, which is not on the public internet" in i.reason for i in refused)
    # One look-up for each request, and the connection goes to the address it returned.
    assert answers == len(harness.detour.addresses) - 1 + len(refused)


# Rate limits and robots.txt


def test_requests_to_one_host_are_serial_with_pause(harness: FollowingHarness, web: Web) -> None:
    urls = [f"https://lab.org/{i}.pdf" for i in range(4)]
    web.pages |= {
        "blog.org/": html(links(*urls, "https://other.org/a.pdf")),
        "other.org/a.pdf": paper_pdf("Elsewhere."),
        **{f"lab.org/{i}.pdf": paper_pdf(f"Paper {i}.") for i in range(4)},
    }
    harness.crawler["pause"] = 0.2
    items = harness.ingest("https://blog.org/")
    assert {item.outcome for item in items.values()} == {"fetched"}
    times = [at for at, page, _ in web.asked if page.startswith("lab.org")]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert len(gaps) == 4 and min(gaps) >= 0.2  # robots.txt is a request as well
    assert web.most_at_once["lab.org"] == 1
    elsewhere = next(at for at, page, _ in web.asked if page == "other.org/a.pdf")
    assert elsewhere < times[2]  # one slow host does not hold up another


def test_crawl_delay_is_respected_up_to_limit(harness: FollowingHarness, web: Web) -> None:
    rules = b"User-agent: other\nCrawl-delay: 9\n\nUser-agent: TENKYO\nCrawl-delay: 0.3\nAllow: /\n"
    web.pages |= {
        "blog.org/": html(
            links("https://lab.org/a.pdf", "https://far.org/a.pdf", "https://far.org/b.pdf")
        ),
        "lab.org/robots.txt": (200, {}, rules),
        "far.org/robots.txt": (200, {}, b"User-agent: *\nCrawl-delay: 3600\n"),
        "lab.org/a.pdf": paper_pdf("Near."),
        "far.org/a.pdf": paper_pdf("Far."),
        "far.org/b.pdf": paper_pdf("Far again."),
    }
    harness.crawler["max_pause"] = 0.5
    items = harness.ingest("https://blog.org/")
    assert {item.outcome for item in items.values()} == {"fetched"}
    first, second = (at for at, page, _ in web.asked if page in ("far.org/a.pdf", "far.org/b.pdf"))
    assert 0.5 <= second - first < 2


def test_retry_after_is_respected(harness: FollowingHarness, web: Web) -> None:
    urls = [f"https://lab.org/{i}.pdf" for i in range(3)]
    busy = [(429, {"retry-after": "1"}, b"")]

    def answer(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return busy.pop() if busy else paper_pdf("A paper.")

    web.pages |= {"blog.org/": html(links(*urls)), **dict.fromkeys(map(bare, urls), answer)}
    items = harness.ingest("https://blog.org/")
    assert {item.outcome for item in items.values()} == {"fetched"}
    times = [at for at, page, _ in web.asked if page.startswith("lab.org/") and "pdf" in page]
    assert len(times) == 4 and times[1] - times[0] >= 1  # no other request is sent in between


def test_host_with_long_retry_after_is_not_asked_again(harness: FollowingHarness, web: Web) -> None:
    urls = [f"https://lab.org/{i}.pdf" for i in range(3)]
    later = formatdate(time.time() + 3600, usegmt=True)
    busy = (503, {"retry-after": later}, b"")
    web.pages |= {"blog.org/": html(links(*urls)), **dict.fromkeys(map(bare, urls), busy)}
    reasons = sorted(item.reason for item in list(harness.ingest("https://blog.org/").values())[1:])
    assert reasons[2].startswith("the server answered 503")
    for reason in reasons[:2]:
        assert re.fullmatch(r"lab\.org asks for a pause of 3\d{3} s: try again later", reason)
    assert len(web.requests()) == 2


def test_robots_txt_is_read_once_and_not_for_named_addresses(
    harness: FollowingHarness, web: Web
) -> None:
    web.pages |= {
        "lab.org/robots.txt": (200, {}, b"User-agent: *\nDisallow: /"),
        "lab.org/": html(links("https://lab.org/a.pdf", "https://lab.org/b.pdf")),
        "lab.org/a.pdf": paper_pdf("Paper a."),
    }
    items = harness.ingest("https://lab.org/")
    assert [item.outcome for item in items.values()] == ["fetched", "failed", "failed"]
    assert web.requests(robots=True) == ["lab.org/", "lab.org/robots.txt"]
    assert harness.ingest("https://lab.org/a.pdf")["https://lab.org/a.pdf"].outcome == "fetched"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((404, {}, b""), "fetched"),
        ((403, {}, b""), "fetched"),  # RFC 9309: any 4xx is "there is none"
        ((429, {"retry-after": "0"}, b""), "failed"),
        ((503, {"retry-after": "0"}, b""), "failed"),
        (to("/robots.txt"), "failed"),
        (to("http://router.lan/robots.txt"), "failed"),
        (to("https://other.org/rules"), "fetched"),
        ((200, {"content-type": "text/html"}, b"<html><p>Not found: sorry</p>"), "fetched"),
    ],
)
def test_unavailable_robots_txt(
    harness: FollowingHarness, web: Web, answer: Any, outcome: str
) -> None:
    web.pages |= {
        "blog.org/": html(links("https://lab.org/a.pdf")),
        "lab.org/robots.txt": answer,
        "lab.org/a.pdf": paper_pdf("Paper a."),
        "other.org/rules": (200, {}, b"User-agent: *\nAllow: /\n"),
    }
    assert harness.ingest("https://blog.org/")["https://lab.org/a.pdf"].outcome == outcome


def test_private_address_has_its_own_problem_also_by_way_of_robots_txt(
    harness: FollowingHarness, web: Web
) -> None:
    pages = ["http://router.lan/a.pdf", "https://lab.org/a.pdf"]
    web.pages |= {
        "blog.org/": html(links(*pages)),
        "lab.org/robots.txt": to("http://router.lan/robots.txt"),
        "lab.org/a.pdf": paper_pdf("Paper a."),
    }
    items = harness.ingest("https://blog.org/")
    for page in pages:
        assert items[page].problem == "private address"
        assert items[page].reason == (
            f"refused to fetch {page}: router.lan is at 192.168.1.1, which is not on the public"
            " internet"
        )


def test_unchanged_resources_are_not_sent_again(harness: FollowingHarness, web: Web) -> None:
    sent: list[str] = []

    def tagged(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if headers.get("if-none-match") == '"v1"':
            return 304, {}, b""
        sent.append("a")
        return paper_pdf("Paper a.", etag='"v1"')

    def dated(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        day = "Tue, 01 Mar 2022 10:00:00 GMT"
        if headers.get("if-modified-since") == day:
            return 304, {}, b""
        sent.append("b")
        return paper_pdf("Paper b.", last_modified=day)

    web.pages |= {
        "blog.org/": html(links("https://lab.org/old.pdf", "https://lab.org/b.pdf"), etag='"p"'),
        "lab.org/old.pdf": to("https://lab.org/a.pdf"),
        "lab.org/a.pdf": tagged,
        "lab.org/b.pdf": dated,
        "blog.org/odd": html(LONG, etag='"\xe9"'),
    }
    for _ in range(2):  # a tag that no header may carry is no tag
        assert harness.ingest("https://blog.org/odd")["https://blog.org/odd"].outcome != "failed"
    first = harness.ingest("https://blog.org/")
    assert [item.outcome for item in first.values()] == ["fetched"] * 3
    again = harness.ingest("https://blog.org/")
    assert [item.outcome for item in again.values()] == ["unchanged"] * 3
    assert sorted(sent) == ["a", "b"]
    hop = [headers for _, page, headers in web.asked if page == "lab.org/old.pdf"]
    assert "if-none-match" not in hop[1]  # the tag is of another address

    lines = [json.loads(path.read_text()) for path in harness.cache.folder.glob("*.json")]
    kept = {line["url"]: line for line in lines}
    assert kept["https://lab.org/old.pdf"]["final_url"] == "https://lab.org/a.pdf"
    for path in harness.cache.folder.iterdir():  # every entry is damaged: all is sent again
        path.write_bytes(b"damaged")
    assert {item.outcome for item in harness.ingest("https://blog.org/").values()} == {"unchanged"}
    assert sorted(sent) == ["a", "a", "b", "b"]
