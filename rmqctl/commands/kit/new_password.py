"""The password that a command gives to a user: by argument, file, command, standard input or prompt."""

from typing import Annotated

import typer

from rmqctl import passwords
from rmqctl.errors import UsageError
from rmqctl.session import Session
from rmqctl.settings import Credentials

File = Annotated[
    str | None,
    typer.Option("--new-password-file", metavar="FILE", help="Read it from a file; -: stdin.", show_default=False),
]
Command = Annotated[
    str | None,
    typer.Option("--new-password-command", metavar="COMMAND", help="Run a command that prints it.", show_default=False),
]
Stdin = Annotated[bool, typer.Option("--new-password-stdin", help="Read it from standard input.")]


def read(session: Session, given: str | None, file: str | None, command: str | None, stdin: bool) -> str | None:
    """The new password, None when no source was named and nobody is there to be asked.

    Raises UsageError for several sources, or when who is asked types it differently the second time.
    """
    if sum((given is not None, file is not None, command is not None, stdin)) > 1:
        raise UsageError("the new password has several sources: give one")
    if given is not None:
        if not session.quiet:
            session.say(
                "warning: others on this machine can see a password in the process list: leave it out to be asked for it, or "
                "use --new-password-file"
            )
        return given
    if (stdin or file == "-") and session.settings.credentials.from_stdin:
        raise UsageError("the new password and the password both come from standard input: give one of them a file")
    if stdin or file is not None or command is not None:
        return passwords.read(Credentials("", None, stdin, file, command), session.streams.stdin, None)
    if (prompt := session.streams.prompt()) is None:
        return None
    password = prompt("New password: ")
    if prompt("New password again: ") != password:
        raise UsageError("the two passwords differ; nothing was changed")
    return password
