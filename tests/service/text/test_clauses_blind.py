"""Tests of how a sentence is taken apart into clauses, written without knowledge of the rules.

Each case says what a careful reader would expect: how many claims a sentence makes, which words
belong to the same claim, and which must not. In every case each content word of the sentence has to
stand in some clause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from service.text.clauses import clauses

_FUNCTION_WORDS = frozenset(
    "a an the and or but nor so yet while whereas although though because since as if when which "
    "that who whom whose where it its they them their he she his her him this these those not only "
    "also both either neither then there to of in on at by for from with is are was were be been "
    "being has have had do does did will would can could may might such than into".split()
)
_JAPANESE_WORD = re.compile(r"[\u4e00-\u9fff々]+|[\u30a1-\u30fa\u30fc]+|[A-Za-z]+|\d[\d,.]*")
_JAPANESE_JOINTS = frozenset("一方 他方 反面 上 事 時 際 為 方 同社 彼 彼女 同年 者 後".split())


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, and what has to hold of its clauses.

    Attributes:
        least: The fewest clauses allowed.
        most: The most clauses allowed.
        together: Groups of words; some clause has all words of a group.
        apart: Groups of words; no clause has all words of a group.
    """

    text: str
    least: int
    most: int
    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()


ENGLISH = (
    # one claim: enumerations, names, pairs and numbers are not joints
    Case("The shelter in Nara takes in cats, dogs and horses.", 1, 1, (("shelter", "cats", "dogs", "horses"),)),
    Case("The museum of Leeds holds 1,250,000 coins, medals and seals.", 1, 1, (("museum", "1,250,000", "seals"),)),
    Case("The bread is made of flour, water, salt, and yeast.", 1, 1, (("bread", "flour", "water", "salt", "yeast"),)),
    Case("Johnson and Johnson sells plasters in Canada and Mexico.", 1, 1, (("Johnson and Johnson", "plasters", "Canada", "Mexico"),)),
    Case("Visitors chose between 4 and 9 pictures per room.", 1, 1, (("Visitors", "between 4 and 9", "room"),)),
    Case("Dr. Sato and Mr. Ito of Kyoto Univ. wrote the manual in 1987.", 1, 1, (("Sato", "Ito", "manual", "1987"),)),
    Case('The mayor wrote "I came, I counted, and I wept" on the wall of the town hall.', 1, 1, (("mayor", "came", "counted", "wept", "wall"),)),
    Case("The lighthouse (built of oak, brick and iron, and painted white) is 31 m high.", 1, 3, (("lighthouse", "31"),)),
    Case("The horse that won the race and the cup was born in Kent.", 1, 1, (("horse", "won", "cup", "born", "Kent"),)),
    Case("If the tank is empty and the valve is open, the pump stops.", 1, 1, (("tank", "valve", "pump", "stops"),)),
    Case("The bus leaves on Monday, 3 March 2014, at 9.30 a.m. from Oslo, Norway.", 1, 1, (("bus", "Monday", "2014", "9.30", "Oslo", "Norway"),)),
    Case("The bridge is longer, wider and heavier than the ferry.", 1, 3, (("bridge", "heavier", "ferry"),)),
    # two claims
    Case("The library opened in 1902 and lends 40,000 books a year.", 2, 2, (("library", "1902"), ("library", "40,000")), (("1902", "40,000"),)),
    Case("The river rises in Bavaria, but it reaches the sea in Romania.", 2, 2, (("river", "rises", "Bavaria"), ("reaches", "sea", "Romania")), (("Bavaria", "Romania"),)),
    Case("Anna designed the tower; Peter paid for it.", 2, 2, (("Anna", "designed", "tower"), ("Peter", "paid")), (("Anna", "Peter"),)),
    Case("The engine, which was built in Turin, weighs 210 kg.", 2, 2, (("engine", "Turin"), ("engine", "210")), (("Turin", "210"),)),
    Case("Marie Curie, who was born in Warsaw, discovered polonium.", 2, 2, (("Curie", "born", "Warsaw"), ("Curie", "discovered", "polonium")), (("Warsaw", "polonium"),)),
    Case("The report says that rents rose by 4 % and that wages fell by 2 %.", 2, 2, (("report", "rents", "4"), ("report", "wages", "2")), (("rents", "wages"),)),
    Case("The cable not only carries data but also powers the sensors.", 1, 2, (("cable", "carries", "data"), ("cable", "powers", "sensors"))),
    Case("Wheat is grown in the north, while rice is grown in the south.", 2, 2, (("Wheat", "north"), ("rice", "south")), (("Wheat", "rice"),)),
    Case("Founded in 1889, the company made playing cards until 1963.", 1, 2, (("company", "1889"), ("company", "cards", "1963"))),
    Case("The festival was cancelled because the river had flooded the park.", 1, 2, (("festival", "cancelled"), ("river", "flooded", "park"))),
    Case("The satellite was launched in May, and its makers have since been sued.", 2, 2, (("satellite", "launched", "May"), ("makers", "sued")), (("launched", "sued"),)),
    Case("The storm destroyed 300 houses, leaving 1,200 people homeless.", 1, 2, (("storm", "300"), ("1,200", "homeless"))),
    # three to five claims
    Case("The opera was written in Milan, was first sung in Venice, and closed after two nights.", 3, 3, (("opera", "Milan"), ("opera", "Venice"), ("opera", "two nights")), (("Milan", "Venice"), ("Venice", "nights"))),
    Case("The camera has two lenses, weighs 90 g, and records sound, video and temperature.", 3, 3, (("camera", "lenses"), ("camera", "90"), ("camera", "sound", "video", "temperature")), (("lenses", "90"),)),
    Case("The school was founded in 1911, its hall burnt down in 1940, and a new one was built of steel.", 3, 3, (("school", "1911"), ("hall", "1940"), ("new", "steel")), (("1911", "1940"), ("1940", "steel"))),
    Case("The glacier feeds three lakes, it shrank by 12 % in ten years, and nobody lives near it, but hikers visit it in June.", 4, 4, (("glacier", "three lakes"), ("12", "ten years"), ("nobody", "lives"), ("hikers", "June")), (("lakes", "hikers"), ("12", "June"))),
    Case("The ship left Bergen in April; it called at Hull, where it took on coal, and it reached Lisbon in May, but its captain died there.", 4, 5, (("ship", "Bergen", "April"), ("Hull",), ("coal",), ("Lisbon", "May"), ("captain", "died")), (("Bergen", "Lisbon"), ("April", "died"))),
    Case("The village, which lies at 1,800 m, has 240 inhabitants, keeps goats and sheep, exports cheese to Italy, and is banned from the tournament.", 5, 5, (("village", "1,800"), ("village", "240"), ("village", "goats", "sheep"), ("village", "cheese", "Italy"), ("village", "banned", "tournament")), (("1,800", "240"), ("cheese", "banned"))),
)  # fmt: skip

