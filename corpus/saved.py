"""Plain text to a draft, and what is left of a page that was saved as text.

Such a file has the page's buttons and counters around the article. It is known by its line of
dates below the title ("Posted at …"); any other text is taken as it is.
"""

from __future__ import annotations

import re

from corpus.blocks import Block, Draft, iso_date
from corpus.links import bare_urls

_DATES = re.compile(
    r"(?:Posted|Published|(?:Last )?updated)(?: (?:at|on))?\b[ :]*([\d/-]*)"
    r"|(?:投稿日|公開日|最終更新日|更新日)(?:時)?[ :：]*([\d/年月-]*)日?",
    re.IGNORECASE,
)
_TOP = 40  # lines that are not empty, within which the title stands
_SHORT = 120  # characters: what stands above a title is shorter than a paragraph


def read_text(text: str) -> Draft:
    """Read plain text; of a saved page, the article from its title on.

    What stands above the title is dropped; its first lines, where they come again below the
    article, end it.
    """
    lines = [line.strip() for line in text.splitlines()]
    full = [at for at, line in enumerate(lines) if line]
    dates_at = next((i for i, at in enumerate(full[:_TOP]) if _DATES.fullmatch(lines[at])), 0)
    *above, title = [lines[at] for at in full[:dates_at]] or [""]
    if len(above) < 2 or any(len(line) > _SHORT for line in [*above, title]):
        return Draft([Block(text)], links=list(bare_urls(text)))
    rest = full[dates_at + 1 :]
    end = next((at for at in rest if lines[at : at + 2] == above[:2]), len(lines))
    body = "\n".join(text.splitlines()[full[dates_at] + 1 : end])
    match = _DATES.fullmatch(lines[full[dates_at]])
    written = (match[1] or match[2] or "").replace("年", "-").replace("月", "-").rstrip("-/")
    return Draft(
        [Block(title, 1), Block(body)],
        links=list(bare_urls(body)),
        title=title,
        published=iso_date(written),
    )
