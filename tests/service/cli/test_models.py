"""`tenkyo models test`, the commands that use its outcome, and models that are plugged in."""

from __future__ import annotations

import json
import shutil

import pytest

from corpus.text.chunking import with_headings
from index.cosine_scale import shipped_passages
from index.inference import model_registry, reranker
from index.inference.reranker import CrossEncoderReranker
from index.search import RERANKED
from tests.support.commands import run_here, run_process
from tests.support.judge_server import ITEMS, believes, judge_app, knows
from tests.support.live_server import served
from tests.support.model_servers import embeddings_app, replying, rerank_app
from tests.support.scripted_judge_model import verdict
from tests.support.small_models import damage, write_small_reranker
from tests.support.soak import SOAK

pytestmark = [pytest.mark.process, pytest.mark.server]
QUESTION = "How many hours of labelled audio was Whisper trained on?"


@pytest.fixture
def tenkyo(tmp_path):
    """Runs a `tenkyo` command in this process."""
    data = {"TENKYO_DATA_DIR": str(tmp_path / "data")}
    return lambda *arguments, **environ: run_here(*arguments, **data | environ)


@pytest.fixture
def process(tmp_path):
    """Runs a `tenkyo` command in a process of its own."""
    data = {"TENKYO_DATA_DIR": str(tmp_path / "data")}
    return lambda *arguments, **environ: run_process(*arguments, **data | environ)


def test_model_that_passes_may_judge_and_the_outcome_is_kept(tenkyo, process, tmp_path):
    app = judge_app(knows)
    with served(app) as url:
        host = url.removeprefix("http://")
        done = process("models", "test", TENKYO_LLM_URL=f"{url}/v1")
        assert done.returncode == 0, done.stderr
        assert "12 of 12 true sentences right, 12 of 12 false ones" in done.stdout
        assert f"scripted at {host} may judge" in done.stdout
        assert "with control sentences: " in done.stdout and " tokens, " in done.stdout
        rows = [line for line in done.stdout.splitlines() if line.split()[-1:] != []]
        assert sum(" right " in row for row in rows) >= len(ITEMS)
        kept = (tmp_path / "data" / "judges.json").read_text()
        asked = app.state.asked
        made = json.loads(tenkyo("models", "test", "--json", TENKYO_LLM_URL=f"{url}/v1").stdout)
        assert app.state.asked == 2 * asked  # it is taken again whenever it is asked for
    assert made["passed"] and made["answered"] and (made["true"], made["false"]) == ([12, 12],) * 2
    assert {each["language"] for each in made["items"]} == {"en", "ja"}
    assert all(each["right"] and each["kind"] for each in made["items"])
    assert len(made["items"]) == len(ITEMS) and made["tokens"] > 0 and host in kept


def test_model_that_supports_everything_may_not_judge(tenkyo):
    with served(judge_app(believes)) as url:
        done = tenkyo("models", "test", TENKYO_LLM_URL=f"{url}/v1")
        assert done.returncode == 1 and "may not judge" in done.stdout
        assert "12 of 12 true sentences right, 0 of 12 false ones" in done.stdout
        assert " wrong " in done.stdout


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "TENKYO_JUDGE_URL"),
        ({"TENKYO_JUDGE": "off", "TENKYO_LLM_URL": "http://127.0.0.1:9/v1"}, "TENKYO_JUDGE=off"),
        ({"TENKYO_JUDGE_URL": "http://127.0.0.1:9/v1"}, "cannot be reached"),
        ({"TENKYO_JUDGE": "llm"}, "TENKYO_JUDGE=llm"),
    ],
)
def test_without_a_model_that_can_be_reached_the_exit_code_is_2(tenkyo, tmp_path, environ, says):
    done = tenkyo("models", "test", **environ)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "judges.json").exists()


def test_model_that_is_too_slow_has_no_outcome(tenkyo, tmp_path):
    with served(judge_app(knows, wait=1.0), patience=0.1) as url:
        slow = {"TENKYO_LLM_URL": f"{url}/v1", "TENKYO_JUDGE_TIMEOUT": "0.05"}
        done = tenkyo("models", "test", **slow)
    assert done.returncode == 2 and "TENKYO_JUDGE_TIMEOUT" in done.stdout
    assert not (tmp_path / "data" / "judges.json").exists()


