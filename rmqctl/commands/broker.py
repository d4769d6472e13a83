"""Commands about the embedded broker: a RabbitMQ for one process and no network."""

from itertools import chain
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rmqctl.errors import Unavailable, UsageError
from rmqctl.result import Nothing, Result, Value
from rmqctl.session import Session

if TYPE_CHECKING:
    from rmqctl.broker.storage.data_folder import DataFolder

Level = Literal["debug", "info", "warning", "error", "none"]

AmqpPort = Annotated[
    int, typer.Option("--amqp-port", metavar="PORT", min=0, max=65535, help="Port for AMQP; 0: free one.")
]
HttpPort = Annotated[
    int, typer.Option("--http-port", metavar="PORT", min=0, max=65535, help="Port of the HTTP API; 0: a free one.")
]
Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where it keeps what is durable; a folder of the platform's choice unless given.",
    ),
]
Ephemeral = Annotated[bool, typer.Option("--ephemeral", help="Keep nothing on disk.")]
Definitions = Annotated[
    Path | None, typer.Option("--definitions", metavar="FILE", help="Definitions (JSON) to import at the start.")
]
LogLevel = Annotated[Level, typer.Option("--log-level", help="What is logged: debug, info, warning, error or none.")]
Sync = Annotated[
    Literal["full", "normal"],
    typer.Option("--sync", help="When messages reach the disk itself: full (each confirm) or normal (now and then)."),
]
ConsumerTimeout = Annotated[
    float,
    typer.Option(
        "--consumer-timeout", metavar="SECONDS", min=0, help="How long an acknowledgement may take; 0: for ever."
    ),
]
MemoryLimit = Annotated[
    str,
    typer.Option(
        "--memory-limit", metavar="SIZE", help="Above it publishers are blocked: 512MB, 40% of memory, or none."
    ),
]


Folder = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="The broker of this folder; else of the one that `broker start` uses."
    ),
]
OfEphemeral = Annotated[bool, typer.Option("--ephemeral", help="The one that was started with --ephemeral.")]

NOT_RUNNING = 3
"""Exit code of `broker status`, as of services (Linux Standard Base, init scripts)."""
STOP_SECONDS = 60.0


