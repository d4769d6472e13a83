"""The reference pages of docs/reference, made from the program's own tables."""

from collections.abc import Iterator, Mapping

from rmqctl.checks.meanings import ACKS, FINDING
from rmqctl.checks.options import Option
from rmqctl.checks.table import ALL, CHECKS
from rmqctl.commands import COMMANDS
from rmqctl.help.columns import listed, table
from rmqctl.output import FORMATS, OF_COMMANDS
from rmqctl.output.meanings import MEANINGS
from rmqctl.resources.column import Resource


def pages() -> dict[str, str]:
    """The pages by the name of their file."""
    made = {"columns.md": _columns(), "checks.md": _checks(), "formats.md": _formats()}
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def _columns() -> Iterator[str]:
    yield "# Columns"
    yield ""
    yield "`rmqctl help columns COMMAND` shows the columns of one list. Any cell can be empty: an older broker lacks some fields."
    yield "A dotted path names a part of an object: `message_stats.publish`."
    for commands, resource in _by_noun(listed()).items():
        yield ""
        yield f"## {resource.plural.capitalize()}"
        yield ""
        yield f"Listed by {', '.join(map(_code, commands))}."
        yield ""
        yield from table(resource)


def _by_noun(lists: Mapping[str, Resource]) -> dict[tuple[str, ...], Resource]:
    """The commands that list the same columns, together."""
    found: dict[str, list[str]] = {}
    for name, resource in lists.items():
        found.setdefault(resource.plural, []).append(name)
    return {tuple(names): lists[names[0]] for names in found.values()}


def _checks() -> Iterator[str]:
    yield "# Checks"
    yield ""
    yield "[Checks](../checks.md) explains exit codes, limits and their file."
    for name, check in CHECKS.items():
        yield from _check(name, check.all_options())
    yield from _check("all", ALL)
    yield from _fields(
        "Fields of findings", "The columns of every check but acks, and the words of its `--where`:", FINDING
    )
    yield from _fields(
        "Fields of findings of acks", "The columns of `check acks`, and the words of its `--where`:", ACKS
    )


def _check(name: str, options: tuple[Option, ...]) -> Iterator[str]:
    yield from (
        "",
        f"## {name}",
        "",
        COMMANDS[f"check {name}"].help,
        "",
        "| option | default | |",
        "| --- | --- | --- |",
    )
    for option in options:
        yield f"| {_code(_words(option))} | {'' if option.default in (None, False) else option.default} | {_cell(option.help)} |"


def _words(option: Option) -> str:
    word = option.kind.metavar
    if option.kind.metavar == "FILE":
        return word
    return f"--{option.name} {word}".rstrip()


def _fields(title: str, about: str, meanings: Mapping[str, str]) -> Iterator[str]:
    yield from ("", f"## {title}", "", about, "", "| field | |", "| --- | --- |")
    yield from (f"| {_code(name)} | {sentence} |" for name, sentence in meanings.items())


def _formats() -> Iterator[str]:
    yield from ("# Formats", "", "`--formatter NAME`, or `-f NAME`.", "", "| format | |", "| --- | --- |")
    yield from (f"| {_code(name)} | {MEANINGS[name]} |" for name in FORMATS)
    yield from ("", "Formats of single commands:", "", "| format | commands | |", "| --- | --- | --- |")
    for name in OF_COMMANDS:
        commands = [command for command, entry in COMMANDS.items() if name in entry.formats and not entry.hidden]
        shown = "every check" if commands[0].startswith("check ") else ", ".join(map(_code, commands))
        yield f"| {_code(name)} | {shown} | {MEANINGS[name]} |"
    yield ""
    yield "`rmqctl schema COMMAND` prints the JSON schema of what a list, `show`, `check` or `who` prints as `json` and `jsonl`."


def _code(name: str) -> str:
    return f"`{name}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