JAPANESE = (
    # one claim
    Case("この動物園は犬と猫と馬を飼っている。", 1, 1, (("動物園", "犬", "猫", "馬"),)),
    Case("市場では米、味噌、醤油、塩が売られている。", 1, 1, (("市場", "米", "味噌", "醤油", "塩"),)),
    Case("博物館の収蔵品は1,250,000点である。", 1, 1, (("博物館", "1,250,000"),)),
    Case("佐藤氏や伊藤氏、田中氏らが1987年に手引書を書いた。", 1, 1, (("佐藤", "伊藤", "田中", "1987", "手引書"),)),
    Case("市長は「来て、数えて、泣いた」と壁に書いた。", 1, 1, (("市長", "来て", "数えて", "泣いた", "壁"),)),
    Case("京都で生まれた画家が駅の壁画を描いた。", 1, 1, (("京都", "画家", "壁画"),)),
    Case("タンクが空で弁が開いていると、ポンプは停止する。", 1, 1, (("タンク", "弁", "ポンプ", "停止"),)),
    Case("灯台(木、煉瓦、鉄で造られている)の高さは31メートルである。", 1, 2, (("灯台", "31"),)),
    Case("バスは2014年3月3日、月曜日の午前9時30分に、オスロを出発する。", 1, 1, (("バス", "2014", "9時30分", "オスロ"),)),
    Case("橋は渡し船より長く、広く、重い。", 1, 3, (("橋", "渡し船", "長"), ("橋", "重"))),
    Case("調査では4人から9人が一つの部屋に住んでいた。", 1, 1, (("4人", "9人", "部屋"),)),
    Case("学生は辞書を使って詩を訳した。", 1, 1, (("学生", "辞書", "詩", "訳"),)),
    # two claims
    Case("図書館は1902年に開館し、年に4万冊を貸し出している。", 2, 2, (("図書館", "1902"), ("図書館", "4万冊")), (("1902", "4万冊"),)),
    Case("川はバイエルンに源を発するが、ルーマニアで海に注ぐ。", 2, 2, (("川", "バイエルン"), ("川", "ルーマニア")), (("バイエルン", "ルーマニア"),)),
    Case("花子が塔を設計し、太郎が費用を払った。", 2, 2, (("花子", "塔", "設計"), ("太郎", "費用")), (("花子", "太郎"),)),
    Case("トリノで造られたこのエンジンは、重さが210キロである。", 1, 2, (("エンジン", "トリノ"), ("エンジン", "210"))),
    Case("報告書は、家賃が4%上がり、賃金が2%下がったと述べている。", 1, 2, (("報告書", "家賃", "4"), ("報告書", "賃金", "2"))),
    Case("このケーブルはデータを運ぶだけでなく、センサーに電力も送る。", 1, 2, (("ケーブル", "データ"), ("ケーブル", "センサー", "電力"))),
    Case("小麦は北部で作られ、一方、米は南部で作られる。", 2, 2, (("小麦", "北部"), ("米", "南部")), (("小麦", "米"),)),
    Case("1889年に創業した会社は、1963年まで花札を作っていた。", 1, 2, (("会社", "1889"), ("会社", "1963", "花札"))),
    Case("川が公園を水浸しにしたため、祭りは中止された。", 1, 2, (("川", "公園"), ("祭り", "中止"))),
    Case("衛星は5月に打ち上げられたが、その後運用が停止された。", 2, 2, (("衛星", "5月"), ("運用", "停止")), (("5月", "停止"),)),
    Case("雨が続いたので、収穫は三割減った。", 1, 2, (("雨",), ("収穫", "三割"))),
    Case("この薬は日本で承認されており、開発者は逮捕された。", 2, 2, (("薬", "日本", "承認"), ("開発者", "逮捕")), (("承認", "逮捕"),)),
    # three to five claims
    Case("オペラはミラノで書かれ、ヴェネツィアで初演され、二晩で打ち切られた。", 3, 3, (("オペラ", "ミラノ"), ("オペラ", "ヴェネツィア"), ("オペラ", "二晩")), (("ミラノ", "ヴェネツィア"), ("ヴェネツィア", "二晩"))),
    Case("このカメラはレンズを二つ持ち、重さは90グラムで、音と映像と温度を記録する。", 3, 3, (("カメラ", "レンズ"), ("90",), ("カメラ", "音", "映像", "温度")), (("レンズ", "90"), ("90", "温度"))),
    Case("学校は1911年に創立されたが、講堂は1940年に焼け、新しい講堂が鉄骨で建てられた。", 3, 3, (("学校", "1911"), ("講堂", "1940"), ("講堂", "鉄骨")), (("1911", "1940"), ("1940", "鉄骨"))),
    Case("氷河は三つの湖を潤しており、10年で12%縮んだし、近くには誰も住んでいないが、6月には登山客が訪れる。", 4, 4, (("氷河", "湖"), ("氷河", "12"), ("誰", "住"), ("6月", "登山客")), (("湖", "登山客"), ("12", "6月"))),
    Case("船は4月にベルゲンを出て、ハルに寄港して石炭を積み、5月にリスボンに着いたが、船長はそこで亡くなった。", 3, 5, (("船", "4月", "ベルゲン"), ("船", "ハル"), ("船", "石炭"), ("船", "5月", "リスボン"), ("船長", "亡")), (("ベルゲン", "リスボン"), ("石炭", "船長"))),
    Case("この村は標高1,800メートルにあり、人口は240人で、山羊と羊を飼い、チーズをイタリアに輸出しているが、大会への出場を禁じられている。", 5, 5, (("村", "1,800"), ("240",), ("村", "山羊", "羊"), ("村", "チーズ", "イタリア"), ("村", "大会", "禁")), (("1,800", "240"), ("チーズ", "禁"))),
)  # fmt: skip


