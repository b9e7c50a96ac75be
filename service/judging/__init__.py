"""Judging: a language model that says whether sentences follow from numbered evidence, and which.

It is not believed on its word: a self-test, hidden control sentences in every call and exact
conflicts of numbers or names decide whether its verdicts count. Used from outside: ``judge.Judge``,
``decision.decide``, ``evidence.number_evidence``.
"""
