"""The reader for EPUB 2 and 3 books: each page of the spine, in order, is read as HTML."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urldefrag

from lxml import etree

from corpus.errors import UnreadableText
from corpus.readers.archive import open_archive
from corpus.readers.encoding import decode
from corpus.readers.html import read_html
from corpus.readers.safe_xml import element_text, parse
from corpus.text.blocks import Block, ParsedDocument, iso_date, one_line, parse_authors

_FONTS_ONLY = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
"""Algorithms that obfuscate a book's fonts; text encrypted by others cannot be read."""

_PAGE = re.compile("html|oeb|dtbook")  # media types that are pages of text
_LEFT_OUT = {"cover", "toc"}
_COVER = re.compile(r"(?:.*/)?cover(?:page)?\.x?html?", re.IGNORECASE)
_NO_DATE = "0101"  # the year that calibre gives to a book without one


def read_epub(data: bytes, name: str) -> ParsedDocument:
    """Read an EPUB book into headings, paragraphs, links and metadata.

    The cover and the table of contents are left out. A chapter without a heading gets the one
    that the table of contents has for it.

    Args:
        data: The bytes of the book.
        name: What error messages call it.

    Raises:
        UnreadableText: Its text is encrypted.
        CorpusError: It is damaged, or unpacks to more than a document would.
    """
    with open_archive(data, name, "EPUB book") as archive:
        book = _Book(archive)
        pages = book.pages()
        if not book.encrypted().isdisjoint(pages):
            raise UnreadableText(
                f"{name} is encrypted (DRM): give a copy of the book without copy protection"
            )
        chapters = book.chapters()
        parsed = book.metadata()
        for path in pages:
            text = decode(archive.read(path))
            if text is None:
                raise UnreadableText(
                    f"{name} has a page that is not text ({path}): it is damaged or under copy"
                    " protection, give another copy"
                )
            page = read_html(text, whole=True)
            parsed.blocks += _with_heading(page.blocks, chapters.get(path, ""))
            parsed.links += page.links
        return parsed


def _with_heading(blocks: list[Block], chapter: str) -> list[Block]:
    """Add the heading of the table of contents to a page that has no heading of its own."""
    if not blocks or not chapter or any(block.level for block in blocks):
        return blocks
    for at, block in enumerate(blocks[:3]):
        if one_line(block.text) == chapter:
            return [*blocks[:at], replace(block, level=1), *blocks[at + 1 :]]
    return [Block(chapter, 1), *blocks]


