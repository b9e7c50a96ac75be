"""The lowest package: documents, their exact text, and the store that keeps them.

The other packages import from here and nothing here imports from them. The values are in
``corpus.types``, the errors in ``corpus.errors``.
"""
