"""How much memory the process has, how much it may have, and when publishers have to wait."""

import contextlib
import mmap
import os
import re
import shutil
from math import inf
from pathlib import Path

from rmqctl.errors import UsageError
from rmqctl.units import size

# The alarm ends so far below the limit: else it would come and go with every few messages.
_RELEASE = 0.9


def parse_limit(text: str) -> int | None:
    """Bytes: `512MB`, `1GiB`, `40%` of the machine's memory, or `none`.

    None also for a share of a memory whose size the system does not tell. Raises ValueError.
    """
    if text.lower() == "none":
        return None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)%", text):
        total = total_memory()
        share = float(match[1]) / 100
        if not 0 < share <= 1:
            raise ValueError(f"{text} is not between 0 and 100 %")
        return None if total is None else int(total * share)
    try:
        bytes_ = size(text)
    except UsageError:
        bytes_ = 0
    if not bytes_:
        raise ValueError(f"{text!r} is no size: 512MB, 1GiB, 40% or none")
    return bytes_


def total_memory() -> int | None:
    """Bytes that this machine, or this container, has; None where the system does not tell."""
    sizes = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max"
            sizes.append(int(Path(path).read_text()))
    return min(sizes, default=None)


def resident_memory() -> int:
    """Bytes of memory that this process has; 0 where the system does not tell."""
    try:
        # Not as a text file: this is asked for a hundred times a second.
        file = os.open("/proc/self/statm", os.O_RDONLY)
        try:
            return int(os.read(file, 100).split()[1]) * mmap.PAGESIZE
        finally:
            os.close(file)
    except (OSError, IndexError, ValueError):
        return 0


def free_disk(folder: str) -> int:
    """Bytes that are free where a folder is; 0 where the system does not tell."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


class MemoryAlarm:
    """Decides when publishers wait. `limit` is in bytes, infinite for none.

    A process does not always give back what it has freed, but uses it again: with half of the messages gone there is
    room for more, however large the process still is.
    """

    def __init__(self) -> None:
        self.limit = inf
        self.on = False
        self._held = 0
        """Bytes of messages at the last alarm, while the process is as large as it was."""

    def set_limit(self, limit: int | None) -> None:
        """None for none. What came to an alarm under another limit does not count."""
        wanted = inf if limit is None else limit
        if wanted != self.limit:
            self.limit, self._held = wanted, 0

    def look(self, resident: int, held: int) -> bool:
        """Whether the alarm is on; `resident` bytes has the process, `held` of them are messages."""
        if self.on:
            self.on = resident > self.limit * _RELEASE and held >= self._held / 2
        elif resident > self.limit:
            self.on = held >= self._held
            self._held = max(self._held, held)
        elif resident < self.limit * _RELEASE:
            self._held = 0
        return self.on
