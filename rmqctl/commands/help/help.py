"""`rmqctl help`: the first screen, all commands, and the guides. Help about a command is its own --help."""

from typing import Annotated

import typer

from rmqctl.errors import UsageError
from rmqctl.result import Page
from rmqctl.session import Session

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND|TOPIC]...", help="A command, a topic, or nodes-only.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="List every command, by group.")]


def help(session: Session, words: Words = None, all_: All = False) -> Page:
    """Show help about a command or a topic.

    Without an argument it shows the most used commands and lists the topics.
    """
    from rmqctl.help import screens, topics
    from rmqctl.help.layout import Paper

    paper = Paper.of(session)
    if all_ and words:
        raise UsageError("help: --all lists every command: name no command beside it")
    if all_:
        return Page(screens.every_command(paper))
    if not words:
        return Page(screens.first(paper) + "\n" + topics.index(paper))
    if words == [screens.NODES_ONLY]:
        return Page(screens.nodes_only(paper))
    return Page(topics.page(words, paper))
