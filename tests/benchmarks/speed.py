"""How fast the two models run, and how near to torch: OpenVINO beside torch in float32.

    python tests/benchmarks/speed.py [folder of models]

prints the tables of docs/performance.md. The default folder is data/models, where the models are
unpacked and converted if they are not there yet; nothing else should run meanwhile.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from index.checker import WEIGHTS, CrossEncoder, Network, read_weights, run
from index.embed import Floats, SentenceTransformerEmbedder
from index.models import BUNDLED, model_folder

ROOT = Path(__file__).parents[2]
DIGESTS = ROOT / "corpus" / "library" / "digests"
STARTS = {
    "first query": "embedder.embed_query('Who?')",
    "first claim": "checker.supports([('The sky is blue.', 'Blue?')])",
    "both": "embedder.embed_query('Who?'), checker.supports([('The sky is blue.', 'Blue?')])",
}
START = """import sys; from pathlib import Path
from index.checker import CrossEncoder
from index.embed import SentenceTransformerEmbedder
models = Path(sys.argv[1])
embedder, checker = SentenceTransformerEmbedder(sys.argv[2], models), CrossEncoder(cache=models)
"""


class InTorch:
    """Embedder and Checker at once, in float32 and without OpenVINO."""

    def __init__(self, models: Path) -> None:
        where = model_folder(BUNDLED, models)
        self.model = SentenceTransformer(where, device="cpu", model_kwargs={"dtype": torch.float32})
        weights, config, _ = read_weights(WEIGHTS)
        self.network, self.checker = Network(weights, config), CrossEncoder(cache=models)

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self.model.encode(list(texts), prompt_name="passage")

    def embed_query(self, text: str) -> Floats:
        return self.model.encode([text], prompt_name="query")[0]

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return self._logits(pairs)[0].softmax(-1).numpy()

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return self._logits(pairs)[1].numpy()

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
        self.checker.supports([])  # so that it is loaded
        return run(self.network, self.checker._rows(pairs), 2048)


class Texts:
    """Pieces of the library's two articles, cut to a number of the embedder's tokens."""

    def __init__(self, models: Path) -> None:
        tokenizer = Tokenizer.from_file(f"{model_folder(BUNDLED, models)}/tokenizer.json")
        self.whole = {
            name: (DIGESTS / f"article-{name}.md").read_text(encoding="utf-8")
            for name in ("en", "ja")
        }
        self.ends = {
            name: [end for _, end in tokenizer.encode(text, add_special_tokens=False).offsets]
            for name, text in self.whole.items()
        }

    def pieces(self, tokens: int, count: int, language: str) -> list[str]:
        """``count`` pieces at even distances through the article."""
        ends, text = self.ends[language], self.whole[language]
        starts = np.linspace(0, len(ends) - tokens - 1, count).astype(int)
        return [text[ends[i] : ends[i + tokens]] for i in starts]

    def mixed(self, tokens: int, count: int) -> list[str]:
        half = count // 2
        return self.pieces(tokens, count - half, "en") + self.pieces(tokens, half, "ja")


def median_ms(call: Callable[[str], object], over: Sequence[str]) -> float:
    """Milliseconds for one of these, each other than the ones before; two before do not count."""
    taken = []
    for each in over:
        start = time.perf_counter()
        call(each)
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken[2:])


def speeds(embedder, checker, texts: Texts) -> dict[str, str]:
    """Each figure as it is printed."""
    found = {}
    passages = texts.mixed(157, 64)
    embedder.embed_passages(passages[:8])
    seconds = median_ms(lambda _: embedder.embed_passages(passages), "12345") / 1e3
    found["64 passages of 160 tokens"] = f"{64 / seconds:.0f}/s"
    claims = [text for n in (14, 18, 22) for text in texts.mixed(n, 6)]
    found["one query of 18 to 26 tokens"] = f"{median_ms(embedder.embed_query, claims):.1f} ms"
    for count in (1, 4, 8):
        windows = texts.mixed(60, count)
        took = median_ms(lambda c, w=windows: checker.supports([(e, c) for e in w]), claims)
        found[f"a claim against {count} × 60 tokens"] = f"{took:.0f} ms"
    longer = texts.mixed(165, 10)
    took = median_ms(lambda c: checker.answers([(p, c) for p in longer]), claims[:6])
    found["a question against 10 passages, 190 tokens in all"] = f"{took:.0f} ms"
    return found


def differences(embedder, checker, torch_: InTorch, texts: Texts) -> dict[str, str]:
    found = {}
    for language, name in (("en", "English"), ("ja", "Japanese")):
        pieces = [text for n in (5, 20, 60, 160) for text in texts.pieces(n, 16, language)]
        cosine = (embedder.embed_passages(pieces) * torch_.embed_passages(pieces)).sum(1)
        found[f"least cosine, {name}"] = f"{cosine.min():.5f}"
    short, long = texts.mixed(20, 128), texts.mixed(60, 128)
    pairs = [*zip(long, short, strict=True), *zip(long, reversed(short), strict=True)]
    off = np.abs(checker.supports(pairs) - torch_.supports(pairs)).max()
    found["largest difference of a probability"] = f"{off:.4f}"
    off = np.abs(checker.answers(pairs) - torch_.answers(pairs)).max()
    found["largest difference of a log-odds"] = f"{off:.3f}"
    return found


def start(models: Path, code: str) -> float:
    """Seconds of a process that does this and ends; the least of three."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        command = [sys.executable, "-c", START + code, str(models), BUNDLED]
        subprocess.run(command, check=True, cwd=ROOT)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def main() -> None:
    models = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "data" / "models").resolve()
    embedder, checker = SentenceTransformerEmbedder(BUNDLED, models), CrossEncoder(cache=models)
    texts, torch_ = Texts(models), InTorch(models)
    fast, slow = speeds(embedder, checker, texts), speeds(torch_, torch_, texts)
    print("| | torch | OpenVINO |\n|---|---|---|")
    for what, figure in fast.items():
        print(f"| {what} | {slow[what]} | {figure} |")
    print("\n| against torch in float32 | |\n|---|---|")
    for what, figure in differences(embedder, checker, torch_, texts).items():
        print(f"| {what} | {figure} |")
    print("\n| a process that starts, for its | |\n|---|---|")
    for what, code in STARTS.items():
        print(f"| {what} | {start(models, code):.1f} s |")


if __name__ == "__main__":
    main()
