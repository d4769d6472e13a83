"""The help of one command: what it does, examples, its own options; those of every command in one line."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from rmqctl.commands import NODES_ONLY_GROUP, Entry
from rmqctl.help.examples import EXAMPLES
from rmqctl.help.layout import Paper, text
from rmqctl.help.topics import guide_of

_GLOBAL = "Options of every command: --url, -C, -p, -f and more; see rmqctl help options."


def page(name: str, entry: Entry, command: Any, columns: Sequence[str], paper: Paper) -> str:
    """`command`: as typer built it. `columns`: those of a list."""
    return text(_lines(name, entry, command, columns, paper))


def _lines(name: str, entry: Entry, command: Any, columns: Sequence[str], paper: Paper) -> Iterator[str]:
    own = [
        each for each in command.params if not each.name.startswith("global_") and not getattr(each, "hidden", False)
    ]
    arguments = [each for each in own if each.param_type_name == "argument"]
    options = [each for each in own if each.param_type_name == "option"]
    usage = " ".join(["[OPTION]...", *map(_in_usage, arguments)])
    yield from paper.paragraph(f"Usage: rmqctl {name} {usage}")
    for paragraph in _paragraphs(command.help or entry.help):
        yield ""
        yield from paper.paragraph(paragraph)
    yield from _examples(name, entry, paper)
    yield from _section("Arguments", [(_named(each), _plain(each.help)) for each in arguments], paper)
    for title in dict.fromkeys(("Options", *map(_title, options))):
        yield from _section(title, [(_flags(each), _meaning(each)) for each in options if _title(each) == title], paper)
    if not entry.raw:
        yield ""
        yield from paper.paragraph(_GLOBAL)
    if columns:
        yield ""
        yield from paper.paragraph(f"Columns: {', '.join(columns)}.")
    if guide := guide_of(name):
        yield ""
        yield from paper.paragraph(f"Guide: rmqctl help {guide}")


def examples(name: str, entry: Entry) -> tuple[str, ...]:
    """Command lines that show what it is for. What only the node can do is run there."""
    if entry.group == NODES_ONLY_GROUP:
        tool = entry.help.split()[1]
        return (f"{tool} {name}",)
    return EXAMPLES.get(name, ())


def _examples(name: str, entry: Entry, paper: Paper) -> Iterator[str]:
    lines = () if entry.hidden else examples(name, entry)
    if not lines:
        return
    yield ""
    yield from paper.heading("Examples:" if entry.group != NODES_ONLY_GROUP else "On the node:")
    for example in lines:
        yield from paper.command_line(example)


def _section(title: str, rows: list[tuple[str, str]], paper: Paper) -> Iterator[str]:
    if rows:
        yield ""
        yield from paper.heading(f"{title}:")
        yield from paper.terms(rows)


def _paragraphs(help_: str) -> list[str]:
    return [_plain(paragraph) for paragraph in inspect.cleandoc(help_).split("\n\n")]


def _plain(help_: str | None) -> str:
    """In one line, without the backslash that keeps a bracket from being markup."""
    return " ".join((help_ or "").replace("\\[", "[").split())


def _named(argument: Any) -> str:
    """As the metavar says; without its brackets, which the usage has."""
    name: str = argument.metavar or argument.name.upper()
    name = name.removesuffix("...").removeprefix("[").removesuffix("]").removesuffix("...") if "[" in name[:1] else name
    return name if argument.nargs != -1 or name.endswith("...") else f"{name}..."


def _in_usage(argument: Any) -> str:
    if argument.metavar and argument.metavar.startswith("["):
        return str(argument.metavar)
    return _named(argument) if argument.required else f"[{_named(argument)}]"


def _title(option: Any) -> str:
    panel = getattr(option, "rich_help_panel", None)
    return panel if isinstance(panel, str) and panel != "Output" else "Options"


def _flags(option: Any) -> str:
    """-k, --routing-key KEY"""
    flags = sorted((*option.opts, *option.secondary_opts), key=lambda flag: flag.startswith("--"))
    return ", ".join(flags) + ("" if option.is_flag else f" {_value(option)}")


def _value(option: Any) -> str:
    choices = getattr(option.type, "choices", None)
    return option.metavar or ("|".join(map(str, choices)) if choices else _KINDS.get(option.type.name, "TEXT"))


_KINDS = {"int": "N", "int range": "N", "float": "NUMBER", "float range": "NUMBER"}


def _meaning(option: Any) -> str:
    notes = [_plain(option.help)]
    low, high = getattr(option.type, "min", None), getattr(option.type, "max", None)
    if high is not None:
        notes.append(f"{low or 0} to {high}.")
    default = option.default
    if option.show_default and default not in (None, False, "") and not callable(default) and not option.is_flag:
        notes.append(f"[default: {option.show_default if isinstance(option.show_default, str) else _shown(default)}]")
    return " ".join(notes)


def _shown(default: Any) -> str:
    return str(getattr(default, "value", default))
