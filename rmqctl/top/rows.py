"""Which rows are shown and in which order: the filter and the sorting of a tab."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rmqctl.errors import UsageError
from rmqctl.resources.column import Object
from rmqctl.resources.ordering import sort_rows
from rmqctl.resources.where import parse
from rmqctl.top.tabs import Tab


class Filter(NamedTuple):
    """`text` as typed; `fields` are those of the API that it reads besides what is on the screen.

    `problem`: why the text is taken for something else than it seems to be.
    """

    text: str
    keeps: Callable[[Object], bool]
    fields: frozenset[str] = frozenset()
    problem: str = ""


def filter_of(text: str, tab: Tab) -> Filter | None:
    """The filter that `text` means, None for none. Raises UsageError.

    `=` begins an expression as --where takes it, about the tab's own columns and those of its list command. Anything else is
    looked for in names: a regular expression if it is one, without regard to case. One that is not is looked for as it stands,
    and the filter says so.
    """
    if not text.strip("= "):
        return None
    if text.startswith("="):
        return _by_expression(text, tab)
    problem = ""
    try:
        search = re.compile(text, re.IGNORECASE).search
    except re.error as error:
        problem = f"not a regular expression ({error}): these very characters are looked for"
        search = re.compile(re.escape(text), re.IGNORECASE).search
    readers = [tab.reader(field) for field in tab.fields if field.searched]
    return Filter(
        text,
        lambda row: any(search(str(found)) for read in readers if (found := read(row)) is not None),
        problem=problem,
    )


def _by_expression(text: str, tab: Tab) -> Filter:
    where = parse(text[1:], lambda name: tab.field(name) is not None or tab.resource.knows(name))
    readers: dict[str, Callable[[Object], Any]] = {}
    fields: set[str] = set()
    for name in where.names:
        if field := tab.field(name):
            readers[name] = tab.reader(field)
            fields |= tab.asked((field,))
        else:
            column = tab.resource.column(name)
            if column.refused:
                raise UsageError(f"column {name!r} cannot be had over the HTTP API: {column.refused}")
            readers[name] = column.native()
            fields.update(column.fields)
    return Filter(text, lambda row: where.matches(lambda name: readers[name](row)), frozenset(fields))


def shown(rows: Sequence[Object], tab: Tab, filter_: Filter | None, order: str, *, descending: bool) -> list[Object]:
    """The rows that the filter keeps, by that field, then by name. A row whose value is unknown comes last."""
    kept = rows if filter_ is None else [row for row in rows if filter_.keeps(row)]
    by = [name for name in (order, tab.fields[0].name) if tab.field(name)]
    getters = [(tab.reader(field), descending and name == order) for name in by if (field := tab.field(name))]
    return sort_rows(kept, getters)
