"""Names for the completion of shells: `rmqctl __complete KIND -- WORD...`, one name a line.

The words are those of the command line that is being typed, as far as the cursor: their connection options say which
broker is meant. A shell waits for the answer and shows what it gets, so there is no error and no message: no names then.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from threading import Thread
from typing import Annotated, NamedTuple

import typer

from rmqctl.api import lists
from rmqctl.commands import COMMANDS
from rmqctl.errors import UsageError
from rmqctl.options import CONNECTION, GLOBAL_OPTIONS, GlobalOption, Kind
from rmqctl.result import Nothing, Value
from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.streams import Streams

LIMIT = 1.0
"""Seconds until a shell gets what is there: nothing, mostly."""


class _Names(NamedTuple):
    """Where the names are: in a list of the API, that of the virtual host when `by_vhost`."""

    noun: str
    by_vhost: bool = False
    query: Mapping[str, str] = {"columns": "name"}


_DEFINITIONS = {"columns": "name", "disable_stats": "true"}

KINDS = {
    "vhosts": _Names("vhosts"),
    "queues": _Names("queues", True, _DEFINITIONS),
    "exchanges": _Names("exchanges", True, _DEFINITIONS),
    "policies": _Names("policies", True),
    "users": _Names("users"),
    "connections": _Names("connections"),
    "channels": _Names("channels"),
    "nodes": _Names("nodes"),
}
"""What a broker is asked for; beside them there is the kind `contexts`."""

Words = Annotated[list[str] | None, typer.Argument(metavar="KIND [WORD]...", show_default=False)]


def __complete(session: Session, words: Words = None) -> Value | Nothing:
    """Print names for the shell's completion.

    KIND is vhosts, queues, exchanges, policies, users, connections, channels, nodes or contexts, or several of them with +
    between. Other words are those of the command line: its connection options are followed.
    """
    session = session._replace(streams=Streams(io.StringIO(), session.streams.stdout, io.StringIO()))
    found: list[str] = []
    worker = Thread(target=_collect, args=(session, words or [""], found), daemon=True)
    worker.start()
    worker.join(LIMIT)
    return Value(list(found), "\n".join(found)) if found else Nothing()


def autocomplete(
    session: Session,  # noqa: ARG001
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="Beginning of a command.", show_default=False)],
) -> Value | Nothing:
    """Print the commands that begin with PREFIX, one a line: nothing for one that is whole.

    The shells' own completion (`completions/`) does more: options, columns, names on the broker.
    """
    found = sorted(
        name for name, entry in COMMANDS.items() if name.startswith(prefix) and name != prefix and not entry.hidden
    )
    return Value(found, "\n".join(found)) if found else Nothing()


def _collect(session: Session, words: Sequence[str], found: list[str]) -> None:
    with contextlib.suppress(Exception):
        # A name that holds a line break or another control character cannot be typed either.
        line = words[2:] if words[1:2] == ["--"] else words[1:]
        for kind in words[0].split("+"):
            found += [name for name in _names(session, kind, line) if name and name.isprintable()]


def _names(session: Session, kind: str, words: Sequence[str]) -> list[str]:
    if kind == "contexts":
        from rmqctl.contexts import load

        return list(load(session.contexts_file, any_current=True).contexts)
    names = KINDS[kind]
    settings = resolve(dict(connection_options(words)), session.environ, lambda: session.contexts_file)
    if settings.credentials.from_stdin:
        raise UsageError("standard input belongs to the shell")
    session = session._replace(settings=settings._replace(timeout=LIMIT, output=session.settings.output))
    rows = lists.of_vhost(session.client, names.noun, session.vhost if names.by_vhost else None, query=names.query)
    return [row["name"] for row in rows]


def connection_options(words: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Names and values of the connection options among the words, written in any of their ways."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            return
        flag, value = _split(word)
        option = _BY_FLAG.get(flag)
        if option is None:
            continue
        if option.takes_value and value is None:
            value = next(rest, None)
        if not option.takes_value:
            yield option.name, True
        elif value is not None:
            yield option.name, int(value) if option.kind is Kind.INTEGER else value


def _split(word: str) -> tuple[str, str | None]:
    """A flag and the value that is written together with it: `--url=X`, `-pX`."""
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return flag, value if equals else None
    return word[:2], word[2:] or None


_BY_FLAG: dict[str, GlobalOption] = {
    flag: option
    for option in GLOBAL_OPTIONS
    if option.panel == CONNECTION and not option.hidden and option.name != "timeout"
    for flag in option.flags
}
