"""A result as it is written: in the format in force, through --jq, and through the pager on a terminal."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from rmqctl.output import TERMINAL
from rmqctl.output.style import Style
from rmqctl.result import Live, Nothing, Page, Result, Rows, Value, Watched
from rmqctl.session import Session


def render(session: Session, result: Result | Watched) -> int:
    """Writes the result in the format in force. Returns its exit code."""
    if isinstance(result, Watched):
        from rmqctl.watch.loop import watch

        watch(session, result, _style(session))
    if isinstance(result, Page):
        _write_page(session, result.text)
    elif isinstance(result, Live):
        result = _write_live(session, result)
    elif not isinstance(result, Nothing) and not _says_empty(session, result):
        result = _roomy(session, result)
        module = session.format.load()
        write = module.rows if isinstance(result, Rows) else module.value
        _write(session, filtering(session)(write(result, _style(session))))
    for message in result.messages:
        session.say(message)
    session.streams.flush()
    return result.exit_code


def _says_empty(session: Session, part: object) -> bool:
    """A table without rows says nothing to a person: whether a sentence stands in for it, which is said then."""
    if not isinstance(part, Rows) or part.cells or session.format is not TERMINAL:
        return False
    session.hint(part.empty)
    return True


def _roomy(session: Session, result: Rows | Value) -> Rows | Value:
    """On a terminal that is too narrow for a table, the table without its empty columns."""
    width = session.streams.width
    if not isinstance(result, Rows) or session.format is not TERMINAL or width is None:
        return result
    from rmqctl.output.grid import without_empty

    roomy, dropped = without_empty(result, width)
    if dropped:
        session.hint(f"Empty columns left out for want of room: {', '.join(dropped)} (-f pretty_table shows them).")
    return roomy


def _write_live(session: Session, result: Live) -> Nothing:
    """Each part as soon as there is one."""
    if result.formatter is not None:
        session = session.in_format(result.formatter)
    module = session.format.load()
    style = _style(session)
    through = filtering(session)
    with contextlib.closing(result.parts) as parts:
        for part in parts:
            if isinstance(part, bytes):
                session.streams.write_bytes(part)
                continue
            if _says_empty(session, part):
                continue
            write = module.rows if isinstance(part, Rows) else module.value
            session.streams.stdout.writelines(map(session.shown, through(write(part, style))))
            session.streams.stdout.flush()
            style = style._replace(continued=True)
    return result.end()


def filtering(session: Session) -> Callable[[Iterable[str]], Iterable[str]]:
    """What --jq makes of the pieces of an answer."""
    if (expression := session.settings.output.jq) is None:
        return lambda pieces: pieces
    from rmqctl.output.fields import jq

    lines = jq(expression)
    return lambda pieces: lines("".join(pieces))


def _style(session: Session) -> Style:
    output = session.settings.output
    return Style(
        header=output.table_headers and not output.silent,
        pad_to_header=output.pad_to_header,
        color=session.color,
        width=session.streams.width,
    )


def _write_page(session: Session, text: str) -> None:
    """All of it is our own: a terminal gets its colours too."""
    if session.on_terminal and session.settings.output.pager:
        from rmqctl.pager import page

        page(session, iter(text.splitlines(keepends=True)))
        return
    session.streams.stdout.write(text)


def _write(session: Session, pieces: Any) -> None:
    if session.on_terminal and session.settings.output.pager:
        from rmqctl.pager import page

        page(session, map(session.shown, pieces))
        return
    for piece in pieces:
        session.streams.stdout.write(session.shown(piece))
