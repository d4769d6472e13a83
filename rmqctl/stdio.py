"""The standard streams of the process: what is written is written whole, or is an error."""

import io
import os
import sys
from pathlib import Path
from typing import Any, TextIO


def prepare() -> str:
    """Makes sys.stdin, sys.stdout and sys.stderr what the program relies on. Returns why it cannot be, "" when it can.

    A closed stdin is empty and a closed stderr takes everything; nothing else that is opened gets their numbers.
    """
    for name, mode in (("stdin", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (open until the end)
    if sys.stdout is None:
        return "standard output is closed: send it to a file, or to /dev/null if nobody wants it"
    sys.stdout, sys.stderr = _whole(sys.stdout), _whole(sys.stderr)
    return ""


def _whole(stream: TextIO) -> TextIO:
    """The stream, on a buffer that writes all where Python would not: without one (PYTHONUNBUFFERED), and on a file that
    does not block, as others may leave a pipe or a terminal."""
    binary: Any = getattr(stream, "buffer", None)
    raw = getattr(binary, "raw", binary)
    if raw is None or (raw is not binary and _blocks(raw)):
        return stream
    stream.flush()
    by_line = stream is sys.stderr or stream.isatty()
    return io.TextIOWrapper(_Whole(raw), stream.encoding, stream.errors, line_buffering=by_line)


def _blocks(raw: Any) -> bool:
    try:
        return os.get_blocking(raw.fileno())
    except (OSError, AttributeError):  # Windows has no such files
        return True


class _Whole(io.BufferedIOBase):
    """Writes all that it is given, at once: a handler of a signal may write in the middle of another write, which Python's
    own buffers refuse."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def name(self) -> Any:
        return self._raw.name

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        left = memoryview(data)
        while left:
            written = self._raw.write(left)
            if written is None:
                import select

                select.select((), (self,), ())
            else:
                left = left[written:]
        return len(data)
