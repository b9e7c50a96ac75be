"""Sentences that lean on the one before them, in both languages."""

import pytest

from service.text.leaning import leans_on_previous, shared_pronoun


@pytest.mark.parametrize(
    "text",
    [
        "It holds 40,000 maps.",
        "“It holds 40,000 maps.”",
        "They moved in 2004.",
        "He founded it.",
        "She wrote the paper in 2019.",
        "Its encoder has 12 layers.",
        "Their results were published.",
        "It's free.",
        "This makes it robust to noise.",
        "This model has 1.5B parameters.",
        "These papers were written in 2022.",
        "That is why it is used.",
        "Those were removed.",
        "Both were trained on images.",
        "Both models were trained on images.",
        "Neither is free.",
        "The former is larger.",
        "The latter has 12 layers.",
        "Such models are rare.",
        "One of them is free.",
        "Many of these were lost.",
        "However, it is slow.",
        "In addition, they are free.",
        "And it is slow.",
        "In 2022, it was moved to the east wing.",
        "After the war, they returned.",
        "It is designed to transcribe speech.",
        "It is a model that transcribes speech.",
        "It is known as Whisper.",
        "それは4万枚の地図を所蔵する。",
        "これは英語より良い。",
        "これにより精度が上がった。",
        "その地図は2004年に移された。",
        "このモデルは15億のパラメータを持つ。",
        "これらは公開されている。",
        "同社は2015年に設立された。",
        "同モデルは無料である。",
        "両者は別のものである。",
        "いずれも無料である。",
        "前者は大きい。",
        "彼は1931年に生まれた。",
        "彼らは論文を書いた。",
        "しかし、それは遅い。",
        "また、同社は無料で公開した。",
        "2022年には、同社が買収した。",
        "「それは4万枚ある。」",
    ],
)
def test_sentence_with_a_pronoun_for_its_subject_leans(text):
    assert leans_on_previous(text)


@pytest.mark.parametrize(
    "text",
    [
        "Whisper was trained on 680,000 hours of audio.",
        "Italy has 60 million people.",
        "Thistle grows here.",
        "Theirry wrote it.",
        "He et al. trained ResNet in 2015.",
        "Item 3 is free.",
        "This year the room was closed.",
        "This paper introduces Whisper.",
        "This survey covers 90 models.",
        "It is known that Whisper is robust.",
        "It is possible to train Whisper in a day.",
        "It was Google that released Parti.",
        "It is not clear whether Parti is free.",
        "It turns out that Parti is large.",
        "It is worth noting that Parti is large.",
        "Both Whisper and Parti are models.",
        "Both the encoder and the decoder have 12 layers.",
        "Neither Whisper nor Parti is free.",
        "Those who use Whisper need a GPU.",
        "That Whisper is robust was shown in 2022.",
        "With Whisper, it takes a minute.",
        "However, Whisper is slow.",
        "In 2022, Whisper was published.",
        "The encoder is large, and it has 12 layers.",
        "Some audio was used by Whisper.",
        "",
        "Whisperは68万時間の音声で学習した。",
        "これまでに4万枚の地図が集められた。",
        "この論文はWhisperを提案する。",
        "それぞれのモデルは公開されている。",
        "そのため、Whisperは頑健である。",
        "その後、Whisperは公開された。",
        "Whisperは大きく、それは遅い。",
        "同様に、Partiは大きい。",
        "同じ音声をWhisperも使う。",
        "彼岸花は赤い。",
        "地図は東館にある。",
        "しかし、地図は東館にある。",
    ],
)
def test_sentence_with_a_subject_of_its_own_does_not_lean(text):
    assert not leans_on_previous(text)


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("It cost 90 dollars.", "Its encoder has 12 layers.", True),
        ("同社は上場した。", "同社は買収された。", True),
        ("It cost 90 dollars.", "They are free.", False),
        ("This model cost 90 dollars.", "This model is free.", False),
        ("Whisper cost 90 dollars.", "It is free.", False),
        ("これは高い。", "これは無料である。", False),
    ],
)
def test_same_personal_pronoun_means_the_same(text, other, same):
    assert shared_pronoun(text, other) is same
