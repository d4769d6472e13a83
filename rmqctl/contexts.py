"""The contexts file: brokers under names, in TOML, for `--context NAME`.

    current = "prod"

    [contexts.prod]
    url = "https://a.example.com:15671,https://b.example.com:15671"
    user = "ops"
    password_command = "pass show rabbit/prod"
    read_only = true

A missing file holds no contexts. Anything wrong with a file is a ConfigError that names the file and the line: an
unknown key or context is never passed over, since the command would then go to another broker than the one meant.
Reading needs tomllib alone; tomlkit is imported to write, where it keeps comments and order.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rmqctl.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table


@dataclass(frozen=True, slots=True)
class Context:
    """One broker and how to log in. `url` may be several, comma separated, and hold a password: repr leaves it out."""

    name: str
    url: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    password_command: str | None = None
    token: str | None = field(default=None, repr=False)
    vhost: str | None = None
    timeout: float | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False
    read_only: bool = False
    protected: bool = False

    @property
    def stores_secret(self) -> bool:
        """Whether whoever reads the file can log in."""
        return bool(self.password or self.token or _has_password(self.url or ""))


@dataclass(frozen=True, slots=True)
class ContextsFile:
    """What a contexts file says; empty when there is no file."""

    path: Path
    current: str | None = None
    contexts: Mapping[str, Context] = field(default_factory=dict)

    def get(self, name: str) -> Context:
        """The context called `name`, or a ConfigError that says which there are."""
        found = self.contexts.get(name)
        if found is None:
            raise ConfigError(f"{self.path}: no context {name!r}{_instead(name, self.contexts)}")
        return found


def load(path: Path) -> ContextsFile:
    """Read the contexts file at `path`.

    Raises ConfigError for a file that cannot be read, is wrong, or stores a password where others can read it.
    """
    source = _read(path)
    if source is None:
        return ContextsFile(path)
    text, mode = source
    loaded = _parse(path, text)
    if loaded.current is not None and loaded.current not in loaded.contexts:
        hint = _instead(loaded.current, loaded.contexts)
        _wrong(path, text, ("current",), f"current is {loaded.current!r}, but there is no such context{hint}")
    if os.name == "posix" and mode & 0o077:
        _refuse_open(loaded, mode)
    return loaded


def add(path: Path, context: Context, replace: bool = False) -> None:
    """Write `context`; with `replace` it takes the place of the one of its name, whose comments stay."""
    _check_name(context.name)

    def edit(before: ContextsFile, text: str) -> str:
        if context.name in before.contexts and not replace:
            raise DataError(f"{path}: context {context.name!r} already exists")
        return _with_context(text, context)

    _edit(path, edit, lambda before: (before.current, {**before.contexts, context.name: context}))


def use(path: Path, name: str) -> None:
    """Make `name` the current context."""

    def edit(before: ContextsFile, text: str) -> str:
        before.get(name)
        document = _document(text)
        document["current"] = name
        return document.as_string()

    _edit(path, edit, lambda before: (name, before.contexts))


def remove(path: Path, name: str) -> None:
    """Delete the context called `name`; when it was the current one, there is none afterwards."""

    def edit(before: ContextsFile, text: str) -> str:
        before.get(name)
        text = _without_table(text, name)
        document = _document(text)
        if before.current == name:
            del document["current"]
        if name in document.get("contexts", {}):
            del document["contexts"][name]
        return document.as_string()

    def expected(before: ContextsFile) -> tuple[str | None, Mapping[str, Context]]:
        rest = {other: context for other, context in before.contexts.items() if other != name}
        return None if before.current == name else before.current, rest

    _edit(path, edit, expected)


# reading


def _read(path: Path) -> tuple[str, int] | None:
    """The text and the permissions of the file, None when there is none."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise ConfigError(f"{path}: this is a folder, not a contexts file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the contexts file: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig"), mode
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8") from None


