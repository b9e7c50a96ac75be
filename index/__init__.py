"""Finding passages: embeddings, lexical and vector search, and the job that fills the index.

``index.search`` has what a search returns and the protocol of an index.
"""
