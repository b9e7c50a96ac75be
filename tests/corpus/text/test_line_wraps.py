"""Lines of plain text that were broken inside a sentence are joined, and no others."""

import json
import textwrap
import time

import pytest

from corpus.text.blocks import normalize_text
from corpus.text.line_wraps import join_wrapped_lines
from tests.support.paths import DATA

# By two writers who had not seen the code: texts broken at one width, by hand, or nowhere.
TEXTS = DATA / "wrapped_texts.jsonl"

PROSE = (
    "The harbour committee met on Tuesday evening in the net loft above the ice house. It heard"
    " that the lamp at the foot of the slipway had been out since the storm, and that Bell"
    " Electric of Port Sable had asked 740 pounds for a new one. The committee took the offer."
)
JAPANESE = (
    "閲覧室は一九三一年に開かれ、今では四万枚の地図を所蔵しているが、そのうち三千枚は戦後になって"
    "から寄贈されたもので、目録はまだ作られていない。海図は二階の東の部屋にあり、申し込めばその日のうちに"
    "見ることができる。月曜日は休みである。地図を写すときは、受付で紙と鉛筆を借り、窓ぎわの机を使うことに"
    "なっているが、インクを持ちこむことは許されていない。"
)


def in_columns(text: str, most: int) -> str:
    """Break a Japanese text at a number of characters, none of them 。 or 、 at the start."""
    lines, at = [], 0
    while at < len(text):
        end = at + most
        end -= text[end : end + 1] in ("。", "、")  # takes the character before it along
        lines.append(text[at:end])
        at = end
    return "\n".join(lines)


@pytest.mark.parametrize("width", [50, 64, 72, 80])
@pytest.mark.parametrize("head", ["", "3. The slipway\n", "From: Ada\nTo: Ben\n\n"])
def test_wrapped_prose_is_joined(width: int, head: str) -> None:
    joined = join_wrapped_lines(head + textwrap.fill(PROSE, width))
    assert joined.startswith(head)
    one_line = " ".join(joined.removeprefix(head).split("\n"))
    assert one_line == PROSE
    # A line that ends with a sentence may end a paragraph, too.
    assert all(line.endswith(".") for line in joined.removeprefix(head).split("\n"))


@pytest.mark.parametrize("most", [24, 30, 40])
def test_wrapped_japanese_is_joined_without_a_space(most: int) -> None:
    joined = join_wrapped_lines("お知らせ\n" + in_columns(JAPANESE, most))
    assert joined.split("\n")[0] == "お知らせ"
    assert "".join(joined.split("\n")[1:]) == JAPANESE
    assert all(line.endswith("。") for line in joined.split("\n")[1:])


def test_items_keep_their_lines_and_go_on_behind_an_indent() -> None:
    text = (
        "What we lend, for a week at a time and to members of the tool shed and\n"
        "nobody else:\n"
        "- hammers, saws and everything else that hangs on the wall behind the\n"
        "  desk, but for the old planes\n"
        "- ladders\n"
        "1) Bring them back clean and dry, or else we must charge you one for the\n"
        "   cleaning\n"
    )
    assert join_wrapped_lines(text).split("\n") == [
        "What we lend, for a week at a time and to members of the tool shed and nobody else:",
        "- hammers, saws and everything else that hangs on the wall behind the desk,"
        " but for the old planes",
        "- ladders",
        "1) Bring them back clean and dry, or else we must charge you one for the cleaning",
        "",
    ]


@pytest.mark.parametrize("width", range(50, 80, 3))
def test_compounds_keep_their_hyphens(width: int) -> None:
    text = (
        "A well-known keeper, twenty-five years old and long-term tenant of the user-friendly,"
        " cost-effective light, met two ex-sailors in the mid-nineties, who had part-time work and"
        " a mother-in-law each, and who told him of a sixty-five-year-old bell of 1931-1940 in the ice-house."
    )
    assert join_wrapped_lines(textwrap.fill(text, width)) == text


def test_address_is_not_joined_with_what_follows() -> None:
    text = (
        "The minutes of the committee are printed in full at https://example.org/\n"
        "2023 was a good year, and nobody asked for more than the lamp that was\n"
        "promised to them.\n"
    )
    lines = join_wrapped_lines(text).split("\n")
    assert lines[0].endswith("https://example.org/") and lines[1].endswith("promised to them.")


def test_heading_that_would_have_had_room_for_the_next_word_stays() -> None:
    heading = "The harbour committee and the lamp at the slipway"
    joined = join_wrapped_lines(f"{heading}\n{textwrap.fill(PROSE, 72)}")
    assert joined.split("\n")[0] == heading


def test_japanese_word_in_english_keeps_its_space() -> None:
    text = (
        "Of the words that I learned on the island I shall only mention here the word\n"
        "猫 for a cat, because it was the first that the keeper's daughter taught me, and\n"
        "because it is easy to write.\n"
    )
    assert "the word 猫 for a cat" in join_wrapped_lines(text)


