"""The two neural networks, embedder and checker, and the scheduler that shares them.

Used from outside: ``embedder.Embedder``, ``cross_encoder.Checker``, ``shared_models``.
"""
