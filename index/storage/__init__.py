"""The index folder: immutable segments of vectors and postings, searched together.

Used from outside: ``local_index.LocalIndex`` and ``LiveIndex``, and ``manifest``.
"""