def test_word_that_was_broken_is_made_whole() -> None:
    text = (
        "The measure-\nments were repeated in the winter after the first, and no other measure-\n"
        "ments were made. All measurements were taken at the lower gate of the mill, at the ebb\n"
        "and at noon.\n"
    )
    assert "no other measurements were made" in join_wrapped_lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "One line",
        # verse, in long lines
        "When all the boats had gone and left the harbour to the gulls,\n"
        "The keeper climbed the seven flights of stairs and lit the lamp,\n"
        "And nobody who passed that night could say who wound the clock,\n"
        "Or why the bell rang twice at four with no one at the rope\n",
        # titles and names, one a line
        "Opening the Loft at Night: Humidity-Controlled Ventilation of Grain Stores\n"
        "Why the Oak Leaks Less in Summer: Gate Leakage at the Ostwick Tide Mill\n"
        "A Rope Brake for a Loom, Made From an Old Spanner and Hemp Cord\n",
        "notes/2023/meetings/harbour-users-committee-november.txt\n"
        "notes/2023/meetings/harbour-users-committee-december.txt\n"
        "photos/of/the/slipway/before/the/lamp/was/replaced.jpeg\n"
        "and-one-more-file-whose-name-has-no-space-in-it.txt\n",
        # columns
        "Port Sable            14 faults        rung by the band of the tower\n"
        "and Velm Minster      23 faults        rung by visitors, two of them new\n"
        "also St Aldwin's      17 faults        rung half muffled, in memory\n",
        "name of the gate | litres a minute in February | litres a minute in August\n"
        "oak gate | 41, of which nine from below | 23, all of it at the post\n",
        # a paragraph a line
        "The mill lives on the water that it holds back, and on nothing else at all.\n"
        "at Ostwick the pond loses part of it through the two gates, before it is used.\n",
        # code
        "def leakage(level, gate):\n"
        "    return gate.width * math.sqrt(2 * GRAVITY * level) * gate.coefficient\n"
        "        if gate.closed and level > gate.sill_height_above_the_wheel else 0.0\n",
        "gate = Gate(width=1.2, coefficient=0.61, closed=True, oak=True)\n"
        "level = measure(gate, at='noon', times=3, unit='centimetres')\n"
        "leaks = [each for each in gates if each.level > each.sill]\n",
        "two large red onions, sliced thinly and left in salt water overnight\n"
        "green peppers cut into strips about as long as a finger, without seeds\n"
        "a clove or two of garlic, crushed with the flat side of a broad knife\n",
        "a1b2c3d Mend the lamp at the foot of the slipway after the storm\n"
        "5f00aa1 Measure the leakage of the lower gate at noon and at ebb tide\n"
        "ec93622 Read the minutes of the committee again, and print them\n",
        "name: the harbour users' committee of Ostwick and Velm\n"
        "address: the net loft above the ice house, at the old slipway\n"
        "secretary: the daughter of the keeper of the upper lighthouse\n",
        "「灯台の明かりが消えたのは、去年の冬の嵐の夜のことでした」\n"
        "「それから誰も島へ渡っていないというのは、本当のことですか」\n"
        "「渡し守の家の人だけは、月に一度は食べ物を運んでいましたよ」\n"
        "「では、その人に聞けば、鐘を鳴らしたのが誰か分かりますね」\n",
        "cd tools && make serve LLM=local --silent --keep-going\n"
        "cp -r data/models ../elsewhere/data/models --verbose\n",
        # Japanese titles and verses of different lengths
        "石灰モルタルの目地を塗ったあとの養生日数について調べたこと\n"
        "祖母のかぼちゃ団子汁の作り方\n"
        "白瀬島で二泊三日を過ごした記録と、船の時刻と、宿のこと\n"
        "物置の屋根から雨水をためて畑にまくまで\n",
    ],
)
def test_other_line_breaks_stay(text: str) -> None:
    assert join_wrapped_lines(text) == text


def texts_of(kind: str) -> list[dict]:
    rows = [json.loads(line) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if f"-{kind}-" in row["name"]]


def lines_of(row: dict) -> list[str]:
    return [line.strip() for line in join_wrapped_lines(normalize_text(row["text"])).split("\n")]


@pytest.mark.parametrize("kind", ["exact", "hand", "un"])
def test_no_line_is_joined_that_other_writers_keep_apart(kind: str) -> None:
    for row in texts_of(kind):
        lines = lines_of(row)
        for before, after in row["apart"]:
            joined = (f"{before.strip()}{glue}{after.strip()}" for glue in (" ", ""))
            assert not any(each in line for each in joined for line in lines), row["name"]


@pytest.mark.parametrize(("kind", "least"), [("exact", 0.95), ("hand", 0.55), ("un", 1.0)])
def test_sentences_of_other_writers_are_whole(kind: str, least: float) -> None:
    whole = []
    for row in texts_of(kind):
        lines = lines_of(row)
        whole += [any(sentence in line for line in lines) for sentence in row["sentences"]]
    assert len(whole) > 20 and sum(whole) >= least * len(whole)


def test_time_grows_with_the_length() -> None:
    endless = textwrap.fill(PROSE.replace(".", "").lower() * 4000, 73) + "."
    text = (textwrap.fill(PROSE, 72) + "\n") * 3000 + in_columns(JAPANESE, 40) * 500 + endless
    began = time.perf_counter()
    join_wrapped_lines(text)
    assert time.perf_counter() - began < 5
