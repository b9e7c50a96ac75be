"""The measurement of premises."""

import pytest

from training.premises import SIGNS, ReadPremise, open_library, read, report

TEXT = (
    "# The Orlin mill\n\nThe mill at Orlin was closed in 1931, since its wheel had rotted. "
    "Bakers in the valley then bought flour from Marn.\n\n## Visits\n\nVisitors may see the mill "
    "on Sundays. The millstones are kept in the barn behind it."
)
ROW = {
    "id": "l0-01", "lang": "en", "title": "The Orlin mill", "text": TEXT,
    "premises": {
        "true": [{"en": "Why was the mill at Orlin closed in 1931?", "ja": "オルリンの水車小屋は？"}],
        "false": [{"en": "How old is the barn?", "ja": "なぜオルリンの水車小屋は燃えたのですか"}],
    },
}  # fmt: skip


@pytest.mark.model
def test_each_question_is_read_in_both_languages(tmp_path, embedder, checker) -> None:
    library = open_library([ROW], tmp_path / "library", embedder)
    found = {(each.pair, each.true): each for each in read([ROW], library, checker)}
    assert (
        found["en→en", True].outcome == "accepted" and found["en→en", True].signs["best text"] > 0
    )
    assert found["en→en", False].outcome == found["ja→en", True].outcome == "no statement"
    assert set(found["ja→en", False].signs) == set(SIGNS)


def test_report_tells_true_premises_from_false_ones() -> None:
    rows = [
        ReadPremise(
            "en→en",
            n > 2,
            "doubted" if n < 3 else "accepted",
            {"best text": n, "worst text": -n, "certainty": n % 3},
        )
        for n in range(6)
    ]
    rows.append(ReadPremise("ja→en", False, "no statement", {}))
    table = report(rows)
    assert "| false | 4 | 0 | 3 | 0 | 1 |" in table and "| true | 3 | 0 | 0 | 3 | 0 |" in table
    assert "| en→en | 6 | 1.00 | 0.00 | 0.50 |" in table and "| all | 6 | 1.00 |" in table
