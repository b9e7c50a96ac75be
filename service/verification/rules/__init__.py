"""Rules: deterministic tests of a claim against a quote, without a model.

Used from outside: ``registry``, ``finding.Finding``.
"""
