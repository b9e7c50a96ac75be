"""Inference with the two neural networks, the embedder and the checker, for many threads at once.

Used from outside: ``embedder.Embedder``, ``cross_encoder.Checker``, ``shared_models``, and
``batch_scheduler.Priority``.
"""
