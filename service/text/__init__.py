"""Text as comparable values: numbers, units, aliases, content words, orders to a model.

Used from outside, by verification and generation: ``numerals``, ``alignment``, ``prompt_injection``.
"""
