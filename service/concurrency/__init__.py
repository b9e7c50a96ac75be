"""Many readers at once: admission control, the answer cache, idempotency, resumable answers.

Used from outside: ``answer_service.AnswerService``, ``admission.Limiters``, ``idempotency``.
"""
