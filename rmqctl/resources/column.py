"""Columns and resources, and how a name on the command line becomes a column.

To add a column of rabbitmqctl's, add a `Column` row to its resource and its sentence to rmqctl.resources.meanings. Fields of
the HTTP API need no row: every name in `Resource.api_fields`, and every dotted path below one, is a column by itself.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import Any

from rmqctl.errors import UsageError
from rmqctl.naming import closest
from rmqctl.record import Record
from rmqctl.terms import AmqpTable, Cell, JsonText

Object = Mapping[str, Any]
"""One object of the HTTP API, decoded."""

Release = tuple[int, ...]
"""The broker's version as numbers, (4, 3, 6); () when no column asked for it."""


def release(version: str) -> Release:
    """`4.3.6-rc.1` as (4, 3, 6)."""
    numbers = []
    for part in version.split("-")[0].split("+")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


class Need(IntEnum):
    """What the broker has to look up for a column, from cheap to dear."""

    DEFINITION = 0
    TOTALS = 1
    """Exact message counts, from the queues themselves."""
    STATISTICS = 2
    """The statistics database: up to about 8 seconds old."""


class Column(Record):
    """One column. `field` is the API's dotted path to its value (default: the name).

    `cell` makes rabbitmqctl's term of an object (default: the value as it stands), `reads` names further fields that it
    looks at, `by_release` that it looks at the release. `refused` says why the API has nothing for it,
    `embedded` that the embedded broker has it all the same.
    `computed` makes the value of a column that neither rabbitmqctl nor the API has, from its field and what it reads.
    """

    name: str
    field: str = ""
    need: Need = Need.DEFINITION
    cell: Callable[[Object, Release], Cell] | None = None
    reads: tuple[str, ...] = ()
    by_release: bool = False
    refused: str = ""
    embedded: bool = False
    computed: Callable[[Object], Any] | None = None

    @property
    def path(self) -> str:
        return self.field or self.name

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.path, *self.reads)

    def below(self, tail: str) -> "Column":
        """The column of a dotted path into this one: `arguments.x-max-priority`. The field is asked for as a whole."""
        read = reader(f"{self.path}.{tail}")
        return Column(f"{self.name}.{tail}", self.path, self.need, refused=self.refused, computed=read)

    def native(self) -> Callable[[Object], Any]:
        """Reads the API's own value, None when it is not there."""
        return self.computed or reader(self.path)

    def term(self, release: Release) -> Callable[[Object], Cell]:
        """Reads rabbitmqctl's term, None for an empty cell."""
        make = self.cell
        return self.native() if make is None else lambda item: make(item, release)


def reader(path: str) -> Callable[[Object], Any]:
    """A function that reads a dotted path; a name that itself holds dots (`open_files.rabbit@a.b`) is found too."""
    if "." not in path:
        return lambda item: item.get(path)
    head, _, tail = path.partition(".")
    below = reader(tail)

    def read(item: Object) -> Any:
        if path in item:
            return item[path]
        inner = item.get(head)
        if isinstance(inner, Mapping):
            return inner[tail] if tail in inner else below(inner)
        if isinstance(inner, list):
            return [below(part) for part in inner if isinstance(part, Mapping)] or None
        return None

    return read


def arguments(field: str = "arguments", table: type[AmqpTable] = AmqpTable) -> Column:
    """The column of an AMQP table."""
    return Column(field, cell=lambda item, _: table(item.get(field) or {}))


def as_json_text(name: str, field: str = "", *, sort_keys: bool = False) -> Column:
    """The column of a value that rabbitmqctl prints as JSON text."""
    path = field or name

    def cell(item: Object, _: Release) -> Cell:
        value = item.get(path)
        return JsonText(dict(sorted((value or {}).items())) if sort_keys else value)

    return Column(name, field, cell=cell)


def definitions(*names: str) -> dict[str, Need]:
    """API fields that need no statistics."""
    return dict.fromkeys(names, Need.DEFINITION)


def statistics(*names: str) -> dict[str, Need]:
    """API fields from the statistics database."""
    return dict.fromkeys(names, Need.STATISTICS)


class Sight(Record):
    """Whose list is whole: that of users with one of these tags. Others miss rows, of which the broker says nothing."""

    tags: tuple[str, ...]
    others: str
    in_one_vhost: bool = False
    """Whether the list of a single virtual host may be cut short, too."""


OWN = Sight(("administrator", "monitoring"), "only those of its own connections are listed", in_one_vhost=True)
PERMITTED = Sight(("administrator",), "only those of virtual hosts that it has permissions in are listed")
PERMITTED_VHOSTS = Sight(("administrator", "monitoring"), "only virtual hosts that it has permissions in are listed")


class Resource(Record):
    """What a list command lists.

    `default` columns are rabbitmqctl's; `default_3` those of 3.x where they differ.
    `api_fields` are the first words of the API's own fields and what each needs.
    `streamed` and `header` are rabbitmqctl's ways with an empty list and with the header line (see `result.Rows`).
    `sight`: who sees all of it, None when nothing is left out without a word.
    `named`: the columns whose values are names, which --match looks at.
    `fixed_order`: rabbitmqctl prints these columns in this order whatever was asked. `alarming` stand out on a terminal.
    """

    plural: str
    columns: tuple[Column, ...]
    default: tuple[str, ...]
    api_fields: Mapping[str, Need]
    streamed: bool = True
    header: bool = True
    fixed_order: tuple[str, ...] = ()
    default_3: tuple[str, ...] = ()
    sight: Sight | None = None
    alarming: frozenset[str] = frozenset()
    named: tuple[str, ...] = ("name",)

    def column(self, name: str) -> Column:
        """The column of that name. Raises UsageError naming the closest one."""
        head, _, tail = name.partition(".")
        for column in self.columns:
            if column.name == name:
                return column
            if column.name == head and column.computed is None:
                return column.below(tail)
        if head in self.api_fields:
            return Column(name, need=self.api_fields[head])
        raise UsageError(self._unknown(name))

    def knows(self, name: str) -> bool:
        head = name.partition(".")[0]
        return head in self.api_fields or any(column.name == head for column in self.columns)

    def names(self) -> list[str]:
        """Every column name without a dot: for help and completion."""
        return list(dict.fromkeys([*(column.name for column in self.columns if not column.refused), *self.api_fields]))

    def select(self, words: Iterable[str]) -> list[Column]:
        """The columns that the words ask for, without repeats."""
        names = dict.fromkeys(name.strip() for word in words for name in word.split(","))
        chosen = [self.column(name) for name in names if name]
        order = self.fixed_order
        return sorted(chosen, key=lambda column: order.index(column.name) if column.name in order else len(order))

    def defaults(self, release: Release) -> list[Column]:
        names = self.default_3 if self.default_3 and release < (4,) else self.default
        return [self.column(name) for name in names]

    def _unknown(self, name: str) -> str:
        known = self.names()
        close = closest(name.lower(), known, 0.5)
        hint = f"did you mean {close!r}?" if close else f"columns: {', '.join(known)}"
        return f"unknown column {name!r} of {self.plural}: {hint}"
