"""Text as such: one string per document, sentence boundaries, passages, near-duplicates.

Used from outside: ``sentences``, ``chunking`` and, by the readers, ``blocks``.
"""
