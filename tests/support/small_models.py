"""A re-ranker of a few kilobytes in the format of sentence-transformers, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, processors
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace


def damage(folder: Path, how: str) -> Path:
    """Spoil the model in a folder, as a download that broke off or a mixed-up file does."""
    weights, configuration = folder / "model.safetensors", folder / "config.json"
    match how:
        case "cut off":
            weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        case "of another size":
            said = json.loads(configuration.read_text())
            configuration.write_text(json.dumps(said | {"hidden_size": 16}))
        case _:
            raise ValueError(how)
    return folder


def write_small_reranker(folder: Path, labels: int = 1) -> Path:
    """Write a CrossEncoder over the words w0 to w59; other words are all the same to it."""
    # Here, for it takes seconds, and who collects the tests imports this file.
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = {f"w{n}": n + 4 for n in range(60)}
    made = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, **words}, "[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=32,
        **{f"{role}_token": token for role, token in special.items()},
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=64, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=32, num_labels=labels,
        initializer_range=1.0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(folder)
    return folder
