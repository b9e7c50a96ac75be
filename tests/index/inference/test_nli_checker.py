"""Support verdicts by an NLI model in place of the shipped checker."""

from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ModelUnavailable
from index.inference.nli_checker import NliChecker
from tests.support.small_models import damage


def tiny_classifier(folder, labels, favoured):
    """A sequence classifier that always favours one label."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "maps", "moved"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )  # fmt: skip
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=32
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=32, num_labels=len(labels),
        id2label=dict(enumerate(labels)), label2id={w: i for i, w in enumerate(labels)},
    )  # fmt: skip
    network = BertForSequenceClassification(config)
    with torch.no_grad():
        network.classifier.weight.zero_()
        network.classifier.bias.copy_(torch.tensor([3.0 * (w == favoured) for w in labels]))
    network.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("labels", "favoured", "column"),
    [
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), "ENTAILMENT", 0),
        (("contradiction", "neutral", "entailment"), "contradiction", 2),
        (("entailment", "not_entailment"), "not_entailment", 1),
    ],
)
def test_labels_are_mapped_to_the_checkers_order(tmp_path, checker, labels, favoured, column):
    nli = NliChecker(tiny_classifier(tmp_path, labels, favoured), checker)
    found = nli.supports([("maps moved", "maps moved"), ("maps", "moved")])
    assert found.shape == (2, 3) and np.allclose(found.sum(1), 1, atol=1e-5)
    assert (found.argmax(1) == column).all()
    pairs = [("The maps moved in 2004.", "When did the maps move?")]
    both = zip(nli.read(pairs), checker.read(pairs), strict=True)
    assert all(np.allclose(ours.logits, base.logits) for ours, base in both)


def test_unusable_model_is_reported_with_the_setting(tmp_path, checker):
    with pytest.raises(ModelUnavailable, match="TENKYO_CHECKER"):
        NliChecker(str(tmp_path / "nothing"), checker).supports([("a", "b")])
    for how in ("cut off", "of another size"):
        made = tiny_classifier(tmp_path / how, ("entailment", "neutral"), "neutral")
        with pytest.raises(ModelUnavailable, match=r"cannot load .* TENKYO_CHECKER") as caught:
            NliChecker(str(damage(Path(made), how)), checker).supports([("a", "b")])
        assert "\n" not in str(caught.value)
    other = tiny_classifier(tmp_path, ("positive", "negative"), "positive")
    with pytest.raises(ModelUnavailable, match="not entailment"):
        NliChecker(other, checker).supports([("a", "b")])
