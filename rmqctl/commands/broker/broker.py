"""Commands about the embedded broker: a RabbitMQ for one process and no network."""

import shlex
from itertools import chain
from math import inf
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rmqctl.api import embedded
from rmqctl.commands.broker import using
from rmqctl.errors import Unavailable, UsageError
from rmqctl.result import Live, Nothing, Result, Value
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
    Path | None,
    typer.Option("--definitions", metavar="FILE", help="Definitions (JSON) to import at the start; -: stdin."),
]
LogLevel = Annotated[Level, typer.Option("--log-level", help="What is logged: debug, info, warning, error or none.")]
Sync = Annotated[
    Literal["full", "normal"],
    typer.Option("--sync", help="When messages reach the disk itself: full (each confirm) or normal (now and then)."),
]
ConsumerTimeout = Annotated[
    float,
    typer.Option(
        "--consumer-timeout", metavar="SECONDS", min=0, help="How long an acknowledgement may take; 0 = no limit."
    ),
]
MemoryLimit = Annotated[
    str,
    typer.Option(
        "--memory-limit", metavar="SIZE", help="Above it publishers are blocked: 512MB, 40% of memory, or none."
    ),
]


Use = Annotated[
    bool,
    typer.Option("--use", help="Make it the current context: commands without --url go to it until it is stopped."),
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

    When it accepts connections it prints one line: the URLs of AMQP and of the HTTP
    API, separated by a space. What it logs goes to standard error.
    """
    from rmqctl.broker.process.background import log_to_file
    from rmqctl.broker.process.logs import log_to
    from rmqctl.broker.process.run import Options, Urls, run

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
    log_to(session.streams.stderr, log_level)

    def ready(urls: Urls) -> None:
        if detached:
            log_to_file(folder)
        # The one result that cannot wait for the command's end.
        session.streams.write(f"{urls.line()}\n")

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
    use: Use = False,
) -> Value:
    """Start a broker in the background, and return when it accepts connections.

    One that runs on the same data folder already is left alone. With --use, the next commands go to it.
    """
    from rmqctl.broker.process.background import running, start

    _memory_limit(memory_limit)
    if use:
        using.check(session)
    folder = _folder(session, data_dir, ephemeral)
    stop = ["--ephemeral"] if ephemeral else [] if data_dir is None else ["--data-dir", str(data_dir)]
    if (state := running(folder)) is not None:
        return _started(session, state, stop, use=use, already=True)
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
    if definitions is not None:
        argv += ["--definitions", "-" if str(definitions) == "-" else definitions.absolute()]
    argv += ["--log-level", log_level, "--sync", sync, "--consumer-timeout", consumer_timeout]
    try:
        state = start(folder, [str(word) for word in [*argv, "--memory-limit", memory_limit]])
    except Unavailable:
        # Perhaps somebody else has started one on this folder meanwhile.
        if state := running(folder, patience=STOP_SECONDS):
            return _started(session, state, stop, use=use, already=True)
        raise
    return _started(session, state, stop, use=use)


def _started(session: Session, state: dict[str, Any], stop: list[str], *, use: bool, already: bool = False) -> Value:
    """The URLs, and what to do next."""
    lines = [f"already running with pid {state.get('pid', 'unknown')}"] if already else []
    if use:
        lines += using.use(session, state)
    if session.wants_hints:
        lines += _next_steps(session, state, stop)
    return _urls(state)._replace(messages=() if session.quiet else tuple(lines))


def _next_steps(session: Session, state: dict[str, Any], stop: list[str]) -> list[str]:
    """For a person who has just started a broker. `stop`: the options that `broker stop` needs."""
    meets = using.meets(session, state)
    where = "" if meets else f" --url {shlex.quote(str(state.get('http')))}"
    steps = {
        f"rmqctl{where} list_queues": "lists its queues",
        shlex.join(["rmqctl", "broker", "stop", *stop]): "stops it",
    }
    width = max(map(len, steps))
    lines = ["Next:", *(f"  {command:{width}}  {what}" for command, what in steps.items())]
    return lines if meets else [*lines, "  With broker start --use, commands go to it without --url."]


def broker_stop(session: Session, data_dir: Folder = None, ephemeral: OfEphemeral = False) -> Nothing:
    """Stop the broker and wait until it is gone.

    Its connections are closed with 320, and everything durable is written first. The context that broker start --use made is
    removed. Without a broker there is nothing to do.
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
    lines = using.forget(session, state)
    return Nothing(() if session.quiet else tuple(lines))


def broker_status(session: Session, data_dir: Folder = None, ephemeral: OfEphemeral = False) -> Value:
    """Report whether the broker runs, and where. Exit code 3 when it does not.

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
    return Live((Value(line, line) for line in chain(last, following(folder))), Nothing)


def broker_alarm(
    session: Session,
    resource: Annotated[embedded.Resource, typer.Argument(metavar="memory|disk", help="What is to be short.")],
    state: Annotated[Literal["on", "off"], typer.Argument(metavar="on|off", help="Raise the alarm, or take it back.")],
) -> Nothing:
    """Block publishers as if memory or disk were short: PUT /api/embedded/alarms/RESOURCE.

    Clients that publish hear connection.blocked, and connection.unblocked when it is taken back. The embedded broker
    only; what it measures itself still counts.
    """
    embedded.set_alarm(session.client, resource, on=state == "on")
    session.hint(f"the alarm of {resource} is {state}")
    return Nothing()


def set_vm_memory_high_watermark(
    session: Session,
    limit: Annotated[
        list[str], typer.Argument(metavar="FRACTION|absolute SIZE", help="Of the machine's memory, or 512MB, 2GiB ...")
    ],
) -> Nothing:
    """Set how much memory the embedded broker may have until publishers are blocked.

    RabbitMQ needs rabbitmqctl on the node for this.
    """
    return _set_limit(session, "memory", limit, "absolute", of_memory=False)


def set_disk_free_limit(
    session: Session,
    limit: Annotated[
        list[str],
        typer.Argument(
            metavar="SIZE|mem_relative FRACTION", help="50MB, 2GiB ..., or a share of the machine's memory."
        ),
    ],
) -> Nothing:
    """Set how much has to be free on the embedded broker's disk, else publishers are blocked.

    RabbitMQ needs rabbitmqctl on the node for this.
    """
    return _set_limit(session, "disk", limit, "mem_relative", of_memory=True)


def _set_limit(
    session: Session, resource: embedded.Resource, words: list[str], word: str, *, of_memory: bool
) -> Nothing:
    """`word` before the value says that it is a share of the memory (`of_memory`), or that it is none."""
    named = words[0] == word
    if len(words) != 1 + named:
        raise UsageError(f"one value, or {word} and one value, not {' '.join(words)!r}")
    if named == of_memory:
        embedded.limit_share(session.client, resource, _share(words[-1]))
    else:
        embedded.limit_bytes(session.client, resource, _size(words[-1]))
    session.hint(f"the limit of {resource} is {' '.join(words)}")
    return Nothing()


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < inf:
        raise UsageError(f"{text!r} is no fraction: 0.4")
    return share


def _size(text: str) -> int:
    from rmqctl.broker.memory import parse_limit

    if text == "0":
        return 0
    try:
        size = None if "%" in text else parse_limit(text)
    except ValueError:
        size = None
    if size is None:
        raise UsageError(f"{text!r} is no size: 1073741824, 512MB or 2GiB")
    return size


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
