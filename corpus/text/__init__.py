"""Operations on text: assembling a document's one string, sentences, passages, near-duplicates.

Used from outside: ``sentences``, ``chunking`` and, by the readers, ``blocks``.
"""
