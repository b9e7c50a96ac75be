"""Evaluation: answers to a file of questions, and figures with confidence intervals on them.

Used from outside, by ``tenkyo eval``: ``runner.run_questions`` and ``metrics.report``.
"""
