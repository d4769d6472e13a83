"""What the system does to a broker: no files left, names that look like log lines, folders of others, many starts at once."""

import asyncio
import errno
import io
import json
import logging
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pika
import pytest

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.process import listeners
from rmqctl.broker.process import server as server_module
from rmqctl.broker.process.logs import LogFormatter
from rmqctl.broker.process.run import Options, _open_store
from rmqctl.broker.process.server import Server, _size
from rmqctl.broker.process.system import SystemEntropy
from rmqctl.broker.storage.data_folder import DataFolder
from rmqctl.broker.storage.database import Disk, open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from rmqctl.errors import ConfigError, Unavailable

RMQCTL = [sys.executable, "-m", "rmqctl"]
FREE = ("--amqp-port", "0", "--http-port", "0")


def command(*argv: object, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RMQCTL, *map(str, argv)], capture_output=True, text=True, timeout=90, check=False, **more)


# ------------------------------------------------------------------------------------------------------------- the log


def logged(text: str, *values: object, error: Exception | None = None) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter("%(levelname)s %(message)s"))
    raised = (type(error), error, None) if error else None
    handler.emit(logging.LogRecord("n", logging.INFO, "", 0, text, values, raised))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("v\n2026-01-01 INFO forged", r"v\n2026-01-01 INFO forged"),
        ("a\r\x1b[2Kb", r"a\r\x1b[2Kb"),
        ("\u2028\u202e\udcff\x85", r"\u2028\u202e\udcff\x85"),
        ("Grüße", "Grüße"),
    ],
)
def test_a_name_cannot_look_like_a_line_of_the_log(name: str, shown: str) -> None:
    assert logged("vhost %s", name) == f"INFO vhost {shown}\n"
    first, *others = logged("failed", error=ValueError(name)).splitlines()
    assert first == "INFO failed"
    assert others
    assert all(line.startswith("    ") and line.isprintable() for line in others)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1_000_000, "1 MB"),
        (999_999, "1000 kB"),
        (512, "512 bytes"),
        (300 << 20, "314.6 MB"),
        (14_800_000_000, "14.8 GB"),
    ],
)
def test_a_size_is_said_in_a_unit_that_fits(count: int, text: str) -> None:
    assert _size(count) == text


# --------------------------------------------------------------------------------------------------------- listening


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("names", ["of the machine", "without IPv6"])
def test_localhost_is_both_loopback_addresses(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    if names == "without IPv6":
        there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [there])
    bound = listeners.bind("localhost", 0, "--amqp-port")
    monkeypatch.undo()
    assert {each.getsockname()[0] for each in bound} == ({"127.0.0.1", "::1"} if has_ipv6() else {"127.0.0.1"})
    assert len({each.getsockname()[1] for each in bound}) == 1
    for each in bound:
        socket.create_connection(each.getsockname()[:2]).close()
        each.close()


def test_an_address_of_a_family_that_is_not_used_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))
    nowhere = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [there, nowhere])
    (only,) = listeners.bind("a.host", 0, "--amqp-port")
    assert only.getsockname()[0] == "127.0.0.1"
    only.close()


def test_a_port_that_one_address_has_taken_is_taken() -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Unavailable, match="is taken"):
            listeners.bind("localhost", other.getsockname()[1], "--amqp-port")


