"""What was asked and answered: history, shared links, feedback and exports.

Used from outside: ``store.History``, ``shares``, ``conversations``.
"""
