"""The guide: a reply to greetings and to questions about the service."""

from __future__ import annotations

from service.catalogue.fields import works_of
from service.catalogue.names import displayed, displayed_title, known_title
from service.catalogue.snapshot import Catalogue
from service.messages import reader_message

MAX_TITLES = 3


def guide(catalogue: Catalogue, language: str) -> str:
    """Say in two sentences what the library has and how to use it.

    It is neither cited nor checked, for it states nothing of a source.

    Args:
        catalogue: The library's sources.
        language: ``en`` or ``ja``.
    """
    works = works_of(catalogue.sources, language)
    if not works:
        return reader_message("empty", language)
    titled = [work for work in works if displayed(known_title(work))] or works
    titles = [displayed_title(work, language) for work in titled]
    shown = list(dict.fromkeys(titles))[:MAX_TITLES]
    if len(works) == 1:
        return reader_message("guide_one", language, shown[0])
    if language == "ja":
        return reader_message("guide", language, len(works), "、".join(shown))
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return reader_message("guide", language, len(works), listed)