def limit_files(count: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


@pytest.mark.parametrize("kind", [0, 1])
def test_without_files_left_it_pauses_and_goes_on(kind: int) -> None:
    """`kind`: AMQP or HTTP."""
    broker = subprocess.Popen(
        [*RMQCTL, "broker", "run", "--ephemeral", *FREE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit_files(60),
    )
    try:
        assert broker.stdout
        url = broker.stdout.readline().split()[kind]
        address = ("127.0.0.1", int(url.rstrip("/%2F").rpartition(":")[2]))
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(socket.create_connection(address))
            time.sleep(2.5)
        if kind == 0:
            pika.BlockingConnection(pika.URLParameters(url)).close()
        else:
            with socket.create_connection(address, timeout=10) as client:
                client.sendall(b"GET /api/version HTTP/1.0\r\n\r\n")
                assert client.recv(12).startswith(b"HTTP/1.")
    finally:
        broker.send_signal(signal.SIGTERM)
        _, log = broker.communicate(timeout=20)
    assert "Traceback" not in log
    assert log.count("accepts no connections for now: Too many open files") in (1, 2)
    assert "accepts connections again" in log


def test_other_errors_of_accept_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    (listening,) = listeners.bind("127.0.0.1", 0, "--amqp-port")
    failing: list[int] = [errno.EMFILE, errno.ECONNABORTED]

    def accept(self: object) -> None:
        raise OSError(failing.pop(0), "no")

    monkeypatch.setattr(socket.socket, "accept", accept)
    for expected in (OSError, BlockingIOError, OSError):
        with pytest.raises(expected):
            listening.accept()
    listening.close()


# ------------------------------------------------------------------------------------------------------- the folder


def test_many_starts_at_once_start_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    try:
        with ThreadPoolExecutor(6) as pool:
            ended = list(pool.map(lambda _: command("broker", "start", "--data-dir", folder, *FREE), range(6)))
        assert [each.returncode for each in ended] == [0] * 6, [each.stderr for each in ended]
        assert len({each.stdout for each in ended}) == 1
        assert sorted("already running" in each.stderr for each in ended) == [False] + [True] * 5
    finally:
        command("broker", "stop", "--data-dir", folder)


@pytest.mark.parametrize(
    ("mode", "refused"), [(0o700, False), (0o755, False), (0o775, True), (0o777, True), (0o1777, True)]
)
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int, refused: bool) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.path.mkdir()
    folder.path.chmod(mode)
    if not refused:
        folder.make()
        return
    for use in (folder.make, folder.is_held):
        with pytest.raises(ConfigError, match=r"other users may write to it .*chmod go-w") as error:
            use()
        assert str(folder.path) in str(error.value)


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = tmp_path.stat().st_uid
    if me != 0:
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    else:
        os.chown(tmp_path, 4711, -1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        DataFolder(tmp_path).make()


@pytest.mark.parametrize("name", ["broker.log", "broker.sqlite", "broker.sqlite-wal", "broker.json", "broker.json.new"])
def test_links_in_the_folder_are_not_followed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / name).symlink_to(target)
    ended = command("broker", "start", "--data-dir", folder, *FREE)
    assert ended.returncode == 78
    assert f"{name} is a symbolic link" in ended.stderr
    assert target.read_text() == "precious"


def test_the_log_is_not_opened_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "broker.log").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        DataFolder(tmp_path).open_log()


# ------------------------------------------------------------------------------------------------------ a full disk


