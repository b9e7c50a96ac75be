"""The reader for Markdown: its text as it is displayed, without markup, by markdown-it-py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin

from markdown_it import MarkdownIt
from markdown_it.token import Token

from corpus.links import bare_urls
from corpus.readers.front_matter import author_list, split_front_matter
from corpus.readers.html import read_html
from corpus.text.blocks import CJK, LINE, PARAGRAPH, Block, ParsedDocument, iso_date, one_line
from corpus.text.byline import read_byline
from corpus.text.title_block import read_title_block
from corpus.types import Link

# What is nested deeper is left out. The parser recurses, so there must be a limit.
_PARSER = MarkdownIt("commonmark", {"maxNesting": 60}).enable(["table", "strikethrough"])
_DATES = ("date", "published", "published_at", "pubdate", "publishdate")
# CommonMark does not see **強調「語」**の as emphasis: it requires a space after punctuation.
_STARS = re.compile(rf"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?={CJK})|(?<={CJK})\*\*([^*\n]+?)\*\*")


def read_markdown(text: str, url: str = "") -> ParsedDocument:
    """Read Markdown text into headings, paragraphs, table rows, links and metadata.

    Args:
        text: The Markdown, with or without front matter (YAML or TOML).
        url: The address of the file, against which relative links are resolved.
    """
    front, body = split_front_matter(re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")))
    reader = _Reader(url)
    reader.read(_PARSER.parse(body))
    heading = next((block.text for block in reader.blocks if block.level == 1), "")
    dates = (iso_date(" ".join(front.get(key, []))) for key in _DATES)
    by, dated = read_byline(reader.blocks)
    paper = read_title_block(reader.blocks)
    named = front.get("authors") or front.get("author") or []
    return ParsedDocument(
        reader.blocks,
        links=reader.links,
        title=" ".join(front.get("title", [])) or one_line(heading),
        authors=author_list(named) or by or paper.authors,
        published=next(filter(None, dates), "") or dated or paper.published,
        venue=paper.venue,
        language=" ".join(front.get("lang") or front.get("language") or [])[:2].lower(),
        licence=", ".join(front.get("license") or front.get("licence") or []),
    )


class _Reader:
    """Converts markdown-it's flat list of tokens to blocks and links."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.blocks: list[Block] = []
        self.links: list[Link] = []
        self.lists: list[int] = []  # per open list: 0 for bullets, else its next number
        self.marker, self.glue, self.level = "", PARAGRAPH, 0
        self.row: list[str] | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            match token.type:
                case "inline":
                    self._inline(token)
                case "fence" | "code_block":
                    self._add(token.content.strip("\n"))
                case "html_block":
                    self._html(token.content)
                case "heading_open":
                    self.level = int(token.tag[1])
                case "heading_close":
                    self.level = 0
                case "bullet_list_open" | "ordered_list_open":
                    self._open_list(token)
                case "bullet_list_close" | "ordered_list_close":
                    self.lists.pop()
                    self.marker, self.glue = "", LINE if self.lists else PARAGRAPH
                case "list_item_open":
                    self._open_item()
                case "list_item_close":
                    self.marker, self.glue = "", LINE
                case "table_open" | "table_close":
                    self.glue = PARAGRAPH
                case "tr_open":
                    self.row = []
                case "tr_close":
                    self._close_row()

    def _open_list(self, token: Token) -> None:
        self.glue = LINE if self.lists else PARAGRAPH
        ordered = token.type == "ordered_list_open"
        self.lists.append(int(token.attrGet("start") or 1) if ordered else 0)

    def _open_item(self) -> None:
        number = self.lists[-1]
        self.marker = "  " * min(len(self.lists) - 1, 8) + (f"{number}. " if number else "- ")
        self.lists[-1] += bool(number)

    def _close_row(self) -> None:
        cells, self.row = self.row or [], None
        if any(cells):
            self._add(" | ".join(cells))
            self.glue = LINE

    def _inline(self, token: Token) -> None:
        text = _STARS.sub(r"\1\2", "".join(self._pieces(token.children or [])))
        if self.row is not None:
            self.row.append(one_line(text))
        else:
            self._add("\n".join(filter(None, map(one_line, text.split("\v")))))

    def _pieces(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Yield the text of inline tokens, with a vertical tab for each hard line break.

        Links that are found go to ``self.links``.
        """
        href: str | None = None
        anchor_text: list[str] = []
        for token in tokens:
            piece = ""
            match token.type:
                case "text" | "code_inline":
                    piece = token.content
                    if href is None and token.type == "text":
                        self.links += bare_urls(piece)
                case "image":
                    piece = "".join(child.content for child in token.children or [])
                case "softbreak":
                    piece = "\n"
                case "hardbreak":
                    piece = "\v"
                case "html_inline":
                    piece = "\v" if re.match(r"<br\b", token.content, re.IGNORECASE) else ""
                case "link_open":
                    href, anchor_text = str(token.attrGet("href") or ""), []
                case "link_close":
                    self._link(href or "", "".join(anchor_text))
                    href = None
            anchor_text.append(piece)
            yield piece

    def _link(self, href: str, anchor_text: str) -> None:
        try:
            url = urljoin(self.url, href)
        except ValueError:  # such as http://[
            return
        if url.startswith(("http://", "https://")) and not href.startswith("#"):
            self.links.append(Link(url, one_line(anchor_text)))

    def _html(self, content: str) -> None:
        """Add a block of embedded HTML: often a banner or table, or only half an element."""
        parsed = read_html(content, self.url)
        self.links += parsed.links
        for block in parsed.blocks:
            self._add(block.text, block.level, block.glue)

    def _add(self, text: str, level: int = 0, glue: str = "") -> None:
        if text.strip():
            self.blocks.append(Block(self.marker + text, level or self.level, 0, glue or self.glue))
            self.marker, self.glue = "", PARAGRAPH
