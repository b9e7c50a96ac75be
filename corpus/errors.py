"""Every error that Tenkyo raises on purpose.

A message says what is wrong and how to mend it, in one line, so that the command line can
print it and the API can put it in a problem document without rewording it.

TenkyoError
├ CorpusError
│ ├ FetchFailed          a URL did not answer with a document
│ ├ AddressRefused       a URL leads to an address that is not on the public internet
│ ├ UnsupportedContent   no reader for this kind of file, or it is not what its name says
│ ├ EmptyDocument        a reader found no text at all
│ └ UnreadableText       there is text, but it is encrypted, a scan, or has no characters
├ StoreError             the data folder or database cannot be used
├ IndexMissing           there is no index yet
├ IndexMismatch          the index was built from something else
├ ModelError
│ ├ ModelUnavailable     the language model or the embedder cannot be reached or loaded
│ └ ModelBadOutput       it answered, but not with what its protocol promises
├ NotFound               no source, passage, conversation, answer or job of that id
│ └ Gone                 it was there, and is over: a link, a stream
├ RequestRefused         a cursor, a key or a number in a request that fits nothing
├ QuestionRefused        the question is empty, too long, or not text
├ ChatRefused            a chat completion asks for what Tenkyo does not give
├ TextRefused            a text to verify is empty, too long, or not text
├ ServiceError           something is wrong with a running Tenkyo that is asked over HTTP
│ ├ ServiceUnreachable   nothing answers at its address, or not in time
│ ├ ServiceUnreadable    what answers there is not Tenkyo, or another version
│ ├ ServiceProblem       it answered with a problem document: status, title, detail
│ │ ├ ServiceRefused     the request cannot be met (400 to 499)
│ │ └ ServiceFailed      it failed (500 to 599), at once or in mid-stream
│ └ StreamBroken         a stream ended before its answer
├ ReceiptRefused         a file is no receipt that this version can check
├ UploadRefused          a request to upload is not of the form that is expected
├ UploadTooLarge         a file that comes in is larger than a document may be
├ NotNow                 refused for the moment: ``retry_after`` seconds later it may be met
│ ├ TooManyJobs          as many jobs are waiting as may
│ ├ TooBusy              as many readers are waiting as may, or one has waited for too long
│ ├ NotEnded             an answer that is being stopped goes on for now
│ └ NotReady             the service is starting, or ending
├ JobEnded               a job that is to be cancelled has ended
└ SettingsError          a setting is unknown or has a value that cannot be
"""

from __future__ import annotations


class TenkyoError(Exception):
    """Root of the tree; ``str()`` is one line for the user."""

    @property
    def public(self) -> str:
        """What readers on other machines are told: no path, address or system error of this one.

        It is ``str()`` unless that names such things, as an owner needs to mend them.
        """
        return str(self)


class CorpusError(TenkyoError):
    """Something about a source: it concerns that source alone, never the whole run."""


class FetchFailed(CorpusError):
    def __init__(self, url: str, reason: str, status: int | None = None) -> None:
        self.url, self.reason, self.status = url, reason, status
        super().__init__(f"cannot fetch {url}: {reason}")


class AddressRefused(CorpusError):
    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"refused to fetch {url}: {reason}")


class UnsupportedContent(CorpusError):
    pass


class EmptyDocument(CorpusError):
    pass


class UnreadableText(CorpusError):
    pass


class StoreError(TenkyoError):
    """``public`` is what readers elsewhere are told; left out, that the log has the reason."""

    def __init__(self, message: str, public: str = "") -> None:
        self._public = public
        super().__init__(message)

    @property
    def public(self) -> str:
        return self._public or (
            "the library's database or index cannot be used: the log of the service has the reason,"
            " such as that its disk is full"
        )


class IndexMissing(TenkyoError):
    def __init__(self, path: object) -> None:
        super().__init__(f"there is no index in {path}: run `tenkyo ingest` to fill it")

    @property
    def public(self) -> str:
        return "there is no index yet: run `tenkyo ingest` to fill it"


class IndexMismatch(TenkyoError):
    def __init__(self, path: object, expected: object, found: object) -> None:
        self.expected, self.found = expected, found
        super().__init__(
            f"the index in {path} is for {found}, but {expected} is wanted: run `tenkyo reindex`"
        )

    @property
    def public(self) -> str:
        return "the index was built from something else: run `tenkyo reindex`"


class ModelError(TenkyoError):
    @property
    def public(self) -> str:
        return "a model cannot be used: try again; the log of the service has the reason"


class ModelUnavailable(ModelError):
    def __init__(
        self, reason: str, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(reason)


class ModelBadOutput(ModelError):
    pass


class NotFound(TenkyoError):
    pass


class Gone(NotFound):
    pass


class RequestRefused(TenkyoError):
    pass


class QuestionRefused(TenkyoError):
    pass


class ChatRefused(TenkyoError):
    """``param``, ``code`` and ``status`` are as OpenAI's API would give them."""

    def __init__(self, message: str, param: str, code: str, status: int = 400) -> None:
        self.param, self.code, self.status = param, code, status
        super().__init__(message)


class TextRefused(TenkyoError):
    pass


class ServiceError(TenkyoError):
    """``url`` is the address of the service, as it was given."""

    def __init__(self, url: str, message: str) -> None:
        self.url = url
        super().__init__(message)


class ServiceUnreachable(ServiceError):
    pass


class ServiceUnreadable(ServiceError):
    pass


class ServiceProblem(ServiceError):
    """A problem document (RFC 9457); ``detail`` is one line with the fix, and ``str()``.

    ``retry_after`` is the seconds after which the service asks to be asked again, if it does.
    """

    def __init__(
        self, url: str, status: int, title: str, detail: str, retry_after: int | None = None
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.retry_after = retry_after
        super().__init__(url, detail or title)


class ServiceRefused(ServiceProblem):
    pass


class ServiceFailed(ServiceProblem):
    pass


class StreamBroken(ServiceError):
    pass


class ReceiptRefused(TenkyoError):
    pass


class UploadRefused(TenkyoError):
    pass


class UploadTooLarge(TenkyoError):
    pass


class NotNow(TenkyoError):
    def __init__(self, why: str, retry_after: int) -> None:
        self.retry_after = retry_after
        unit = "second" if retry_after == 1 else "seconds"
        super().__init__(f"{why}: try again in {retry_after} {unit}")


class TooManyJobs(NotNow):
    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} jobs are waiting already", retry_after)


class TooBusy(NotNow):
    pass


class NotEnded(NotNow):
    pass


class NotReady(NotNow):
    pass


class JobEnded(TenkyoError):
    pass


class SettingsError(TenkyoError):
    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name = name
        super().__init__(f"{name}={value!s}: {expected}")