@pytest.mark.model
def test_commands_use_the_kept_outcome_and_never_take_the_test(
    tenkyo, process, tmp_path, library_folder, models
):
    shutil.copytree(library_folder, tmp_path / "data")
    (tmp_path / "data" / "models").symlink_to(models)
    text = tmp_path / "text.md"
    text.write_text("Whisper was trained on 680,000 hours of audio.")

    def rule(sentence, evidence):
        if sentence in ITEMS:
            return knows(sentence, evidence)
        number = next((n for n, words in evidence.items() if "680,000 hours" in words), 1)
        return verdict("supported", [number])

    app = judge_app(rule)
    with served(app) as url:
        environ = {"TENKYO_JUDGE_URL": f"{url}/v1"}
        for run, command in ((tenkyo, ("ask", QUESTION)), (process, ("verify", text))):
            done = run(*command, **environ)
            assert done.returncode == 0 and "tenkyo models test" in done.stderr, done.stderr
            assert "680,000" in done.stdout
        assert app.state.asked == 0
        assert tenkyo("models", "test", **environ).returncode == 0
        tested = app.state.asked
        done = tenkyo("verify", text, "--json", **environ)
        assert "tenkyo models test" not in done.stderr
        assert app.state.asked == tested + 1  # one call, in which the sentences are judged
        (claim,) = json.loads(done.stdout)["files"][0]["claims"]
        assert claim["verdict"]["method"].endswith(("judge: scripted", "(judge: control)"))
        done = tenkyo("verify", text, **environ, TENKYO_JUDGE="off")
        assert done.returncode == 0 and app.state.asked == tested + 1


class ServedEmbedder:
    """The bundled embedder behind a URL, with other cosines, and prompts that it insists on."""

    def __init__(self, embedder, folder):
        prompts = {"prompts": {"query": "Q: ", "document": "D: "}}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
        self.embedder = embedder
        self.common = embedder.embed_passages([each.text for each in shipped_passages()]).mean(0)

    def __call__(self, texts):
        given = {text[:3] for text in texts}
        assert given in ({"Q: "}, {"D: "}) or texts == ["word"], given
        embed = self.embedder.embed_queries if given == {"Q: "} else self.embedder.embed_passages
        vectors = embed([text[3:] for text in texts]) - 0.9 * self.common
        return vectors * 3.0  # not of length 1


@pytest.mark.model
def test_embedder_and_reranker_behind_urls_answer_after_a_reindex(
    tenkyo, process, tmp_path, library_folder, models, embedder
):
    data = tmp_path / "data"
    shutil.copytree(library_folder, data)
    (data / "models").mkdir()  # the scale of this embedder is kept here, and not for other tests
    for path in models.iterdir():
        (data / "models" / path.name).symlink_to(path)
    app, reranker = embeddings_app(ServedEmbedder(embedder, tmp_path)), rerank_app("texts")
    with served(app) as url, served(reranker) as other:
        environ = {
            "TENKYO_EMBEDDER_URL": f"{url}/v1",
            "TENKYO_EMBEDDER_MODEL": "m",
            "TENKYO_EMBEDDER": str(tmp_path),
            "TENKYO_RERANKER_URL": other,
        }
        refused = tenkyo("ask", QUESTION, **environ)
        assert refused.returncode == 2 and "embedder m is wanted: run `tenkyo reindex`" in (
            refused.stderr
        )
        assert "680,000" in tenkyo("ask", QUESTION).stdout  # the old index is as it was
        outdated = {f"m {embedder.dim}": [[1, 0], [1, 0]]}  # with this one, nothing is answered
        (data / "models" / "cosines.json").write_text(json.dumps(outdated))
        assert tenkyo("reindex", **environ).returncode == 0
        done = tenkyo("ask", QUESTION, **environ)
        assert done.returncode == 0 and "680,000" in done.stdout, done.stderr
        assert done.stderr == "" and len(reranker.state.bodies) > 1
        reranker.state.bodies.clear()
        hits = json.loads(tenkyo("search", "What is Cold Diffusion?", "--json", **environ).stdout)
        assert len(reranker.state.bodies[-1]["texts"]) == 20 and len(hits["hits"]) == 5
    with served(app, int(url.rpartition(":")[2])) as url:
        done = process("ask", QUESTION, **environ)  # the re-ranker is down
        assert done.returncode == 0 and "680,000" in done.stdout
        assert "answering without the re-ranker" in done.stderr
        assert f"{other} cannot be reached: start it, or correct TENKYO_RERANKER_URL" in done.stderr
    down = tenkyo("ask", QUESTION, **environ)
    assert down.returncode == 2 and "TENKYO_EMBEDDER_URL" in down.stderr
    assert "Traceback" not in down.stderr and down.stderr.count("\n") == 1


