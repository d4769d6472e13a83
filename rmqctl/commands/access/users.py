"""Commands about users."""

import os
from typing import Annotated

import typer

from rmqctl import passwords
from rmqctl.api import lists
from rmqctl.api import users as api
from rmqctl.api.answering import release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit import new_password
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.errors import DataError, NoSuchUser, RmqctlError, Unavailable, UsageError
from rmqctl.resources.users import USERS
from rmqctl.result import Nothing, Value
from rmqctl.session import Session

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Name of the user.")]
Password = Annotated[
    str | None,
    typer.Argument(
        metavar="[PASSWORD]", help="Others on this machine can see it; without it, it is asked for.", show_default=False
    ),
]


def _fetch(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "users", what="the users"))


list_users = list_command(USERS, _fetch, "List users and their tags.", by_vhost=False)


def add_user(
    session: Session,
    username: Username,
    password: Password = None,
    pre_hashed_password: Annotated[
        bool, typer.Option("--pre-hashed-password", help="PASSWORD is what hash_password printed.")
    ] = False,
    file: new_password.File = None,
    command: new_password.Command = None,
    stdin: new_password.Stdin = False,
) -> Nothing:
    """Add a user without tags and permissions: PUT /api/users/USERNAME. One that exists is an error.

    Without PASSWORD and the --new-password options the password is asked for, or read from standard input when that is no
    terminal. An empty one opens nothing.
    """
    if not username:
        raise DataError("a user has a name")
    if pre_hashed_password:
        secret = {"password_hash": _hash(session, password, file, command, stdin)}
    else:
        new = _new_password(session, password, file, command, stdin)
        if new is None:
            raise DataError(f"user {username!r}: standard input has no password")
        secret = {"password": new}
    if api.exists(session.client, username):
        raise RmqctlError(f"user {username!r} already exists ({session.client.endpoint.url})")
    api.put(session.client, username, secret, [])
    session.hint(f"user {username!r}: added; rmqctl set_permissions lets it use a virtual host")
    return Nothing()


def _hash(session: Session, given: str | None, file: str | None, command: str | None, stdin: bool) -> str:
    """A hash is no secret that a process list would give away at once: no warning."""
    if given is None:
        given = _new_password(session, None, file, command, stdin)
    elif file or command or stdin:
        raise UsageError("the password hash has several sources: give one")
    if not given:
        raise DataError("--pre-hashed-password: there is no hash")
    return given


def delete_user(session: Session, username: Username, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a user: DELETE /api/users/USERNAME. There need not be one, but on RabbitMQ 3.x."""
    confirm_if_protected(session, f"delete user {username!r}", yes=yes)
    try:
        api.delete(session.client, username)
    except NoSuchUser:
        if release_of(session.client) < (4,):
            raise
        session.hint(f"user {username!r}: there is none")
    else:
        session.hint(f"user {username!r}: deleted")
    return Nothing()


def change_password(
    session: Session,
    username: Username,
    password: Password = None,
    file: new_password.File = None,
    command: new_password.Command = None,
    stdin: new_password.Stdin = False,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Change the password of a user, who keeps the tags: GET and PUT /api/users/USERNAME.

    Without PASSWORD and the --new-password options the password is asked for, or read from standard input when that is no
    terminal.
    """
    new = _new_password(session, password, file, command, stdin)
    if new is None:
        raise RmqctlError(f"user {username!r}: standard input has no password")
    confirm_if_protected(session, f"change the password of user {username!r}", yes=yes)
    row = api.get(session.client, username)
    api.put(session.client, username, {"password": new}, api.tags(row))
    session.hint(f"user {username!r}: password changed")
    return Nothing()


def clear_password(session: Session, username: Username, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Take the password from a user, who keeps the tags and can then not log in with any: PUT /api/users/USERNAME."""
    confirm_if_protected(session, f"clear the password of user {username!r}", yes=yes)
    row = _row(session, username)
    api.put(session.client, username, {"password_hash": ""}, api.tags(row))
    session.hint(f"user {username!r}: no password opens it now")
    return Nothing()


def _row(session: Session, username: str) -> api.Row:
    """rabbitmqctl ends clear_password of an unknown user with 69."""
    if not api.exists(session.client, username):
        raise Unavailable(f"user {username!r} does not exist ({session.client.endpoint.url})")
    return api.get(session.client, username)


def set_user_tags(
    session: Session,
    username: Username,
    tags: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TAG]...", help="administrator, monitoring, management ...; none: no tags."),
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the tags of a user, who keeps the password: GET and PUT /api/users/USERNAME."""
    confirm_if_protected(session, f"set the tags of user {username!r} to {', '.join(tags or ['(none)'])}", yes=yes)
    row = api.get(session.client, username)
    secret: api.Row = {key: row[key] for key in ("password_hash", "hashing_algorithm") if key in row}
    api.put(session.client, username, secret, tags or [])
    session.hint(f"user {username!r}: tags {', '.join(tags or ['(none)'])}")
    return Nothing()


def hash_password(
    session: Session,
    password: Password = None,
    algorithm: Annotated[
        str, typer.Option("--hashing-algorithm", metavar="NAME", help=f"{', '.join(passwords.HASHES)}.")
    ] = "sha256",
    file: new_password.File = None,
    command: new_password.Command = None,
    stdin: new_password.Stdin = False,
) -> Value:
    """Print the hash of a password, for --password-hash, --pre-hashed-password and definitions. No broker is asked.

    Without PASSWORD and the --new-password options the password is asked for, or read from standard input when that is no
    terminal.
    """
    if algorithm not in passwords.HASHES:
        raise DataError(f"--hashing-algorithm: {algorithm!r} is none of {', '.join(passwords.HASHES)}")
    new = _new_password(session, password, file, command, stdin)
    if new is None:
        raise Unavailable("standard input has no password")
    if not new:
        raise DataError("a password that is hashed cannot be empty")
    return Value(passwords.hashed(new, algorithm, os.urandom(4)))


def _new_password(
    session: Session, given: str | None, file: str | None, command: str | None, stdin: bool
) -> str | None:
    """As rabbitmqctl, the first line of standard input when no source is named; None when that is empty."""
    found = new_password.read(session, given, file, command, stdin)
    if found is None and not session.settings.credentials.from_stdin:
        found = session.streams.stdin.readline().removesuffix("\n").removesuffix("\r") or None
    return found
