"""Rules: what can be decided about a claim and its quote without a model.

Used from outside: ``registry``, ``finding.Finding``.
"""