def broker_run(
    session: Session,
    amqp_port: AmqpPort = 5672,
    http_port: HttpPort = 15672,
    host: Host = "127.0.0.1",
    data_dir: DataDir = None,
    ephemeral: Ephemeral = False,
    definitions: Definitions = None,
    log_level: LogLevel = "info",
    sync: Sync = "normal",
    consumer_timeout: ConsumerTimeout = 1800.0,
    memory_limit: MemoryLimit = "40%",
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> Nothing:
    """Run a broker in the foreground, until Ctrl-C or SIGTERM.

    One line on standard output tells that it accepts connections: the URLs of AMQP and of the HTTP API, with a space
    between. What it logs goes to standard error.
    """
    from rmqctl.broker.process.background import log_to_file
    from rmqctl.broker.process.run import Options, Urls, log_to, run

    folder = _folder(session, data_dir, ephemeral)
    options = Options(
        host=host,
        amqp_port=amqp_port,
        http_port=http_port,
        folder=folder if detached or not ephemeral else None,
        ephemeral=ephemeral,
        definitions=definitions,
        full_sync=sync == "full",
        consumer_timeout=consumer_timeout or None,
        memory_limit=_memory_limit(memory_limit),
    )
    log_to(session.stderr, log_level)

    def ready(urls: Urls) -> None:
        if detached:
            log_to_file(folder)
        # The one result that cannot wait for the command's end.
        print(urls.line(), file=session.stdout, flush=True)

    return Nothing(exit_code=run(options, ready))


def broker_start(
    session: Session,
    amqp_port: AmqpPort = 5672,
    http_port: HttpPort = 15672,
    host: Host = "127.0.0.1",
    data_dir: DataDir = None,
    ephemeral: Ephemeral = False,
    definitions: Definitions = None,
    log_level: LogLevel = "info",
    sync: Sync = "normal",
    consumer_timeout: ConsumerTimeout = 1800.0,
    memory_limit: MemoryLimit = "40%",
) -> Value:
    """Start a broker in the background, and return when it accepts connections.

    One that runs on the same data folder already is left alone.
    """
    from rmqctl.broker.process.background import running, start

    _memory_limit(memory_limit)
    folder = _folder(session, data_dir, ephemeral)
    state = running(folder)
    if state is not None:
        about = f"already running with pid {state.get('pid', 'unknown')}"
        return _urls(state)._replace(messages=() if session.quiet else (about,))
    argv: list[object] = [
        "broker",
        "run",
        "--detached",
        "--amqp-port",
        amqp_port,
        "--http-port",
        http_port,
        "--host",
        host,
    ]
    argv += ["--ephemeral"] if ephemeral else ["--data-dir", folder.path]
    argv += ["--definitions", definitions.absolute()] if definitions else []
    argv += ["--log-level", log_level, "--sync", sync, "--consumer-timeout", consumer_timeout]
    return _urls(start(folder, [str(word) for word in [*argv, "--memory-limit", memory_limit]]))


def broker_stop(session: Session, data_dir: Folder = None, ephemeral: OfEphemeral = False) -> Nothing:
    """Stop the broker and wait until it is gone.

    Its connections are closed with 320, and everything durable is written first. Without a broker there is nothing to do.
    """
    from rmqctl.broker.process.background import running, stop

    folder = _folder(session, data_dir, ephemeral)
    state = running(folder)
    if state is None:
        line = f"no broker is running{_but_another(session, data_dir, ephemeral)}"
        return Nothing(() if session.quiet else (line,))
    if not state.get("pid"):
        raise Unavailable(f"data folder {folder.path}: in use by a broker that does not tell its pid")
    stop(folder, state["pid"], STOP_SECONDS)
    return Nothing()


def broker_status(session: Session, data_dir: Folder = None, ephemeral: OfEphemeral = False) -> Value:
    """Tell whether the broker runs, and where. Exit code 3 when it does not.

    The uptime is in seconds.
    """
    from rmqctl.broker.process.background import running

    folder = _folder(session, data_dir, ephemeral)
    state = running(folder, patience=0.5)
    if state is None:
        line = f"not running{_but_another(session, data_dir, ephemeral)}"
        return Value({"running": False, "data_folder": str(folder.path)}, line, exit_code=NOT_RUNNING)
    data = {
        "running": True,
        "pid": state.get("pid"),
        "amqp": state.get("amqp"),
        "http": state.get("http"),
        "data_folder": str(folder.path),
        "uptime": round(time() - state["started"]) if "started" in state else None,
    }
    return Value(data)


def broker_logs(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged, until Ctrl-C.")] = False,
    lines: Annotated[
        int, typer.Option("--tail", "-n", metavar="COUNT", min=0, help="How many of the last lines.")
    ] = 50,
    data_dir: Folder = None,
    ephemeral: OfEphemeral = False,
) -> Result:
    """Show what a broker in the background has logged."""
    from rmqctl.broker.process.background import following, last_lines

    folder = _folder(session, data_dir, ephemeral)
    last = last_lines(folder, lines)
    if not follow:
        return Value(last, "\n".join(last)) if last else Nothing()
    for text in chain((f"{line}\n" for line in last), following(folder)):
        session.stdout.write(text)
        session.stdout.flush()
    return Nothing()


def _but_another(session: Session, data_dir: Path | None, ephemeral: bool) -> str:
    """A hint for who started a broker with --ephemeral and now leaves that out."""
    from rmqctl.broker.process.background import running

    if ephemeral or data_dir is not None or running(_folder(session, None, ephemeral=True), patience=0.0) is None:
        return ""
    return "; one that was started with --ephemeral is (add that option)"


def _folder(session: Session, data_dir: Path | None, ephemeral: bool) -> "DataFolder":
    from rmqctl.broker.storage.data_folder import DataFolder, default_folder

    if ephemeral and data_dir is not None:
        raise UsageError("--ephemeral and --data-dir exclude each other")
    return DataFolder((data_dir or default_folder(session.environ, ephemeral=ephemeral)).absolute())


def _urls(state: dict[str, Any]) -> Value:
    """The line that `broker run` prints."""
    return Value({key: state.get(key) for key in ("amqp", "http", "pid")}, f"{state.get('amqp')} {state.get('http')}")


def _memory_limit(text: str) -> int | None:
    from rmqctl.broker.memory import parse_limit

    try:
        return parse_limit(text)
    except ValueError as error:
        raise UsageError(f"--memory-limit: {error}") from None
