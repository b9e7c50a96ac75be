"""What uses tests/data/strong: its rows, the collections that they are on, and a model of them."""
