"""Evaluation: a file of questions through the engine, to figures with intervals.

Used from outside: ``runner.run``, ``metrics``.
"""
