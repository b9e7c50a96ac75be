"""Judging: a language model that says whether sentences follow from numbered evidence, and which.

It is not believed on its word: a self-test, hidden control sentences in every call and exact
conflicts of numbers or names decide whether its verdicts count. Used from outside:
``judge.ModelJudge`` with ``standing.Standing``, ``evidence.number_evidence`` (for which
``prompt.evidence_tokens`` says how much fits), ``decision.decide`` and the values of ``types``.
"""
