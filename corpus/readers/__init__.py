"""File readers: the bytes of a file to a ``Document``, with one module for each format.

Used by other rooms: ``extract.extract``, which reads a file, and ``sandbox.ReaderPool``, which
does the same in a separate process. ``format_detection`` says which format some bytes are in.
"""
