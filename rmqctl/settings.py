"""What the command line, the environment and the contexts file settle, resolved in one function.

The order is option, environment variable, context, default. The endpoint comes from one source only, the highest that
names one, and credentials of a context go to that context's endpoint alone: `--url http://localhost` never sends the
password of the current context there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from rmqctl.errors import ConfigError, UsageError
from rmqctl.options import GLOBAL_OPTIONS, OUTPUT, Kind
from rmqctl.record import Record

if TYPE_CHECKING:
    from rmqctl.contexts import Context


class Endpoint(Record):
    """One management listener. `prefix` is the path before `/api`, without a final slash ("" mostly)."""

    scheme: str
    host: str
    port: int
    prefix: str = ""
    user: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        """The URL without credentials: this is what messages show."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.prefix}"

    def __repr__(self) -> str:
        return f"Endpoint({self.url})"


class Credentials(Record):
    """How to log in. At most one of the password's sources is used: see `rmqctl.passwords.read`."""

    user: str = "guest"
    password: str | None = None
    password_stdin: bool = False
    password_file: str | None = None
    password_command: str | None = None
    token: str | None = None

    @property
    def from_stdin(self) -> bool:
        """Whether standard input has the password, and nothing else."""
        return self.password_stdin or self.password_file == "-"  # noqa: S105 (a file's name)

    def __repr__(self) -> str:
        return f"Credentials({self.user})"


class Tls(Record):
    """Files in PEM. `insecure` turns verification of the broker's certificate off."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False


class Output(Record):
    """How results are shown. `formatter` None: a table on a terminal, rabbitmqctl's table elsewhere."""

    formatter: str | None = None
    json: str | None = None
    jq: str | None = None
    quiet: bool = False
    silent: bool = False
    table_headers: bool = True
    pad_to_header: bool = False
    color: str = "auto"
    pager: bool = True
    verbose: bool = False
    debug: bool = False


LONGEST_TIMEOUT = 2_000_000.0
"""Seconds, 23 days: what sockets can be told to wait. Whoever gives more has no limit in mind."""


class Settings(Record):
    """Everything a command may ask about its surroundings. `timeout` is in seconds, None: the command's own default."""

    context: str | None = None
    endpoints: tuple[Endpoint, ...] = (Endpoint("http", "localhost", 15672),)
    credentials: Credentials = Credentials()
    tls: Tls = Tls()
    timeout: float | None = None
    vhost: str | None = None
    node: str | None = None
    read_only: bool = False
    protected: bool = False
    output: Output = Output()


def resolve(options: Mapping[str, object], environ: Mapping[str, str], contexts_file: Callable[[], Path]) -> Settings:
    """Settings from the options given, the environment and the contexts file (read only when no endpoint is named above it).

    Raises UsageError for contradicting or bad options, ConfigError for bad environment variables and files.
    """
    env = _from_environment(environ)
    given = {name: value for name, value in options.items() if value is not None}
    _refuse_contradictions(given, env)
    context = _context(given, env, contexts_file)
    merged = _of_context(context) | {
        name: value for name, value in (env | given).items() if value or name != "insecure"
    }
    in_context = {} if context is None else {name: getattr(context, name, None) for name in ("url", *_CREDENTIALS)}
    if _names_endpoint(given) or (context is None and _names_endpoint(env)):
        source = given if _names_endpoint(given) else env
        endpoints = _endpoints(source, _spelling(source is env))
    elif context is not None and context.url is not None:
        source = in_context
        endpoints = parse_urls(context.url, f"the url of context {context.name!r}", ConfigError)
    else:
        source = {}
        endpoints = Settings().endpoints
    # Whoever is named above the URL stands above who is named in it.
    above = [given] if source is env else [env, given] if source is in_context else []
    endpoints = _logging_in(endpoints, source, above, _log_in_spelling(source, given, env))
    whole = {
        "context": context.name if context else None,
        "endpoints": endpoints,
        "credentials": _credentials(given, env, context),
        "tls": _tls(merged),
        "timeout": _timeout(merged, _spelling("timeout" in env and "timeout" not in given)),
        "output": _part(Output, merged),
    }
    return _part(Settings, merged | whole)