def limited(size: int) -> Callable[[], None]:
    """No file may become larger: what a full disk is to a program."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [0, 100, 10_000, 20_000, 50_000])
def test_a_new_folder_on_a_full_disk_is_taken_when_there_is_room(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "data"
    ended = command("broker", "start", "--data-dir", folder, *FREE, preexec_fn=limited(size))
    assert (ended.returncode, "Traceback" in ended.stderr, "damaged (" in ended.stderr) == (78, False, False), (
        ended.stderr
    )
    assert len(ended.stderr.splitlines()) == 1
    try:
        ended = command("broker", "start", "--data-dir", folder, *FREE)
        assert ended.returncode == 0, ended.stderr
    finally:
        command("broker", "stop", "--data-dir", folder)


def test_a_sound_file_on_a_full_disk_is_not_called_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    DataFolder(folder).make()
    database = open_database(folder / "broker.sqlite", full_sync=False)
    # Killed: there is a log.
    database.execute("UPDATE shutdown SET clean = 0")
    files = {each.name: each.read_bytes() for each in folder.iterdir()}
    database.close()
    for size in (0, 100, 16_384, 40_000):
        for name, data in files.items():
            (folder / name).write_bytes(data)
        ended = command("broker", "start", "--data-dir", folder, *FREE, preexec_fn=limited(size))
        assert ended.returncode == 78
        assert "damaged (" not in ended.stderr
        assert "Traceback" not in ended.stderr
    try:
        assert command("broker", "start", "--data-dir", folder, *FREE).returncode == 0
    finally:
        command("broker", "stop", "--data-dir", folder)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the system does not limit other processes")
def test_while_the_disk_refuses_a_client_that_hangs_up_is_gone_and_nothing_new_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    broker = subprocess.Popen(
        [*RMQCTL, "broker", "run", "--data-dir", folder, *FREE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert broker.stdout
        amqp, http = broker.stdout.readline().split()
        client = pika.BlockingConnection(pika.URLParameters(f"{amqp}?heartbeat=0"))
        channel = client.channel()
        channel.queue_declare("mine", exclusive=True)
        channel.queue_declare("q", durable=True)
        channel.basic_publish("", "q", b"1", pika.BasicProperties(delivery_mode=2))
        client.process_data_events(0.2)
        size = (folder / "broker.sqlite-wal").stat().st_size
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for _ in range(2):
            channel.basic_publish("", "q", bytes(100_000), pika.BasicProperties(delivery_mode=2))
            client.process_data_events(0.5)
        transport: Any = client._impl._transport
        transport._sock.shutdown(socket.SHUT_RDWR)
        with pytest.raises(pika.exceptions.AMQPError):
            client.process_data_events(5)

        def names(what: str) -> list[str]:
            ended = command("--url", http, what, "name", "--formatter", "json")
            return [row["name"] for row in json.loads(ended.stdout)]

        deadline = time.monotonic() + 20
        while names("list_connections") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert names("list_connections") == []
        assert names("list_queues") == ["q"]
        with (
            pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed,
            pika.BlockingConnection(pika.URLParameters(amqp)) as other,
        ):
            other.channel().queue_declare("new", durable=True)
        assert closed.value.reply_code == 541
        assert names("list_queues") == ["q"]
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(1.5)
        assert names("list_queues") == ["q"]
    finally:
        broker.send_signal(signal.SIGTERM)
        _, log = broker.communicate(timeout=20)
    assert "the disk takes changes again" in log
    assert "Traceback" not in log


# ---------------------------------------------------------------------------------------------------- to the very end


def test_a_stop_reaches_its_end_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("broken\nthing")

    async def scene() -> None:
        database = open_database(tmp_path / "broker.sqlite", full_sync=False)
        broker = Broker(Node(time.time, SystemEntropy()))
        broker.node.journal = store = Store(Disk(database), load(broker, database))
        broker.seed()
        server = Server(broker, store=store)
        (listening,) = listeners.bind("127.0.0.1", 0, "--amqp-port")
        await server.listen(listening)
        with socket.create_connection(listening.getsockname()) as client:
            client.sendall(b"AMQP\0\0\x09\x01")
            while not server.connections:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(Connection, "close", fail)
            monkeypatch.setattr(Connection, "lost", fail)
            monkeypatch.setattr(server_module, "returned", fail)
            monkeypatch.setattr(server_module, "_LAST_WORDS", 0.1)
            await server.close()
            await asyncio.sleep(0.1)

    asyncio.run(scene())
    with closing(sqlite3.connect(tmp_path / "broker.sqlite")) as database:
        assert database.execute("SELECT clean FROM shutdown").fetchone() == (1,)
    messages = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(messages) == 3, messages
    assert all("KeyError" in line for line in messages)


def test_a_start_reaches_its_end_whatever_one_queue_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broker_of(folder: Path) -> Broker:
        broker = Broker(Node(time.time, SystemEntropy()), consumer_timeout=None)
        store = _open_store(broker, Options(folder=DataFolder(folder)), caplog.messages.append)
        assert store
        if not broker.vhosts:
            broker.seed()
            for name in ("a", "b"):
                broker.vhost("/").declare_queue(None, name, durable=True)
        store.close()
        return broker

    broker_of(tmp_path)
    asked: list[str] = []

    def fail(queue: Queue) -> None:
        asked.append(queue.name)
        raise IndexError("of one queue")

    monkeypatch.setattr(Queue, "restored", fail)
    assert sorted(broker_of(tmp_path).vhost("/").queues) == ["a", "b"]
    assert asked == ["a", "b"]
    assert [record.getMessage() for record in caplog.records] == [
        f"cannot apply the limits of queue '{name}' in vhost '/': IndexError: of one queue" for name in ("a", "b")
    ]
