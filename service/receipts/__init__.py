"""Receipts: re-checks the record of an answer, made by rules and checker or by a judge.

Used from outside: ``recheck.recheck``, ``checks.summary``. ``service.verification.receipt`` makes
receipts.
"""
