"""The shells' completion files, and the names that they ask for: `rmqctl __complete KIND -- WORD...`, one name a line.

The words are those of the command line that is being typed, as far as the cursor: their connection options say which
broker is meant. A shell waits for the answer and shows what it gets, so there is no error and no message: no names then.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote as quoted
from threading import Thread
from typing import Annotated, Literal, NamedTuple

import typer

from rmqctl.api import lists
from rmqctl.commands import COMMANDS
from rmqctl.errors import ConfigError, UsageError
from rmqctl.options import CONNECTION, GLOBAL_OPTIONS, GlobalOption, Kind
from rmqctl.result import Nothing, Value
from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.shipped import folder
from rmqctl.streams import Streams

LIMIT = 1.0
"""Seconds until a shell gets what is there: nothing, mostly."""


class _Names(NamedTuple):
    """Where the names are: in a list of the API, that of the virtual host when `by_vhost`."""

    noun: str
    by_vhost: bool = False
    query: Mapping[str, str] = {"columns": "name"}


_DEFINITIONS = {"columns": "name", "disable_stats": "true"}

KINDS = {
    "vhosts": _Names("vhosts"),
    "queues": _Names("queues", True, _DEFINITIONS),
    "exchanges": _Names("exchanges", True, _DEFINITIONS),
    "policies": _Names("policies", True),
    "users": _Names("users"),
    "connections": _Names("connections"),
    "channels": _Names("channels"),
    "nodes": _Names("nodes"),
}
"""What a broker is asked for; beside them there is the kind `contexts`."""

Words = Annotated[list[str] | None, typer.Argument(metavar="KIND [WORD]...", show_default=False)]


def __complete(session: Session, words: Words = None) -> Value | Nothing:
    """Print names for the shell's completion.

    KIND is vhosts, queues, exchanges, policies, users, connections, channels, nodes or contexts, or several of them with +
    between. Other words are those of the command line: its connection options are followed.
    """
    session = session._replace(streams=Streams(io.StringIO(), session.streams.stdout, io.StringIO()))
    found: list[str] = []
    worker = Thread(target=_collect, args=(session, words or [""], found), daemon=True)
    worker.start()
    worker.join(LIMIT)
    return Value(list(found), "\n".join(found)) if found else Nothing()


class _Shell(NamedTuple):
    """A shell's file in completions/, where the shell finds it for one user, and what is left to do then."""

    source: str
    target: Callable[[Mapping[str, str]], Path]
    next_step: str


def _data(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _bash(environ: Mapping[str, str]) -> Path:
    folder = environ.get("BASH_COMPLETION_USER_DIR") or _data(environ) / "bash-completion"
    return Path(folder) / "completions" / "rmqctl"


def _zsh(environ: Mapping[str, str]) -> Path:
    return _data(environ) / "zsh" / "site-functions" / "_rmqctl"


def _fish(environ: Mapping[str, str]) -> Path:
    folder = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "fish" / "completions" / "rmqctl.fish"


def _powershell(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("LOCALAPPDATA") or _data(environ)) / "rmqctl" / "rmqctl.ps1"


SHELLS = {
    "bash": _Shell(
        "rmqctl.bash",
        _bash,
        "Open a new shell. Without the package bash-completion, also add this line to ~/.bashrc:\n  source {path}",
    ),
    "zsh": _Shell(
        "_rmqctl",
        _zsh,
        "Add this line to ~/.zshrc, before the line with compinit, and open a new shell:\n  fpath=({folder} $fpath)\n"
        "If ~/.zshrc has no such line yet, add it, too:\n  autoload -Uz compinit && compinit",
    ),
    "fish": _Shell("rmqctl.fish", _fish, "Open a new shell."),
    "powershell": _Shell(
        "rmqctl.ps1", _powershell, "Add this line to the file that $PROFILE names, and open a new shell:\n  . {path}"
    ),
}

ShellName = Annotated[
    Literal["bash", "zsh", "fish", "powershell"],
    typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False),
]


def completion(
    session: Session,
    shell: ShellName,
    install: Annotated[
        bool, typer.Option("--install", help="Write the script where the shell looks for it, for this user.")
    ] = False,
) -> Value:
    """Print a shell's completion script, or install it for this user.

    --install writes one file and says what is left to do. The shell's own start-up files are never changed.
    """
    chosen = SHELLS[shell]
    script = (folder("completions") / chosen.source).read_text("utf-8")
    if not install:
        return Value({"shell": shell, "script": script}, script.rstrip("\n"))
    path = chosen.target(session.environ)
    state = _write(path, script)
    step = chosen.next_step.format(path=quoted(str(path)), folder=quoted(str(path.parent)))
    return Value({"shell": shell, "path": str(path), "state": state, "next": step}, f"{path}: {state}\n{step}")


def _write(path: Path, script: str) -> str:
    """What became of the file: written, updated, or up to date."""
    try:
        before = path.read_text("utf-8") if path.exists() else None
        if before == script:
            return "up to date"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} could not be written: {error}") from None
    return "written" if before is None else "updated"


def autocomplete(
    session: Session,  # noqa: ARG001
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="Beginning of a command.", show_default=False)],
) -> Value | Nothing:
    """Print the commands that begin with PREFIX, one a line: nothing for one that is whole.

    The shells' own completion (`rmqctl completion`) does more: options, columns, names on the broker.
    """
    found = sorted(
        name for name, entry in COMMANDS.items() if name.startswith(prefix) and name != prefix and entry.offered
    )
    return Value(found, "\n".join(found)) if found else Nothing()


def _collect(session: Session, words: Sequence[str], found: list[str]) -> None:
    with contextlib.suppress(Exception):
        # A name that holds a line break or another control character cannot be typed either.
        line = words[2:] if words[1:2] == ["--"] else words[1:]
        for kind in words[0].split("+"):
            found += [name for name in _names(session, kind, line) if name and name.isprintable()]


def _names(session: Session, kind: str, words: Sequence[str]) -> list[str]:
    if kind == "contexts":
        from rmqctl.contexts import load

        return list(load(session.contexts_file, any_current=True).contexts)
    names = KINDS[kind]
    settings = resolve(dict(connection_options(words)), session.environ, lambda: session.contexts_file)
    if settings.credentials.from_stdin:
        raise UsageError("standard input belongs to the shell")
    session = session._replace(settings=settings._replace(timeout=LIMIT, output=session.settings.output))
    rows = lists.of_vhost(session.client, names.noun, session.vhost if names.by_vhost else None, query=names.query)
    return [row["name"] for row in rows]


def connection_options(words: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Names and values of the connection options among the words, written in any of their ways."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            return
        flag, value = _split(word)
        option = _BY_FLAG.get(flag)
        if option is None:
            continue
        if option.takes_value and value is None:
            value = next(rest, None)
        if not option.takes_value:
            yield option.name, True
        elif value is not None:
            yield option.name, int(value) if option.kind is Kind.INTEGER else value


def _split(word: str) -> tuple[str, str | None]:
    """A flag and the value that is written together with it: `--url=X`, `-pX`."""
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return flag, value if equals else None
    return word[:2], word[2:] or None


_BY_FLAG: dict[str, GlobalOption] = {
    flag: option
    for option in GLOBAL_OPTIONS
    if option.panel == CONNECTION and not option.hidden and option.name != "timeout"
    for flag in option.flags
}
