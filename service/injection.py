"""Text in a source that speaks to a language model instead of to a reader. Pure.

Whatever a source says, it is material: such a sentence bears no claim and is not quoted, and
nothing that it holds can look like a part of our prompt.
"""

from __future__ import annotations

import re
import unicodedata

from corpus.sentences import sentence_spans

# An order stands at the beginning of a clause, or after a word that makes it one.
_ORDER = (
    r"(?:^|[.!?:;>\"“'‘\]。」]\s?|[-*#•][ \t]|\b(?:please|now|you must|you should|just)[ ])[ \t]*"
)
_ORDERS = (
    r"(?:questions?|instructions?|prompts?|rules?|guidance|guidelines?|orders|directives|messages?)"
)
_SPEAKS_TO_A_MODEL = re.compile(
    rf"{_ORDER}(?:ignore|disregard|forget|override)\b[^.!?]{{0,40}}\b(?:{_ORDERS}|(?-i:above|"
    r"everything (?:above|before|you)|all (?:of )?the above|(?:other|the) sources|what you))\b"
    rf"|\b(?:ignore|disregard|forget|override)\s(?:(?:all|any|the|of|your|these|those)\s){{0,3}}"
    rf"(?:previous|prior|above|earlier|preceding|your)\s(?:\w+\s)?{_ORDERS}\b"
    rf"|{_ORDER}do not (?:follow|obey)\b[^.!?\n]{{0,30}}\b{_ORDERS}\b"
    r"|(?:^|[.!?:;]\s?|\b(?:please|and|then|instead,?)[ ])[ \t]*"
    r"(?:respond|reply|answer|output|say|print)\b"
    r"(?:[^.!?\n]{0,30}\b(?:exactly|only with|only|that the answer is)\b"
    r"|[ ](?:that[ ]the|that:|[\"“']|with[ ][\"“']))"
    r"|\b(?:tell|inform) the (?:user|reader|questioner)s? that\b"
    r"|\byou (?:are now|must (?:now )?(?:say|answer|respond|reply|ignore|output))\b"
    r"|\byour (?:new|real|only) (?:task|instructions?|goal|role) (?:is|are)\b"
    r"|(?:^|[.!?]\s?)[ \t]*(?:new|updated|important|hidden|system) (?:instructions?|orders?)\s?:"
    r"|(?:^|[.!?,:;]\s?)[ \t]*(?:pretend (?:that )?you are|act as (?:if|an?)|from now on,? you)\b"
    r"|\bif you are an? (?:ai|llm|(?:large )?language model|assistant|chatbot)\b"
    r"|(?:^|\b(?:dear|attention|note to)[ ](?:the[ ]|all[ ]|any[ ])?)"
    r"(?:ai|llms?|language models?|chatbots?)\b[ ]?(?:s[ ])?[,:!]"
    r"|\bas an ai (?:language model|assistant|model|chatbot),? (?:i|you)\b"
    r"|\b(?:reveal|repeat|print|output|show|leak) (?:me )?(?:your|the) "
    r"(?:system|developer|hidden) (?:prompt|message)"
    r"|^[ \t]*(?:system|assistant|user)[ \t]*:|^[ \t]*#{2,}[ \t]*(?:instructions?|system)\s?:"
    r"|<\|[^|>]{1,40}\|>|\[/?INST\]|<<SYS>>|</?(?:system|assistant|instructions?)>"
    r"|(?:指示|質問|命令|ルール|プロンプト|上記|前述)[^。\n]{0,12}"
    r"(?:無視し(?:て(?![いきしのもはか話])|ろ|なさい|、|た上)"
    r"|無視せよ|忘れ(?:てください|ろ|なさい|よ(?!う)|ること。)|破棄し(?:て|ろ|、)|従わない(?:で|こと。)|従うな)"
    r"|(?:これまで|以前|上記|前|従来)の(?:指示|命令|プロンプト)[はを][^。\n]{0,6}(?:無効|無視|破棄|忘れ|取り消)"
    r"|(?:と|だけ|のみ|ように)(?:、)?(?:答え|回答し|出力し|返答し|言っ|書い)"
    r"(?:て(?:ください|くれ|下さい|ほしい)|なさい|ること(?:。|$)|よ(?:。|！|$)|ろ(?:。|！|$))"
    r"|(?:と|だけ|のみ|ように)(?:回答|出力|返答)(?:せよ|すること(?:。|$)|してください)"
    r"|あなたは(?:今から|これから|AI(?:です|で|の)|アシスタント(?:です|で|と))"
    r"|(?:AI|モデル|LLM|アシスタント)(?:は|へ|よ)[、:：][^。\n]{0,40}(?:ください|せよ|しなさい|しろ)",
    re.IGNORECASE | re.MULTILINE,
)
_TURN = re.compile(
    r"<\|[^|>]{0,40}\|>|\[/?INST\]|<<?/?SYS>>?|</?(?:system|assistant|user|s)>", re.I
)
_LABEL = re.compile(r"[\[［【]\s*(\d{1,3}(?:\s*[,、–-]\s*\d{1,3})*)\s*[\]］】]")


def speaks_to_a_model(text: str) -> bool:
    """Whether a sentence gives a language model orders, or imitates a turn of a conversation."""
    return bool(_SPEAKS_TO_A_MODEL.search(unicodedata.normalize("NFKC", _visible(text))))


def for_readers(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a passage stand that speak to a reader: not orders to a model, nor
    what follows one in its paragraph, which is what the order is about."""
    found: list[tuple[int, int]] = []
    ordered = None  # where the last order ended
    for start, end in sentence_spans(text):
        if speaks_to_a_model(text[start:end]):
            ordered = end
        elif ordered is None or "\n" in text[ordered:start]:
            ordered = None
            found.append((start, end))
        else:
            ordered = end
    return found


def neutral(text: str) -> str:
    """A passage as it is put into a prompt: one line without hidden characters, in which
    nothing reads as a label of ours, as a turn, or as the question."""
    plain = _TURN.sub(" ", _visible(text))
    return " ".join(_LABEL.sub(r"(\1)", plain).split())


def _visible(text: str) -> str:
    """Without control, zero-width and bidirectional characters; line breaks stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
