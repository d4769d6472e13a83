"""Commands of RabbitMQ's tools that the HTTP API cannot serve. Their rows in the command table say why."""

from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from rmqctl.commands import COMMANDS
from rmqctl.errors import NeedsNode
from rmqctl.session import Session


def command(name: str) -> Callable[..., NoReturn]:
    """The command of that name: whatever its arguments and options are, it raises NeedsNode."""
    why = COMMANDS[name].help

    def refuse(
        session: Session,  # noqa: ARG001
        words: Annotated[list[str] | None, typer.Argument(metavar="[ARGUMENT]...", show_default=False)] = None,  # noqa: ARG001
    ) -> NoReturn:
        raise NeedsNode(f"{name} {why[0].lower()}{why[1:].rstrip('.')}")

    refuse.__doc__ = why
    return refuse
