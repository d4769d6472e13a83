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
from rmqctl.naming import closest

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


def load(path: Path, *, any_current: bool = False) -> ContextsFile:
    """Read the contexts file at `path`. `any_current`: the current context need not exist.

    Raises ConfigError for a file that cannot be read, is wrong, or stores a password where others can read it.
    """
    source = read(path, "contexts file")
    if source is None:
        return ContextsFile(path)
    text, mode = source
    loaded = _parse(path, text)
    if not any_current and loaded.current is not None and loaded.current not in loaded.contexts:
        hint = _instead(loaded.current, loaded.contexts)
        refuse_key(path, text, ("current",), f"current is {loaded.current!r}, but there is no such context{hint}")
    if os.name == "posix" and mode & 0o077:
        _refuse_open(loaded, mode)
    return loaded


def add(path: Path, context: Context, replace: bool = False) -> None:
    """Write `context`; with `replace` it takes the place of the one of its name, whose comments stay."""
    _check_name(context.name)

    def edit(before: ContextsFile, text: str) -> str:
        if context.name in before.contexts and not replace:
            raise DataError(f"{path}: context {context.name!r} already exists: --replace overwrites it")
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


def read(path: Path, noun: str) -> tuple[str, int] | None:
    """The text and the permissions of the file, None when there is none. `noun` is what it should be."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise ConfigError(f"{path}: this is a folder, not a {noun}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the {noun}: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig"), mode
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8") from None


def _parse(path: Path, text: str) -> ContextsFile:
    data = parse_toml(text, str(path))
    for key in data:
        if key not in ("current", "contexts"):
            refuse_key(path, text, (key,), f"unknown key {key!r}{did_you_mean(key, ('current', 'contexts'))}")
    current = data.get("current")
    if current is not None and not isinstance(current, str):
        refuse_key(path, text, ("current",), f"'current' must be a string, not {type_name(current)}")
    tables = data.get("contexts", {})
    if not isinstance(tables, dict):
        refuse_key(path, text, ("contexts",), f"'contexts' must be a table, not {type_name(tables)}")
    return ContextsFile(path, current, {name: _context(path, text, name, table) for name, table in tables.items()})


def _context(path: Path, text: str, name: str, table: object) -> Context:
    where = ("contexts", name)
    if not good_name(name):
        refuse_key(path, text, where, f"{name!r} is no name for a context")
    if not isinstance(table, dict):
        refuse_key(path, text, where, f"context {name!r} must be a table, not {type_name(table)}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _CHECKS:
            refuse_key(
                path, text, (*where, key), f"unknown key {key!r} in context {name!r}{did_you_mean(key, _CHECKS)}"
            )
        wanted, convert = _CHECKS[key]
        values[key] = convert(value)
        if values[key] is None:
            got = type_name(value)
            refuse_key(path, text, (*where, key), f"{key!r} in context {name!r} must be {wanted}, not {got}")
    if len(secrets := [key for key in values if key in _SECRETS]) > 1:
        message = f"context {name!r} has both {secrets[0]!r} and {secrets[1]!r}: one way to log in"
        refuse_key(path, text, (*where, secrets[1]), message)
    return Context(name, **values)


def as_string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _urls(value: object) -> str | None:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return as_string(value)


def as_seconds(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and 0 <= value < float("inf") else None  # type: ignore[operator,return-value]


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


_SECRETS = ("password", "password_file", "password_command", "token")
"""Of these a context has one at most."""

_TEXT = ("a string", as_string)
_FLAG = ("true or false", _boolean)

_CHECKS: dict[str, tuple[str, Callable[[object], object]]] = {
    "url": ("a string or an array of strings", _urls),
    "user": _TEXT,
    "password": _TEXT,
    "password_file": _TEXT,
    "password_command": _TEXT,
    "token": _TEXT,
    "vhost": _TEXT,
    "timeout": ("a number of seconds", as_seconds),
    "ca_file": _TEXT,
    "cert_file": _TEXT,
    "key_file": _TEXT,
    "insecure": _FLAG,
    "read_only": _FLAG,
    "protected": _FLAG,
}
"""What a context may hold: what a value must be, and its conversion, None when it is something else."""


def type_name(value: object) -> str:
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


def good_name(name: str) -> bool:
    return bool(name.strip()) and name.isprintable()


def _check_name(name: str) -> None:
    if not good_name(name):
        raise DataError(f"{name!r} is no name for a context: it must not be empty nor hold control characters")


# messages


def refuse_key(path: Path | str, text: str, keys: tuple[str, ...], message: str) -> NoReturn:
    raise ConfigError(f"{path}, line {line_of(text, keys)}: {message}")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    close = closest(name, names)
    return f": did you mean {close!r}?" if close else f" (known: {', '.join(names)})"


def _instead(name: str, contexts: Iterable[str]) -> str:
    names = sorted(contexts)
    if not names:
        return ": the file has none (`rmqctl context add` makes one)"
    close = closest(name, names)
    listed = ", ".join(map(repr, names))
    return f": did you mean {close!r}? The file has {listed}" if close else f": the file has {listed}"


def parse_toml(text: str, source: str) -> dict[str, Any]:
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


def line_of(text: str, keys: tuple[str, ...]) -> int:
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

# Seconds that another writer may take.
_PATIENCE = 10.0


def _edit(
    path: Path,
    edit: Callable[[ContextsFile, str], str],
    expected: Callable[[ContextsFile], tuple[str | None, Mapping[str, Context]]],
) -> None:
    """Replace the text of the file by what `edit` makes of it, unless that says something else than `expected`."""
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise ConfigError(f"{path}: this is not a regular file")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(target):
            source = read(path, "contexts file")
            text = source[0] if source else ""
            before = _parse(path, text)
            after = edit(before, text)
            if not _says(after, expected(before)):
                raise ConfigError(f"{path}: its layout is too unusual to be changed by rmqctl: edit it by hand")
            _write(target, after)
    except OSError as error:
        raise ConfigError(f"{path}: cannot write the contexts file: {error.strerror}") from None


def _says(text: str, expected: tuple[str | None, Mapping[str, Context]]) -> bool:
    try:
        after = _parse(Path(), text)
    except ConfigError:
        return False
    return (after.current, after.contexts) == expected


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One writer at a time, on every system."""
    from filelock import FileLock, Timeout

    lock = target.with_name(f".{target.name}.lock")
    try:
        with FileLock(lock, timeout=_PATIENCE, mode=0o600):
            yield
    except Timeout:
        raise ConfigError(f"{target}: another program is writing it ({lock})") from None


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


def values_of(context: Context) -> dict[str, object]:
    """The keys of a context, in the order of the fields; what is off or not given is left out."""
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
        _update(tables[context.name], values_of(context))
    else:
        table = tomlkit.inline_table() if isinstance(tables, InlineTable) else tomlkit.table()
        table.update(values_of(context))
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
