"""The columns of each list and what they mean, in Markdown: `rmqctl help columns`."""

from collections.abc import Iterator, Sequence
from importlib import import_module

from rmqctl.commands import COMMANDS
from rmqctl.errors import UsageError
from rmqctl.naming import closest
from rmqctl.resources.column import Resource
from rmqctl.resources.meanings import ONLY_SHOWN, described, meaning
from rmqctl.resources.meanings.meaning import Meanings


def columns_page(words: Sequence[str]) -> str:
    """The columns of the lists that the words name, of `list_queues` or `queues`; without words, which lists there are.

    Raises UsageError for a list that does not exist.
    """
    lists = listed()
    if not words:
        return _index(lists)
    return "\n".join(_section(name, lists[name]) for name in dict.fromkeys(_meant(word, lists) for word in words))


def listed() -> dict[str, Resource]:
    """The commands that have columns to choose."""
    found = {}
    for name, entry in COMMANDS.items():
        # Without a space: the lists; they are functions of their module, which says what they list.
        function = None if " " in name or entry.raw else _function(entry.module, name)
        if (resource := getattr(function, "resource", None)) is not None:
            found[name] = resource
    return found


def _function(module: str, name: str) -> object:
    return vars(import_module(f"rmqctl.commands.{module}")).get(name)


def _meant(word: str, lists: dict[str, Resource]) -> str:
    """The list that the word names. Raises UsageError."""
    name = word.replace("-", "_").lower()
    if found := next((each for each in (name, f"list_{name}") if each in lists), None):
        return found
    close = closest(name, [*lists, *(each.removeprefix("list_") for each in lists)])
    hint = f"did you mean {close!r}?" if close else "rmqctl help columns names the lists"
    raise UsageError(f"{word!r} is no list with columns: {hint}")


def _index(lists: dict[str, Resource]) -> str:
    lines = [
        "# Columns",
        "",
        "Name the columns after the command. Without any, these are printed:",
        "",
        "| list | |",
        "| --- | --- |",
        *(f"| `{name}` | {', '.join(map(_code, resource.default))} |" for name, resource in lists.items()),
        "",
        "To see all columns of a list and their meaning:",
        "",
        "    rmqctl help columns list_queues",
    ]
    return "\n".join(lines) + "\n"


def _section(name: str, resource: Resource) -> str:
    return "\n".join([f"## {name}", "", f"Columns of {resource.plural}:", "", *table(resource)]) + "\n"


def table(resource: Resource) -> Iterator[str]:
    """The columns with kind and meaning, and below those that the HTTP API lacks."""
    yield from _rows("column", {name: meaning(resource, name) for name in described(resource)})
    if fields := ONLY_SHOWN.get(resource.plural):
        yield from ("", "`show` prints more fields of a single object:", "", *_rows("field", fields))
    refused = [column for column in resource.columns if column.refused and not column.embedded]
    if refused:
        yield from ("", "rabbitmqctl has more columns, which are not available over the HTTP API:", "")
        yield from (f"- {_code(column.name)}: {column.refused}" for column in refused)


def _rows(heading: str, meanings: Meanings) -> Iterator[str]:
    yield from (f"| {heading} | | |", "| --- | --- | --- |")
    yield from (f"| {_code(name)} | {found.kind.value} | {found.sentence} |" for name, found in meanings.items())


def _code(name: str) -> str:
    return f"`{name}`"
