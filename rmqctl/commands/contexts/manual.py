"""The manual pages that rmqctl carries with it: `scripts/manpages` writes them from the help."""

from importlib.resources import as_file, files
from shutil import which
from typing import Annotated

import typer

from rmqctl.commands import COMMANDS
from rmqctl.errors import UsageError
from rmqctl.naming import closest
from rmqctl.pager import through_man
from rmqctl.result import Nothing, Value
from rmqctl.session import Session

_PAGES = files("rmqctl") / "man"

Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]", help="A command, such as list_queues or show queue.", show_default=False),
]


def man(session: Session, command: Command = None) -> Value | Nothing:
    """Show the manual page of rmqctl, or that of a command.

    On a terminal the program man shows it, if there is one. In a pipe the page comes as roff: rmqctl man list_queues | man -l -
    """
    page = _PAGES / _file_of(command or [])
    program = which("man", path=session.environ.get("PATH"))
    if program and session.on_terminal and session.settings.output.formatter is None:
        with as_file(page) as path:
            return Nothing(exit_code=through_man(program, path))
    roff = page.read_text("utf-8")
    return Value({"command": " ".join(command or []), "roff": roff}, roff.rstrip("\n"))


def _file_of(words: list[str]) -> str:
    """Raises UsageError for what has no page."""
    if not words:
        return "rmqctl.1"
    titles = {name.replace(" ", "-"): name for name, entry in COMMANDS.items() if entry.offered}
    name = " ".join(words).replace("-", "_")
    for title in ("-".join(words), name.replace(" ", "-")):
        if title in titles:
            return f"rmqctl-{title}.1"
    if members := [known for known in COMMANDS if known.startswith(f"{name} ")]:
        raise UsageError(f"man {name} what? One of: {', '.join(known.partition(' ')[2] for known in members)}")
    if name in COMMANDS:
        raise UsageError(f"{name} has no manual page: {COMMANDS[name].help}")
    close = closest(name, titles.values())
    raise UsageError(f"no manual page for {name!r}" + (f": did you mean {close!r}?" if close else ""))
