"""The thread that writes, one batch at a time: SQLite waits for the disk, and the broker does not."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from rmqctl.broker.storage.database import Batch, Disk


class ThreadWriter:
    """`call` has the broker's own thread call a function with its arguments."""

    def __init__(self, disk: Disk, call: Callable[..., Any]) -> None:
        self._disk = disk
        self._call = call
        self._jobs: SimpleQueue[tuple[Batch, Callable[[str | None], None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    def write(self, batch: Batch, done: Callable[[str | None], None]) -> None:
        """`done` is called with None when the batch is written, with the reason when the disk does not take it."""
        self._jobs.put((batch, done))

    def stop(self) -> None:
        """Returns when what was begun is over."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, done = job
            try:
                self._disk.write(batch)
            except Exception as error:
                # Not only what SQLite raises: without this thread nothing would ever be confirmed.
                self._call(done, str(error))
            else:
                self._call(done, None)