def resolve_output(options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """As `resolve`, for a command that is about no broker: only how results are shown."""
    names = {option.env for option in GLOBAL_OPTIONS if option.panel == OUTPUT}
    env = _from_environment({name: text for name, text in environ.items() if name in names})
    return Settings(output=_part(Output, env | dict(options)))


def parse_urls(text: str, what: str = "--url", error: type[Exception] = UsageError) -> tuple[Endpoint, ...]:
    """`http(s)://user:password@host:port/prefix`, several with commas between them.

    Nothing of a text that is refused is shown where it may be a password.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise error(f"{what} is empty: give http://HOST:15672 or https://HOST:15671")
    begun = False
    for part in parts:
        if begun and "@" in part and "://" not in part:
            # `http://ops:12,34@host` as it is meant, not a host `ops` and a user `34`.
            raise error(f"{what}: not a URL{_PERCENT}")
        begun = "://" in part and "@" not in part
    return tuple(_parse_url(part, what, error, secret="@" in text) for part in parts)


_PERCENT = ": percent-encode @ : / ? # and , in a user name or password (%40 %3A %2F %3F %23 %2C)"


def _parse_url(text: str, what: str, error: type[Exception], *, secret: bool) -> Endpoint:
    hint = _PERCENT if secret else ": http://HOST:PORT or https://HOST:PORT is"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise error(f"{what}: not a URL{hint}") from None
    if parts.scheme not in ("http", "https") or not host:
        shown = "this" if secret else repr(text)
        raise error(f"{what}: {shown} is not http://HOST:PORT or https://HOST:PORT")
    if parts.query or parts.fragment or "@" in parts.path:
        raise error(f"{what}: a URL for rmqctl ends with its path{hint if secret else ''}")
    prefix = parts.path.rstrip("/")
    if prefix == "/api" or prefix.endswith("/api"):
        prefix = prefix[: -len("/api")]
    default_port = 15671 if parts.scheme == "https" else 15672
    user = unquote(parts.username) if parts.username is not None else None
    password = unquote(parts.password) if parts.password is not None else None
    return Endpoint(parts.scheme, host, port if port is not None else default_port, prefix, user, password)


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for option in GLOBAL_OPTIONS:
        text = environ.get(option.env)
        if not text:
            continue
        values[option.name] = _convert(option.env, text, option.kind, option.choices)
    return values


_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))


def _convert(variable: str, text: str, kind: Kind, choices: tuple[str, ...]) -> object:
    if kind is Kind.FLAG:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ConfigError(f"environment variable {variable}: {text!r} is neither true nor false")
        return word in _TRUE
    if kind in (Kind.NUMBER, Kind.INTEGER):
        try:
            return float(text) if kind is Kind.NUMBER else int(text)
        except ValueError:
            raise ConfigError(f"environment variable {variable}: {text!r} is not a number") from None
    if choices and text.lower() not in choices:
        raise ConfigError(f"environment variable {variable}: {text!r} is none of {', '.join(choices)}")
    return text


def _names_endpoint(source: Mapping[str, object]) -> bool:
    return any(name in source for name in ("url", "host", "port"))


def _refuse_contradictions(given: Mapping[str, object], env: Mapping[str, object]) -> None:
    if "url" in given and ("host" in given or "port" in given):
        raise UsageError("--url names host and port already: leave --host and --port out")
    if "context" in given and _names_endpoint(given):
        raise UsageError("--context and --url (or --host, --port) both name a broker: give one of them")
    if "context" in env and _names_endpoint(env) and "context" not in given and not _names_endpoint(given):
        raise ConfigError("RMQCTL_CONTEXT and RMQCTL_URL (or RMQCTL_HOST, RMQCTL_PORT) both name a broker: unset one")
    if len(secrets := _named(_SECRETS, given)) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in secrets)
        raise UsageError(f"{flags} both log in: use one")
    if not secrets and len(secrets := _named(_SECRETS, env)) > 1:
        variables = " and ".join(f"RMQCTL_{name.upper()}" for name in secrets)
        raise ConfigError(f"{variables} both log in: unset one")


def _named(names: Sequence[str], source: Mapping[str, object]) -> list[str]:
    """Those of the settings that the source has. An empty text is one, and no reason to log in as guest."""
    return [name for name in names if source.get(name) not in (None, False)]


def _context(given: Mapping[str, object], env: Mapping[str, object], path: Callable[[], Path]) -> "Context | None":
    """The context in force: --context, else RMQCTL_CONTEXT, else the file's current one; none beside a named endpoint."""
    name = given.get("context")
    if name is None:
        if _names_endpoint(given):
            return None
        name = env.get("context")
        if name is None and _names_endpoint(env):
            return None
    file = path()
    if name is None and not file.exists():
        return None
    from rmqctl.contexts import load

    contexts = load(file)
    name = name or contexts.current
    return contexts.get(str(name)) if name else None


class _Spelling(Record):
    """How one source names a setting, and what a wrong value there is."""

    name: Callable[[str], str]
    error: type[Exception]


def _spelling(variables: bool) -> _Spelling:
    if variables:
        return _Spelling(lambda name: f"environment variable RMQCTL_{name.upper()}", ConfigError)
    return _Spelling(lambda name: f"--{name.replace('_', '-')}", UsageError)


def _endpoints(source: Mapping[str, object], spelling: _Spelling) -> tuple[Endpoint, ...]:
    if "url" in source:
        return parse_urls(str(source["url"]), spelling.name("url"), spelling.error)
    port = source.get("port")
    if port is not None and not 0 < int(str(port)) < 65536:
        raise spelling.error(f"{spelling.name('port')}: {port} is not between 1 and 65535")
    return (Endpoint("http", str(source.get("host", "localhost")), int(str(port)) if port is not None else 15672),)


def _credentials(given: Mapping[str, object], env: Mapping[str, object], context: "Context | None") -> Credentials:
    """Each level replaces the password's source of the level below as a whole; so does a user without a password."""
    layers: list[dict[str, object]] = []
    if context is not None:
        layers.append({name: getattr(context, name) for name in _CREDENTIALS if getattr(context, name, None)})
    layers += [{name: level[name] for name in _named(_CREDENTIALS, level)} for level in (env, given)]
    result: dict[str, object] = {}
    for layer in layers:
        if "user" in layer and layer["user"] != result.get("user"):
            result = {}
        if any(name in layer for name in _SECRETS):
            result = {name: value for name, value in result.items() if name == "user"}
        result |= layer
    if "token" in result and not _BEARER.fullmatch(str(result["token"])):
        raise ConfigError("the token is no bearer token: it has to be one word of visible ASCII characters")
    return Credentials(**result)  # type: ignore[arg-type]


def _logging_in(
    endpoints: tuple[Endpoint, ...],
    source: Mapping[str, object],
    above: Sequence[Mapping[str, object]],
    spelling: "_Spelling",
) -> tuple[Endpoint, ...]:
    """The endpoints with the credentials of their URLs that count.

    `source` names the endpoints, `above` are the levels that win over it. Raises an error where the same level names a
    user or a secret twice, in a URL and beside it: one of them would be passed over in silence.
    """
    for level in above:
        endpoints = tuple(_overruled(endpoint, level) for endpoint in endpoints)
    for endpoint in endpoints:
        for name in _named(_CREDENTIALS, source):
            if endpoint != _overruled(endpoint, {name: source[name]}):
                clash = "name different users" if name == "user" else "both say how to log in"
                raise spelling.error(f"{spelling.name('url')} and {spelling.name(name)} {clash}: use one")
    return endpoints


def _overruled(endpoint: Endpoint, level: Mapping[str, object]) -> Endpoint:
    """The endpoint without the credentials of its URL that the level replaces."""
    user = level.get("user")
    secrets = _named(_SECRETS, level)
    if "token" in secrets or (user is not None and endpoint.user not in (None, user)):
        return endpoint._replace(user=None, password=None)
    return endpoint._replace(password=None) if secrets else endpoint


def _log_in_spelling(
    source: Mapping[str, object], given: Mapping[str, object], env: Mapping[str, object]
) -> "_Spelling":
    if source is given or source is env:
        return _spelling(source is env)
    return _Spelling(lambda name: f"{name!r} of the context", ConfigError)


_SECRETS = ("password", "password_stdin", "password_file", "password_command", "token")
_CREDENTIALS = ("user", *_SECRETS)
_BEARER = re.compile("[!-~]+")


Part = TypeVar("Part", Settings, Output, Tls)


def _part(kind: type[Part], merged: Mapping[str, Any]) -> Part:
    """The settings whose names are the fields' of the record: those of all levels, the higher ones before the lower."""
    return kind(**{name: merged[name] for name in kind._fields if name in merged})


def _of_context(context: "Context | None") -> dict[str, Any]:
    """What a context says about anything but where the broker is and how to log in."""
    names = (*Settings._fields, *Tls._fields) if context else ()
    return {name: value for name in names if (value := getattr(context, name, None)) is not None}


def _tls(merged: Mapping[str, Any]) -> Tls:
    tls = _part(Tls, merged)
    if tls.key_file and not tls.cert_file:
        raise UsageError("--key-file needs --cert-file beside it")
    return tls


def _timeout(merged: Mapping[str, Any], spelling: _Spelling) -> float | None:
    value = merged.get("timeout")
    if value is None:
        return None
    seconds = float(str(value))
    if not 0 <= seconds < float("inf"):
        raise spelling.error(f"{spelling.name('timeout')}: {seconds:g} is not a number of seconds")
    return min(seconds, LONGEST_TIMEOUT)
