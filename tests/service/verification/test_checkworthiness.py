"""Check-worthiness: sentences that state nothing are not claims, short statements are."""

import pytest

from corpus.types import Passage, Source
from service.types import Draft, Evidence
from service.verification.checkworthiness import (
    is_bare_answer,
    is_not_checkworthy,
    repeats_itself,
)

NOTHING = (
    "More of it.", "Yes.", "No.", "Sure!", "Of course!", "It is.", "They do.", "It does more.", "Yes, it does.",
    "Here is the answer:", "The answer is as follows.", "Answer:", "The paper says so.", "That is correct.",
    "This is supported.", "And so on.", "There are others.", "So it is.", "Whisper.", "The model.",
    "Training data", "Key findings", "A large model.", "Of the model.", "More models.", "In summary:",
    "Thank you!", "I hope this helps!", "See the passage above.", "As stated in the source.", "Some of them.",
    "そうです。", "はい、そうです。", "いいえ。", "以上です。", "もっとあります。", "それについてです。", "以下の通りです。",
    "回答：", "資料の通りです。", "その通りです。", "概要", "Whisperのモデル。", "Whisperについて。", "モデルは。",
    "それは正しいです。", "これです。", "同じです。", "ありがとうございます。", "もちろんです。",
    "Whisper |", "yes | no", "はい | いいえ",
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
    "Kanda | Aiko Mori", "Room | Founder\nKanda | Aiko Mori", "部屋 | 創設者\n神田 | 森秋子",
)  # fmt: skip


@pytest.mark.parametrize("text", NOTHING)
def test_sentences_that_state_nothing_are_not_checkworthy(text):
    assert is_not_checkworthy(text)


@pytest.mark.parametrize("text", SOMETHING)
def test_short_statements_are_checkworthy(text):
    assert not is_not_checkworthy(text)


BROKEN_OFF = (
    "Whisper was trained on 680,000 hours of audio and",
    "Whisper was released in September 2022 and was trained on the.",
    "拡散モデルにガウスノイズが必須かどうかを問い直したのは。",
    "Whisperの学習に使われた68万時間の音声を",
)


@pytest.mark.parametrize("text", BROKEN_OFF)
def test_sentences_that_break_off_are_not_checkworthy(text):
    assert is_not_checkworthy(text)


WHO = "Who released Stable Diffusion?"
WHO_JA = "Stable Diffusionを公開したのは誰ですか。"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Stability AI.", WHO),
        ("Stability AI", WHO),
        ("Stability AI, a company from London.", WHO),
        ("OpenAI.", "Which company made Whisper?"),
        ("A camera.", "What is on the car?"),
        ("In San Francisco.", "Where were the pictures taken?"),
        ("680,000 hours.", "How many hours of audio were used?"),
        ("Whisper.", "Which is older, Whisper or ChatGPT?"),
        ("Stability AIです。", WHO_JA),
        ("Stability AI。", WHO_JA),
        ("ソニー。", "開発したのはどの会社ですか。"),
        ("サンフランシスコのアラモスクエア。", "写真はどこで撮られましたか。"),
        ("2022年。", "いつ公開されましたか。"),
        ("カメラです。", "車には何が付いていますか。"),
    ],
)
def test_bare_thing_answers_a_question_that_asks_for_one(text, question):
    assert is_bare_answer(text, question)
    assert not is_not_checkworthy(text, question)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Stability AI.", ""),
        ("Stability AI.", "Is Stable Diffusion open?"),
        ("Stability AI.", "Why was it released?"),
        ("Stable Diffusion.", WHO),  # only what was asked about
        ("Yes.", WHO),
        ("The answer:", WHO),
        ("The paper says so.", WHO),
        ("It was Stability AI.", WHO),  # a sentence of its own
        ("ソニー。", "公開されていますか。"),
        ("そうです。", WHO_JA),
        ("Stability AIについて。", WHO_JA),
        ("ソニーが作った。", WHO_JA),
    ],
)
def test_other_texts_are_no_bare_answers(text, question):
    assert not is_bare_answer(text, question)


def test_bare_names_state_nothing_without_a_question():
    for text in ("Whisper.", "The model.", "Training data", "Whisperのモデル。"):
        assert is_not_checkworthy(text) and is_not_checkworthy(text, "Is it free?")
        assert not is_not_checkworthy(text, WHO)


@pytest.mark.parametrize(
    "text",
    [
        "the model the model the model the model",
        "Whisper was trained on audio and the model the model the model is open.",
        "very very very very good results in 2022.",
        "It is robust, it is robust, it is robust.",
        "It is free. It is free. It is free.",
        "モデルはモデルはモデルは頑健である。",
        "公開された、公開された、公開された。",
        "Whisperは68万時間の68万時間の68万時間の音声で学習した。",
    ],
)
def test_sentence_that_repeats_itself_is_no_claim(text):
    assert repeats_itself(text)
    assert is_not_checkworthy(text) and is_not_checkworthy(text, WHO)


@pytest.mark.parametrize(
    "text",
    [
        "It grew by 10 %, by 10 % again, and by 12 %.",
        "New York, New York is a city.",
        "The population is 1,000,000,000.",
        "No, no, no sentence is lost.",
        "Had had is a pair of words.",
        "東京都と京都と大阪は大都市である。",
        "ハハハと笑った。",
        "",
    ],
)
def test_sentences_with_some_words_twice_do_not_repeat_themselves(text):
    assert not repeats_itself(text)


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
