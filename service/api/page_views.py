"""What the API shows of the pages of PDFs: their images, kept for a while, and boxes on them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from corpus.errors import PageNotFound, RequestRefused
from corpus.files.files import MAX_FILE_BYTES
from corpus.readers.format_detection import suffix_of
from corpus.readers.page_reader import PageReader
from corpus.store.originals import OriginalStore, find_original, is_local_file, is_pdf
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.store.versions import LocatedPassage
from corpus.types import Document, Source, page_at, text_hash
from service.schemas import PageImage, PrintedBoxes

MAX_SPAN = 20_000  # characters that boxes are asked for at once
WIDTH_STEP = 200  # pixels: widths are rounded up, so that images can be used again
KEPT_BYTES = 64_000_000  # of images
_NAME = "this PDF"
_GONE = "the file of this source is not here any more: add it again to see its pages"
_CHANGED = "the file has changed since it was read: add it again to see its pages"


@dataclass(frozen=True, slots=True)
class PageFile:
    """The file of a PDF whose page is shown, and its text; ``mark`` changes when the file does."""

    document: Document
    path: Path
    mark: str

    def read(self) -> bytes:
        """Read the bytes of the file; PageNotFound if that is not possible any more."""
        try:
            with self.path.open("rb") as file:
                return file.read(MAX_FILE_BYTES)
        except OSError:
            raise PageNotFound(_GONE, "gone") from None


class PageViews:
    """The pages of the PDFs of a library; threads may share it.

    Args:
        store: The store of documents.
        uploads: The uploaded files.
        kept: The files that were fetched.
        reader: Draws the pages.
    """

    def __init__(
        self,
        store: Store,
        uploads: UploadStore,
        kept: OriginalStore | None,
        reader: PageReader | None = None,
    ) -> None:
        self._store, self._uploads, self._kept = store, uploads, kept
        self._reader = reader or PageReader()
        self._lock = threading.Lock()
        self._images: LRUCache[Hashable, bytes] = LRUCache(KEPT_BYTES, getsizeof=len)
        self._unchanged: LRUCache[Hashable, bool] = LRUCache(1000)

    def availability(self, located: LocatedPassage) -> PageImage:
        """Return whether the page of a passage can be shown as an image."""
        source = located.document.source
        if located.passage.page is None or source.kind == "digest":
            return "no"
        path = find_original(source, self._uploads, self._kept)
        if path is None:
            return "gone" if suffix_of(source.url) in ("", ".pdf") else "no"
        return "yes" if is_pdf(path) else "no"

    def find(self, source_id: str, version: str) -> PageFile:
        """Find the file of a version of a source; empty for the current one.

        Raises:
            NotFound: There is no such source or version.
            PageNotFound: It is not a PDF, or its file is not here any more.
        """
        document = self._store.document(source_id, version)
        source = document.source
        path = find_original(source, self._uploads, self._kept)
        if path is None and document.pages and source.kind != "digest":
            raise PageNotFound(_GONE, "gone")
        if path is None or not document.pages or not is_pdf(path):
            raise PageNotFound("this source is not a PDF: read its text instead", "no_pages")
        return PageFile(document, path, _mark(source, path))

    def image(self, file: PageFile, number: int, width: int) -> bytes:
        """Return a page as a WebP image of about this width, in pixels.

        Raises:
            PageNotFound: The file is gone or has changed, or has no such page.
            PageNotDrawn: It needs a password, or is damaged.
        """
        key = (file.mark, number, width := rounded(width))
        with self._lock:
            image = self._images.get(key)
        if image is None:
            data = file.read()
            self._check_unchanged(file, data)
            image = self._reader.draw(data, _NAME, number, width)
            with self._lock:
                if len(image) <= KEPT_BYTES:
                    self._images[key] = image
        return image

    def boxes(self, file: PageFile, start: int, end: int) -> PrintedBoxes:
        """Return where a span of the text is printed.

        Raises:
            RequestRefused: The span is not one of the text, or too long.
            PageNotFound: The file is gone or has changed.
            PageNotDrawn: It needs a password, or is damaged.
        """
        document = file.document
        if not 0 <= start < end <= len(document.text) or end - start > MAX_SPAN:
            raise RequestRefused(
                f"the span from {start} to {end} cannot be boxed: start and end are offsets of the"
                f" text, which has {len(document.text):,} characters, at most {MAX_SPAN:,} apart"
            )
        span = page_at(document.pages, start)
        page, data = span.number if span else 1, file.read()
        if any(each.ocr for each in document.pages):  # reading it takes long, and gives no places
            self._check_unchanged(file, data)
            printed = self._reader.measure(data, _NAME, page)
            return PrintedBoxes(page, printed.pages, printed.ratio, ())
        printed = self._reader.locate(data, _NAME, start, end, page)
        same = printed.version == document.source.version
        if is_local_file(document.source) and not same:
            raise PageNotFound(_CHANGED, "changed")
        self._remember_unchanged(file, data)
        boxes = printed.boxes if same else ()
        return PrintedBoxes(boxes[0].page if boxes else page, printed.pages, printed.ratio, boxes)

    def close(self) -> None:
        """End the processes that draw."""
        self._reader.close()

    def _check_unchanged(self, file: PageFile, data: bytes) -> None:
        """Raise PageNotFound if a local file has another text than when it was read."""
        source = file.document.source
        if not is_local_file(source):
            return
        with self._lock:
            known = _same_bytes(source, data) in self._unchanged
        if not known:
            if self._reader.locate(data, _NAME, 0, 0).version != source.version:
                raise PageNotFound(_CHANGED, "changed")
            self._remember_unchanged(file, data)

    def _remember_unchanged(self, file: PageFile, data: bytes) -> None:
        if is_local_file(file.document.source):
            with self._lock:
                self._unchanged[_same_bytes(file.document.source, data)] = True


def rounded(width: int) -> int:
    """Round a width up to one in which images are made."""
    return -(-width // WIDTH_STEP) * WIDTH_STEP


def _same_bytes(source: Source, data: bytes) -> tuple[str, str]:
    return source.version, hashlib.sha256(data).hexdigest()


def _mark(source: Source, path: Path) -> str:
    try:
        state = os.stat(path)
    except OSError:
        raise PageNotFound(_GONE, "gone") from None
    changed = state.st_mtime_ns if is_local_file(source) else 0  # the others never change
    return text_hash(f"{source.id}\0{source.version}\0{state.st_size}\0{changed}")
