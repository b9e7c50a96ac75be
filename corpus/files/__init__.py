"""Files on disk: their bytes within limits, and folders watched for changes.

Used from outside: ``files.list_files``, ``files.read_file``, ``watcher.WatchedFolders``.
"""
