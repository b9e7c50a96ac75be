"""Greetings before a question: "Hello! Who wrote ReAct?" asks who wrote ReAct."""

from __future__ import annotations

import re

_GREETING = re.compile(
    r"\s*(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|thanks(?: a lot)?"
    r"|thank you(?: very much| so much)?|welcome)(?: (?:there|again|all|everyone|tenkyo|and))?"
    r"|こんにち[はわ]|こんばん[はわ]|おはよう(?:ございます)?|はじめまして|初めまして|どうも|やあ"
    r"|i['’]?(?: a)?m new(?: here| to this)?|nice to meet you"
    r"|よろしく(?:お願い(?:します|いたします))?"
    r"|ありがとう(?:ございま(?:す|した))?|お疲れ様です|お世話になります)"
    r"(?:[\s,!.、。，！．…~〜ー]*[,!.、。，！．…~〜]\s*"
    r"|\s+(?=(?:what|who|whose|when|where|which|why|how|can|could|would|please|is|are|was|were|do"
    r"|does|did|tell|give|list|show|summari[sz]e|compare|i|and)\b))",
    re.IGNORECASE,
)


def without_greeting(question: str) -> str:
    """Return a question without greetings and thanks at its beginning; empty if that was all."""
    rest = question
    while match := _GREETING.match(rest):
        rest = rest[match.end() :]
    return rest.strip() if any(map(str.isalnum, rest)) else ""
