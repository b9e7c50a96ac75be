"""Rules that make a sentence false, or change only its wording, in English and Japanese.

Each rule takes a sentence and returns a changed one, or None if it does not apply. The idea is that
of rule-made contradictions for fact checking (Kryściński et al. 2020, FactCC, arXiv 1910.12840:
entity, number, negation and pronoun swaps), with role swaps as in PAWS (Zhang et al. 2019, arXiv
1904.01130). An altered sentence is not supported by its passage; whether it is neutral or a
contradiction, the rule does not say.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

NUMBER = re.compile(r"(?<![A-Za-z0-9.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\dA-Za-z])")
LEAD_WORDS = """the a an in on at with by for from to of and or but it they he she this that these
those there their his her its after before during when while since as most many some several all
each both throughout between although however also today later earlier once under over another one
such like if according because until among early late other"""
LEADS = frozenset(LEAD_WORDS.split())
NAME_EN = re.compile(r"\b[A-Z][\w’'-]+(?: (?:of |de |the |von )?[A-Z][\w’'-]+)*")
NAME_JA = re.compile(r"[ァ-ヶー・]{3,}|[一-龥]{2,6}(?=[はがをにのと、])")
MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
WORDS = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "twenty", "thirty", "forty", "fifty", "hundred", "thousand", "million", "billion",
]  # fmt: skip
KANJI = "一二三四五六七八九十"
OPPOSITES_EN = """increase decrease|increased decreased|more less|more fewer|higher lower|
highest lowest|larger smaller|largest smallest|first last|before after|north south|east west|
northern southern|eastern western|northeast southwest|early late|earlier later|earliest latest|
won lost|win lose|rise fall|rose fell|older younger|oldest youngest|always never|all none|
most few|many few|some no|above below|inside outside|public private|male female|men women|
father mother|son daughter|husband wife|brother sister|king queen|buy sell|bought sold|
begin end|began ended|start stop|started stopped|open close|opened closed|accept reject|
accepted rejected|allow prohibit|allowed prohibited|possible impossible|common rare|major minor|
majority minority|minimum maximum|success failure|succeeded failed|positive negative|
strong weak|stronger weaker|fast slow|faster slower|hot cold|rich poor|left right|up down|
with without|includes excludes|included excluded|supported opposed|support oppose|
join leave|joined left|gain lose|gained lost|best worst|better worse|long short|longer shorter|
old new|ancient modern|import export|attack defend|attacked defended|same different|
similar different|easy difficult|legal illegal|direct indirect|rural urban|domestic foreign|
at least at most|more than less than|at least fewer than|only also|known unknown|day night|
winter summer|spring autumn|morning evening|upper lower|agree disagree|agreed disagreed|
created destroyed|built demolished|improve worsen|improved worsened|cause prevent|caused prevented|
Christian Muslim|Catholic Protestant|British French|German Italian|American Russian|
liberal conservative|year month|years months|days weeks|century decade|meters kilometers|
million billion|thousand million|hundred thousand|percent million|
teacher student|author reader|supervised unsupervised|encoder decoder|input output"""
OPPOSITES_JA = """\
増加 減少|増え 減っ|上昇 下降|上回 下回|多い 少ない|多く 少なく|高い 低い|高く 低く|
大きい 小さい|大きな 小さな|最大 最小|最高 最低|最多 最少|最初 最後|初めて 最後に|初期 後期|
前半 後半|以前 以降|以上 以下|以前 以後|北 南|東 西|北部 南部|東部 西部|左 右|上 下|
内側 外側|国内 国外|国内 海外|男性 女性|男 女|父 母|息子 娘|夫 妻|兄 弟|姉 妹|勝利 敗北|
勝っ 負け|成功 失敗|開始 終了|始まっ 終わっ|入学 卒業|開設 閉鎖|設立 廃止|賛成 反対|
肯定 否定|可能 不可能|必要 不要|一般的 例外的|主要 副次的|長い 短い|長く 短く|新しい 古い|
新しく 古く|強い 弱い|強く 弱く|早い 遅い|速い 遅い|暑い 寒い|高温 低温|夏 冬|春 秋|朝 夜|
午前 午後|昼 夜|古代 現代|輸出 輸入|攻撃 防御|公立 私立|公的 私的|同じ 異なる|すべて 一部|
全て 一部|すべての ごく一部の|多数 少数|必ず まれに|常に 決して|年 月|か月 年間|世紀 年代|
万 億|千 万|キロメートル メートル|パーセント 人|から より前に|有利 不利|増大 縮小|拡大 縮小|
肯定的 否定的|直接 間接|前者 後者|入力 出力|教師あり 教師なし|支持 批判|許可 禁止|合法 違法|
独立 従属|生まれ 亡くなり|加盟 脱退|先 後"""


def _pairs(table: str) -> list[tuple[str, str]]:
    found = []
    for item in table.replace("\n", "").split("|"):
        words = item.split(" ")
        half = len(words) // 2
        found.append((" ".join(words[:half]), " ".join(words[half:])))
    return found


def _both_ways(table: str, edge: str) -> list[tuple[re.Pattern[str], str]]:
    out = []
    for a, b in _pairs(table):
        out += [(re.compile(edge + re.escape(x) + edge), y) for x, y in ((a, b), (b, a))]
    return out


SWAPS_EN = _both_ways(OPPOSITES_EN, r"\b")
SWAPS_JA = _both_ways(OPPOSITES_JA, "")
NEGATE_EN = [
    (re.compile(p), r)
    for p, r in (
        (r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may|might|must)\b(?! not)",
         r"\1 not"),
        (r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may) not\b", r"\1"),
        (r"\b(did|does|do) not (\w+)", r"\2"),
        (r"\b(?:no|none of the) (\w)", r"the \1"),
        (r"\bnever\b", "always"),
    )
]  # fmt: skip
NEGATE_JA = [
    (re.compile(p), r)
    for p, r in (
        (r"ではない(?=[。、]|$)", "である"), (r"である(?=[。、]|$)", "ではない"),
        (r"ではありません(?=[。、]|$)", "です"), (r"です(?=[。]|$)", "ではありません"),
        (r"でした(?=[。]|$)", "ではありませんでした"), (r"だった(?=[。]|$)", "ではなかった"),
        (r"であった(?=[。、]|$)", "ではなかった"), (r"されなかった", "された"),
        (r"された(?=[。、]|$)", "されなかった"), (r"されていない", "されている"),
        (r"されている(?=[。、]|$)", "されていない"), (r"していない", "している"),
        (r"している(?=[。、]|$)", "していない"), (r"していた(?=[。、]|$)", "していなかった"),
        (r"しなかった", "した"), (r"した(?=[。]|$)", "しなかった"), (r"しない(?=[。、]|$)", "する"),
        (r"する(?=[。]|$)", "しない"), (r"される(?=[。]|$)", "されない"), (r"できない", "できる"),
        (r"できる(?=[。、]|$)", "できない"), (r"できます", "できません"),
        (r"します(?=[。]|$)", "しません"),
        (r"されます(?=[。]|$)", "されません"), (r"しました", "しませんでした"),
        (r"なかった(?=[。]|$)", "た"),
        (r"れた(?=[。]|$)", "れなかった"), (r"った(?=[。]|$)", "わなかった"),
        (r"がある(?=[。]|$)", "はない"),
        (r"はない(?=[。]|$)", "がある"), (r"があった(?=[。]|$)", "はなかった"),
        (r"ている(?=[。]|$)", "ていない"),
        (r"いる(?=[。]|$)", "いない"), (r"れる(?=[。]|$)", "れない"), (r"ます(?=[。]|$)", "ません"),
    )
]  # fmt: skip

Rule = Callable[[str, Sequence[str], random.Random], str | None]


def is_japanese(text: str) -> bool:
    return len(re.findall(r"[ぁ-んァ-ヶ一-龥]", text)) > len(text) * 0.2


def _replace(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


def _one(pattern: re.Pattern[str], text: str, rng: random.Random) -> re.Match[str] | None:
    matches = list(pattern.finditer(text))
    return rng.choice(matches) if matches else None


def other_number(text: str, rng: random.Random) -> str:
    """Return another number of the same form: a year stays a year, decimals keep their places."""
    plain = text.replace(",", "")
    if "." in plain:
        places = len(plain.split(".")[1])
        value = float(plain) * rng.choice((0.1, 0.5, 0.7, 1.3, 1.5, 2, 10)) + 0.1
        return f"{value:.{places}f}"
    value = int(plain)
    if 1000 <= value <= 2100 and "," not in text:
        return str(
            value + rng.choice((-100, -50, -20, -10, -7, -3, -2, -1, 1, 2, 3, 7, 10, 20, 100))
        )
    if value < 20:
        return str(rng.choice([n for n in range(1, 25) if n != value]))
    factor = rng.choice((0.1, 0.5, 0.8, 1.1, 1.25, 2, 3, 10))
    new = int(value * factor) + rng.choice((0, 1, 2))
    new += new == value
    return f"{new:,}" if "," in text else str(new)


def number(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    found = _one(NUMBER, text, rng)
    if found is not None:
        if rng.random() < 0.35:  # another number of the same passage is the harder mistake
            near = [n for other in others for n in NUMBER.findall(other)]
            near = [n for n in near if n != found[0] and abs(len(n) - len(found[0])) < 2]
            if near:
                return _replace(text, found, rng.choice(near))
        return _replace(text, found, other_number(found[0], rng))
    words = KANJI[:9] if is_japanese(text) else WORDS
    edge = "" if is_japanese(text) else r"\b"
    after = "(?=[年月日人つ回個番世種])" if is_japanese(text) else ""
    found = _one(re.compile(f"{edge}(?:{'|'.join(words)}){edge}{after}"), text, rng)
    if found is None:
        return None
    return _replace(text, found, rng.choice([w for w in words if w != found[0]]))


def date(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    if is_japanese(text):
        found = _one(re.compile(r"(?<!\d)(\d{1,2})(?=[月日])"), text, rng)
        return found and _replace(text, found, str((int(found[0]) + rng.randint(1, 10)) % 12 + 1))
    found = _one(re.compile(r"\b(?:" + "|".join(MONTHS) + r")\b"), text, rng)
    return found and _replace(text, found, rng.choice([m for m in MONTHS if m != found[0]]))


def negation(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    table = NEGATE_JA if is_japanese(text) else NEGATE_EN
    for pattern, new in table if is_japanese(text) else rng.sample(table, len(table)):
        found = _one(pattern, text, rng)
        if found is not None:
            return _replace(text, found, found.expand(new))
    return None


def opposite(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    table = SWAPS_JA if is_japanese(text) else SWAPS_EN
    for pattern, new in rng.sample(table, len(table)):
        found = _one(pattern, text, rng)
        if found is not None:
            return _replace(text, found, new)
    return None


def _names(text: str) -> list[re.Match[str]]:
    return [m for m in NAME_EN.finditer(text) if m[0].split()[0].lower() not in LEADS]


def name(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Replace a name by another name of the same passage or article."""
    pattern = NAME_JA if is_japanese(text) else NAME_EN
    here = list(pattern.finditer(text)) if is_japanese(text) else _names(text)
    if not here:
        return None
    found = rng.choice(here)
    pool = {n for other in others for n in pattern.findall(other) if n.lower() not in LEADS}
    pool = sorted(n for n in pool if n not in text and abs(len(n) - len(found[0])) < 12)
    if is_japanese(text):
        katakana = bool(re.match("[ァ-ヶ]", found[0]))
        pool = [n for n in pool if bool(re.match("[ァ-ヶ]", n)) == katakana]
    return _replace(text, found, rng.choice(pool)) if pool else None


