"""Questions as text: the questions in a question, and what a question takes for granted.

Used from outside: ``parts.question_parts``, ``presuppositions.presupposition`` and
``premise_check.unsupported_premise``, the only one that asks a model.
"""
