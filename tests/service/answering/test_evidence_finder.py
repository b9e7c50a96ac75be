"""Which passages are read for a question, and in which order."""

from index.lexical.tokenizer import is_japanese
from service.answering.evidence_finder import EvidenceFinder
from service.answering.question_reading import READ_FIRST
from service.answering.state import AnswerState

ASKED = "Whisperは何時間の音声で学習しましたか？"


class Recording:
    """A checker that remembers the texts of each of its calls."""

    def __init__(self, checker):
        self._checker, self.calls = checker, []

    def __getattr__(self, name):
        return getattr(self._checker, name)

    def read(self, pairs):
        self.calls.append([text for text, _ in pairs])
        return self._checker.read(pairs)


def languages(texts):
    return [is_japanese(text) for text in texts]


def test_both_languages_are_among_what_is_read_first(library, checker):
    recording = Recording(checker)
    finder = EvidenceFinder(library, recording, {})
    state = AnswerState("a", "c", ASKED)
    hits = sorted(finder.search(state), key=lambda hit: is_japanese(hit.passage.text))
    found = languages(hit.passage.text for hit in hits)
    assert not any(found[:READ_FIRST]) and any(found)
    finder.read(state, hits)
    first = recording.calls[0]
    assert len(first) == READ_FIRST and len(set(languages(first))) == 2
