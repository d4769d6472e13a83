"""Round after round, until Ctrl-C or an error that stays."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from threading import Condition, Thread
from time import monotonic
from typing import NoReturn

from rmqctl.output.style import Style
from rmqctl.result import Watched
from rmqctl.session import Session
from rmqctl.signals import ended_by_signals
from rmqctl.watch.rounds import Round, rounds
from rmqctl.watch.screen import Screen
from rmqctl.watch.stream import Stream

PATIENCE = 10.0
"""Seconds without an answer until that is told."""


def watch(session: Session, watched: Watched, style: Style) -> NoReturn:
    """Shows the command's result every so many seconds. Raises what ends it: KeyboardInterrupt, RmqctlError."""
    gc.enable()  # a program that stays
    following = rounds(watched.again, lambda: datetime.now(UTC))
    patience = _Patience()
    with ended_by_signals():
        # The first round may ask for a password, and its errors are those of the command: the screen stays as it is.
        first = _next(following, patience, lambda: session.say(f"rmqctl: {_silent(session)}"))
        with _output(session, watched, style) as output:
            output.show(first)
            del first
            while True:
                output.rest(watched.seconds)
                output.show(_next(following, patience, lambda: output.silent(_silent(session))))


def _next(following: Iterator[Round], patience: "_Patience", tell: Callable[[], None]) -> Round:
    with patience.told_by(tell):
        return next(following)


class _Patience:
    """A thread that tells when something takes long. It is one for all rounds: there may be very many."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._due: float | None = None
        """On the monotonic clock; None while there is nothing to wait for."""
        self._tell: Callable[[], None] = lambda: None
        Thread(target=self._wait, daemon=True).start()

    @contextmanager
    def told_by(self, tell: Callable[[], None]) -> Iterator[None]:
        """`tell` is called, in the thread, when what is done within takes long: the answer may still come."""
        with self._changed:
            self._tell, self._due = tell, monotonic() + PATIENCE
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due = None

    def _wait(self) -> None:
        with self._changed:
            while True:
                left = None if self._due is None else self._due - monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                else:
                    self._due = None
                    self._tell()


def _silent(session: Session) -> str:
    return f"{session.client.endpoint.url} has not answered for {PATIENCE:g} s; still waiting"


def _output(session: Session, watched: Watched, style: Style) -> AbstractContextManager[Screen | Stream]:
    """In place where a person looks at a table; one after the other where a program reads, or what cannot move its cursor."""
    if session.on_terminal and session.format.frame and session.can_draw:
        return Screen(session, watched, style).on()
    return nullcontext(Stream(session, style, watched.seconds))
