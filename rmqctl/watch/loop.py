"""Round after round, until Ctrl-C or an error that stays."""

import gc
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import NoReturn

from rmqctl.output import TERMINAL
from rmqctl.output.style import Style
from rmqctl.result import Watched
from rmqctl.session import Session
from rmqctl.signals import ended_by_signals
from rmqctl.watch.rounds import rounds
from rmqctl.watch.screen import Screen
from rmqctl.watch.stream import Stream


def watch(session: Session, watched: Watched, style: Style) -> NoReturn:
    """Shows the command's result every so many seconds. Raises what ends it: KeyboardInterrupt, RmqctlError."""
    gc.enable()  # a program that stays
    following = rounds(watched.again, lambda: datetime.now(UTC))
    with ended_by_signals():
        # The first round may ask for a password, and its errors are those of the command: the screen stays as it is.
        first = next(following)
        with _output(session, watched, style) as output:
            output.show(first)
            del first
            while True:
                output.rest(watched.seconds)
                output.show(next(following))


def _output(session: Session, watched: Watched, style: Style) -> AbstractContextManager[Screen | Stream]:
    """In place where a person looks at a table; one after the other where a program reads, or what cannot move its cursor."""
    tables = session.format is TERMINAL or session.format.module == "pretty_table"
    if session.on_terminal and tables and session.environ.get("TERM") != "dumb":
        return Screen(session, watched, style).on()
    return nullcontext(Stream(session, style, watched.seconds))
