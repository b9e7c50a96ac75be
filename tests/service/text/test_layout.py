"""Lines that are no sentences: rows of tables, headings and captions."""

import pytest

from service.text.layout import is_caption, is_heading, is_table_head, table_rows

TABLE = "Two rooms.\n\nRoom | Maps\nKanda | 40,000\nUeno | 312\n\nThe rooms close at noon."


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("Table 1: Statistics of the data sets.", True),
        ("Figure 2 Results of the survey", True),
        ("Fig. 3a. The old gate", True),
        ("TABLE 4", True),
        ("Algorithm 1: Search", True),
        ("図3 構成", True),
        ("図３：構成", True),
        ("表1.2 結果", True),
        ("Table 1 shows that rooms are small.", False),
        ("図3は構成を示す。", False),
        ("図3 に構成を示す。", False),
        ("Figures of speech", False),
        ("The table 1: see below.", False),
        ("Tables are made of oak.", False),
    ],
)
def test_captions_are_told_from_sentences_about_them(text: str, caption: bool) -> None:
    assert is_caption(text) == caption


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("Opening hours", True),
        ("3.1 Training data", True),
        ("開館時間", True),
        ("The rooms (1931)", True),
        ("The rooms are small.", False),
        ("部屋は小さい。", False),
        ("The rooms are:", False),
        ("Is it open?", False),
        ("- a room", False),
        ("1. A room", False),
        ("Room | Maps", False),
        ("wide " * 30, False),
    ],
)
def test_headings_end_without_punctuation(line: str, heading: bool) -> None:
    line = line.strip()
    for above in ("", "One.\n", "One.\n\n"):
        start, end = len(above), len(above + line)
        assert is_heading(f"{above}{line}\n\nTwo.", start, end) == heading
        assert not is_heading(above + line, start, end)  # nothing is below it


def test_part_of_a_line_is_no_heading() -> None:
    text = "It is open. Opening hours\nTwo."
    assert not is_heading(text, 12, 25) and text[12:25] == "Opening hours"
    assert not is_heading("Opening hours are long.\nTwo.", 0, 13)
    assert not is_heading("Opening\nhours\nTwo.", 0, 13)


def test_rows_reach_from_the_head_to_the_row() -> None:
    for row, end in (("Room | Maps", "Maps"), ("Kanda | 40,000", "40,000"), ("Ueno | 312", "312")):
        start = TABLE.index(row)
        rows = table_rows(TABLE, start, start + len(row))
        assert rows and TABLE[slice(*rows)].startswith("Room | Maps")
        assert TABLE[slice(*rows)].endswith(end)
        assert is_table_head(TABLE, start, start + len(row)) == (row == "Room | Maps")
    assert table_rows(TABLE, 0, 10) is None and not is_table_head(TABLE, 0, 10)


def test_sentence_within_a_row_stands_for_the_row() -> None:
    text = "Room\tNote\nKanda\tIt is old. It is small."
    start = text.index("It is old.")
    assert table_rows(text, start, start + 10) == (0, len(text))


def test_tables_apart_have_their_own_heads() -> None:
    text = "Room | Maps\nKanda | 3\n\nShip | Tons\nMaru | 4"
    assert table_rows(text, len(text) - 8, len(text)) == (text.index("Ship"), len(text))


def test_single_row_is_no_head() -> None:
    assert not is_table_head("Home | About\n\nThe rooms.", 0, 12)
