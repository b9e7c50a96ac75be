"""Helpers of the tests that drive the page in a browser."""
