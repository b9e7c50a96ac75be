"""Check each sentence of a text against the documents of a data folder.

Usage: python examples/check_text.py TEXT_FILE DATA_FOLDER

It does what `tenkyo verify TEXT_FILE` does. `make serve` fills the data folder `data`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from service.answering.factcheck import FactChecker
from service.server import bootstrap
from service.settings import Settings
from service.verification.verifier import Verifier


def main() -> None:
    """Print each sentence of one text with its verdict and the quote that decided it."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    settings = Settings(data_dir=Path(sys.argv[2]))

    library = bootstrap.open_library(settings)
    verifier = Verifier(bootstrap.create_checker(settings), library.embedder)
    checked = asyncio.run(FactChecker(library, verifier).check_async(text))

    titles = {each.label: each.source.title for each in checked.evidence}
    for claim in checked.claims:
        print(f"{claim.verdict.label} ({claim.verdict.score:.2f}): {claim.text}")
        if claim.reason:
            print(f"  {claim.reason}")
        for citation in claim.citations:
            print(f"  “{citation.quote}” ({titles[citation.label]})")


if __name__ == "__main__":
    main()
