"""What a question takes for granted."""

import pytest

from service.questions.presuppositions import denial, open_presupposition, presupposition


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Why did Block-NeRF fail to render Tokyo?", "Block-NeRF did fail to render Tokyo"),
        ("Why is X slower than Y?", "X is slower than Y"),
        (
            "Why was the ReAct paper rejected by the board?",
            "The ReAct paper was rejected by the board",
        ),
        ("why is the sky blue", "The sky is blue"),
        ("Why is the old mill popular with tourists?", "The old mill is popular with tourists"),
        ("Why is the ferry full in summer?", "The ferry is full in summer"),
        (
            "Why is the green ferry the best boat for a crossing?",
            "The green ferry is the best boat for a crossing",
        ),
        ("Why was Ada the first programmer?", "Ada was the first programmer"),
        ("Why is this a problem?", "This is a problem"),
        ("Why are the cats and the dogs hungry?", "The cats and the dogs are hungry"),
        ("Why did the mill close?", "The mill did close"),
        ("Why didn't Google release the model?", "Google did not release the model"),
        ("Why does the warranty cover water damage?", "The warranty cover water damage"),
        ("Why have oil prices risen?", "Oil prices have risen"),
        ("Why did the mills in Oslo close?", "The mills in Oslo did close"),
        ("Why did falls at night decrease?", "Falls at night did decrease"),
        ("Why did the lamps in the engine rooms fail?", "The lamps in the engine rooms did fail"),
        ("Why does the soup freeze badly?", "The soup does freeze badly"),
        ("Why did the mill suddenly close its doors?", "The mill did suddenly close its doors"),
        ("Why did two farmers prefer the timer?", "Two farmers did prefer the timer"),
        ("Why did the guests like jam?", "The guests like jam"),
        ("Why was there a war?", "There was a war"),
        ("How come the bridge survived?", "The bridge survived"),
        ("Tell me why the treaty was signed.", "The treaty was signed"),
        ("What is the reason that the plane crashed?", "The plane crashed"),
        ("What's the reason the plane crashed?", "The plane crashed"),
        ("What was the reason why sales fell in May?", "Sales fell in May"),
        ("What caused Luther to write hymns?", "Luther did write hymns"),
        ("Since when has Harrow Foods sold tea?", "Harrow Foods has sold tea"),
        ("Who was the first to climb the mountain?", "Someone did climb the mountain"),
        ("Who first isolated oxygen?", "Someone isolated oxygen"),
        ("なぜBlock-NeRFは東京の再現に失敗したのですか", "Block-NeRFは東京の再現に失敗した"),
        ("どうして工場は閉鎖されたの？", "工場は閉鎖された"),
        ("なぜ工場は閉鎖されましたか。", "工場は閉鎖されました"),
        ("空はなぜ青いのでしょうか。", "空は青い"),
        ("なぜS2ORCは重要なのでしょうか", "S2ORCは重要だ"),
        ("古い橋が残ったのはなぜですか？", "古い橋が残った"),
        ("工場が閉鎖された理由を教えてください。", "工場が閉鎖された"),
        ("PaSaはいつからオフラインで動くのですか", "PaSaはオフラインで動く"),
        ("日本を初めて訪問したのは誰ですか。", "日本を初めて訪問した"),
        ("橋が残ったのは何が原因ですか", "橋が残った"),
        ("靴の先がはがれたのは何のせい？", "靴の先がはがれた"),
        ("学割が週末だけなのはなぜ？", "学割が週末だけだ"),
        ("橋が残ったのはなぜだと筆者は考えていますか", "橋が残った"),
        ("Why did ferry.plan make the boats faster?", "Ferry.plan did make the boats faster"),
    ],
)
def test_premise_of_a_question_is_put_as_a_statement(question, statement):
    assert presupposition(question) == statement


@pytest.mark.parametrize(
    "question",
    [
        "What is X?",
        "How does X work?",
        "How many people took part?",
        "Why?",
        "Why not?",
        "Why is that?",
        "Why should I use ALCE?",
        "What is the reason for the delay?",
        "What's the reason not to sail?",
        "Which faction came around first to support it?",
        "Summarise the paper.",
        "",
        "ReActとは何ですか",
        "なぜですか",
        "値上げの理由は？",
        "人口が減った主な原因は何ですか",
        "1943年に餓死者を出した出来事はなんでしょう。",
        "日本はこれをどうしていますか",
    ],
)
def test_question_that_supposes_only_its_topic_gives_none(question):
    assert presupposition(question) is None


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("When did the mill close?", "The mill did close"),
        ("In which year did Harrow Foods win the award?", "Harrow Foods did win the award"),
        ("How did Oslo beat Bergen?", "Oslo did beat Bergen"),
        ("Where was the treaty signed?", "The treaty was signed"),
        ("Who built the mill?", "Someone built the mill"),
        ("What was wrong with the fuel?", "Something was wrong with the fuel"),
        ("工場はいつ閉鎖されたの？", "工場は閉鎖された"),
        ("工場が再開したのはいつですか", "工場が再開した"),
        ("彼女はどこで化学を学んだ？", "彼女は化学を学んだ"),
    ],
)
def test_what_is_asked_for_is_left_open(question: str, statement: str) -> None:
    assert presupposition(question) is None
    assert open_presupposition(question) == statement


@pytest.mark.parametrize(
    "question",
    ["Who is the director?", "What is the title?", "Where is the mill?", "How long are the tours?",
     "What did they use?", "How many people took part?", "何年に発売された？", "誰か来た？", ""],
)  # fmt: skip
def test_question_whose_statement_cannot_be_told_leaves_nothing_open(question: str) -> None:
    assert open_presupposition(question) is None


@pytest.mark.parametrize(
    ("statement", "opposite"),
    [
        ("The mill did close", "The mill did not close"),
        ("The mill did not close", "The mill did close"),
        ("Oil prices have risen", "Oil prices have not risen"),
        ("Someone built the mill", "Nobody built the mill"),
        ("Something was wrong with the fuel", "Nothing was wrong with the fuel"),
        ("工場は閉鎖された", "工場は閉鎖されたわけではない"),
        ("S2ORCは重要だ", "S2ORCは重要ではない"),
        ("彼女は化学を学んだ", "彼女は化学を学んだわけではない"),
        ("The bridge survived", None),
    ],
)
def test_denial_is_the_opposite_of_a_statement(statement: str, opposite: str | None) -> None:
    assert denial(statement) == opposite
