"""Which altered claims are caught only by which rule: the mutation gate without each rule in turn.

    python -m tests.support.digest_library build/digests
    TENKYO_DATA_DIR=build/digests python tests/benchmarks/rules.py [RULE …]

On the shipped digests, prints how many mutants of each kind are caught and how many untouched
sentences are supported, with all rules, without each of them, and without all of the given RULEs
together. On sentences of the documents in ``training/data``, each its own evidence, it does the
same with two names or phrases exchanged, a day of the week changed, and an ordinal changed. The
calibration stays as it is.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from corpus.text.sentences import sentences
from corpus.types import Passage, Source
from index.lexical.tokenizer import is_japanese
from index.search import Library
from service.server import bootstrap
from service.types import Evidence
from service.verification.rules import registry
from service.verification.verifier import Verifier
from tests.support.digest_library import check_digests
from tests.support.mutants import KINDS, mutants, statements, without_note
from tests.support.mutation_gate import EACH, accepted, caught, evidence_for
from tests.support.remembering_checker import RememberingChecker
from tests.support.remembering_embedder import RememberingEmbedder
from training import spoil

DOCUMENTS = Path(spoil.__file__).parent / "data" / "documents"
LANGUAGES = ("en", "ja")
COPIES = 60  # near copies of each kind and language, at most
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ORDINALS = "first second third fourth fifth".split()
# What is changed, in English and in Japanese, and into what.
CHANGES = {
    "weekday": (
        (rf"\b(?:{'|'.join(DAYS)})\b", DAYS),
        (r"[月火水木金土日](?=曜)", list("月火水木金土日")),
    ),
    "ordinal": (
        (rf"\b(?:{'|'.join(ORDINALS)})\b", ORDINALS),
        (r"[1-5](?=番目|回目|代目|位)|(?<=第)[1-5](?!\d)", list("12345")),
    ),
}

Case = tuple[str, Callable[[], bool]]  # its kind, and whether it is decided rightly


def changed(kind: str, text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Change one thing of a sentence; None if it has nothing of the kind."""
    if kind == "exchanged":
        return spoil.roles(text, others, rng)
    pattern, instead = CHANGES[kind][is_japanese(text)]
    match = re.search(pattern, text)
    if not match:
        return None
    other = rng.choice([each for each in instead if each != match[0]])
    return text[: match.start()] + other + text[match.end() :]


def near_copies() -> Iterator[tuple[str, str, str]]:
    """Yield the kind, a changed sentence and the sentence, of the documents in both languages."""
    rng, texts = random.Random(2), list[str]()
    for path in sorted(DOCUMENTS.glob("**/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            texts += sentences(json.loads(line)["text"])
    texts = [text for text in texts if 30 < len(text) < 220]
    rng.shuffle(texts)
    for kind in ("exchanged", *CHANGES):
        for language in LANGUAGES:
            here = [text for text in texts if is_japanese(text) == (language == "ja")]
            made = ((changed(kind, text, here, rng), text) for text in here)
            some = [(claim, text) for claim, text in made if claim and claim != text][:COPIES]
            yield from ((f"{kind}, {language}", claim, text) for claim, text in some)


def evidence_of(text: str) -> tuple[Evidence, ...]:
    """Return a sentence as the evidence of a claim."""
    language = "ja" if is_japanese(text) else "en"
    source = Source("s", "file:///notes.md", "Notes", language=language)
    return (Evidence(1, Passage("p", "s", 0, len(text), text), source, 0.0),)


def cases(library: Library, verifier: Verifier) -> Iterator[Case]:
    """Yield all claims, each decided with the rules of the moment."""
    found = statements(library.store)
    for kind in KINDS:
        for language in LANGUAGES:
            for mutant in mutants([s for s in found if s.language == language], kind, EACH):
                yield kind, lambda m=mutant: caught(m, library, verifier)
    for n, text in enumerate(dict.fromkeys(statement.text for statement in found)):
        claim = without_note(text) if n % 2 else text
        evidence = evidence_for(claim, library)
        yield "untouched", lambda c=claim, e=evidence: accepted(c, e, verifier)
    for kind, claim, text in near_copies():
        evidence = evidence_of(text)
        yield kind, lambda c=claim, e=evidence: not accepted(c, e, verifier)


def main(together: list[str]) -> None:
    rules = registry.RULES
    if unknown := set(together) - {rule.name for rule in rules}:
        sys.exit(f"no rules: {', '.join(sorted(unknown))}")
    settings = bootstrap.load_settings()
    library = bootstrap.open_library(settings)
    check_digests(library.store)
    checker = RememberingChecker(bootstrap.create_checker(settings))
    made = list(cases(library, Verifier(checker, RememberingEmbedder(library.embedder))))
    kinds = list(dict.fromkeys(kind for kind, _ in made))
    print("| left out | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    left_out = [(), *((rule.name,) for rule in rules), *((tuple(together),) if together else ())]
    for names in left_out:
        registry.RULES = tuple(rule for rule in rules if rule.name not in names)
        right = [(kind, decided()) for kind, decided in made]
        cells = [
            f"{sum(each for k, each in right if k == kind)} of {sum(k == kind for k, _ in right)}"
            for kind in kinds
        ]
        print(f"| {', '.join(names) or 'nothing'} |", " | ".join(cells), "|", flush=True)
    registry.RULES = rules


if __name__ == "__main__":
    main(sys.argv[1:])
