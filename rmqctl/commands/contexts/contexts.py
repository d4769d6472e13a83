"""Commands about the contexts file and about where the options lead."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from rmqctl import contexts, passwords
from rmqctl.contexts import Context, ContextsFile
from rmqctl.errors import ConfigError, DataError, UsageError
from rmqctl.result import Nothing, Rows, Value
from rmqctl.session import Session
from rmqctl.settings import Credentials, Endpoint, Settings, resolve

MASK = "****"

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the context.", show_default=False)]
AnyName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Name of the context [the current one].", show_default=False)
]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite what has that name.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Refuse every command that changes something.")]
Protected = Annotated[bool, typer.Option("--protected", help="Ask before a command that destroys something.")]
Use = Annotated[bool, typer.Option("--use", help="Make it the current context.")]
Source = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", help="rabbitmqadmin's file, -: stdin [~/.rabbitmqadmin.conf].", show_default=False
    ),
]


def context_list(session: Session) -> Rows:
    """List contexts.

    The url is shown without credentials; current is the one for when no --context, --url or --host is given.
    """
    file = contexts.load(session.contexts_file, any_current=True)
    return _rows(file.contexts.values(), file.current, _said(session, _about(file)))


def context_show(session: Session, name: AnyName = None) -> Value:
    """Show one context.

    Passwords and tokens are masked.
    """
    file = contexts.load(session.contexts_file, any_current=True)
    wanted = name or session.given.get("context") or file.current
    if wanted is None:
        raise UsageError("no context is current: name one, or choose one with `rmqctl context use NAME`")
    return Value(_masked(file.get(str(wanted))))


def context_add(
    session: Session,
    name: Name,
    replace: Replace = False,
    read_only: ReadOnly = False,
    protected: Protected = False,
    use: Use = False,
) -> Nothing:
    """Store a broker under a name.

    The connection options of this command line become the context: --url (or --host and --port), --user, one of the
    password options or --token, --vhost, --timeout and the TLS options. --password-file and --password-command are stored
    as such; with --password-stdin, and on a terminal when only --user is given, the password itself is stored.
    """
    path = session.contexts_file
    context = _new(session, name, read_only, protected)
    created = not path.exists()
    contexts.add(path, context, replace)
    lines = [f"{path} created with context {name!r}" if created else f"context {name!r} written to {path}"]
    if use:
        contexts.use(path, name)
        lines.append(f"context {name!r} is the current one")
    elif contexts.load(path, any_current=True).current is None:
        lines.append("no context is current: name it with --context, or choose it with `rmqctl context use`")
    return Nothing(_said(session, lines))


def context_use(session: Session, name: Name) -> Nothing:
    """Make a context the current one.

    Commands then go to its broker unless --context, --url or --host says otherwise.
    """
    contexts.use(session.contexts_file, name)
    return Nothing(_said(session, [f"context {name!r} is the current one"]))


def context_remove(session: Session, name: Name) -> Nothing:
    """Delete a context."""
    path = session.contexts_file
    was_current = contexts.load(path, any_current=True).current == name
    contexts.remove(path, name)
    ending = "; no context is current now" if was_current else ""
    return Nothing(_said(session, [f"context {name!r} removed from {path}{ending}"]))


def context_path(session: Session) -> Value:
    """Print where the contexts file is.

    It need not exist: the first `context add` creates it.
    """
    path = str(session.contexts_file)
    return Value({"path": path}, path)


def context_import(session: Session, file: Source = None, replace: Replace = False) -> Rows:
    """Import the nodes of a rabbitmqadmin.conf.

    Both forms are read: version 1's ini and version 2's TOML. Settings without a counterpart are named on standard error.
    """
    from rmqctl.rabbitmqadmin_conf import import_rabbitmqadmin

    path = session.contexts_file
    source = (file or Path("~/.rabbitmqadmin.conf")).expanduser()
    text = session.read_stdin() if str(source) == "-" else _text(source)
    found, notes = import_rabbitmqadmin(text, str(source))
    before = contexts.load(path, any_current=True)
    taken = [repr(context.name) for context in found if context.name in before.contexts]
    if taken and not replace:
        raise DataError(f"{path}: already has {', '.join(taken)}: nothing is imported; --replace overwrites")
    for context in found:
        contexts.add(path, context, replace)
    lines = [*notes, f"{len(found)} of {source} written to {path}" if found else f"{source}: no nodes in it"]
    return _rows(found, before.current, _said(session, lines))


def show_endpoint(session: Session) -> Value:
    """Show what the connection options resolve to.

    Options, environment and contexts file are taken together as for any command. No request is made and no password is
    read: a file or a command that has it is only named.
    """
    settings = session.settings
    data = {
        "endpoints": [_endpoint(session, endpoint) for endpoint in settings.endpoints],
        "token": _origin(session, "token") if settings.credentials.token else None,
        "vhost": session.vhost,
        "timeout": settings.timeout,
        **vars(settings.tls),
        "context": settings.context,
        "contexts_file": str(session.contexts_file),
        "read_only": settings.read_only,
        "protected": settings.protected,
    }
    return Value(data, "\n".join(_lines(data)))


# contexts


def _rows(found: Iterable[Context], current: str | None, messages: tuple[str, ...]) -> Rows:
    return Rows(
        ("name", "current", "url", "user", "vhost", "read_only", "protected"),
        [
            (
                context.name,
                context.name == current,
                _bare(context.url),
                context.user or _user_of(context.url),
                context.vhost,
                context.read_only,
                context.protected,
            )
            for context in found
        ],
        messages=messages,
    )


def _about(file: ContextsFile) -> list[str]:
    if not file.contexts:
        return [f"no contexts in {file.path}: `rmqctl context add NAME --url URL` makes one"]
    if file.current is not None and file.current not in file.contexts:
        return [f"{file.path}: current is {file.current!r}, which is none of them: `rmqctl context use NAME`"]
    return []


def _said(session: Session, lines: Iterable[str]) -> tuple[str, ...]:
    return () if session.quiet else tuple(lines)


def _masked(context: Context) -> dict[str, object]:
    values = contexts.values_of(context)
    masked: dict[str, object] = {key: MASK for key in ("password", "token") if key in values}
    if context.url:
        masked["url"] = _with_mask(context.url)
    return {"name": context.name} | values | masked


def _bare(url: str | None) -> str | None:
    """The URLs without user and password, whether or not they are good."""
    return ",".join(scheme + host for scheme, _, host in map(_parts, url.split(","))) if url else None


def _with_mask(url: str) -> str:
    return ",".join(scheme + _masked_login(login) + host for scheme, login, host in map(_parts, url.split(",")))


def _masked_login(login: str) -> str:
    user, colon, _password = login.partition(":")
    return f"{user}:{MASK}@" if colon else login


def _parts(url: str) -> tuple[str, str, str]:
    """`https://`, `user:password@` and the rest of one URL."""
    before, mark, after = url.strip().rpartition("://")
    login, at, host = after.rpartition("@")
    return before + mark, login + at, host


def _user_of(url: str | None) -> str | None:
    first = (url or "").split(",")[0]
    return urlsplit(first if "://" in first else f"http://{first}").username


def _new(session: Session, name: str, read_only: bool, protected: bool) -> Context:
    """The context that the options of this command line describe."""
    given = session.given
    if not any(option in given for option in ("url", "host", "port")):
        raise UsageError(f"context add: which broker? Add --url http://HOST:15672: rmqctl context add {name} --url URL")
    settings = resolve(given, {}, lambda: session.contexts_file)
    tls = settings.tls
    credentials = _credentials(session, settings)
    return Context(
        name,
        url=",".join(endpoint.url for endpoint in settings.endpoints),
        user=credentials.user or None,
        password=credentials.password,
        password_file=_absolute(credentials.password_file),
        password_command=credentials.password_command,
        token=credentials.token,
        vhost=settings.vhost,
        timeout=settings.timeout,
        ca_file=_absolute(tls.ca_file),
        cert_file=_absolute(tls.cert_file),
        key_file=_absolute(tls.key_file),
        insecure=tls.insecure,
        read_only=read_only,
        protected=protected,
    )


def _credentials(session: Session, settings: Settings) -> Credentials:
    """What is to be stored: those of the URL moved out of it, and a password that had to be asked for."""
    given = session.given
    user, password = _login_of_urls(settings.endpoints)
    sources = ("password", "password_stdin", "password_file", "password_command", "token")
    other = next((source for source in sources if given.get(source)), None)
    user = user if user is not None else str(given.get("user", ""))
    stored = settings.credentials._replace(user=user, password_stdin=False)
    if password is not None:
        return stored._replace(password=password)
    if other == "password_stdin" or stored.from_stdin:
        secret = passwords.read(Credentials(password_stdin=True), session.streams.stdin, None)
        return stored._replace(password=secret, password_file=None)
    ask = session.streams.prompt()
    if other is None and user and ask is not None:
        return stored._replace(password=ask(f"Password of {user} (empty: ask each time): ") or None)
    return stored


def _login_of_urls(endpoints: Iterable[Endpoint]) -> tuple[str | None, str | None]:
    logins = {(endpoint.user, endpoint.password) for endpoint in endpoints}
    if len(logins) > 1:
        raise UsageError("--url: all URLs of a context have the same user: give it once, with --user")
    return logins.pop()


def _absolute(path: str | None) -> str | None:
    """A context is used from any folder."""
    return str(Path(path).expanduser().absolute()) if path else None


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{source}: cannot read it: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source}: not UTF-8") from None


# show endpoint


def _endpoint(session: Session, endpoint: Endpoint) -> dict[str, object]:
    return {
        "url": endpoint.url,
        "prefix": endpoint.prefix,
        "from": _origin_of_url(session),
        "user": endpoint.user or session.settings.credentials.user,
        "password": _password(session, endpoint),
        "proxy": _proxy(endpoint),
    }


def _password(session: Session, endpoint: Endpoint) -> str:
    """Where the password comes from."""
    credentials = session.settings.credentials
    if endpoint.password is not None:
        return f"{MASK} ({_origin_of_url(session)})"
    if credentials.token is not None and endpoint.user is None:
        return "none: the token is used"
    for source, text in (
        ("password", MASK),
        ("password_stdin", "from standard input"),
        ("password_file", f"from file {credentials.password_file}"),
        ("password_command", "from a command"),
    ):
        if getattr(credentials, source) not in (None, False):
            return f"{text} ({_origin(session, source)})"
    return f"{MASK} (default)" if credentials.user == "guest" else "asked for on the terminal"


def _origin(session: Session, option: str) -> str:
    """What gave a part of the credentials: the option, its environment variable or the context."""
    if session.given.get(option):
        return f"--{option.replace('_', '-')}"
    variable = f"RMQCTL_{option.upper()}"
    return variable if session.environ.get(variable) else f"context {session.settings.context!r}"


def _origin_of_url(session: Session) -> str:
    options = ("url", "host", "port")
    given = [f"--{option}" for option in options if option in session.given]
    if given:
        return " and ".join(given)
    if session.settings.context is not None:
        return f"context {session.settings.context!r}"
    variables = [variable for option in options if session.environ.get(variable := f"RMQCTL_{option.upper()}")]
    return " and ".join(variables) or "default"


def _proxy(endpoint: Endpoint) -> str | None:
    """The proxy that requests go through, without its password."""
    from rmqctl.api import proxies

    proxy = proxies.between(endpoint)
    return None if proxy is None else _with_mask(proxy)


def _lines(data: dict[str, object]) -> list[str]:
    endpoints = data["endpoints"]
    assert isinstance(endpoints, list)
    rest = {key: value for key, value in data.items() if key != "endpoints"}
    return [f"{key}: {_shown(value)}" for part in (*endpoints, rest) for key, value in part.items()]


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
