"""Lexical search: tokenisation, postings, and exact BM25 scoring with MaxScore pruning.

Used from outside: ``postings`` and ``bm25.Scorer`` by ``index.storage``, ``tokenizer`` by everyone.
"""
