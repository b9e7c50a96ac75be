"""A sentence and its evidence to a verdict and a quote, and the receipts of answers.

Used from outside: ``verifier.Verifier``, ``receipt``, ``provenance``.
"""
