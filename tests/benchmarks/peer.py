"""One side of tests/benchmarks/peers.py: a retriever in its own process and environment.

    python tests/benchmarks/peer.py NAME MODEL FOLDER

Each line of standard input is a command in JSON; the reply is one line:

    (at first)                                     {"ready": NAME}
    {"do": "ingest", "documents": [[text, …], …]}  {"seconds", "passages"}
    {"do": "save"}                                 {"seconds", "bytes"}    in FOLDER
    {"do": "open"}                                 {"seconds"}             what was saved there
    {"do": "search", "questions": [text, …], "k"}  {"ms": […], "found": [[position, …], …]}
    {"do": "memory"}                               {"now", "peak"}         in MB
    any error                                      {"error": text}, and the process ends

The position of a passage counts through all documents. sides.py has the sides by name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import measure
from sides import SIDES, Side


def answer(side: Side, folder: Path, asked: dict) -> dict:
    """Carry out a command; KeyError for an unknown one."""
    match asked["do"]:
        case "ingest":
            taken = measure.seconds(lambda: side.ingest(asked["documents"]))
            return {"seconds": taken, "passages": sum(map(len, asked["documents"]))}
        case "save":
            taken = measure.seconds(side.save)
            return {"seconds": taken, "bytes": measure.size(folder)}
        case "open":
            return {"seconds": measure.seconds(side.open)}
        case "search":
            found = []
            ms = measure.latencies(
                lambda question: found.append(side.search(question, asked["k"])),
                asked["questions"],
            )
            return {"ms": ms, "found": [side.positions(each) for each in found]}
        case "memory":
            return measure.memory()
    raise KeyError(asked["do"])


def serve(make: Callable[[], Side], name: str, folder: Path) -> None:
    """Answer commands until standard input ends; output of libraries goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(found: dict) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        side = make()
        say({"ready": name})
        for line in sys.stdin:
            say(answer(side, folder, json.loads(line)))
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    name, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    serve(lambda: SIDES[name](model, folder), name, folder)
