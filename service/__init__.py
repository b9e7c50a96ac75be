"""What we answer: evidence, claims, citations and their verdicts, over HTTP and the shell."""
