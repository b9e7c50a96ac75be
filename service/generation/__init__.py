"""Generation: prompts for language models, their clients, and the parser of what they stream.

Used from outside: ``llm.AnswerModel``, ``prompts``, ``citation_parser``.
"""
