"""The folder that a broker keeps everything in: whose it is, who uses it now, and what the one that does says of itself.

broker.sqlite    definitions and messages (and, beside it, SQLite's -wal)
broker.log       what a broker in the background logs
broker.json      pid and URLs of the broker that runs, gone when none does
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmqctl.errors import ConfigError, Unavailable

DATABASE, LOG, _STATE, _LOCK = "broker.sqlite", "broker.log", "broker.json", "broker.lock"
_OURS = frozenset(
    f"{name}{ending}"
    for name, endings in {
        DATABASE: ("", "-wal", "-shm"),
        "broker.new": ("", "-journal"),
        LOG: ("", ".1"),
        _STATE: ("", ".new"),
        _LOCK: ("",),
    }.items()
    for ending in endings
)
# How long a broker waits for the folder, in seconds: who asks whether it is in use holds it for a moment.
_PATIENCE = 0.5


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
            files = {each.name: each for each in self.path.iterdir()}
        except OSError as error:
            raise ConfigError(f"data folder {self.path}: {error.strerror}") from None
        self._check_private()
        if links := sorted(name for name in _OURS if name in files and files[name].is_symlink()):
            raise ConfigError(
                f"data folder {self.path}: {links[0]} is a symbolic link, which is not followed: remove it"
            )
        names = set(files)
        if DATABASE not in names and (foreign := sorted(names - _OURS)):
            raise ConfigError(
                f"data folder {self.path}: not one of a broker: it has {foreign[0]!r}; choose an empty or a new folder"
            )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other brokers out. Raises Unavailable when one is in."""
        deadline = time.monotonic() + _PATIENCE
        while (lock := _lock(self.path)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
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
        self._check_private()
        lock = _lock(self.path, shared=True)
        if lock is not None:
            os.close(lock)
        return lock is None

    def _check_private(self) -> None:
        """Raises ConfigError when others than us and root could put something there that is then followed or believed."""
        if sys.platform == "win32":
            return
        status = self.path.stat()
        if status.st_uid not in (os.geteuid(), 0):
            raise ConfigError(
                f"data folder {self.path}: it belongs to another user (uid {status.st_uid}): chown it, or choose another one"
            )
        if status.st_mode & 0o022:
            mode = f"{status.st_mode & 0o7777:04o}"
            raise ConfigError(
                f"data folder {self.path}: other users may write to it (mode {mode}): chmod go-w {self.path}, or choose "
                "another one"
            )

    def write_state(self, state: dict[str, Any]) -> None:
        """To be called by who holds the folder. Raises ConfigError."""
        draft = self.path / f"{_STATE}.new"
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(json.dumps(state) + "\n")
            draft.replace(self.path / _STATE)
        except OSError as error:
            raise ConfigError(f"{draft}: {error.strerror}") from None

    def open_log(self) -> int:
        """A descriptor that appends to the log, which is made when there is none."""
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o600)

    def state(self) -> dict[str, Any]:
        """What the broker wrote; nothing when it has not, or is gone in an orderly way."""
        try:
            found = json.loads((self.path / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


# Not on every system.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def _lock(folder: Path, *, shared: bool = False) -> int | None:
    """A descriptor that has the lock until it is closed, or its process ends; None when another process has it.

    Many can have it `shared`, where the system knows that, and then no one alone.
    """
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
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