class _Book:
    """The package document of a book: which files it consists of, by their names in the zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        root = self._parse("META-INF/container.xml").find(".//rootfile")
        if root is None:
            raise ValueError("META-INF/container.xml names no package")
        self.path = _within("", root.get("full-path", ""))
        self.package = self._parse(self.path)
        if self.package.find("spine/itemref") is None:
            raise ValueError(f"{self.path} names no pages")
        self.items = {item.get("id"): item for item in self.package.iterfind("manifest/item")}

    def _parse(self, path: str) -> etree._Element:
        text = decode(self.archive.read(path))
        if text is None:
            raise ValueError(f"{path} is not XML")
        return parse(text, recover=True)

    def _part(self, item: etree._Element) -> str:
        return _within(self.path, item.get("href", ""))

    def pages(self) -> list[str]:
        """List the paths of the pages to read, in order and without repetitions."""
        refs = [self.items.get(ref.get("idref")) for ref in self.package.iterfind("spine/itemref")]
        pages = [
            item for item in refs if item is not None and _PAGE.search(item.get("media-type", ""))
        ]
        paths = {self._part(item): "nav" in item.get("properties", "").split() for item in pages}
        left_out = set(self._left_out())
        kept = [
            path
            for path, is_nav in paths.items()
            if not is_nav and path not in left_out and not _COVER.fullmatch(path)
        ]
        return kept or list(paths)

    def _left_out(self) -> Iterator[str]:
        """Find covers and tables of contents that are pages of their own."""
        for reference in self.package.iterfind("guide/reference"):
            if reference.get("type") in _LEFT_OUT and "#" not in reference.get("href", ""):
                yield _within(self.path, reference.get("href", ""))
        path, nav = self._navigation()
        for anchor in [] if nav is None else nav.iter("a"):
            if _attribute(anchor, "type") in _LEFT_OUT and "#" not in anchor.get("href", ""):
                yield _within(path, anchor.get("href", ""))

    def _navigation(self) -> tuple[str, etree._Element | None]:
        """Find EPUB 3's navigation page or EPUB 2's NCX: its path and its tree."""
        toc = next(iter(self.package.iterfind("spine")), None)
        ncx = self.items.get("" if toc is None else toc.get("toc", ""))
        navs = [i for i in self.items.values() if "nav" in i.get("properties", "").split()]
        for item in [*navs, *([] if ncx is None else [ncx])]:
            path = self._part(item)
            if path in self.archive.NameToInfo:
                return path, self._parse(path)
        return "", None

    def chapters(self) -> dict[str, str]:
        """Map the paths of pages to their titles in the table of contents."""
        path, nav = self._navigation()
        found: dict[str, str] = {}
        if nav is None:
            return found
        for point in nav.iter("navPoint"):
            target = point.find("content")
            label = one_line(element_text(point.find("navLabel")))
            found.setdefault(_within(path, "" if target is None else target.get("src", "")), label)
        tocs = (each for each in nav.iter("nav") if _attribute(each, "type") == "toc")
        for anchor in (a for toc in tocs for a in toc.iter("a")):
            found.setdefault(_within(path, anchor.get("href", "")), one_line(element_text(anchor)))
        return found

    def encrypted(self) -> set[str]:
        """List the paths of encrypted files, apart from fonts that are only obfuscated."""
        if "META-INF/encryption.xml" not in self.archive.NameToInfo:
            return set()
        found = set()
        for each in self._parse("META-INF/encryption.xml").iter("EncryptedData"):
            method, part = each.find("EncryptionMethod"), each.find(".//CipherReference")
            fonts = method is not None and method.get("Algorithm") in _FONTS_ONLY
            if part is not None and not fonts:
                found.add(_within("", part.get("URI", "")))
        return found

    def metadata(self) -> ParsedDocument:
        """Read title, authors, date and language from the package, without any blocks."""
        meta = self.package.find("metadata")
        given = list(meta.iter(etree.Element)) if meta is not None else []
        roles = {
            each.get("refines", "").removeprefix("#"): element_text(each)
            for each in given
            if each.get("property") == "role"
        }
        creators = [
            each for each in given if each.tag == "creator" and parse_authors(element_text(each))
        ]
        authors = [c for c in creators if _role(c, roles) in ("", "aut")] or creators
        dates = [each for each in given if each.tag == "date"]
        dates = [each for each in dates if _attribute(each, "event") != "modification"]
        dates.sort(key=lambda each: _attribute(each, "event") != "publication")
        published = next(filter(None, (iso_date(element_text(each)) for each in dates)), "")
        titles = (one_line(element_text(each)) for each in given if each.tag == "title")
        languages = (element_text(each).strip() for each in given if each.tag == "language")
        return ParsedDocument(
            [],
            title=next(filter(None, titles), ""),
            authors=tuple(dict.fromkeys(one_line(element_text(author)) for author in authors)),
            published="" if published.startswith(_NO_DATE) else published,
            language=next(filter(None, languages), "")[:2].lower(),
        )


def _role(creator: etree._Element, roles: dict[str, str]) -> str:
    return _attribute(creator, "role") or roles.get(creator.get("id", ""), "").strip()


def _attribute(element: etree._Element, name: str) -> str:
    """Get an attribute by its local name: ``opf:role`` in EPUB 2, ``epub:type`` in EPUB 3."""
    found = (value for key, value in element.items() if re.split("[}:]", key)[-1] == name)
    return next(found, "")


def _within(base: str, href: str) -> str:
    """Resolve a reference in the file ``base`` to the path of another file in the archive."""
    path = unquote(urldefrag(href)[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base