def roles(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Exchange two names, or two noun phrases with particles."""
    if is_japanese(text):
        found = re.search(r"([^、。はがをに]{2,12})([はが])([^、。はがをに]{2,12})([をにと])", text)
        if found is None or found[1].strip() == found[3].strip():
            return None
        return _replace(text, found, found[3] + found[2] + found[1] + found[4])
    names = list({m[0]: m for m in _names(text)}.values())
    if len(names) < 2:
        return None
    a, b = sorted(rng.sample(names, 2), key=lambda m: m.start())
    between = text[a.end() : b.start()]
    if a[0] in b[0] or b[0] in a[0] or re.fullmatch(r"[\s,]*(and|or)?[\s,]*", between):
        return None
    return text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def splice(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Join the beginning of a sentence to the end of another one."""
    other = rng.choice(others) if others else ""
    cut = "、" if is_japanese(text) else ", "
    if cut in text and cut in other and is_japanese(text) == is_japanese(other):
        return text.split(cut)[0] + cut + other.split(cut)[-1]
    if is_japanese(text):
        head, mark, _ = text.partition("は")
        tail = other.partition("は")[2]
        return head + mark + tail if mark and len(tail) > 5 else None
    verb = re.compile(r"\b(is|are|was|were|has|had|have)\b")
    a, b = verb.search(text), verb.search(other)
    return text[: a.start()] + other[b.start() :] if a and b else None


RULES: tuple[tuple[Rule, float], ...] = (
    (number, 3.0), (date, 0.7), (negation, 2.0), (opposite, 2.5),
    (name, 3.0), (roles, 1.5), (splice, 1.0),
)  # fmt: skip


def spoiled(text: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Change `text` by one rule; `others` are sentences near it."""
    order = sorted(RULES, key=lambda item: rng.random() ** (1 / item[1]), reverse=True)
    for rule, _ in order:
        new = rule(text, others, rng)
        if new is not None and new.strip() != text.strip() and new not in others:
            return new
    return None


def kept(text: str, rng: random.Random) -> str:
    """Reword without changing the meaning: unchanged, without an aside, or reordered."""
    choice = rng.random()
    if choice < 0.35:
        return text
    short = re.sub(r" ?[(（][^()（）]*[)）]", "", text)
    short = re.sub(r"\[[^\]]*\]", "", short)
    if choice < 0.6:
        return short
    if is_japanese(text):
        parts = short.split("、")
        if len(parts) > 2 and len(parts[0]) < 12 and choice < 0.8:
            return "、".join(parts[1:])  # drops a leading adverbial
        return re.sub("である(?=。|$)", "です", short).rstrip("。") + rng.choice(("。", ""))
    moved = re.match(
        r"((?:In|On|During|After|By|At|Since) [^,]{3,30}), ([A-Za-z].*?)([.]?)$", short
    )
    if moved and choice < 0.85:
        when = moved[1][0].lower() + moved[1][1:]
        return moved[2][0].upper() + moved[2][1:] + " " + when + "."
    if choice < 0.9:
        return re.sub(r"^(?:However|Moreover|Also|In addition|Furthermore|Thus), (\w)",
                      lambda m: m[1].upper(), short)  # fmt: skip
    return short.rstrip(".") + rng.choice(("", "."))


def sentences(text: str) -> list[str]:
    """Split English or Japanese prose into sentences, well enough for generated examples."""
    if is_japanese(text):
        parts = re.split(r"(?<=。)(?![」）])", text)
    else:
        parts = re.split(r"(?<=[a-z0-9)\]”\"][.!?]) +(?=[A-Z“\"])|(?<= [.!?]) +(?=[A-Z`])", text)
    return [part.strip() for part in parts if len(part.strip()) > 8]
