"""Verification: checks a sentence against its evidence, and makes and re-checks receipts.

Used from outside: ``verifier.Verifier``, ``receipt``, ``provenance``.
"""
