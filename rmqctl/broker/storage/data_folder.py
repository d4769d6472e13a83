"""The folder that a broker keeps everything in: whose it is, who uses it now, and what the one that does says of itself.

broker.sqlite    definitions and messages (and, beside it, SQLite's -wal)
broker.log       what a broker in the background logs
broker.json      pid and URLs of the broker that runs, gone when none does
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmqctl.errors import ConfigError, Unavailable

DATABASE, LOG, _STATE, _LOCK = "broker.sqlite", "broker.log", "broker.json", "broker.lock"
_OURS = frozenset(
    (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "broker.new", LOG, _STATE, f"{_STATE}.new", f"{LOG}.1", _LOCK)
)


def default_folder(environ: Any, *, ephemeral: bool = False) -> Path:
    """The platform's place for an application's data."""
    name = "broker-ephemeral" if ephemeral else "broker"
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "rmqctl" / name


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / DATABASE
        self.log = path / LOG

    def make(self) -> None:
        """Makes the folder, or sees that it is one of ours. Raises ConfigError, and changes nothing then."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            names = {each.name for each in self.path.iterdir()}
        except OSError as error:
            raise ConfigError(f"data folder {self.path}: {error.strerror}") from None
        if DATABASE not in names and (foreign := sorted(names - _OURS)):
            raise ConfigError(
                f"data folder {self.path}: not one of a broker: it has {foreign[0]!r}; choose an empty or a new folder"
            )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other brokers out. Raises Unavailable when one is in."""
        lock = _lock(self.path)
        if lock is None:
            pid = self.state().get("pid")
            who = f"the broker with pid {pid}" if pid else "another broker"
            raise Unavailable(f"data folder {self.path}: in use by {who} (rmqctl broker status)")
        try:
            # What a broker left that was killed is not about this one.
            (self.path / _STATE).unlink(missing_ok=True)
            yield
        finally:
            with contextlib.suppress(OSError):
                (self.path / _STATE).unlink(missing_ok=True)
            os.close(lock)

    def is_held(self) -> bool:
        """Whether a broker uses it now, whatever is written there."""
        if not self.path.is_dir():
            return False
        lock = _lock(self.path)
        if lock is not None:
            os.close(lock)
        return lock is None

    def write_state(self, state: dict[str, Any]) -> None:
        """To be called by who holds the folder."""
        draft = self.path / f"{_STATE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(state) + "\n", encoding="utf-8")
        draft.replace(self.path / _STATE)

    def state(self) -> dict[str, Any]:
        """What the broker wrote; nothing when it has not, or is gone in an orderly way."""
        try:
            found = json.loads((self.path / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _lock(folder: Path) -> int | None:
    """A descriptor that has the lock until it is closed, or its process ends; None when another process has it."""
    if sys.platform == "win32":
        import msvcrt

        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor
    import fcntl

    # The folder itself: a damaged one is not even added to.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
