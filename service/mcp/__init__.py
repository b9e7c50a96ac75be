"""The Model Context Protocol (MCP) server: four tools for other programs' language models.

``tools`` defines them, ``formatting`` makes their results, ``transport`` serves them by HTTP or by
standard input and output. Used from outside: ``transport.McpHttpApp``, ``transport.serve_stdio``.
"""
