"""SQLite's write-ahead log, looked at from outside (https://www.sqlite.org/fileformat.html, section 4).

SQLite takes a log up to its first bad frame and says nothing of what follows. Here is whether there was more.
"""

from pathlib import Path
from struct import unpack
from typing import BinaryIO

_HEADER, _FRAME = 32, 24
# The two magic numbers differ in the last bit: which byte order the checksums have.
_MAGIC = 0x377F0682
# A log begins anew in the same file, with a first salt that is one larger: behind its end, frames may be so much older.
_OLDER = 1 << 16
Sums = tuple[int, int]


def lost_frames(database: Path, page_size: int, found: int) -> int:
    """How many frames of a database's log are lost, of which SQLite has `found` some; 0 for one that ends as it should."""
    path = database.with_name(f"{database.name}-wal")
    try:
        with path.open("rb") as file:
            return _lost(file, page_size, found, (path.stat().st_size - _HEADER) // (_FRAME + page_size))
    except FileNotFoundError:
        return 0


def _lost(file: BinaryIO, page_size: int, found: int, whole: int) -> int:
    header = file.read(_HEADER)
    order = ">" if header[3:4] == b"\x83" else "<"
    if whole > 0 and (_magic(header) != _MAGIC or _sums(header[:24], order, (0, 0)) != unpack(">2I", header[24:])):
        return whole
    sums: Sums | None = None
    for number in range(found, whole + 1):
        file.seek(_HEADER + (number - 1) * (_FRAME + page_size) if number else 0)
        frame = file.read(_FRAME if number else _HEADER)
        told = unpack(">2I", frame[-8:])
        if sums is None:
            sums = told
            continue
        if _is_older(frame[8:16], header[16:24]):
            return 0
        # What was not committed may follow, but nothing else.
        sums = _sums(frame[:8] + file.read(page_size), order, sums)
        if frame[8:16] != header[16:24] or sums != told:
            return whole - number + 1
    return 0


def _magic(header: bytes) -> int:
    return int.from_bytes(header[:4], "big") & ~1


def _is_older(salts: bytes, those_of_now: bytes) -> bool:
    one, now = (int.from_bytes(each[:4], "big") for each in (salts, those_of_now))
    return 0 < (now - one) % (1 << 32) < _OLDER


def _sums(data: bytes, order: str, sums: Sums) -> Sums:
    one, two = sums
    words = iter(unpack(f"{order}{len(data) // 4}I", data))
    for first, second in zip(words, words, strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
