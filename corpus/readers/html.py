"""The reader for HTML pages: the article without navigation and other boilerplate, by lxml."""

from __future__ import annotations

import re
from itertools import accumulate
from urllib.parse import urljoin

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from corpus.readers.html_metadata import page_metadata
from corpus.text.blocks import LINE, PARAGRAPH, Block, ParsedDocument, collapse_whitespace, one_line
from corpus.types import Link


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = _names(
    "head script style noscript template nav aside form button select textarea input svg canvas"
    " object embed iframe audio video map dialog rt rp"  # rt, rp: readings printed over kanji
)
_BOILERPLATE_ROLES = _names(
    "navigation banner contentinfo search complementary dialog menu menubar toolbar"
    " doc-noteref doc-backlink doc-pagebreak"
)
_MARKS = _names("noteref pagebreak")  # numbers of notes and pages within the text of a book
_BOILERPLATE_CLASSES = _names(
    "mw-editsection noprint navbox sr-only visually-hidden screen-reader-text breadcrumb"
    " breadcrumbs anchor-link headerlink catlinks printfooter mw-portlet"
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_ANY_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SPACES, _AROUND_BREAK = re.compile(r" {2,}"), re.compile(r" ?\n ?")
_CONTENT = _names("main article")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = _names(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption"
    " figure footer header hgroup hr html legend main p pre section summary table tbody tfoot thead"
) | frozenset(_HEADINGS)


def read_html(text: str, url: str = "", whole: bool = False) -> ParsedDocument:
    """Read an HTML page into headings, paragraphs, table rows, links and metadata.

    Args:
        text: The markup of the page.
        url: The address of the page, against which relative links are resolved.
        whole: All of the page is content, as on the pages of a book: nothing around the
            article is looked for and left out.
    """
    root = parse_page(text)
    if root is None:
        return ParsedDocument([])
    base = next((each.get("href") for each in root.iter("base") if each.get("href")), "")
    walk = _Walk(absolute(url, base) or url, whole)
    walk.run(root)
    parsed = page_metadata(root)
    parsed.blocks, parsed.links = walk.content()
    first = next((block.text for block in walk.blocks if block.level == 1), "")
    if not parsed.title or (first and parsed.title.startswith(first)):
        parsed.title = one_line(first) or parsed.title  # without the "- Name of the site"
    return parsed


def read_tree(root: etree._Element) -> ParsedDocument:
    """Read a parsed tree of HTML elements into blocks and links; all of it is content."""
    walk = _Walk("", whole=True)
    walk.run(root)
    blocks, links = walk.content()
    return ParsedDocument(blocks, links)


def parse_page(text: str) -> HtmlElement | None:
    """Parse an HTML page, however malformed, to a tree; None if it has no element.

    libxml2's limits of 10 MB a text node and 256 levels are lifted. Its limit of 2,048 levels
    cannot be, and what lies deeper would be lost silently: of such a page only the text is
    read, without its structure. Whoever walks the tree must do so without recursion.
    """
    # As bytes, because lxml refuses a string that declares an encoding.
    data = text.replace("\0", "").encode("utf-8", "replace")
    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True, remove_comments=True)
    try:
        root = document_fromstring(data, parser=parser)
    except etree.ParserError:  # nothing but comments and white space
        return None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        flat = _ANY_TAG.sub("<p>", _SCRIPT.sub("", text))
        return document_fromstring(flat.encode("utf-8", "replace"), parser=parser)
    return root


def absolute(base: str, href: str) -> str:
    """Resolve a link of a page to an absolute URL; "" if it does not lead to one.

    ``file:`` and ``ftp:`` URLs, which are never fetched, are returned only where the link
    itself is one, so that the error that refuses it can name it.

    Args:
        base: The URL of the page.
        href: The link as written in the page.
    """
    href = href.strip()
    try:
        url = urljoin(base, href)
    except ValueError:  # such as http://[
        return ""
    if url.startswith(("http://", "https://")):
        return url
    return url if href.lower().startswith(("file:", "ftp:")) else ""


