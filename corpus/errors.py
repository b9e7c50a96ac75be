"""All exceptions that Tenkyo raises on purpose; each message says in one line how to fix it.

The command line prints ``str(error)`` and the API puts it into a problem document (RFC 9457) as
it is; ``service/problems.py`` maps each class to an HTTP status. An error that concerns one source
of many becomes a row of the ingestion's report and does not stop the ingestion.
"""

from __future__ import annotations

import re
from typing import Literal

_SECRET = re.compile("key|token|secret|password", re.IGNORECASE)  # in the name of a setting
_LOGIN = re.compile("//[^/]*@")  # in a URL


class TenkyoError(Exception):
    """Base class of all errors raised on purpose; ``str()`` is one line with the fix."""

    @property
    def public(self) -> str:
        """The message for readers on other machines: no local path, address or system error.

        It equals ``str()`` unless that names such things, which only the owner of the machine
        needs in order to fix them.
        """
        return str(self)


class CorpusError(TenkyoError):
    """A file or web page cannot be read: fix that one and ingest it again.

    It concerns this source alone and never stops an ingestion of several.
    """


class FetchFailed(CorpusError):
    """A URL did not return a document: check the address, or save the page and ingest the file.

    Args:
        url: the address, without credentials.
        reason: what happened, with the fix where there is one.
        status: the HTTP status that the server answered with, or None.
    """

    def __init__(self, url: str, reason: str, status: int | None = None) -> None:
        self.url, self.reason, self.status = url, reason, status
        super().__init__(f"cannot fetch {url}: {reason}")


class AddressRefused(CorpusError):
    """A URL may not be fetched: it has a forbidden form or leads into a private network.

    The fix is to correct the address or, for one's own network, ``--trust-private``.
    """

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"refused to fetch {url}: {reason}")


class UnsupportedContent(CorpusError):
    """No reader handles this kind of file, or its content is not what its name says.

    The fix is to save it in a supported format, such as PDF, HTML or DOCX.
    """


class EmptyDocument(CorpusError):
    """A file contains no text at all: check the file, or export it again."""


class UnreadableText(CorpusError):
    """A file has text that cannot be read: encrypted, scanned, or without character codes.

    The fix is to give its password, to install Tesseract for scans, or to export it again.
    """


class PasswordNeeded(UnreadableText):
    """A PDF is encrypted, and no password was given that opens it: give its password."""


class PageNotDrawn(CorpusError):
    """A page of a PDF cannot be drawn, though the file is there: add another copy of it.

    Args:
        message: what is wrong, with the fix.
        code: ``locked`` for a file that needs a password, ``broken`` for one that is damaged.
    """

    def __init__(self, message: str, code: Literal["locked", "broken"]) -> None:
        self.code = code
        super().__init__(message)


class StoreError(TenkyoError):
    """The data folder or the database cannot be used: check permissions and free disk space.

    Args:
        message: the full message, for the owner of the machine.
        public: the message for readers elsewhere; by default one that points to the log.
    """

    def __init__(self, message: str, public: str = "") -> None:
        self._public = public
        super().__init__(message)

    @property
    def public(self) -> str:
        """The message without paths and system errors."""
        return self._public or (
            "the library's database or index cannot be used: the log of the service has the reason,"
            " such as that its disk is full"
        )


class IndexMissing(TenkyoError):
    """There is no search index yet: run ``tenkyo ingest``."""

    def __init__(self, path: object) -> None:
        super().__init__(f"there is no index in {path}: run `tenkyo ingest` to fill it")

    @property
    def public(self) -> str:
        """The message without the index's path."""
        return "there is no index yet: run `tenkyo ingest` to fill it"


class IndexMismatch(TenkyoError):
    """The index was built from other passages, by another model or format: rebuild it.

    Args:
        path: the index's folder.
        expected: what the index should have been built from.
        found: what it was built from.
    """

    def __init__(self, path: object, expected: object, found: object) -> None:
        self.expected, self.found = expected, found
        super().__init__(
            f"the index in {path} is for {found}, but {expected} is wanted: run `tenkyo reindex`"
        )

    @property
    def public(self) -> str:
        """The message without the index's path."""
        return "the index was built from something else: run `tenkyo reindex`"


class ModelError(TenkyoError):
    """A model failed: try again, and see the log of the service for the reason."""

    @property
    def public(self) -> str:
        """The message without the model server's address or the model's path."""
        return "a model cannot be used: try again; the log of the service has the reason"


