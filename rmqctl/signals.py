"""Signals that end or stop a program which stays."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM, and a terminal that is closed, end it as Ctrl-C does: nothing is left behind."""
    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and _allowed():
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def left_while_stopped(leave: Callable[[], None], back: Callable[[], None]) -> Iterator[None]:
    """Ctrl-Z stops the program as ever; `leave` is called before and `back` when it goes on (`fg`)."""
    number = getattr(signal, "SIGTSTP", None)
    if number is None or not _allowed():
        yield
        return

    def stop(*_: object) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when the program goes on
        signal.signal(number, stop)
        back()

    before = signal.signal(number, stop)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def handlers_kept(numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """Puts the handlers back that an event loop replaces by the default ones when it ends."""
    before = {number: signal.getsignal(number) for number in numbers} if _allowed() else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _allowed() -> bool:
    """Only the main thread may set handlers, and only there does the command line run."""
    return threading.current_thread() is threading.main_thread()
