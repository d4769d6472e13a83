"""What all lists have in common: columns, filter, order, limit.

A plain list command is `list_command(RESOURCE, fetch)`; one with options of its own is a function that ends in
`run_listing(...)`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rmqctl.api.answering import release_of
from rmqctl.api.client import Client, tags_of
from rmqctl.api.embedded import is_embedded
from rmqctl.commands.kit.arguments import AllVhosts, Columns, Limit, Match, Sort, Where
from rmqctl.errors import RmqctlError, UsageError
from rmqctl.output import TERMINAL
from rmqctl.record import Record
from rmqctl.resources.column import Column, Need, Object, Release, Resource
from rmqctl.result import CellsOf, Rows
from rmqctl.session import Session


class Wanted(Record):
    """What a list has to ask the broker for. `vhost` None: all virtual hosts."""

    vhost: str | None
    fields: frozenset[str]
    need: Need


class Found(Record):
    """What the broker has, with lines for the user about what is missing in it."""

    rows: Sequence[Object]
    messages: tuple[str, ...] = ()


Fetch = Callable[[Client, Wanted], Found]
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Selection(Record):
    """The part of the command line that all lists understand."""

    columns: list[str] | None = None
    all_vhosts: bool = False
    sort: str | None = None
    where: str | None = None
    limit: int | None = None
    match: str | None = None


def run_listing(
    session: Session,
    resource: Resource,
    fetch: Fetch,
    selection: Selection,
    *,
    vhost: str | None = None,
    keep: Callable[[Object], bool] | None = None,
    keep_fields: Iterable[str] = (),
) -> Rows:
    """Fetches, filters, sorts and cuts. `keep` is a filter of the command's own, which reads `keep_fields`."""
    columns = _columns(session, resource, selection)
    if not columns:
        return Rows((), ())
    where, where_columns = where_of(session, resource, selection.where)
    match, names = match_of(session, resource, selection.match)
    order = _order(session, resource, selection.sort)
    needed = [*columns, *where_columns, *names, *(column for column, _ in order)]
    fields = frozenset(field for column in needed if not column.refused for field in column.fields)
    wanted = Wanted(None if selection.all_vhosts else vhost, fields | set(keep_fields), max(c.need for c in needed))
    session.hint(_banner(session, resource, wanted.vhost))
    unseen = _unseen(session.client, resource, wanted)
    found = fetch(session.client, wanted)
    rows = found.rows if keep is None else [row for row in found.rows if keep(row)]
    rows = [row for row in rows if where(row)] if where is not None else rows
    rows = [row for row in rows if match(row)] if match is not None else rows
    if order:
        from rmqctl.resources.ordering import sort_rows

        rows = sort_rows(rows, [(column.native(), descending) for column, descending in order])
    if selection.limit is not None:
        rows = rows[: selection.limit]
    release = release_of(session.client) if any(column.by_release for column in columns) else ()
    return Rows(
        columns=tuple(column.name for column in columns),
        cells=CellsOf(rows, [_read(column, session.format.native, release) for column in columns]),
        streamed=resource.streamed,
        header=resource.header,
        alarming=resource.alarming,
        messages=(*found.messages, *unseen()),
        empty=_empty(resource, selection, wanted.vhost, chosen=keep is not None),
    )


def _empty(resource: Resource, selection: Selection, vhost: str | None, *, chosen: bool) -> str:
    where = f" in virtual host {vhost!r}" if vhost is not None else ""
    picky = chosen or selection.where is not None or selection.match is not None
    return f"No {resource.plural}{where}{' match' if picky else ''}."


def _unseen(client: Client, resource: Resource, wanted: Wanted) -> Callable[[], tuple[str, ...]]:
    """Asks beside the list itself, GET /api/whoami, whether the user's tags let it see the whole list."""
    sight = resource.sight
    if sight is None or (wanted.vhost is not None and not sight.in_one_vhost):
        return tuple
    ask = client.caller_ahead()

    def unseen() -> tuple[str, ...]:
        try:
            user = ask()
        except RmqctlError:  # the list itself tells what is wrong
            return ()
        if not isinstance(user, dict) or "tags" not in user:
            return ()
        if not tags_of(user).isdisjoint(sight.tags):
            return ()
        needed = " or ".join(sight.tags)
        return (f"warning: user {user.get('name')!r} has not the tag {needed}: {sight.others}",)

    return unseen


def _banner(session: Session, resource: Resource, vhost: str | None) -> str:
    where = f" of virtual host {vhost!r}" if vhost is not None else ""
    return f"Listing {resource.plural}{where} at {session.client.endpoint.url} ..."