class ModelUnavailable(ModelError):
    """A model cannot be reached or loaded: start its server, or install its weights.

    Args:
        reason: the message, with the fix.
        status: the HTTP status of the model's server, or None.
        retry_after: seconds after which the server asks for another try, or None.
    """

    def __init__(
        self, reason: str, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(reason)


class ModelBadOutput(ModelError):
    """A model's output breaks its protocol: check that the address serves the expected API."""


class NotFound(TenkyoError):
    """No source, passage, conversation, answer or job has this id: list them and check it."""


class PageNotFound(NotFound):
    """A page is not there to be drawn: its file is gone or another one, or has no such page.

    Args:
        message: what is missing, with the fix.
        code: ``gone`` or ``changed`` of the file, ``beyond`` for a number that no page has, and
            ``no_pages`` where the source is not a PDF.
    """

    def __init__(
        self, message: str, code: Literal["gone", "changed", "beyond", "no_pages"]
    ) -> None:
        self.code = code
        super().__init__(message)


class Gone(NotFound):
    """A shared link or a stream existed and has expired or was revoked: ask for a new one."""


class RequestRefused(TenkyoError):
    """A cursor, key or number in a request is invalid: correct the request."""


class CollectionRefused(TenkyoError):
    """A collection cannot have this name: choose another one."""


class CollectionExists(CollectionRefused):
    """There is a collection of this name: use it, or choose another name."""


class QuestionRefused(TenkyoError):
    """A question is empty, too long or not text: rewrite it."""


class ChatRefused(TenkyoError):
    """A request in OpenAI's format asks for what Tenkyo does not support: leave that out.

    Args:
        message: what is not supported, and what to use instead.
        param: the request's field, as OpenAI's API names it.
        code: the error code, as OpenAI's API would give it.
        status: the HTTP status.
    """

    def __init__(self, message: str, param: str, code: str, status: int = 400) -> None:
        self.param, self.code, self.status = param, code, status
        super().__init__(message)


class TextRefused(TenkyoError):
    """A text to fact-check is empty, too long or not text: shorten or correct it."""


class ServiceError(TenkyoError):
    """A request that the typed client or the command line sent to a Tenkyo service failed.

    Args:
        url: the address of the service, as it was given.
        message: one line with the fix.
    """

    def __init__(self, url: str, message: str) -> None:
        self.url = url
        super().__init__(message)


class ServiceUnreachable(ServiceError):
    """Nothing answered at the service's address in time: check that it runs there."""


class ServiceUnreadable(ServiceError):
    """The server at this address is not Tenkyo, or another version: check address and version."""


class ServiceProblem(ServiceError):
    """The service answered with a problem document (RFC 9457): follow its detail.

    Args:
        url: the address of the service, as it was given.
        status: the HTTP status.
        title: the kind of problem.
        detail: one line with the fix; it becomes ``str()``.
        retry_after: seconds after which the service asks for another try, or None.
    """

    def __init__(
        self, url: str, status: int, title: str, detail: str, retry_after: int | None = None
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.retry_after = retry_after
        super().__init__(url, detail or title)


class ServiceRefused(ServiceProblem):
    """The service refused the request (status 400 to 499): correct it as the detail says."""


class ServiceFailed(ServiceProblem):
    """The service failed (status 500 to 599), also in the middle of a stream: try again later."""


class StreamBroken(ServiceError):
    """A stream ended before its answer was complete: ask again, with the same idempotency key."""


class ReceiptRefused(TenkyoError):
    """A file is not a receipt that this version can check: export it again, or upgrade."""


class UploadRefused(TenkyoError):
    """An upload is not a form with files as expected: send it as multipart/form-data."""


class UploadTooLarge(TenkyoError):
    """An uploaded file is larger than a document may be: split it."""


class NotNow(TenkyoError):
    """A request cannot be served at the moment: send it again after ``retry_after`` seconds.

    Args:
        reason: why not now; the message adds when to try again.
        retry_after: whole seconds.
    """

    def __init__(self, reason: str, retry_after: int) -> None:
        self.retry_after = retry_after
        unit = "second" if retry_after == 1 else "seconds"
        super().__init__(f"{reason}: try again in {retry_after} {unit}")


class TooManyJobs(NotNow):
    """The queue of ingestion jobs is full: wait, or cancel some."""

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} jobs are waiting already", retry_after)


class TooBusy(NotNow):
    """The queue of questions is full, or this one waited in it for too long: try again later."""


class NotEnded(NotNow):
    """An answer that is being stopped is still running: try again in a moment."""


class NotReady(NotNow):
    """The service is starting or shutting down: try again in a moment."""


class JobEnded(TenkyoError):
    """A job to be cancelled has already ended: nothing is left to do."""


class SettingsError(TenkyoError):
    """A setting is unknown or has an invalid value: set it to one that is expected.

    Args:
        name: the setting or command-line option.
        value: the value that was given; the message leaves out that of a key, and the name and
            password in a URL.
        expected: what it may be.
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name = name
        shown = "…" if _SECRET.search(name) else _LOGIN.sub("//…@", str(value))
        super().__init__(f"{name}={shown}: {expected}")
