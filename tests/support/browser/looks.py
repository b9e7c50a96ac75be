"""How the page looks: the languages, colours and widths in which its states are tested.

A test takes one look of four, in which each language is there with both colours and both widths,
and each colour with both widths. ``make soak`` tests every state in all eight.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.support.soak import SOAK

LOCALES, SCHEMES = ("en-GB", "ja-JP"), ("light", "dark")


def looks(
    language: str, scheme: str, wide: tuple[int, int], narrow: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return options of browser contexts, those of one look without ``make soak``.

    It is wide if it is English and light, or Japanese and dark; else narrow.

    Args:
        language: Of the look, ``en`` or ``ja``.
        scheme: Its colours, ``light`` or ``dark``.
        wide: The width and height of a wide look.
        narrow: Those of a narrow one.
    """
    found = []
    for locale, colours, size in product(LOCALES, SCHEMES, (wide, narrow)):
        is_wide = (language == "en") == (scheme == "light")
        chosen = (language, scheme, wide if is_wide else narrow)
        if SOAK or (locale[:2], colours, size) == chosen:
            viewport = {"width": size[0], "height": size[1]}
            found.append({"locale": locale, "color_scheme": colours, "viewport": viewport})
    return found


def named(look: dict[str, Any]) -> str:
    """Return a name of a look for tests and photographs."""
    return f"{look['locale'][:2]}-{look['viewport']['width']}-{look['color_scheme']}"
