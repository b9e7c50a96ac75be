"""Check-worthiness: sentences that state nothing are not claims, short statements are."""

import pytest

from corpus.types import Passage, Source
from service.types import Draft, Evidence
from service.verification.checkworthiness import is_not_checkworthy

NOTHING = (
    "More of it.", "Yes.", "No.", "Sure!", "Of course!", "It is.", "They do.", "It does more.", "Yes, it does.",
    "Here is the answer:", "The answer is as follows.", "Answer:", "The paper says so.", "That is correct.",
    "This is supported.", "And so on.", "There are others.", "So it is.", "Whisper.", "The model.",
    "Training data", "Key findings", "A large model.", "Of the model.", "More models.", "In summary:",
    "Thank you!", "I hope this helps!", "See the passage above.", "As stated in the source.", "Some of them.",
    "そうです。", "はい、そうです。", "いいえ。", "以上です。", "もっとあります。", "それについてです。", "以下の通りです。",
    "回答：", "資料の通りです。", "その通りです。", "概要", "Whisperのモデル。", "Whisperについて。", "モデルは。",
    "それは正しいです。", "これです。", "同じです。", "ありがとうございます。", "もちろんです。",
)  # fmt: skip
SOMETHING = (
    "It is robust.", "It won.", "GT Sophy won.", "Whisper hallucinates.", "Models hallucinate.",
    "The room is closed.", "The models hallucinate.", "Whisper is robust.", "680,000 hours.", "In 1931.", "41.",
    "The map collection moved.", "It opened in 1931.", "Yes, it opened in 1931.", "Aiko Mori founded it.",
    "Whisper translates speech.", "ALBERT scales badly.", "Its founder was Aiko Mori.",
    "The README names the MIT License.", "They are blended.", "It was trained offline.", "Stability AI runs it.",
    "Sony developed GT Sophy.", "It is Whisper.", "No loss was found.", "Nobody won.",
    "Whisperは頑健である。", "それは頑健です。", "月曜日は休館である。", "OpenAIが公開した。", "68万時間。", "1931年です。",
    "区画に分ける。", "性能が落ちる。", "ソニーが作った。", "はい、公開されています。", "Whisperです。", "いいえ、無料です。",
    "著者はShion Hondaである。", "Whisperは68万時間で学習。",
)  # fmt: skip


@pytest.mark.parametrize("text", NOTHING)
def test_sentences_that_state_nothing_are_not_checkworthy(text):
    assert is_not_checkworthy(text)


@pytest.mark.parametrize("text", SOMETHING)
def test_short_statements_are_checkworthy(text):
    assert not is_not_checkworthy(text)


def test_sentences_of_the_library_are_checkworthy(library):
    from tests.support.mutants import statements

    assert not [s.text for s in statements(library.store) if is_not_checkworthy(s.text)]


@pytest.mark.parametrize("text", NOTHING)
def test_sentence_that_states_nothing_is_withheld_without_citations(verifier, text):
    """Even where the sources are about it or contain the sentence itself."""
    said = f"Whisper is a model. More of it is known: Whisperのモデルは頑健である。 {text}"
    source = Source("w", "https://example.org/w", "Whisper")
    shown = Evidence(1, Passage("w" * 16, "w", 0, len(said), said), source, 1.0)
    made = verifier.check(Draft(text, (1,)), [shown])
    assert made.verdict.label == "unsupported" and not made.citations and made.reason
