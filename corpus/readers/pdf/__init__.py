"""The PDF reader: printed pages to text in reading order, with title, authors and OCR.

Used by other rooms: ``reader.read_pdf``. In the order in which they run: ``glyphs`` (characters to
lines), ``ocr``, ``legibility``, ``columns``, ``title_page``, ``layout`` (lines to paragraphs),
``paragraph_joining``.
"""
