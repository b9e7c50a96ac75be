"""Questions as text: the questions in each, what it compares, and what it takes for granted.

Used from outside: ``parts.question_parts``, ``comparisons.side_questions``,
``presuppositions.presupposition`` and ``premise_check.unsupported_premise``. Only the last asks the
checker.
"""
