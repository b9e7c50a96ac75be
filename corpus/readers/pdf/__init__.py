"""The PDF reader: printed pages to text in reading order, with title, authors and OCR.

Used from outside: ``reader``.
"""
