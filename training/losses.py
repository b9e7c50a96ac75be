"""What a fit of the checker minimizes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.sources import NOT_SUPPORTED

SMOOTHING = 0.05  # of labels


@dataclass(frozen=True)
class Targets:
    """What is known of n rows of at most m tokens.

    Attributes:
        is_answer: Whether each is a question [n].
        label: Its label [n].
        grade: The probability that readers gave it [n]; -1: use the label.
        wrong: For each token whether it is an unsupported one of the claim [n, m]: 1 or 0; -1 for
            those of the evidence, and where it is not known.
    """

    is_answer: Tensor
    label: Tensor
    grade: Tensor
    wrong: Tensor

    def to(self, device: str) -> Targets:
        """Return the same on a device."""
        return Targets(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def loss_of(nli: Tensor, ans: Tensor, targets: Targets) -> Tensor:
    """Return the loss of a batch, with some label smoothing.

    Cross-entropy for claims with three labels; for those only labelled "not supported", and for
    graded ones, cross-entropy between entailment and the rest; binary cross-entropy for questions.
    """
    label, graded = targets.label, targets.grade >= 0
    logp = F.log_softmax(nli.float(), -1)
    three = F.nll_loss(logp, label.clamp(max=2), reduction="none")
    three = (1 - SMOOTHING) * three - SMOOTHING * logp.mean(-1)
    soft = targets.grade.clamp(SMOOTHING / 2, 1 - SMOOTHING / 2)
    true = torch.where(graded, soft, torch.full_like(soft, SMOOTHING))
    two = -true * logp[:, 0] - (1 - true) * torch.logsumexp(logp[:, 1:], -1)
    support = torch.where(graded | (label == NOT_SUPPORTED), two, three)
    hard = label.clamp(max=1).float().clamp(SMOOTHING / 2, 1 - SMOOTHING / 2)
    target = torch.where(graded, soft, hard)
    answer = F.binary_cross_entropy_with_logits(ans.float(), target, reduction="none")
    return torch.where(targets.is_answer, answer, support).mean()


def disagreement(nli: Tensor, ans: Tensor, is_answer: Tensor) -> Tensor:
    """Return the mean symmetric Kullback-Leibler divergence between rows 2i and 2i + 1.

    The two say the same in other languages.
    """
    logp = F.log_softmax(nli.float(), -1)
    yes, no = F.logsigmoid(ans.float()), F.logsigmoid(-ans.float())
    found = [_symmetric(each) for each in (logp, torch.stack([yes, no], -1))]
    return torch.where(is_answer[::2], found[1], found[0]).mean()


def _symmetric(logp: Tensor) -> Tensor:
    one, two = logp[::2], logp[1::2]
    return ((one.exp() - two.exp()) * (one - two)).sum(-1) / 2


def words_loss(logits: Tensor, wrong: Tensor) -> Tensor:
    """Return the binary cross-entropy of the claims' tokens, 0 if none of a batch is known."""
    known = wrong >= 0
    each = F.binary_cross_entropy_with_logits(
        logits.float(), wrong.clamp(min=0).float(), reduction="none"
    )
    return (each * known).sum() / known.sum().clamp(min=1)
