"""Polls in a thread of its own, so that a slow broker never holds up the screen."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from rmqctl.errors import RmqctlError
from rmqctl.top.source import Question, Sample, Source

LONGEST_REST = 5.0
"""Seconds: an answer that took much longer was a moment of trouble rather than the broker's pace."""


T = TypeVar("T")


def attempted(work: Callable[[], T]) -> T | RmqctlError:
    """What `work` returns, or why it did not: the view goes on, even after an answer of a shape that nobody thought of."""
    try:
        return work()
    except RmqctlError as error:
        return error
    except Exception as error:
        return RmqctlError(f"internal error: {type(error).__name__}: {error}")


class Failure(NamedTuple):
    """A poll that brought nothing."""

    error: RmqctlError
    at: datetime


class Poller:
    """Puts the question in force every `interval` seconds, but rests as long as a slow answer took.

    `deliver` is called in the thread. A change of the question, and `wake`, ask at once.
    """

    def __init__(
        self, source: Source, question: Question, interval: float, deliver: Callable[[Sample | Failure], object]
    ) -> None:
        self._source = source
        self._interval = interval
        self._deliver = deliver
        self._question = question
        self._changed = threading.Condition()
        self._due = True
        self._stopped = False
        # A daemon: a request that hangs must not keep the program.
        self._thread = threading.Thread(target=self._run, name="top", daemon=True)
        self.asked_at: datetime | None = None
        """When the request under way was made, None between requests."""

    def start(self) -> None:
        self._thread.start()

    def ask(self, question: Question) -> None:
        with self._changed:
            self._question = question
            self._due = True
            self._changed.notify()

    def turn_to(self, source: Source, question: Question) -> None:
        """Asks there from now on."""
        with self._changed:
            self._source = source
        self.ask(question)

    def wake(self) -> None:
        with self._changed:
            self._due = True
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        pause = 0.0
        while (question := self._next(pause)) is not None:
            started = time.monotonic()
            self.asked_at = datetime.now(UTC)
            source = self._source
            answer = self._answer(source, question)
            self.asked_at = None
            if not self._stopped and source is self._source:
                self._deliver(answer)
            took = time.monotonic() - started
            pause = max(self._interval - took, min(took, LONGEST_REST))

    def _answer(self, source: Source, question: Question) -> Sample | Failure:
        answer = attempted(lambda: source.poll(question))
        return Failure(answer, datetime.now(UTC)) if isinstance(answer, RmqctlError) else answer

    def _next(self, pause: float) -> Question | None:
        """The question, after the pause or when it is due at once; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._due or self._stopped, timeout=pause)
            self._due = False
            return None if self._stopped else self._question
