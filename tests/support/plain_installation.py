"""The ``tenkyo`` command as in an installation without the library sentence-transformers.

python -m tests.support.plain_installation ask 'What …?'
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

REFUSED = {"sentence_transformers", "sklearn", "scipy", "torch", "transformers"}


class Refusal:
    """A finder that finds none of the library's modules, whatever is installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def main() -> None:
    """Run the command."""
    sys.meta_path.insert(0, Refusal())
    from service.cli.main import main as tenkyo

    try:
        tenkyo()
    finally:
        assert not REFUSED & set(sys.modules)


if __name__ == "__main__":
    main()
