"""Server processes: making the parts from the settings, starting up, and worker processes.

Used from outside: ``bootstrap``, ``workers``.
"""
