"""Lexical search: tokens, postings and exact BM25 with MaxScore pruning.

Used from outside, by ``index.storage`` alone: ``postings``, ``maxscore``.
"""
