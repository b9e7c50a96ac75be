"""Text in a source that speaks to a language model instead of to a reader. Pure.

Whatever a source says, it is material: such a sentence bears no claim and is not quoted, and
nothing that it holds can look like a part of our prompt.
"""

from __future__ import annotations

import re
import unicodedata

_SPEAKS_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\b(?:question|instruction|prompt|rule|"
    r"above|previous|everything|source)"
    r"|\b(?:respond|reply|answer|output|say|print|write)\b[^.!?\n]{0,30}\b(?:exactly|only with|"
    r"the following|instead|that the answer is)\b"
    r"|\byou (?:are now|must (?:now )?(?:say|answer|respond|ignore))\b|\bas an ai\b"
    r"|\b(?:system|developer) (?:prompt|message)\b|^\s*(?:system|assistant|user)\s*:"
    r"|<\|[^|>]{1,40}\|>|\[/?INST\]|<<SYS>>|</?(?:system|assistant|s)>"
    r"|(?:指示|質問|命令|ルール|プロンプト)[^。\n]{0,12}(?:無視し|忘れ(?:て|ろ|なさい)|従わ(?:ず|ない))"
    r"|(?:と|だけ|のみ)(?:答え|回答し|出力し|返答し|言っ|書い)(?:て|なさい|ること|よ|ろ)"
    r"|あなたは(?:今から|これから|AI|アシスタント)",
    re.IGNORECASE | re.MULTILINE,
)
_TURN = re.compile(
    r"<\|[^|>]{0,40}\|>|\[/?INST\]|<<?/?SYS>>?|</?(?:system|assistant|user|s)>", re.I
)
_LABEL = re.compile(r"[\[［【]\s*(\d{1,3}(?:\s*[,、–-]\s*\d{1,3})*)\s*[\]］】]")


def speaks_to_a_model(text: str) -> bool:
    """Whether a sentence gives a language model orders, or imitates a turn of a conversation."""
    return bool(_SPEAKS_TO_A_MODEL.search(_visible(text)))


def neutral(text: str) -> str:
    """A passage as it is put into a prompt: one line without hidden characters, in which
    nothing reads as a label of ours, as a turn, or as the question."""
    plain = _TURN.sub(" ", _visible(text))
    return " ".join(_LABEL.sub(r"(\1)", plain).split())


def _visible(text: str) -> str:
    """Without control, zero-width and bidirectional characters; line breaks stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
