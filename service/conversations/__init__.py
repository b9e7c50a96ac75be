"""Conversations: stored answers, titles, shared links, feedback and exports.

Used from outside: ``store.History``, ``shares``, ``conversations``.
"""
