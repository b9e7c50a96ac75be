"""Language models: prompts, clients, and the parser of what a model streams.

Used from outside: ``llm.AnswerModel``, ``prompts``, ``citation_parser``.
"""
