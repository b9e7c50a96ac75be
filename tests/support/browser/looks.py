"""How the page looks: the languages, colours and widths in which its states are tested.

A test takes two looks that differ in all three, another test another two, so that each of the eight
combinations is looked at somewhere. ``make soak`` tests every state in all eight.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.support.soak import SOAK

LOCALES, SCHEMES = ("en-GB", "ja-JP"), ("light", "dark")


def looks(
    language: str, scheme: str, wide: tuple[int, int], narrow: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return options of browser contexts: a wide look, and the narrow one that is its opposite.

    Args:
        language: Of the wide look, ``en`` or ``ja``.
        scheme: Its colours, ``light`` or ``dark``.
        wide: Its width and height.
        narrow: Those of the narrow look.
    """
    first = (language, scheme)
    found = []
    for locale, colours, size in product(LOCALES, SCHEMES, (wide, narrow)):
        same = [locale[:2] == first[0], colours == first[1], size == wide]
        if SOAK or all(same) or not any(same):
            viewport = {"width": size[0], "height": size[1]}
            found.append({"locale": locale, "color_scheme": colours, "viewport": viewport})
    return found


def named(look: dict[str, Any]) -> str:
    """Return a name of a look for tests and photographs."""
    return f"{look['locale'][:2]}-{look['viewport']['width']}-{look['color_scheme']}"
