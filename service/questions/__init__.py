"""Questions as text: what each asks for, the questions in it, and what it takes for granted.

Used from outside: ``kinds.question_kind``, ``parts.question_parts``,
``presuppositions.presupposition`` and ``premise_check.unsupported_premise``. Only the last asks the
checker; ``kinds`` asks the embedder.
"""
