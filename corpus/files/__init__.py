"""Files on disk: their bytes within limits, and folders watched for changes.

Used from outside: ``files.walk`` and ``files.read``, ``watcher.Watcher``.
"""