def has(clause: str, word: str) -> bool:
    """Whether a word, or several in a row, stand in a clause; English words as whole ones."""
    if re.search(r"[\u3041-\u9fff]", word):
        return word in clause
    return bool(
        re.search(rf"(?<![A-Za-z\d]){re.escape(word)}(?![A-Za-z\d])", clause, re.IGNORECASE)
    )


def content_words(text: str) -> list[str]:
    """List the words of a sentence that carry its content: in Japanese without the endings."""
    if re.search(r"[\u3041-\u3096]", text):
        return [w for w in _JAPANESE_WORD.findall(text) if w not in _JAPANESE_JOINTS]
    words = [w.strip(".,") for w in re.findall(r"[\w.,'-]*\w", text)]
    return [w for w in words if w and w.lower() not in _FUNCTION_WORDS]


@pytest.mark.parametrize("case", ENGLISH + JAPANESE, ids=lambda case: case.text)
def test_sentence_is_taken_apart_as_a_reader_would(case):
    found = clauses(case.text)
    assert case.least <= len(found) <= case.most, found
    for group in case.together:
        assert any(all(has(clause, word) for word in group) for clause in found), (group, found)
    for group in case.apart:
        assert not any(all(has(clause, word) for word in group) for clause in found), (group, found)


@pytest.mark.parametrize("case", ENGLISH + JAPANESE, ids=lambda case: case.text)
def test_every_content_word_stands_in_some_clause(case):
    found = clauses(case.text)
    assert [w for w in content_words(case.text) if not any(has(c, w) for c in found)] == []


def test_there_are_thirty_sentences_in_each_language():
    assert len({case.text for case in ENGLISH}) == len({case.text for case in JAPANESE}) == 30


@pytest.mark.parametrize("case", ENGLISH + JAPANESE, ids=lambda case: case.text)
def test_expected_words_are_words_of_the_sentence(case):
    """A wrong expectation would otherwise look like a wrong clause."""
    for group in case.together + case.apart:
        assert all(has(case.text, word) for word in group), group