def _read(column: Column, native: bool, release: Release) -> Callable[[Object], Any]:
    if column.refused:
        return lambda _: None
    return column.native() if native else column.term(release)


def _columns(session: Session, resource: Resource, selection: Selection) -> list[Column]:
    if selection.columns:
        columns = [_usable(session, column) for column in resource.select(selection.columns)]
    else:
        columns = resource.defaults(release_of(session.client) if resource.default_3 else ())
        if session.format is TERMINAL:
            # An empty column serves scripts that count columns; nobody wants to look at it.
            columns = [column for column in columns if not column.refused]
    if (
        selection.all_vhosts
        and columns
        and all(column.name != "vhost" for column in columns)
        and resource.knows("vhost")
    ):
        columns.insert(0, resource.column("vhost"))
    return columns


def where_of(
    session: Session, resource: Resource, expression: str | None
) -> tuple[Callable[[Object], bool] | None, list[Column]]:
    """The filter of an expression, and the columns that it reads."""
    if expression is None:
        return None, []
    from rmqctl.resources.where import parse

    where = parse(expression, resource.knows)
    columns = {name: _usable(session, resource.column(name), "--where: ") for name in where.names}
    readers = {name: column.native() for name, column in columns.items()}
    return lambda row: where.matches(lambda name: readers[name](row)), list(columns.values())


def match_of(
    session: Session, resource: Resource, regex: str | None
) -> tuple[Callable[[Object], bool] | None, list[Column]]:
    """The filter by what rows are named by, and the columns that it reads."""
    if regex is None:
        return None, []
    from rmqctl.resources.patterns import compiled, glob_hint

    pattern = compiled(regex)
    if (hint := glob_hint(regex, "--match")) and not session.quiet:
        session.say(f"note: --match is a regular expression; {hint}")
    columns = [resource.column(name) for name in resource.named]
    readers = [column.native() for column in columns]
    return lambda row: any(pattern.search(str(read(row) or "")) for read in readers), columns


def _order(session: Session, resource: Resource, sort: str | None) -> list[tuple[Column, bool]]:
    order = []
    for word in (sort or "").split(","):
        name = word.strip()
        if name:
            column = _usable(session, resource.column(name.removeprefix("-")), "--sort: ")
            order.append((column, name.startswith("-")))
    return order


def _usable(session: Session, column: Column, place: str = "") -> Column:
    """The column as the broker that answers has it. Raises UsageError when it has not."""
    if not column.refused:
        return column
    if column.embedded and is_embedded(session.client):
        return column._replace(refused="")
    raise UsageError(f"{place}column {column.name!r} cannot be had over the HTTP API: {column.refused}")


def list_command(resource: Resource, fetch: Fetch, help_text: str, *, by_vhost: bool = True) -> Callable[..., Rows]:
    """A list command without options of its own: of one virtual host, or of what belongs to none."""
    if not by_vhost:
        return _plain(resource, fetch, help_text)

    @lists_resource(resource)
    def command(
        session: Session,
        columns: Columns = None,
        all_vhosts: AllVhosts = False,
        sort: Sort = None,
        where: Where = None,
        match: Match = None,
        limit: Limit = None,
    ) -> Rows:
        selection = Selection(columns, all_vhosts, sort, where, limit, match)
        return run_listing(session, resource, fetch, selection, vhost=session.vhost)

    command.__doc__ = help_text
    return command


def list_everywhere(resource: Resource, fetch: Fetch, help_text: str) -> Callable[..., Rows]:
    """A list command that lists all virtual hosts unless one is chosen, as rabbitmqctl does for connections."""

    @lists_resource(resource)
    def command(
        session: Session,
        columns: Columns = None,
        all_vhosts: AllVhosts = False,
        sort: Sort = None,
        where: Where = None,
        match: Match = None,
        limit: Limit = None,
    ) -> Rows:
        selection = Selection(columns, all_vhosts, sort, where, limit, match)
        return run_listing(session, resource, fetch, selection, vhost=session.settings.vhost)

    command.__doc__ = help_text
    return command


def _plain(resource: Resource, fetch: Fetch, help_text: str) -> Callable[..., Rows]:
    @lists_resource(resource)
    def command(
        session: Session,
        columns: Columns = None,
        sort: Sort = None,
        where: Where = None,
        match: Match = None,
        limit: Limit = None,
    ) -> Rows:
        return run_listing(session, resource, fetch, Selection(columns, False, sort, where, limit, match))

    command.__doc__ = help_text
    return command


def lists_resource(resource: Resource) -> Callable[[_Command], _Command]:
    """Marks a command as the list of a resource: help and completion take the columns from it."""

    def mark(command: _Command) -> _Command:
        command.resource = resource  # type: ignore[attr-defined]
        return command

    return mark
