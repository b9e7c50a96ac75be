"""Hard negatives that the embedder finds: similar, of another article, and without the answer."""

import random

import numpy as np

from index.inference.embedder import WrappedEmbedder
from training.near import SIMILAR, similar_passages
from training.reading import Asked, rows
from training.sources import Passage

WORDS = ("map", "ship", "tree", "地図")
HOME = "The Kanda room has a map of the city and a map of the harbour."
PASSAGES = {
    "home": Passage(HOME, "Kanda", False),
    "beside": Passage("A map hangs in the hall of the same house.", "Kanda", False),
    "answers": Passage("Any library may own 40,000 sheets, such as a map.", "Library", False),
    "copy": Passage(HOME + " It is open.", "Mirror", False),
    "held": Passage("The last map was drawn by hand.", "Maps", True),
    "like": Passage("An old map shows the bay.", "Bay", False),
    "unlike": Passage("A ship lies under a tree.", "Port", False),
    "japanese": Passage("地図は三階にある。", "神田", False),
}
ASKED = Asked("Where is a map?", "home", ((0, 4),), answers=("40,000",), source="set")


class CountsWords(WrappedEmbedder):
    """Embeds a text as how often it has each of some words."""

    def __init__(self) -> None:
        pass

    def embed_passages(self, texts):
        return np.array([[text.count(word) for word in WORDS] for text in texts], np.float32)

    def embed_queries(self, texts):
        return self.embed_passages(texts)


def test_similar_passages_are_of_other_articles_and_do_not_answer() -> None:
    found = similar_passages([ASKED], PASSAGES, CountsWords())
    assert found == {("Where is a map?", "home"): ["like", "unlike"]}


def test_nearest_passages_come_first_and_not_all_are_kept() -> None:
    many = {
        f"p{n}": Passage(f"One map lies in drawer {n}.", f"Map {n}", False)
        for n in range(2 * SIMILAR)
    }
    (found,) = similar_passages([ASKED], PASSAGES | many, CountsWords()).values()
    assert len(found) == SIMILAR and "unlike" not in found


def test_similar_passage_becomes_a_row_that_nothing_answers() -> None:
    similar = {(ASKED.question, "home"): ["like"]}
    rng = random.Random(0)
    made = [row for _ in range(30) for row in rows(PASSAGES, [ASKED], rng, similar)]
    there = [row for row in made if row.text == PASSAGES["like"].text]
    assert there and all(row.spans == () and row.question == ASKED.question for row in there)
    assert not any(row.text == PASSAGES["like"].text for row in rows(PASSAGES, [ASKED], rng))
