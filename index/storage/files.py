"""Files of the index folder: durable writes, checksums, and reads at given offsets."""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import numpy as np

CHECKSUM_UP_TO_BYTES = 1 << 22  # the size of files whose checksum each opening verifies


class PositionedReader:
    """A file, open until this object is collected, that is read at given offsets.

    Attributes:
        offset: Where the data in it begins, in bytes.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self.offset = offset
        self._path, self._descriptor = path, os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read_into(self, data: memoryview, offset: int) -> None:
        """Fill a buffer with the bytes from an offset on.

        Raises:
            OSError: The file ends before the buffer is full.
        """
        done = 0
        while done < len(data):  # one call may read less, and never more than 2 GB
            read = os.preadv(self._descriptor, [data[done:]], offset + done)
            if read == 0:
                raise OSError(f"{self._path} ends too early: run `tenkyo reindex`")
            done += read


def write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file, and wait until it is on the disk, where it outlasts a power cut.

    Args:
        path: The file, which is replaced.
        write: Called once with the open file, to write its contents.
    """
    with path.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as an .npy file, and wait until it is on the disk."""
    # If numpy had the file itself, it would not report that the last bytes found no room.
    write(path, lambda out: np.save(SimpleNamespace(write=out.write), array))


def size_and_checksum(path: Path) -> list[int]:
    """Return [size, CRC-32] of a file, or [size] alone where it is too large to be read often."""
    size = path.stat().st_size
    return [size] if size > CHECKSUM_UP_TO_BYTES else [size, zlib.crc32(path.read_bytes())]
