"""A broker as one process: the core, its store, the AMQP listener and the HTTP API on one event loop, until a signal."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import time
from typing import Any, NamedTuple

from rmqctl.broker.core.broker import DEFAULT_USER, Broker
from rmqctl.broker.core.definitions import InvalidDefinitions, import_definitions
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.management.documents import MARK, NotJson, parse
from rmqctl.broker.process import listeners
from rmqctl.broker.process.http_server import HttpServer
from rmqctl.broker.process.logs import logging_to_exchange
from rmqctl.broker.process.server import Server
from rmqctl.broker.process.system import SystemEntropy, steady
from rmqctl.broker.storage.data_folder import DataFolder
from rmqctl.broker.storage.database import Disk, open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from rmqctl.errors import ConfigError

log = logging.getLogger("rmqctl.broker")
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
    # Most objects are messages and queues: they live long, and have no cycles. Few of them are looked at in one go.
    gc.enable()
    gc.set_threshold(5_000, 10, 1_000)
    # The thread that writes gets its turns sooner than after the usual 5 ms.
    sys.setswitchinterval(0.0005)
    return asyncio.run(serve(options, ready))


async def serve(
    options: Options, ready: Callable[[Urls], None], stopped: "asyncio.Future[signal.Signals] | None" = None
) -> int:
    """As `run`, on the loop that runs, and until `stopped` is done instead of a signal when it is given."""
    with contextlib.ExitStack() as stack:
        if options.folder is not None:
            options.folder.make()
            stack.enter_context(options.folder.held())
        amqp = listeners.bind(options.host, options.amqp_port, "--amqp-port")
        stack.callback(_close, amqp)
        http = listeners.bind(options.host, options.http_port, "--http-port")
        stack.callback(_close, http)
        amqp_port, http_port = (each[0].getsockname()[1] for each in (amqp, http))
        broker = Broker(Node(steady(), SystemEntropy(), calendar=time), consumer_timeout=options.consumer_timeout)
        broker.memory_limit = options.memory_limit
        if options.folder is not None:
            broker.data_folder = str(options.folder.path)
        damage: list[str] = []
        store = _open_store(broker, options, damage.append)
        _fill(broker, options.definitions)
        stopped = stopped or _signals()
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        server = Server(broker, store=store)
        stack.enter_context(logging_to_exchange(broker))
        for listening in amqp:
            await server.listen(listening)
        api = HttpServer(server, amqp_port, http, options.host)
        await api.start()
        urls = _urls(broker, options.host, amqp_port, http_port)
        if options.folder is not None:
            options.folder.write_state({"pid": os.getpid(), "started": time(), **urls._asdict()})
        ready(urls)
        # Only now the log is where people look for it.
        for line in damage:
            log.warning("%s", line)
        log.info("pid %d listens on %s", os.getpid(), ", ".join(map(listeners.address_of, (*amqp, *http))))
        number = await stopped
        log.info("stopping: %s", number.name)
        with shielded("close all connections"):
            await server.close()
        await api.stop()
        return INTERRUPTED if number == signal.SIGINT else 0


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nothing else has caught is a line in the log, too. Listeners that make a pause have said so."""
    error = context.get("exception")
    if not listeners.is_short(error):
        log.error("%s: %r", context["message"], error, exc_info=error if log.isEnabledFor(logging.DEBUG) else None)


def _open_store(broker: Broker, options: Options, tell: Callable[[str], None]) -> Store | None:
    """The store with what it has, which is in the broker then. `tell` is told of what is damaged."""
    if options.folder is None or options.ephemeral:
        return None
    database = open_database(options.folder.database, full_sync=options.full_sync, tell=tell)
    store = Store(Disk(database), load(broker, database, tell))
    broker.node.journal = store
    for vhost in broker.vhosts.values():
        for queue in list(vhost.queues.values()):
            with shielded(f"apply the limits of queue '{queue.name}' in vhost '{vhost.name}'"):
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
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        document = parse(content.removeprefix(MARK))
        if not isinstance(document, dict):
            raise NotJson("not an object")
        import_definitions(broker, document)
    except OSError as error:
        raise ConfigError(f"--definitions {path}: {error.strerror}") from None
    except (NotJson, InvalidDefinitions) as error:
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
