"""The tests of Tenkyo, laid out as the code is: ``tests/corpus/web`` tests ``corpus/web``."""