class _Walk:
    """Collects blocks and links in one pass over a tree, in document order."""

    def __init__(self, base: str, whole: bool = False) -> None:
        self.base, self.whole = base, whole
        self.blocks: list[Block] = []
        self.links: list[tuple[int, Link]] = []  # each with the number of blocks before it
        self.spans: list[tuple[int, int]] = []  # ranges of blocks in <main> and <article>
        self.open: list[int] = []  # the starts of those that are still open
        self.lists: list[int] = []  # per open list: 0 for bullets, else its next number
        self.text: list[str] = []  # of the open block
        self.level = self.pre = 0
        self.marker, self.glue = "", PARAGRAPH
        self.cells: list[str] | None = None  # of the open row of a data table
        self.row: HtmlElement | None = (
            None  # that row; rows of tables within its cells do not count
        )
        self.last_row = -1  # the number of blocks after the last row
        self.anchors: list[tuple[str, int]] = []
        self.layout: set[HtmlElement] = set()

    def run(self, root: HtmlElement) -> None:
        self.layout = _layout_tables(root)
        walker = etree.iterwalk(root, events=("start", "end"))
        skipped = None
        for event, element in walker:
            if event == "end":
                if element is not skipped:
                    self._end(element)
                self._add(element.tail)
            elif self._is_boilerplate(element):
                skipped = element
                walker.skip_subtree()
            elif element.tag == "math" and element.get("alttext"):
                self._add(element.get("alttext"))
                skipped = element
                walker.skip_subtree()
            else:
                self._start(element)
                self._add(element.text)
        self._flush()

    def content(self) -> tuple[list[Block], list[Link]]:
        """Return the blocks and links of the smallest <main> or <article> with most of the text."""
        if self.whole:
            return self.blocks, [link for _, link in self.links]
        sums = [0, *accumulate(len(block.text) for block in self.blocks)]
        most = [(a, b) for a, b in self.spans if sums[b] - sums[a] > 0.6 * sums[-1]]
        start, end = min(most, key=lambda span: span[1] - span[0], default=(0, len(self.blocks)))
        links = [link for at, link in self.links if start <= at < end]
        return self.blocks[start:end], links

    def _is_boilerplate(self, element: HtmlElement) -> bool:
        tag, get = element.tag, element.get
        if self.whole and tag in ("aside", "header", "footer"):
            return False
        if tag in _DROPPED or (tag in ("header", "footer") and not self.open):
            return True  # but one within an article belongs to the article
        return bool(element.keys()) and (
            get("role") in _BOILERPLATE_ROLES
            or not _MARKS.isdisjoint((get("epub:type") or "").split())
            or get("hidden") is not None
            or get("aria-hidden") == "true"
            or bool(_HIDDEN.search(get("style") or ""))
            or not _BOILERPLATE_CLASSES.isdisjoint((get("class") or "").split())
        )

    def _start(self, element: HtmlElement) -> None:
        tag = element.tag
        if self.cells is not None and tag not in ("a", "td", "th"):
            self.text.append(" " if tag in _BLOCKS or tag in ("br", "li") else "")
        elif tag == "br":
            self.text.append("\n")
        elif tag == "a":
            self.anchors.append((element.get("href") or "", len(self.text)))
        elif tag == "tr" and next(element.iterancestors("table"), None) not in self.layout:
            self._flush()
            self.row, self.cells = element, []
        elif tag in ("ul", "ol"):
            self._flush()
            self.glue = LINE if self.lists else PARAGRAPH
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._start_item()
        elif tag in _BLOCKS or tag in ("tr", "td", "th"):
            self._flush()
            self.level = _HEADINGS.get(tag, self.level)
            self.pre += tag == "pre"
            if tag == "dd":
                self.glue = LINE
        if tag in _CONTENT or element.get("role") == "main":
            self.open.append(len(self.blocks))

    def _start_item(self) -> None:
        self._flush()
        number = self.lists[-1] if self.lists else 0
        if number:
            self.lists[-1] += 1
        self.marker = "  " * min(len(self.lists) - 1, 8) + (f"{number}. " if number else "- ")

    def _end(self, element: HtmlElement) -> None:
        tag = element.tag
        if tag == "a" and self.anchors:
            self._end_link(*self.anchors.pop())
        elif self.cells is not None:
            if tag in ("td", "th"):
                self.cells.append(one_line("".join(self.text)))
                self.text.clear()
            elif element is self.row:
                self._end_row(self.cells)
        elif tag in ("ul", "ol"):
            self._flush()
            self.lists.pop()
            self.marker, self.glue = "", LINE if self.lists else PARAGRAPH
        elif tag == "li":
            self._flush()
            self.marker, self.glue = "", LINE
        elif tag in _BLOCKS or tag in ("tr", "td", "th"):
            self._flush()
            self.level = 0 if tag in _HEADINGS else self.level
            self.pre -= tag == "pre"
        if (tag in _CONTENT or element.get("role") == "main") and self.open:
            self.spans.append((self.open.pop(), len(self.blocks)))

    def _end_link(self, href: str, start: int) -> None:
        url = "" if href.startswith("#") else absolute(self.base, href)
        if url:
            anchor_text = one_line("".join(self.text[start:]))
            self.links.append((len(self.blocks), Link(url, anchor_text)))

    def _end_row(self, cells: list[str]) -> None:
        self.cells = None
        self.glue = LINE if self.last_row == len(self.blocks) else PARAGRAPH
        if any(cells):
            self.text = [" | ".join(cells)]
            self._flush()
            self.last_row = len(self.blocks)
        self.glue = PARAGRAPH

    def _add(self, text: str | None) -> None:
        if text:
            self.text.append(text if self.pre else collapse_whitespace(text))

    def _flush(self) -> None:
        """Close the open block, if it has any text."""
        if not self.text:
            return
        text = "".join(self.text)
        self.text.clear()
        if self.pre:
            text = text.strip("\n")
        else:
            text = _AROUND_BREAK.sub("\n", _SPACES.sub(" ", text)).strip(" \n")
        if text.strip():
            self.blocks.append(Block(self.marker + text, self.level, 0, self.glue))
            # Only the first block of a list item has its marker.
            self.marker, self.glue = "", PARAGRAPH


def _layout_tables(root: HtmlElement) -> set[HtmlElement]:
    """Find tables used for page layout: those that contain tables, headings or sections."""
    inner = root.iter("table", "article", "section", *_HEADINGS)
    around = (next(each.iterancestors("table"), None) for each in inner)
    return {table for table in around if table is not None}
