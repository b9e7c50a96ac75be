"""corpus.text.sentences: sentence boundaries in English and Japanese."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.text.sentences import ends_with_abbreviation, sentence_spans, sentences

LONG = "Whisper was trained on 680,000 hours of labelled audio from the web"  # a wrapped line

# Each line is one text; its sentences are separated by "|".
ENGLISH = """
One ends here. |Another begins.
Is it? |It is! |Good.
Really?! |Yes.
Wait... |What?
Wait... what?
It grew by 3.5 points to 72.1. |Then it fell.
It uses 1.5 billion words. |3 items are left.
The U.S. Army came. |It left.
See e.g. Radford et al. (2022), i.e. the paper. |It is long.
See Fig. 3, Sec. 2.1, Eq. 4 and pp. 5-7. |Fine.
Dr. Smith met Mr. J. R. R. Tolkien. |They spoke.
Posted on Dec. 6 by OpenAI Inc. to all. |It spread.
It is No. 5 of the list. |No. |It is not.
So did I. |She did not.
"Stop." |Then he left.
"Stop!" he said. |He left.
He said “Stop.” |Then he left.
(It was late.) |He left.
It holds (see the paper). |He left.
It holds.[1] |He left.
It holds.[2][13] |He left.
It holds [4]. |He left.
If a != b, it holds. |Else not.
Yahoo!Japan is a company. |It is large.
Yahoo! Japan is large. |It fell behind Yahoo! Answers. |Then it rose.
He left Yahoo! |The firm fell. |Wow! |Japan won.
She won at Jeopardy! in 2004. |He lost.
It was released in 2021. |arXiv then took it. |iPhone users came.
It ended in 2021. |scikit-learn came. |Then: maps moved. maps moved.
See vol. 2020. pp. 75 and 77. |It is known approx. since 2021. |See vs. iPhone, cf. arXiv.
The talk at 4:51 p.m. EST drew many. |It ended at 5 p.m. |Then they left.
With 4:51 left in the game, it rose. |It ended 24-10. |It was 4:51. |Then it rose.
Open https://example.org/a.b?Q=1 first. |Then close it.
Version 2.0.1 of numpy.linalg is out. |Use it.
"""
JAPANESE = """
これは文です。|次の文です。
本当ですか？|はい！|よい。
本当！？|うそ。
え。。。|そう。
そうですね…。|はい。
「やめろ。」と言った。|彼は去った。
「本当?」と彼は聞いた。|はい。
『いや！駄目だ。』と叫んだ。|終わり。
これは（注。参照）です。|次です。
【速報。】出た。|次。
「外。「中。」外。」と言った。|次。
多い。[1]|次。
比は3.5％である。|次。
比は３．５％である．|次である．
増加した．|2022年に続く．|終わり．
Whisperは強い。|It is open.
Yahoo!は検索を始めた。|Yahoo!ニュースもある。|Yahoo！知恵袋が続く。
ラブライブ！の人気は高い。|けいおん！と20の曲。|次。
すごい！|とても良い。|はい！|はいと言った。|のぼる。
残り4:51で同点になった。|午後4:51に終わった。|次。
モデルは GPT-3.5 です。|次。
"""
SEVERAL_LINES = [
    (f"{LONG},\nand it is open. It is free.", [f"{LONG},\nand it is open.", "It is free."]),
    (f"{LONG}\nWhisper is open.", [LONG, "Whisper is open."]),
    ("A heading\nsome text below.", ["A heading", "some text below."]),
    ("- one\n- two\n- three", ["- one", "- two", "- three"]),
    (f"- {LONG}\n- and two", [f"- {LONG}", "- and two"]),
    (
        "1. First item\n2. Second item.\n10) third",
        ["1. First item", "2. Second item.", "10) third"],
    ),
    ("１．はじめに\n２．おわりに", ["１．はじめに", "２．おわりに"]),
    ("・一つ\n・二つ", ["・一つ", "・二つ"]),
    ("Plan C.\nNew line", ["Plan C.", "New line"]),
    ("「開いたまま。\n次の行。その次。", ["「開いたまま。", "次の行。", "その次。"]),
    ("  padded.  \n\n\t Next.  ", ["padded.", "Next."]),
    ("no stop at all", ["no stop at all"]),
    (" \n\t　", []),
    ("", []),
]


@pytest.mark.parametrize("line", [*ENGLISH.split("\n")[1:-1], *JAPANESE.split("\n")[1:-1]])
def test_splits_one_line_into_sentences(line: str) -> None:
    expected = line.split("|")
    assert sentences("".join(expected)) == [part.strip() for part in expected]


@pytest.mark.parametrize(("text", "expected"), SEVERAL_LINES)
def test_splits_several_lines_into_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("before", "following", "expected"),
    [
        ("et al", "(", True),
        ("see Fig", "3", True),
        ("No", "5", True),
        ("No", "I", False),
        ("by J", "S", True),
        ("said I", "T", False),
        ("the U.S", "A", True),
        ("the end", "T", False),
        ("in 2022", "T", False),
        ("", "T", False),
    ],
)
def test_recognises_abbreviations(before: str, following: str, expected: bool) -> None:
    assert ends_with_abbreviation(before, following) is expected


alphabet = st.sampled_from(
    [*"aB3 \n\t.!?．。！？」「（）()\"'[]・-、…", "e.g.", "No. ", "次", LONG]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(alphabet, max_size=60).map("".join) | st.text(max_size=60))
@example("a.\x1cb.\x85c")
def test_sentence_spans_are_disjoint_and_cover_all_but_whitespace(text: str) -> None:
    end, covered = 0, set()
    for start, stop in sentence_spans(text):
        assert end <= start < stop <= len(text)
        assert text[start:stop] == text[start:stop].strip()
        covered.update(range(start, stop))
        end = stop
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)


PIECES = [
    "a",
    "A. ",
    "e.g. ",
    "No. ",
    "1. ",
    "a\n",
    f"{LONG} and\n",
    "!?",
    '."',
    ".)))))",
    ".[1][1]",
]
PIECES += [*". \n)。「．", "（。", "３．", "。[1"]


@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_splitting_takes_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        text = " " * (length // 2) + piece * (length // 2 // len(piece))
        return min(_timed(text) for _ in range(2))

    assert seconds(200_000) < 5 * seconds(100_000) + 0.02


def _timed(text: str) -> float:
    start = time.process_time()
    sentence_spans(text)
    return time.process_time() - start
