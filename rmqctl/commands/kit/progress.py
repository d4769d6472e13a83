"""A bar on stderr for work that takes a while."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rmqctl.output import TERMINAL
from rmqctl.session import Session


def bar(session: Session, what: str, total: int | None) -> AbstractContextManager[Callable[[], None]]:
    """Yields what is called for each thing done. Nothing is drawn when nobody looks, or when rows are written meanwhile.

    `total` None: how many there will be is not known.
    """
    if not session.shows_progress:
        return nullcontext(lambda: None)
    if session.on_terminal and session.format is not TERMINAL:
        return nullcontext(lambda: None)
    return _drawn(session, what, total)


@contextmanager
def _drawn(session: Session, what: str, total: int | None) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(file=session.streams.stderr, stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
