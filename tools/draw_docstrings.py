"""Draw docstrings at random, to ask somebody who has not seen the code what each one says.

    python tools/draw_docstrings.py > docstrings.txt    # to be read
    python tools/draw_docstrings.py --key > key.txt     # with their names, to mark the replies

Docstrings of modules and of public functions and methods of the four packages, but for those of
the rooms given by --except. The same seed and code draw the same ones.
"""

from __future__ import annotations

import argparse
import ast
import random
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LATER = ["service/verification", "service/answering", "service/generation", "service/static"]


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and docstring of a module and of each public function and method in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    todo: list[tuple[str, ast.AST]] = [(module, tree)]
    while todo:
        name, node = todo.pop(0)
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = ast.get_docstring(node)
        if text and not isinstance(node, ast.ClassDef):
            yield name, text
        if isinstance(node, ast.Module | ast.ClassDef):
            public = (each for each in node.body if not getattr(each, "name", "_").startswith("_"))
            todo += [(f"{name}.{getattr(each, 'name', '')}", each) for each in public]


def main() -> None:
    """Print the docstrings that were drawn, numbered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--except", dest="rooms", nargs="*", default=LATER)
    parser.add_argument("--key", action="store_true", help="print the names too")
    options = parser.parse_args()
    found = [
        each
        for package in ("corpus", "index", "service", "tenkyo")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(tuple(options.rooms))
        for each in docstrings(path)
    ]
    for number, (name, text) in enumerate(random.Random(options.seed).sample(found, options.count)):
        print(f"## {number + 1}" + (f" {name}" if options.key else "") + f"\n\n{text}\n")


if __name__ == "__main__":
    main()
