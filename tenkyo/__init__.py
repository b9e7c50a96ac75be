"""Tenkyo in Python: ask your documents questions, and get answers with the quotes they rest on.

    import tenkyo

    with tenkyo.open("my-library") as library:
        library.ingest(["paper.pdf", "https://arxiv.org/pdf/2304.09848"])
        print(library.ask("What did the audit find?").text)

``open_async`` opens the same for asyncio. All work is done in this process, without a server;
``service.client`` is for a server that runs already.
"""

from corpus.errors import TenkyoError
from tenkyo.library import AsyncTenkyo, Tenkyo, open, open_async

__all__ = ["AsyncTenkyo", "Tenkyo", "TenkyoError", "open", "open_async"]
