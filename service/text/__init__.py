"""Text as values that can be compared: numbers, units, names, content words, identifiers.

Also finds instructions to a language model in sources. Pure functions, no model. Used from
outside: ``numerals``, ``alignment`` and ``prompt_injection``.
"""
