"""Check-worthiness: whether a sentence states anything that a source could support.

A checker that only reads takes "More of it." for supported by whatever speaks of more. So what has
no word of its own to bear (pronouns, "yes", talk about the answer), and what is the head of a
sentence without the sentence (a heading, "The model."), is no claim. A number always states.
"""

from __future__ import annotations

import re
import unicodedata

from index.lexical.tokenizer import is_japanese
from service.text.alignment import content_words

# Words that only speak of the answer, of what it rests on, or of nothing.
_TALK = frozenset(
    (
        "yes no yeah yep ok okay sure certainly absolutely definitely indeed exactly right correct"
        " true false course great good well thanks thank please sorry hello hi note noted summary"
        " short brief conclusion overall fact answer question source passage text document paper"
        " article section reference citation evidence context information detail example point"
        " thing something anything everything nothing none other same similar such different"
        " following follow below above first second finally lastly next last say said state stated"
        " mention mentioned describe described explain explained show shown tell told give given"
        " provide provided support supported see know known found accord case way lot bit kind"
        " like really very quite just only even still again less much part end continue etc let me"
        " i'm it's that's here's there's what's let's one based help hope further additional"
        " furthermore moreover meanwhile instead perhaps possible likely called"
    ).split()
)
_TALK_JA = frozenset(
    (
        "以上 以下 次 通 回答 答 質問 資料 情報 詳細 内容 結論 要約 点 場合 例 他 同様 同"
        " 上記 下記 前述 正 正解 違 本当 確 確認 了解 承知 分 思 言 述 説明 示 見 下 上 方 事"
        " 物 者 人 何 誰 一 二 最後 最初 続 参照 引用 記載 文 文章 論文 記事 出典 根拠 理解"
        " 可能 必要 一部 全部 全 部分 回 先 後 前 残念 感謝 申 訳 問題 大丈夫 結構 当然 勿論"
        " 多 少"
    ).split()
)
_SUBJECT = re.compile(r"\b(?:it|they|he|she|this|that|these|those|we|you|i|there)\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|may|might|must"
    r"|shall|should|cannot|\w+n['’]t|\w+ed|won|beat|made|ran|came|went|took|gave|got|grew|fell|rose"
    r"|led|held|wrote|built|sold|lost|began|became|found|left|met|set|put|cost|sang|says?|said|shows?"
    r"|\w+(?:ises?|izes?|ates?|ifies|ify))\b"
    r"|\b\w+[^s\W]s\b(?=\s+\w)",  # wins, or models before what they do
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…。！？]['\"”’」』)\]]*$")
_PHRASE = re.compile(
    r"^(?:an?|the|its|their|his|her|of|in|on|at|from|for|with|by|as|about|and|or|but|more|also"
    r"|most|some|many|all|both|each)\b",
    re.IGNORECASE,
)
_SHORT = 4  # words of a phrase that may be taken for a sentence
_PARTICLE = re.compile(r"[はがをに]")
_BROKEN = re.compile(r"(?:は|が|を|の|について|に関して|および|または)[。.…!！?？:：]*$")
_NOMINAL = re.compile(r"[\u30a1-\u30fa\u30fc\u3400-\u9fffA-Za-z][。.…!！?？:：]*$")
_LONG_KANA = 12  # hiragana in a row, among which words stand that are not looked for


def is_not_checkworthy(text: str) -> bool:
    """Return whether a sentence has nothing that a source could support (English or Japanese)."""
    folded = unicodedata.normalize("NFKC", text).strip()
    listed = content_words(folded)
    if any(word.kind == "number" for word in listed) or any(c.isdigit() for c in folded):
        return False
    own = [w for w in listed if w.kind != "turn" and not _is_talk(w.text, w.shown)]
    if is_japanese(folded) or re.search(r"[\u3041-\u3096]", folded):
        return _nothing_in_japanese(folded, len(own))
    if not own:
        return True
    if _VERB.search(folded):
        return False
    count = len(re.findall(r"\w+(?:['’-]\w+)*", folded))
    if len(own) == 1:
        return not (_SUBJECT.search(folded) and count > 1)
    heading = not _ENDS.search(folded) or folded.endswith(":")
    return heading or (count <= _SHORT and bool(_PHRASE.match(folded)))


def _is_talk(folded: str, shown: str) -> bool:
    return folded in _TALK or shown.lower() in _TALK or folded in _TALK_JA


def _nothing_in_japanese(text: str, own: int) -> bool:
    if not own:
        return not re.search(rf"[\u3041-\u3096]{{{_LONG_KANA},}}", text)
    if _BROKEN.search(text):
        return True
    return bool(_NOMINAL.search(text)) and not _PARTICLE.search(text)
