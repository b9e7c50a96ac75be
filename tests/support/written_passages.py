"""A passage as it is written for fitting, with claims and questions (``training.passages``)."""

from __future__ import annotations

from typing import Any


def text(en: str, ja: str) -> dict[str, str]:
    return {"en": en, "ja": ja}


ROW: dict[str, Any] = {
    "id": "mill-01",
    "topic": "mill",
    "title": text("The mill", "水車小屋"),
    "sentences": [
        text("The mill closed in 1911.", "水車小屋は1911年に閉じた。"),
        text("A flood had broken its wheel.", "洪水で水車が壊れたのだ。"),
        text("Ada Berg bought it.", "アダ・ベリが買い取った。"),
        text("She made it a bakery.", "彼女はパン屋にした。"),
    ],
    "questions": [
        {"q": text("Why did the mill close?", "なぜ閉じたのか。"), "s": [1],
         "answer": text("A flood", "洪水")},
        {"q": text("What is it now?", "今は何ですか。"), "s": [3],
         "answer": text("a bakery", "パン屋")},
    ],
    "near": [{"q": text("When did it open?", "いつ開いたのか。")}],
    "claims": [
        {"s": [0, 1], "true": text("High water ended the mill.", "出水で水車小屋は終わった。"),
         "false": text("Fire ended the mill.", "火事で水車小屋は終わった。"),
         "words": text("Fire", "火事"), "change": "cause"},
    ],
    "lie": {"s": [2], "text": text("Berg bought it, for nothing.", "ベリがただで買った。"),
            "words": text("for nothing", "ただで")},
    "changed": {"s": 1, "claim": 0, "text": text("A fire had burnt it.", "火事で焼けたのだ。")},
}  # fmt: skip
