"""Round after round, until Ctrl-C or an error that stays."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from threading import Timer
from typing import NoReturn

from rmqctl.output import TERMINAL
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
    with ended_by_signals():
        # The first round may ask for a password, and its errors are those of the command: the screen stays as it is.
        first = _next(following, lambda: session.say(f"rmqctl: {_silent(session)}"))
        with _output(session, watched, style) as output:
            output.show(first)
            del first
            while True:
                output.rest(watched.seconds)
                output.show(_next(following, lambda: output.silent(_silent(session))))


def _next(following: Iterator[Round], tell: Callable[[], None]) -> Round:
    """The next round. `tell` is called, in a thread of its own, when it takes long: the answer may still come."""
    timer = Timer(PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        return next(following)
    finally:
        timer.cancel()


def _silent(session: Session) -> str:
    return f"{session.client.endpoint.url} has not answered for {PATIENCE:g} s; still waiting"


def _output(session: Session, watched: Watched, style: Style) -> AbstractContextManager[Screen | Stream]:
    """In place where a person looks at a table; one after the other where a program reads, or what cannot move its cursor."""
    tables = session.format is TERMINAL or session.format.module == "pretty_table"
    if session.on_terminal and tables and session.environ.get("TERM") != "dumb":
        return Screen(session, watched, style).on()
    return nullcontext(Stream(session, style, watched.seconds))
