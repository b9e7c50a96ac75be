"""Text as values that can be compared: numbers, units, names, content words, identifiers.

Also finds instructions to a language model in sources, and sentences that lean on the one before.
Pure functions, no model. Used from outside: ``numerals``, ``alignment``, ``leaning`` and
``prompt_injection``.
"""
