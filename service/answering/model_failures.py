"""What a reader is told when the language model fails: what is wrong, and what to do about it.

By the kind of the error alone: what a server says, and where it is, is for the log.
"""

from __future__ import annotations

from typing import Literal

from corpus.errors import ModelBadOutput, ModelError, ModelUnavailable
from service.generation.failures import ModelTooSlow, ModelUnreachable, NoLanguageModel

Outcome = Literal["quoted", "nothing", "cut short"]

_OUTCOMES: dict[Outcome, dict[str, str]] = {
    "quoted": {
        "en": "The language model failed: {0} These are the sources' own words.",
        "ja": "言語モデルが使えません。{0}資料の文をそのまま示します。",
    },
    "nothing": {
        "en": "The language model failed: {0} No sentence of the sources answers by itself.",
        "ja": "言語モデルが使えません。{0}そのまま答えになる資料の文もありません。",
    },
    "cut short": {
        "en": "The language model failed partway: {0} The sentences checked by then are shown.",
        "ja": "言語モデルが途中で止まりました。{0}それまでに確かめた文だけを示します。",
    },
}
_EN, _JA = "under “Change the model” on the start page", "最初の画面の「モデルを変更」で"
_FAULTS = {
    "unreachable": {
        "en": f"its server does not answer. Start it, or connect another model {_EN}, or ask"
        " whoever runs this service.",
        "ja": f"サーバーが応答しません。サーバーを起動するか、{_JA}別のモデルを接続するか、"
        "管理者に連絡してください。",
    },
    "slow": {
        "en": f"it took too long. Ask again, or connect a faster model {_EN}, or ask whoever runs"
        " this service to wait longer for it.",
        "ja": f"時間がかかりすぎました。もう一度質問するか、{_JA}もっと速いモデルを接続するか、"
        "待ち時間を延ばすよう管理者に連絡してください。",
    },
    "key": {
        "en": f"its server refuses the key. Connect it again with the right key {_EN}, or ask"
        " whoever runs this service.",
        "ja": f"サーバーがキーを受け付けません。{_JA}正しいキーを入れて接続し直すか、"
        "管理者に連絡してください。",
    },
    "wrong address": {
        "en": f"what answers at its address is no language model. Connect it again {_EN}, or ask"
        " whoever runs this service.",
        "ja": f"そのアドレスで応答したのは言語モデルではありません。{_JA}接続し直すか、"
        "管理者に連絡してください。",
    },
    "name or address": {
        "en": "there is no model of this name at its address. Correct its name, or its address,"
        f" which mostly ends in /v1, {_EN}, or ask whoever runs this service.",
        "ja": f"そのアドレスにその名前のモデルがありません。{_JA}モデルの名前とアドレス"
        "（多くは末尾が /v1）を直すか、管理者に連絡してください。",
    },
    "unreadable": {
        "en": f"its reply cannot be read. Ask again, or connect another model {_EN}; the log of the"
        " service says more.",
        "ja": f"応答を読み取れません。もう一度質問するか、{_JA}別のモデルを接続してください。"
        "詳しくはサービスのログにあります。",
    },
    "busy": {
        "en": "its server is overloaded or broken. Ask again in a moment, or ask whoever runs this"
        " service to look at it.",
        "ja": "サーバーが混み合っているか、故障しています。しばらくしてもう一度質問するか、"
        "管理者に連絡してください。",
    },
    "refused": {
        "en": f"its server refuses the question. Ask again, or connect another model {_EN}; the log"
        " of the service says more.",
        "ja": f"サーバーが質問を受け付けません。もう一度質問するか、{_JA}別のモデルを接続して"
        "ください。詳しくはサービスのログにあります。",
    },
    "error": {
        "en": f"it stopped with an error. Ask again, or connect another model {_EN}; the log of the"
        " service says more.",
        "ja": f"エラーが起きました。もう一度質問するか、{_JA}別のモデルを接続してください。"
        "詳しくはサービスのログにあります。",
    },
}


def describe_failure(error: ModelError, outcome: Outcome, language: str) -> str:
    """Tell a reader that the language model failed, why, what to do, and what is shown instead.

    Args:
        error: How it failed.
        outcome: What there is instead: quotes, nothing, or the first sentences of the answer.
        language: ``en`` or ``ja``.
    """
    return _OUTCOMES[outcome][language].format(_FAULTS[_fault(error)][language])


def _fault(error: ModelError) -> str:
    if isinstance(error, ModelUnreachable):
        return "unreachable"
    if isinstance(error, ModelTooSlow):
        return "slow"
    if isinstance(error, NoLanguageModel):
        return "wrong address"
    if isinstance(error, ModelBadOutput):
        return "unreadable"
    status = error.status if isinstance(error, ModelUnavailable) else None
    if status is None:
        return "error"
    if status in (401, 403):
        return "key"
    if status == 404:
        return "name or address"
    if status == 429 or status >= 500:
        return "busy"
    return "wrong address" if status == 405 or status < 400 else "refused"
