"""Documents and their exact text: sources, readers, passages and the store of them all.

Everything else imports from here and nothing here imports from elsewhere. The values are in
``corpus.types``, the errors in ``corpus.errors``.
"""
