"""Cost and correctness of ingesting posts: first, again, one edited, one removed, from scratch.

    python tests/benchmarks/ingestion.py [--shared ../shared] [--models data/models]

Prints the table of docs/ingestion.md. Each step is a command line in a separate process, on the
posts and the article of the measurement data; its result must be the same as that of a run from
scratch. Nothing else should run at the same time. `make soak` kills the same commands at random
moments.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus.store.store import Store
from index.storage.local_index import LocalIndex

ROOT = Path(__file__).parents[2]
ADDED = "\n\nA line added at the end, which no other document says.\n"


class Library:
    """A data folder, and the command line on it."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "models").symlink_to(models.resolve())
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
        self.environ = kept | {"TENKYO_DATA_DIR": str(folder)}

    def run(self, *arguments: str | Path) -> tuple[dict, float]:
        """Run a command; return what it prints as JSON, and its seconds."""
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "service.cli.main", *map(str, arguments), "--json"],
            cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return json.loads(done.stdout), time.perf_counter() - started

    def holds(self) -> dict[str, tuple]:
        """Map the id of each passage to its vector in the index."""
        store = Store(f"sqlite:///{self.folder / 'tenkyo.db'}")
        manifest = json.loads((self.folder / "index" / "manifest.json").read_text())
        index = LocalIndex.open(self.folder / "index", manifest["embedder"], store.revision())
        return {
            passage.id: (passage, *index.vectors([row]).values())
            for row, (passage, _) in store.passages(store.rows()).items()
        }


def agree(one: dict[str, tuple], other: dict[str, tuple]) -> bool:
    """Whether two libraries have the same passages, and the same vectors but for rounding."""
    return one.keys() == other.keys() and all(
        one[id][0] == other[id][0] and one[id][1] @ other[id][1] > 0.9998 for id in one
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        docs, folder = Path(made, "docs"), Path(made)
        shutil.copytree(given.shared / "corpus" / "posts", docs)
        for name in ("article.en.md", "article.ja.txt"):
            shutil.copy(given.shared / "corpus" / name, docs)
        library = Library(folder / "data", given.models)
        first, last = sorted(docs.glob("*.md"))[:2]
        print(
            "| Step | Documents | Passages | Embedded | Seconds |\n| --- | --- | --- | --- | --- |"
        )

        def step(name: str, *arguments: str | Path) -> None:
            report, seconds = library.run(*arguments)
            counts = (report.get(key, "") for key in ("sources", "passages", "embedded"))
            print(f"| {name} |", *(f"{count} |" for count in counts), f"{seconds:.1f} |")

        step("ingest", "ingest", docs)
        step("again, unchanged", "ingest", docs)
        first.write_text(first.read_text(encoding="utf-8") + ADDED, encoding="utf-8")
        step("again, a line added to one", "ingest", docs)
        last.unlink()
        step("one removed", "remove", last)
        scratch = Library(folder / "scratch", given.models)
        scratch.run("ingest", docs)
        same = agree(library.holds(), scratch.holds())
    print(f"\nThe same as from scratch: {'yes' if same else 'NO'}")
    raise SystemExit(not same)


if __name__ == "__main__":
    main()
