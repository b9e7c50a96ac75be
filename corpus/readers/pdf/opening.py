"""Opening of PDF files by PDFium, one at a time, with errors that say what to do."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.document_errors import DamagedFile
from corpus.errors import CorpusError, PasswordNeeded, UnreadableText

# PDFium has global state and is not thread-safe: one document at a time in a process.
_LOCK = threading.Lock()


@contextmanager
def opened_pdf(
    data: bytes, name: str, password: str = "", prepare: Callable[[], object] = lambda: None
) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF, and close it at the end of the ``with`` block.

    Args:
        data: The bytes of the file.
        name: What error messages call it.
        password: Opens an encrypted file.
        prepare: Called first, while no other document of this process is open.

    Raises:
        PasswordNeeded: The password does not open it.
        UnreadableText: It is encrypted in a way that cannot be read.
        CorpusError: It is damaged.
    """
    with _LOCK:
        prepare()
        try:
            pdf = pypdfium2.PdfDocument(data, password=password or None)
        except pypdfium2.PdfiumError as error:
            raise _refusal(error, name, password) from error
        try:
            yield pdf
        except pypdfium2.PdfiumError as error:
            raise DamagedFile(f"{name} is a damaged PDF ({error}): save it again") from error
        finally:
            pdf.close()


def unlock_pdf(data: bytes, name: str, password: str) -> bytes:
    """Return an encrypted PDF without its encryption, or as it is if it opens without a password.

    Args:
        data: The bytes of the file.
        name: What error messages call it.
        password: Opens the file.

    Raises:
        PasswordNeeded: The password does not open it.
        CorpusError: It is damaged.
    """
    with contextlib.suppress(PasswordNeeded), opened_pdf(data, name):
        return data
    with opened_pdf(data, name, password) as pdf:
        unlocked = io.BytesIO()
        pdf.save(unlocked, flags=pdfium.FPDF_REMOVE_SECURITY)
        return unlocked.getvalue()


def _refusal(error: pypdfium2.PdfiumError, name: str, password: str) -> CorpusError:
    if error.err_code == pdfium.FPDF_ERR_PASSWORD:
        if password:
            return PasswordNeeded(
                f"{name} is encrypted: the password given does not open it, try another --password"
            )
        return PasswordNeeded(f"{name} is encrypted: give its password with --password")
    if error.err_code == pdfium.FPDF_ERR_SECURITY:
        return UnreadableText(
            f"{name} is encrypted in a way that cannot be read: print it to a new PDF"
        )
    return DamagedFile(f"{name} is a damaged PDF: save it again or find another copy")
