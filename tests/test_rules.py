"""What rules find, and what they leave to the checker."""

import pytest

from service.rules import findings
from service.words import covered, in_order, words

QUOTES = {
    "whisper": "Whisper was trained on 680,000 hours of audio and released in September 2022.",
    "atari": "41 Atari games were used for training and 5 were held out.",
    "images": "The Mission Bay set holds 12,000 images, taken by 12 cameras during 100 seconds.",
    "cql": "新しいゲームでは、CQLはモデルを大きくすると成績が下がり、DTは成績が上がった。",
    "albert": "ALBERTとMLP-Mixerは、大きくすると性能が落ちる。",
    "noise": "論文は、拡散モデルにガウスノイズが必須かどうかを問い直した。",
    "recall": "Recall was 67.6 % for NeevaAI, 58.7 % for Bing Chat and 11.1 % for YouChat.",
    "counts": "英語版は五つと予告して四つしか挙げないが、日本語記事は予告も中身も四つである。",
}


@pytest.mark.parametrize(
    ("claim", "quote", "kind"),
    [
        ("Whisper was trained on 620,000 hours of audio.", "whisper", "number"),
        ("Whisperは62万時間の音声で学習した。", "whisper", "number"),
        ("Whisper was trained on 680,000 minutes of audio.", "whisper", "unit"),
        ("Parti was trained on 680,000 hours of audio.", "whisper", "subject"),
        ("Whisper was trained on 680,000 hours of audio and released by Parti.", "whisper", "name"),
        ("記事は、大きくすると性能が落ちる。", "albert", "subject"),
        ("Whisper was not trained on 680,000 hours of audio.", "whisper", "negation"),
        ("Whisper may have been trained on 680,000 hours of audio.", "whisper", "negation"),
        ("5 Atari games were used for training and 41 were held out.", "atari", "roles"),
        ("The set holds images by 100 cameras during 12 seconds.", "images", "number"),
        ("CQLはモデルを大きくすると成績が上がった。", "cql", "comparison"),
        ("ALBERTとMLP-Mixerは、大きくすると性能が上がる。", "albert", "comparison"),
        ("ALBERTとMLP-Mixerは、大きくしても性能が落ちない。", "albert", "negation"),
        ("論文は、拡散モデルにガウスノイズが必須であることを示した。", "noise", "negation"),
        ("Recall was 67.6 % for YouChat and 11.1 % for NeevaAI.", "recall", "roles"),
        ("英語版は五つと予告して四つしか挙げないが、日本語記事は予告も中身も五つである。", "counts", "number"),
    ],
)  # fmt: skip
def test_what_is_changed_is_found(claim, quote, kind):
    assert kind in {finding.kind for finding in findings(claim, QUOTES[quote])}


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Whisper learned from 680 thousand hours of audio.", "whisper"),
        ("Whisperは68万時間の音声で学習した。", "whisper"),
        ("Whisper was released in 2022-09.", "whisper"),
        ("In September 2022 Whisper, trained on 680,000 hours, was released.", "whisper"),
        ("DTは成績が上がった。", "cql"),
        ("大きくすると、ALBERTの性能は落ちる。", "albert"),
        ("Five games were held out.", "atari"),
        ("100 seconds of driving were recorded by 12 cameras.", "images"),
        ("Recall was 11.1 % for YouChat.", "recall"),
    ],
)
def test_what_is_only_said_otherwise_is_not(claim, quote):
    assert findings(claim, QUOTES[quote]) == []


@pytest.mark.parametrize(
    ("claim", "quote", "kind"),
    [
        ("図書館の蔵書は二十万冊である。", "図書館の蔵書は三十万冊である。", "number"),
        ("It has five layers.", "It may have seven layers.", "number"),
        ("It costs €5.", "It costs $5.", "unit"),
        ("It wasn’t trained on audio.", "It was trained on audio.", "negation"),
        ("精度は向上しなかった。", "精度は向上した。", "negation"),
        ("GPT is slower than BERT.", "GPT is faster than BERT.", "comparison"),
        ("東京より大阪の方が多い。", "大阪より東京の方が多い。", "roles"),
    ],
)
def test_what_is_changed_is_found_in_short_sentences(claim, quote, kind):
    assert kind in {finding.kind for finding in findings(claim, quote)}


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The model has 21 layers.", "The model has twenty-one layers."),
        ("It has two hundred users.", "It has 200 users."),
        ("2022年に公開された。", "令和4年に公開された。"),
        ("The library has 200,000 books.", "図書館には二十万冊ある。"),
        ("性能は十分に高い。", "Its performance is high enough."),
        ("Training took 1 billion steps.", "Training took 1e9 steps."),
        ("The wall is 5m tall.", "The wall is 5 m tall."),
        ("It covers 2012, 2013.", "It covers 2012,2013."),
        ("BERT is slower than GPT.", "GPT is faster than BERT."),
        ("GPTはBERTより速い。", "BERTはGPTより遅い。"),
        ("The U.S. library has maps.", "The US library has maps."),
        ("½ of the users left.", "Half of the users left."),
        ("Two models were trained.", "Both models were trained."),
    ],
)
def test_another_spelling_or_the_converse_says_the_same(claim, quote):
    assert not [f for f in findings(claim, quote) if f.kind != "subject"]


@pytest.mark.parametrize("text", ["", "。", "!", "は", "より", "than", "9" * 400, "Yes."])
def test_odd_texts_depart_from_nothing_like_themselves(text):
    assert findings(text, text) == []


def test_a_name_may_stand_in_the_context_unless_it_takes_anothers_place():
    quote = "It was trained on 680,000 hours of audio."
    claim = "By 2022, Whisper was trained on 680,000 hours."
    assert findings(claim, quote, "Whisper", "2022") == []
    (found,) = findings(claim, quote, "", "2022")
    assert (found.kind, found.claimed, found.contradicts) == ("name", "Whisper", False)
    (found,) = findings("In 2022 Whisper was trained.", "In 2022 Parti was trained.", "Whisper")
    assert (found.claimed, found.found, found.contradicts) == ("Whisper", "Parti", True)


def test_about_is_near_enough():
    quote = "The library has 20,536 books."
    assert findings("The library has about 20,500 books.", quote) == []
    assert findings("The library has 20,500 books.", quote)


def test_the_year_of_publication_is_known_of_a_source():
    assert findings("In 2022 it was found that maps fade.", "Maps fade.", published="2022-12") == []


def test_shares_of_words():
    assert covered("The maps moved", "Many maps have moved east") == 1.0
    assert in_order("moved maps", "maps moved") == 0.5
    assert covered("", "maps") == 0.0
    assert [w.text for w in words("It was not 1,000 km")] == ["¬", "1000", "km"]
