"""What is near: embeddings, the search index, and the job that fills it."""
