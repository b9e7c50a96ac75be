"""Questions: what kind of answer each asks for, and whether a text can be such an answer.

Other rooms use ``question_kind`` and ``QuestionKind`` (``kinds.py``), ``fills_slot`` and ``echoes``
(``slots.py``).
"""
