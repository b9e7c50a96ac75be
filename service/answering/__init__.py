"""A question to a stream of checked claims: evidence, re-ranking, quoting, abstaining.

Used from outside: ``engine.Engine``, ``factcheck``, ``suggestions``.
"""
