"""A fake language model that judges: it reads the prompt, and its verdicts are given by the test."""

import json
import re

from corpus.types import Passage, Source
from service.generation.completion import Completion
from service.text.alignment import coverage_share
from service.text.numerals import mentioned
from service.types import Evidence


def verdict(ruling="supported", numbers=(1,), words=(), answers=True):
    """Return a verdict as a judge writes it, but for the number of its sentence."""
    return {
        "evidence": list(numbers),
        "unsupported_words": list(words),
        "verdict": ruling,
        "answers": answers,
    }


def bearing(sentence, evidence):
    """Return the numbers of the evidence sentences whose words a sentence mostly has.

    If it has those of none, the number of the one that is nearest.
    """
    shares = {n: coverage_share(text, sentence) for n, text in evidence.items()}
    most = max(shares.values(), default=0.0)
    return [n for n, share in shares.items() if share >= min(0.6, most)][:10]


def adds(sentence, evidence):
    """Return whether a sentence has a number, name, negation or "all" that no evidence has."""
    known = " ".join(evidence.values())
    if mentioned(sentence) - mentioned(known) or re.search(r"ません|ない。|なかった。", sentence):
        return True
    return any(
        re.search(rf"\b{re.escape(word)}\b", known, re.IGNORECASE) is None
        for word in re.findall(r"(?<=[^.] )[A-Z][\w-]*|\b(?:not|all|always)\b|^All\b", sentence)
    )


def reply(verdicts):
    """Return the reply with some verdicts, in the order of the sentences."""
    return json.dumps({"verdicts": [{"sentence": n, **v} for n, v in enumerate(verdicts, 1)]})


class ScriptedJudgeModel:
    """A CompletionModel whose verdict on a sentence is what ``rule(sentence, evidence)`` returns.

    ``evidence`` maps numbers to sentences. ``write`` turns the verdicts into the reply's text.
    ``calls`` keeps the messages of each call, ``asked`` the sentences of the last one.
    """

    name, host, address = "scripted", "judge.example:8080", "judge.example:8080/v1"

    def __init__(self, rule=None, write=reply, error=None):
        self.rule, self.write, self.error = rule, write, error
        self.calls, self.asked = [], []

    async def identify(self):
        """Do nothing: the name is known."""

    async def complete(self, messages, max_tokens, schema=None, timeout=None):
        """Judge the sentences of the last message."""
        self.calls.append(list(messages))
        if self.error:
            raise self.error
        prompt = messages[-1]["content"]
        before, _, after = prompt.partition("\n\nSentences written before")
        evidence = {
            int(n): text for n, text in re.findall(r"^\[(\d+)\] (.*)$", before, re.MULTILINE)
        }
        self.asked = re.findall(r"^Sentence \d+: (.*)$", after, re.MULTILINE)
        text = self.write([self.rule(sentence, evidence) for sentence in self.asked])
        return Completion(text, 100, 20)


def evidence_of(*texts, titles=(), heading=""):
    """Return evidence labelled from 1, a passage and a source for each text."""
    found = []
    for label, text in enumerate(texts, 1):
        title = titles[label - 1] if titles else f"Text {label}"
        source = Source(f"s{label}", f"https://example.org/{label}", title)
        passage = Passage(f"{label:016}", source.id, 100, 100 + len(text), text, heading)
        found.append(Evidence(label, passage, source, 1.0))
    return tuple(found)
