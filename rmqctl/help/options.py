"""The page about the options that every command takes, from their table."""

from collections.abc import Iterator, Sequence

from rmqctl.errors import UsageError
from rmqctl.options import GLOBAL_OPTIONS, GlobalOption


def options_page(words: Sequence[str]) -> str:
    """Markdown. Raises UsageError when something else is asked for."""
    if words:
        raise UsageError(f"help: options is one topic: {' '.join(words)!r} is too much")
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Options of every command\n"
    yield "They stand before or after the command, as `--x y` or `--x=y`. The variable in brackets sets the same.\n"
    shown = [option for option in GLOBAL_OPTIONS if not option.hidden]
    for panel in dict.fromkeys(option.panel for option in shown):
        yield f"## {panel}\n"
        yield from (_item(option) for option in shown if option.panel == panel)
        yield ""


def _item(option: GlobalOption) -> str:
    flags = ", ".join(sorted(option.flags, key=lambda flag: flag.startswith("--")))
    value = f" {option.metavar}" if option.metavar else ""
    return f"- `{flags}{value}`: {option.help} [`{option.env}`]"