def _parse(path: Path, text: str) -> ContextsFile:
    data = _toml(text, str(path))
    for key in data:
        if key not in ("current", "contexts"):
            _wrong(path, text, (key,), f"unknown key {key!r}{_did_you_mean(key, ('current', 'contexts'))}")
    current = data.get("current")
    if current is not None and not isinstance(current, str):
        _wrong(path, text, ("current",), f"'current' must be a string, not {_type_name(current)}")
    tables = data.get("contexts", {})
    if not isinstance(tables, dict):
        _wrong(path, text, ("contexts",), f"'contexts' must be a table, not {_type_name(tables)}")
    return ContextsFile(path, current, {name: _context(path, text, name, table) for name, table in tables.items()})


def _context(path: Path, text: str, name: str, table: object) -> Context:
    where = ("contexts", name)
    if not _good_name(name):
        _wrong(path, text, where, f"{name!r} is no name for a context")
    if not isinstance(table, dict):
        _wrong(path, text, where, f"context {name!r} must be a table, not {_type_name(table)}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _CHECKS:
            _wrong(path, text, (*where, key), f"unknown key {key!r} in context {name!r}{_did_you_mean(key, _CHECKS)}")
        wanted, convert = _CHECKS[key]
        values[key] = convert(value)
        if values[key] is None:
            got = _type_name(value)
            _wrong(path, text, (*where, key), f"{key!r} in context {name!r} must be {wanted}, not {got}")
    return Context(name, **values)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _urls(value: object) -> str | None:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return _string(value)


def _seconds(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and 0 <= value < float("inf") else None  # type: ignore[operator,return-value]


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


_TEXT = ("a string", _string)
_FLAG = ("true or false", _boolean)

_CHECKS: dict[str, tuple[str, Callable[[object], object]]] = {
    "url": ("a string or an array of strings", _urls),
    "user": _TEXT,
    "password": _TEXT,
    "password_file": _TEXT,
    "password_command": _TEXT,
    "token": _TEXT,
    "vhost": _TEXT,
    "timeout": ("a number of seconds", _seconds),
    "ca_file": _TEXT,
    "cert_file": _TEXT,
    "key_file": _TEXT,
    "insecure": _FLAG,
    "read_only": _FLAG,
    "protected": _FLAG,
}
"""What a context may hold: what a value must be, and its conversion, None when it is something else."""


def _type_name(value: object) -> str:
    """The type only: the value may be a password."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return "a negative number"
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}
    return names.get(type(value), "a date or time")


def _refuse_open(loaded: ContextsFile, mode: int) -> None:
    if any(context.stores_secret for context in loaded.contexts.values()):
        import shlex

        raise ConfigError(
            f"{loaded.path}: it stores a password or token and others can read it (mode {mode:04o}):"
            f" run chmod 600 {shlex.quote(str(loaded.path))}"
        )


def _has_password(url: str) -> bool:
    for part in url.split(","):
        credentials, at, _host = part.split("://")[-1].rpartition("@")
        if at and ":" in credentials:
            return True
    return False


def _good_name(name: str) -> bool:
    return bool(name.strip()) and name.isprintable()


def _check_name(name: str) -> None:
    if not _good_name(name):
        raise DataError(f"{name!r} is no name for a context: it must not be empty nor hold control characters")


# messages


def _wrong(path: Path | str, text: str, keys: tuple[str, ...], message: str) -> NoReturn:
    raise ConfigError(f"{path}, line {_line_of(text, keys)}: {message}")


def _closest(name: str, names: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1)), None)


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    closest = _closest(name, names)
    return f": did you mean {closest!r}?" if closest else f" (known: {', '.join(names)})"


def _instead(name: str, contexts: Iterable[str]) -> str:
    names = sorted(contexts)
    if not names:
        return ": the file has none (`rmqctl context add` makes one)"
    closest = _closest(name, names)
    listed = ", ".join(map(repr, names))
    return f": did you mean {closest!r}? The file has {listed}" if closest else f": the file has {listed}"


def _toml(text: str, source: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(str(error), text, source)) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{source}, line {_last_line(text)}: a number or an array that is too large") from None


def _syntax_error(message: str, text: str, source: str) -> str:
    """tomllib's `What (at line 1, column 2)` or `What (at end of document)`, with the file and the line in front."""
    what, _, place = message.rpartition(" (at ")
    digits = "".join(char for char in place.split(",")[0] if char.isdigit())
    return f"{source}, line {digits or _last_line(text)}: {what or message}"


def _last_line(text: str) -> int:
    return text.rstrip("\n").count("\n") + 1


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line that sets the key at the end of the path `keys`, in a text that is good TOML.

    A line that holds the key's text is the one when everything up to the end of its statement has the whole path.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if keys[-1] in line and _has_path(_first_good(lines, number), keys):
            return number
    return 1


def _first_good(lines: list[str], number: int) -> dict[str, Any]:
    """The first `number` lines as data, with as many more as it takes to end the last statement."""
    import tomllib

    for end in range(number, len(lines) + 1):
        with suppress(tomllib.TOMLDecodeError):
            return tomllib.loads("\n".join(lines[:end]).removesuffix("\r"))
    return {}


def _has_path(data: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


# writing


def _edit(
    path: Path,
    edit: Callable[[ContextsFile, str], str],
    expected: Callable[[ContextsFile], tuple[str | None, Mapping[str, Context]]],
) -> None:
    """Replace the text of the file by what `edit` makes of it, unless that says something else than `expected`."""
    try:
        target = Path(os.path.realpath(path))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(target):
            text = _editable(path, target)
            before = _parse(path, text)
            after = edit(before, text)
            if not _says(after, expected(before)):
                raise ConfigError(f"{path}: its layout is too unusual to be changed by rmqctl: edit it by hand")
            _write(target, after)
    except OSError as error:
        raise ConfigError(f"{path}: cannot write the contexts file: {error.strerror}") from None


def _editable(path: Path, target: Path) -> str:
    if target.exists() and not target.is_file():
        raise ConfigError(f"{path}: this is not a regular file")
    source = _read(path)
    return source[0] if source else ""


def _says(text: str, expected: tuple[str | None, Mapping[str, Context]]) -> bool:
    try:
        after = _parse(Path(), text)
    except ConfigError:
        return False
    return (after.current, after.contexts) == expected


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One writer at a time. The lock file stays: to delete it would let two writers hold two locks."""
    try:
        import fcntl
    except ImportError:  # no such lock on Windows
        yield
        return
    lock = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(target: Path, text: str) -> None:
    """All or nothing, and for the owner's eyes only (mkstemp's mode is 0600)."""
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _document(text: str) -> "TOMLDocument":
    import tomlkit

    return tomlkit.parse(text)


def _values(context: Context) -> dict[str, object]:
    """The keys to write, in the order of the fields; what is off or not given is left out."""
    values = {each.name: getattr(context, each.name) for each in fields(context) if each.name != "name"}
    return {key: value for key, value in values.items() if value is not None and value is not False}


def _with_context(text: str, context: Context) -> str:
    import tomlkit
    from tomlkit.items import InlineTable

    if text.strip():
        text = text.rstrip("\r\n") + "\n\n"  # a blank line before the new table
    document = tomlkit.parse(text)
    tables: Any = document.setdefault("contexts", tomlkit.table(is_super_table=True))
    if context.name in tables:
        _update(tables[context.name], _values(context))
    else:
        table = tomlkit.inline_table() if isinstance(tables, InlineTable) else tomlkit.table()
        table.update(_values(context))
        tables[context.name] = table
    return document.as_string().rstrip("\r\n") + "\n"


def _update(table: "Table", values: dict[str, object]) -> None:
    """Make `table` hold `values`, and nothing else, with its comments where they are."""
    for key in [key for key in table if key not in values and table[key] is not False]:
        del table[key]
    for key, value in values.items():
        if key in table and table[key] != value:
            table[key] = value
    body: list[Any] = table.value.body if hasattr(table.value, "body") else []
    trailing: list[Any] = []
    while body and body[-1][0] is None:  # blank lines and comments, which belong to the next table
        trailing.append(body.pop())
    for key, value in values.items():
        if key not in table:
            table[key] = value
    body.extend(reversed(trailing))


def _without_table(text: str, name: str) -> str:
    """`text` without the lines of `[contexts.NAME]`, and as it is when there is no such header.

    tomlkit takes the comments above a table for the end of the table before. Here the comment lines right above a
    header belong to it: those of NAME go with it, unless they open the file, and those of the next table stay.
    """
    lines = text.split("\n")
    headers = [at for at, line in enumerate(lines) if _header(line) is not None]
    start = next((at for at in headers if _header(lines[at]) == {"contexts": {name: {}}}), None)
    if start is None:
        return text
    following = next((at for at in headers if at > start), None)
    end = len(lines) if following is None else _top_of_comment(lines, following)
    top = _top_of_comment(lines, start)
    rest = "\n".join(lines[: top or start] + lines[end:]).rstrip("\r\n")
    return f"{rest}\n" if rest else ""


def _header(line: str) -> dict[str, Any] | None:
    import tomllib

    if not line.lstrip().startswith("["):
        return None
    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(line)
    return None


def _top_of_comment(lines: list[str], at: int) -> int:
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


# rabbitmqadmin's files


def import_rabbitmqadmin(text: str, source: str) -> tuple[list[Context], list[str]]:
    """The contexts that a rabbitmqadmin.conf describes: version 2's TOML or version 1's ini. `source` names the file.

    Beside them come notes, one for each setting that rmqctl has no counterpart for. A broken file is a ConfigError.
    """
    notes: list[str] = []
    try:
        tables = _toml(text, source)
    except ConfigError:
        if _has_quoted_value(text):  # TOML with a mistake in it, not ini
            raise
        sections = _ini(text, source).items()
        return [_from_ini(_Node(name, keys, source, notes, _ini_line(text))) for name, keys in sections], notes
    for name, table in tables.items():
        if not isinstance(table, dict):
            _wrong(source, text, (name,), f"{name!r} stands outside of a node's table")
    line_of = lambda *keys: _line_of(text, keys)  # noqa: E731
    return [_from_toml(_Node(name, dict(table), source, notes, line_of)) for name, table in tables.items()], notes


def _has_quoted_value(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(line.partition("=")[2].lstrip().startswith(('"', "'")) for line in lines if line[:1] not in ("#", ";"))


def _ini(text: str, source: str) -> dict[str, dict[str, object]]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.ParsingError as error:  # its own message shows the line, which may hold a password
        headless = isinstance(error, configparser.MissingSectionHeaderError)
        line = error.lineno if headless else error.errors[0][0]  # type: ignore[attr-defined]
        raise ConfigError(f"{source}, line {line}: neither TOML nor `key = value` below a [node]") from None
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        what = f"key {error.option!r}" if isinstance(error, configparser.DuplicateOptionError) else "node"
        raise ConfigError(f"{source}, line {error.lineno}: {what} of [{error.section}] is given twice") from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _ini_line(text: str) -> Callable[..., int]:
    """Finds the line of a node, or of a node's key."""

    def line_of(section: str, key: str | None = None) -> int:
        current = ""
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("["):
                current = line[1:].partition("]")[0]
            found = current == section and (key is None or line.replace(":", "=").split("=")[0].strip().lower() == key)
            if found:
                return number
        return 1

    return line_of


@dataclass(frozen=True, slots=True)
class _Node:
    """The settings of one node. What is read is taken out of `keys`; what then remains becomes notes."""

    name: str
    keys: dict[str, Any]
    source: str
    notes: list[str]
    line_of: Callable[..., int]

    def __post_init__(self) -> None:
        if not _good_name(self.name):
            raise ConfigError(f"{self.source}, line {self.line_of(self.name)}: {self.name!r} is no name for a context")

    def take(self, key: str, wanted: str, convert: Callable[[object], Any]) -> Any:
        """The value of `key`, None when it is not set."""
        if key not in self.keys:
            return None
        value = convert(self.keys[key])
        if value is None:
            self.refuse(key, wanted)
        del self.keys[key]
        return value

    def string(self, key: str) -> str | None:
        value: str | None = self.take(key, "a string", _string)
        return value or None

    def flag(self, key: str) -> bool:
        return bool(self.take(key, "true or false", _lenient_boolean))

    def refuse(self, key: str, wanted: str) -> NoReturn:
        line = self.line_of(self.name, key)
        raise ConfigError(f"{self.source}, line {line}: {key!r} of node {self.name!r} must be {wanted}")

    def note(self, message: str) -> None:
        self.notes.append(f"{self.source}: node {self.name!r}: {message}")

    def note_the_rest(self) -> None:
        for key in self.keys:
            self.note(f"{key} has no counterpart in rmqctl and is left out")


def _from_ini(node: _Node) -> Context:
    """Version 1: path_prefix stands before /api; the port is 15672 with TLS too."""
    _cut_comments(node)
    tls = _expand_base_uri(node, wins=True) or node.flag("ssl")
    node.keys.pop("ssl", None)
    context = Context(
        node.name,
        url=_url(node, tls, 15672, node.string("path_prefix") or ""),
        user=node.string("username"),
        password=node.string("password"),
        vhost=node.string("vhost"),
        timeout=node.take("request_timeout", "a number of seconds", _duration),
        ca_file=node.string("ssl_ca_cert_file"),
        cert_file=node.string("ssl_cert_file"),
        key_file=node.string("ssl_key_file"),
        insecure=node.flag("ssl_insecure"),
    )
    if node.flag("ssl_disable_hostname_verification") and not context.insecure:
        node.note(
            "ssl_disable_hostname_verification is left out:"
            " rmqctl verifies the certificate with its host name, or with insecure = true nothing"
        )
    if node.keys.get("declare_vhost") == (context.vhost or "/"):
        del node.keys["declare_vhost"]
    node.note_the_rest()
    return context


def _from_toml(node: _Node) -> Context:
    """Version 2: path_prefix holds /api itself."""
    secure_uri = _expand_base_uri(node, wins=False)
    tls = node.flag("tls") or secure_uri
    scheme = node.string("scheme")
    vhost, ignored = node.string("virtual_host"), node.string("vhost")
    if vhost and ignored and vhost != ignored:
        node.note(f"vhost {ignored!r} is left out: virtual_host is {vhost!r}")
    context = Context(
        node.name,
        url=_url(node, tls or scheme == "https", 15671 if tls else 15672, _prefix_before_api(node)),
        user=node.string("username"),
        password=node.string("password"),
        vhost=vhost or ignored,
        ca_file=node.string("ca_certificate_bundle_path"),
        cert_file=node.string("client_certificate_file_path"),
        key_file=node.string("client_private_key_file_path"),
    )
    node.note_the_rest()
    return context


def _cut_comments(node: _Node) -> None:
    """rabbitmqadmin's own example has comments behind values, which version 1 then takes for a part of them."""
    for key, value in node.keys.items():
        before, sign, _comment = value.partition(" #")
        if sign and key not in ("username", "password"):
            node.keys[key] = before.strip()
            node.note(f"{key}: what follows ' #' is taken for a comment")


def _expand_base_uri(node: _Node, wins: bool) -> bool:
    """Replace base_uri by the keys that it stands for; whether it is https. With `wins` its credentials go first."""
    from urllib.parse import unquote, urlsplit

    text = node.string("base_uri")
    if text is None:
        return False
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        place = {"hostname": parts.hostname, "port": parts.port}
    except ValueError:
        node.refuse("base_uri", "a URL")
    login = {
        key: unquote(value) for key, value in (("username", parts.username), ("password", parts.password)) if value
    }
    node.keys.update({key: value for key, value in place.items() if value is not None})
    node.keys.update(login if wins else {key: value for key, value in login.items() if key not in node.keys})
    if parts.path.strip("/"):
        node.note("the path of base_uri is left out, as rabbitmqadmin does")
    return parts.scheme == "https"


def _prefix_before_api(node: _Node) -> str:
    prefix = node.take("path_prefix", "a string", _string)
    if prefix is None:
        return ""
    path = f"/{str(prefix).strip('/')}"
    if not path.endswith("/api"):
        node.note(f"path_prefix {prefix!r} does not end in /api, which rmqctl puts behind the url's path")
    return path.removesuffix("/api")


def _url(node: _Node, tls: bool, default_port: int, prefix: str) -> str:
    host = node.string("hostname") or "localhost"
    port = node.take("port", "a number from 1 to 65535", _port) or default_port
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    path = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    return f"{'https' if tls else 'http'}://{host}:{port}{path}"


def _lenient_boolean(value: object) -> bool | None:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(str(value).lower()) if isinstance(value, bool | str) else None


def _port(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None


def _duration(value: object) -> float | None:
    try:
        return _seconds(float(str(value)))
    except ValueError:
        return None
