"""A broker in the background: starting it, asking after it, stopping it. What is true of it is in its folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rmqctl import children
from rmqctl.broker.storage.data_folder import DataFolder
from rmqctl.errors import ConfigError, RmqctlError, TimedOut, Unavailable

_PAUSE = 0.02
_ERRORS: dict[int, type[RmqctlError]] = {Unavailable.exit_code: Unavailable, ConfigError.exit_code: ConfigError}
# From here on the log of a broker that starts is a new one, and the old one is kept beside it. In bytes.
_LONG_LOG = 10_000_000


def start(folder: DataFolder, argv: Sequence[str]) -> dict[str, Any]:
    """Starts `rmqctl ARGV`, which is `broker run --detached`, and returns its state once it accepts connections.

    Raises the error that it ended with.
    """
    folder.make()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "rmqctl", *argv],
        stdin=None if "-" in argv else subprocess.DEVNULL,  # it has the definitions
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=children.of_python(os.environ),
        **_DETACHED,
    )
    assert process.stdout is not None
    if process.stdout.readline():
        return folder.state()
    said = process.communicate()[1].splitlines()
    last = said[-1].removeprefix("rmqctl: ") if said else "it ended without a word"
    raise _ERRORS.get(process.returncode, RmqctlError)(f"the broker did not start: {last}")


def running(folder: DataFolder, patience: float = 5.0) -> dict[str, Any] | None:
    """The state of the broker that runs on a folder, None when none does. One that is starting gets its time."""
    deadline = time.monotonic() + patience
    while folder.is_held():
        state = folder.state()
        if state or time.monotonic() > deadline:
            return state
        time.sleep(_PAUSE)
    return None


def stop(folder: DataFolder, pid: int, seconds: float) -> None:
    """Ends the broker in an orderly way and waits until it is gone. Raises TimedOut."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while folder.is_held():
        if time.monotonic() > deadline:
            raise TimedOut(f"the broker with pid {pid} is still there after {seconds:g} seconds")
        time.sleep(_PAUSE)


def log_to_file(folder: DataFolder) -> None:
    """From now on standard error is the folder's log; nothing holds the terminal or the folder it was started from."""
    if folder.log.exists() and folder.log.stat().st_size > _LONG_LOG:
        folder.log.replace(folder.log.with_name(f"{folder.log.name}.1"))
    for number, descriptor in ((2, folder.open_log()), (0, os.open(os.devnull, os.O_RDONLY))):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder.path)


def last_lines(folder: DataFolder, count: int) -> list[str]:
    """Of the log. Raises ConfigError when there is none."""
    try:
        text = folder.log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"{folder.log}: {error.strerror}: a broker logs there when `rmqctl broker start` started it"
        ) from None
    return text.splitlines()[-count:] if count else []


def following(folder: DataFolder) -> Iterator[str]:
    """The lines that are logged from now on, for ever."""
    with folder.log.open(encoding="utf-8", errors="replace") as file:
        file.seek(0, os.SEEK_END)
        begun = ""
        while True:
            if text := file.read():
                *lines, begun = (begun + text).split("\n")
                yield from lines
            else:
                time.sleep(0.1)


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


_DETACHED = _detached()
