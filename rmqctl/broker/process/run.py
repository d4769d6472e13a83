"""A broker as one process: the core, its store, the AMQP listener and the HTTP API on one event loop, until a signal."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import uvicorn

from rmqctl.broker.core.broker import DEFAULT_USER, Broker
from rmqctl.broker.core.definitions import import_definitions
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.app import create_app
from rmqctl.broker.process import listeners
from rmqctl.broker.process.entropy import SystemEntropy
from rmqctl.broker.process.server import Server
from rmqctl.broker.storage.data_folder import DataFolder
from rmqctl.broker.storage.database import Disk, open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from rmqctl.errors import ConfigError

log = logging.getLogger("rmqctl.broker")
LOG_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(message)s"
LOG_TIME = "%Y-%m-%d %H:%M:%S"
INTERRUPTED = 130


class Options(NamedTuple):
    """`consumer_timeout` in seconds, `memory_limit` in bytes, None for none.

    `folder` is held while the broker runs and tells about it; with `ephemeral`, no messages are kept there.
    """

    host: str = "127.0.0.1"
    amqp_port: int = 5672
    http_port: int = 15672
    folder: DataFolder | None = None
    ephemeral: bool = False
    definitions: Path | None = None
    full_sync: bool = False
    consumer_timeout: float | None = 1800.0
    memory_limit: int | None = None


class Urls(NamedTuple):
    """Where a broker listens, with the log-in of guest when it is open."""

    amqp: str
    http: str

    def line(self) -> str:
        return f"{self.amqp} {self.http}"


def run(options: Options, ready: Callable[[Urls], None]) -> int:
    """Runs a broker until SIGTERM or Ctrl-C. `ready` is called when it accepts connections.

    Returns the exit code: 0, or 130 after Ctrl-C. Raises Unavailable for a port that is taken or a data folder in use,
    ConfigError for a data folder or a definitions file that cannot be read.
    """
    listeners.raise_file_limit()
    # Most objects are messages: they live long, and have no cycles.
    gc.enable()
    gc.set_threshold(50_000, 20, 100)
    # The thread that writes gets its turns sooner than after the usual 5 ms.
    sys.setswitchinterval(0.0005)
    return asyncio.run(serve(options, ready))


def log_to(stream: Any, level: str) -> None:
    """Has the broker log to a stream; `level`: debug, info, warning, error or none."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(LOG_FORMAT, LOG_TIME))
    logging.basicConfig(handlers=[handler], level=level.upper() if level != "none" else logging.CRITICAL + 1)


async def serve(
    options: Options, ready: Callable[[Urls], None], stopped: "asyncio.Future[signal.Signals] | None" = None
) -> int:
    """As `run`, on the loop that runs, and until `stopped` is done instead of a signal when it is given."""
    with contextlib.ExitStack() as stack:
        if options.folder is not None:
            options.folder.make()
            stack.enter_context(options.folder.held())
        amqp = stack.enter_context(listeners.bind(options.host, options.amqp_port, "--amqp-port"))
        http = stack.enter_context(listeners.bind(options.host, options.http_port, "--http-port"))
        broker = Broker(Node(time, SystemEntropy()), consumer_timeout=options.consumer_timeout)
        broker.memory_limit = options.memory_limit
        store = _open_store(broker, options)
        _fill(broker, options.definitions)
        stopped = stopped or _signals()
        server = Server(broker, store=store, memory_limit=options.memory_limit)
        await server.listen(amqp)
        api = _Api(server, amqp.getsockname()[1], http)
        await api.start()
        urls = _urls(broker, options.host, amqp.getsockname()[1], http.getsockname()[1])
        if options.folder is not None:
            options.folder.write_state({"pid": os.getpid(), "started": time(), **urls._asdict()})
        ready(urls)
        log.info("pid %d listens on %s and %s", os.getpid(), *(each.getsockname()[:2] for each in (amqp, http)))
        number = await stopped
        log.info("stopping: %s", number.name)
        await server.close()
        await api.stop()
        return INTERRUPTED if number == signal.SIGINT else 0


def _open_store(broker: Broker, options: Options) -> Store | None:
    """The store with what it has, which is in the broker then."""
    if options.folder is None or options.ephemeral:
        return None
    database = open_database(options.folder.database, full_sync=options.full_sync)
    store = Store(Disk(database), load(broker, database))
    broker.node.journal = store
    for vhost in broker.vhosts.values():
        for queue in list(vhost.queues.values()):
            queue.restored()
    return store


def _fill(broker: Broker, definitions: Path | None) -> None:
    try:
        with broker.node.journal.together():
            if not broker.vhosts:
                broker.seed()
            if definitions is not None:
                _import(broker, definitions)
    except Refusal as refusal:
        raise ConfigError(f"the broker's data folder: {refusal.text}") from None


def _import(broker: Broker, path: Path) -> None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("not an object")
        import_definitions(broker, document)
    except OSError as error:
        raise ConfigError(f"--definitions {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--definitions {path}: not definitions: {error}") from error


def _urls(broker: Broker, host: str, amqp_port: int, http_port: int) -> Urls:
    """With the log-in of guest as long as it is the one that every client tries first."""
    login = f"{DEFAULT_USER}:{DEFAULT_USER}@" if broker.authenticate(DEFAULT_USER, DEFAULT_USER) else ""
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    named = f"[{named}]" if ":" in named else named
    return Urls(f"amqp://{login}{named}:{amqp_port}/%2F", f"http://{login}{named}:{http_port}")


def _signals() -> "asyncio.Future[signal.Signals]":
    """Is done as soon as somebody wants the broker to stop."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[signal.Signals] = loop.create_future()

    def stop(number: signal.Signals) -> None:
        if not stopped.done():
            stopped.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda which, _: loop.call_soon_threadsafe(stop, signal.Signals(which)))
    return stopped


class _Api:
    """The HTTP API on the broker's own loop."""

    def __init__(self, server: Server, amqp_port: int, socket: Any) -> None:
        self._sockets: Sequence[Any] = [socket]
        host, http_port = socket.getsockname()[:2]
        self._server = _Uvicorn(
            uvicorn.Config(
                create_app(server.broker, amqp_port=amqp_port, http_port=http_port, host=host, changed=server.changed),
                http="h11",
                ws="none",
                access_log=False,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=1,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(list(self._sockets)))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The signals are the broker's."""
        yield