@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_reranker_of_a_folder_orders_the_hits_and_a_damaged_one_is_done_without(
    tenkyo, tmp_path, library_folder, library, models, caplog
):
    shutil.copytree(library_folder, tmp_path / "data")
    (tmp_path / "data" / "models").symlink_to(models)
    folder = write_small_reranker(tmp_path / "reranker")
    environ = {"TENKYO_RERANKER": str(folder)}
    hits = library.search(QUESTION, RERANKED)
    plain = [hit.passage.id for hit in hits]
    texts = [with_headings(hit.passage.text, hit.passage, hit.source) for hit in hits]
    scores = CrossEncoderReranker(str(folder)).scores(QUESTION, texts)
    ordered = [plain[n] for n in sorted(range(len(plain)), key=lambda n: -scores[n])]
    assert ordered[:5] != plain[:5]

    def found():
        done = tenkyo("search", QUESTION, "--json", **environ)
        assert done.returncode == 0, done.stderr
        return [hit["passage"]["id"] for hit in json.loads(done.stdout)["hits"]], done.stderr

    assert found() == (ordered[:5], "")
    damage(folder, "cut off")
    assert found() == (plain[:5], "")
    done = tenkyo("ask", QUESTION, **environ)
    assert done.returncode == 0 and "680,000" in done.stdout
    said = [each.getMessage() for each in caplog.records if each.name == reranker.__name__]
    assert len(said) == 2 and all("set TENKYO_RERANKER to a folder" in each for each in said)


@pytest.mark.model
def test_embedder_and_reranker_are_tested_on_the_shipped_questions(
    tenkyo, tmp_path, models, bundled_embedder
):
    bundled_embedder.embed_query("x")  # unpacks it
    kept = tmp_path / "data" / "models"  # not that folder: a model that remembers is not timed
    kept.mkdir(parents=True)
    for path in models.iterdir():
        (kept / path.name).symlink_to(path)
    with served(embeddings_app()) as url, served(rerank_app("documents")) as other:
        environ = {"TENKYO_EMBEDDER_URL": f"{url}/v1", "TENKYO_RERANKER_URL": other}
        done = tenkyo("models", "test", "--json", **environ)
        assert done.returncode == 0, done.stderr
        bundled, own, ranked = json.loads(done.stdout)["retrieval"]
        assert (bundled["name"], bundled["dimension"]) == ("bundled:multilingual-e5-small", 384)
        assert (own["kind"], own["name"], own["dimension"]) == ("embedder", "m", 64)
        assert (ranked["kind"], ranked["name"], ranked["dimension"]) == (
            "reranker",
            "default",
            None,
        )
        for report in (bundled, own, ranked):
            assert report["questions"] == 31 and report["passages_per_second"] > 0
            assert report["question_ms"] > 0
        assert bundled["recall_at_1"]["en"] > 0.8 and bundled["recall_at_1"]["ja"] > 0.75
        assert own["recall_at_1"]["ja"] < 0.5  # words alone do not cross languages
        if SOAK:
            done = tenkyo("models", "test", **environ | {"TENKYO_EMBEDDER_URL": ""})
            assert done.returncode == 0
            assert "re-ranked by default" in done.stdout and "R@1 ja" in done.stdout
            assert "whose first hit is of the work" in done.stdout


@pytest.mark.parametrize(
    ("name", "app", "says"),
    [
        ("EMBEDDER", replying("<html>Welcome</html>"), "is a web page: set TENKYO_EMBEDDER_URL"),
        ("EMBEDDER", replying({"error": "no"}, 401), "wants another key: set TENKYO_EMBEDDER_KEY"),
        ("EMBEDDER", replying({"data": []}), "has no models: load one there"),
    ],
)
def test_model_that_does_not_work_is_named_in_one_line(tenkyo, name, app, says, monkeypatch):
    # The bundled model, which is tested beside it, is not installed everywhere.
    monkeypatch.setattr(model_registry, "WHEEL", "no-such-wheel")
    with served(app) as url:
        done = tenkyo("models", "test", **{f"TENKYO_{name}_URL": f"{url}/v1"})
    assert done.returncode == 2 and says in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


@pytest.mark.model
def test_reranker_that_does_not_work_is_named_in_one_line(tenkyo, tmp_path, models):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(models)
    with served(replying({"results": [{"index": 0, "score": 1}]})) as url:
        done = tenkyo("models", "test", TENKYO_RERANKER_URL=url)
        assert done.returncode == 2 and "scored 1 of 20 passages" in done.stderr
