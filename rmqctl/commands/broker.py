"""Commands about the embedded broker: a RabbitMQ for one process and no network."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rmqctl.errors import UsageError
from rmqctl.result import Nothing
from rmqctl.session import Session

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
    typer.Option("--data-dir", metavar="DIR", help="Where it keeps what is durable [the platform's folder for data]."),
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
) -> Nothing:
    """Run a broker in the foreground, until Ctrl-C or SIGTERM.

    One line on standard output tells that it accepts connections: the URLs of AMQP and of the HTTP API, with a space
    between. What it logs goes to standard error.
    """
    from rmqctl.broker.data_folder import DataFolder, default_folder
    from rmqctl.broker.run import Options, Urls, log_to, run

    if ephemeral and data_dir is not None:
        raise UsageError("--ephemeral and --data-dir exclude each other")
    options = Options(
        host=host,
        amqp_port=amqp_port,
        http_port=http_port,
        folder=None if ephemeral else DataFolder(data_dir or default_folder(session.environ)),
        ephemeral=ephemeral,
        definitions=definitions,
        full_sync=sync == "full",
        consumer_timeout=consumer_timeout or None,
        memory_limit=_memory_limit(memory_limit),
    )
    log_to(session.stderr, log_level)

    def ready(urls: Urls) -> None:
        # The one result that cannot wait for the command's end.
        print(urls.line(), file=session.stdout, flush=True)

    return Nothing(exit_code=run(options, ready))


def _memory_limit(text: str) -> int | None:
    from rmqctl.broker.memory import parse_limit

    try:
        return parse_limit(text)
    except ValueError as error:
        raise UsageError(f"--memory-limit: {error}") from None
