"""Helpers of the tests that use the chat page in a browser."""
