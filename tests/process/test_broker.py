"""`rmqctl broker ...`, each broker a process of its own on free ports of the loopback interface."""

import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pika
import pytest

from .conftest import run_with

RMQCTL = [sys.executable, "-m", "rmqctl"]
FREE = ("--amqp-port", "0", "--http-port", "0")
PERSISTENT = pika.BasicProperties(delivery_mode=2)
Run = Callable[..., "Foreground"]


class Foreground:
    """`broker run` and what it says. `url`: of AMQP."""

    def __init__(self, *argv: object) -> None:
        self.process = subprocess.Popen(
            [*RMQCTL, "broker", "run", *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.url, _, self.http = self.line.strip().partition(" ")

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and what it logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=20)
        return self.process.returncode, logged


@pytest.fixture
def run() -> Iterator[Run]:
    brokers: list[Foreground] = []

    def start(*argv: object) -> Foreground:
        brokers.append(Foreground(*FREE, *argv))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.end(signal.SIGKILL)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder; a broker in the background that a test left there is stopped."""
    folder = tmp_path / "data"
    yield folder
    command("stop", "--data-dir", folder)


def command(name: str, *argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RMQCTL, "broker", name, *map(str, argv)], capture_output=True, text=True, timeout=60, check=False
    )


def connect(url: str) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(url))


def runs(pid: int) -> bool:
    """A process that has ended, and that nobody has asked after yet, does not run."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() != "" and not state.startswith("Z")


def wait_on(connection: pika.BlockingConnection) -> None:
    """Until something happens to it, for some seconds."""
    for _ in range(2):
        connection.process_data_events(5)


def drained(url: str, queue: str) -> list[bytes]:
    with connect(url) as connection:
        channel = connection.channel()
        return [body for _, _, body in iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None))]


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


# ------------------------------------------------------------------------------------------------------- in front


def test_one_line_tells_both_urls(run: Run) -> None:
    broker = run("--ephemeral")
    assert re.fullmatch(
        r"amqp://guest:guest@127\.0\.0\.1:\d+/%2F http://guest:guest@127\.0\.0\.1:\d+\n", broker.line
    ), broker.line
    with connect(broker.url) as connection:
        assert connection.is_open
    code, logged = broker.end()
    assert code == 0
    assert "user guest, vhost /" in logged
    assert "stopping: SIGTERM" in logged


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_connections_are_closed_with_320(run: Run, number: signal.Signals, code: int) -> None:
    broker = run("--ephemeral")
    connection = connect(broker.url)
    broker.process.send_signal(number)
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        wait_on(connection)
    assert closed.value.reply_code == 320
    assert broker.end()[0] == code


def test_a_killed_broker_has_what_it_confirmed(run: Run, data: Path) -> None:
    broker = run("--data-dir", data)
    connection = connect(broker.url)
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.queue_declare("t")
    channel.confirm_delivery()
    for number in range(50):
        channel.basic_publish("", "q", b"%d" % number, PERSISTENT)
    channel.basic_publish("", "q", b"transient")
    broker.end(signal.SIGKILL)
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        wait_on(connection)
    again = run("--data-dir", data)
    assert drained(again.url, "q") == [b"%d" % number for number in range(50)]
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        drained(again.url, "t")
    assert again.end()[0] == 0
    assert drained(run("--data-dir", data).url, "q") == []


def test_a_killed_broker_has_what_it_took_over_http(run: Run, data: Path) -> None:
    broker = run("--data-dir", data)
    with connect(broker.url) as connection:
        connection.channel().queue_declare("q", durable=True)
    bodies = [b"%d" % number for number in range(20)]
    with httpx.Client(base_url=broker.http, trust_env=False) as api:
        for body in bodies:
            message = {"routing_key": "q", "payload": body.decode(), "payload_encoding": "string"}
            asked = {**message, "properties": {"delivery_mode": 2}}
            assert api.post("/api/exchanges/%2F/amq.default/publish", json=asked).json() == {"routed": True}
    broker.end(signal.SIGKILL)
    assert drained(run("--data-dir", data).url, "q") == bodies


def test_log_ins_are_counted_by_protocol(run: Run) -> None:
    broker = run("--ephemeral")
    with connect(broker.url):
        pass
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        connect(broker.url.replace("guest:guest", "guest:wrong"))
    with httpx.Client(base_url=broker.http, trust_env=False) as api:
        node = api.get("/api/overview").json()["node"]
        rows = {row.pop("protocol"): row for row in api.get(f"/api/auth/attempts/{node}").json()}
    assert rows["amqp091"] == {"auth_attempts": 2, "auth_attempts_failed": 1, "auth_attempts_succeeded": 1}
    assert rows["http"] == {"auth_attempts": 2, "auth_attempts_failed": 0, "auth_attempts_succeeded": 2}


def test_two_brokers_do_not_share_a_folder(run: Run, data: Path) -> None:
    first = run("--data-dir", data)
    second = run("--data-dir", data)
    code, said = second.end()
    assert code == 69
    assert (
        said
        == f"rmqctl: data folder {data}: in use by the broker with pid {first.process.pid} (rmqctl broker status)\n"
    )
    assert first.process.poll() is None


def test_a_folder_of_another_program_is_refused_and_left_alone(run: Run, data: Path) -> None:
    data.mkdir()
    with sqlite3.connect(data / "broker.sqlite") as foreign:
        foreign.execute("CREATE TABLE t (x)")
    foreign.close()
    before = contents(data)
    code, said = run("--data-dir", data).end()
    assert (code, contents(data)) == (78, before)
    assert "of another program" in said
    done = command("start", *FREE, "--data-dir", data)
    assert (done.returncode, contents(data)) == (78, before)
    assert "the broker did not start: " in done.stderr
    assert "of another program" in done.stderr


@pytest.mark.parametrize("option", ["--amqp-port", "--http-port"])
def test_a_taken_port_is_told(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("run", *FREE, "--ephemeral", option, port)
    assert done.returncode == 69
    assert done.stdout == ""
    assert f"port {port} on 127.0.0.1 is taken" in done.stderr
    assert option in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_holder_of_a_taken_port_is_named_when_it_is_a_broker(run: Run) -> None:
    broker = run("--ephemeral")
    port = re.search(r":(\d+)/", broker.url)
    assert port
    assert "by another broker of rmqctl" in command("run", *FREE, "--ephemeral", "--amqp-port", port[1]).stderr


def test_definitions_are_imported_at_the_start(run: Run, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("rmqctl.broker.core.definitions")
    file = tmp_path / "definitions.json"
    queue = {"name": "imported", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    file.write_text(json.dumps({"queues": [queue]}))
    assert drained(run("--data-dir", data, "--definitions", file).url, "imported") == []
    words = [*RMQCTL, "broker", "start", *FREE, "--data-dir", str(data) + "-2", "--definitions", "-"]
    started = subprocess.run(words, input=file.read_text(), capture_output=True, text=True, check=False)
    assert drained(started.stdout.split()[0], "imported") == []
    assert command("stop", "--data-dir", str(data) + "-2").returncode == 0
    file.write_text("[]")
    code, said = run("--ephemeral", "--definitions", file).end()
    assert code == 78
    assert "not definitions" in said


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("--ephemeral", "--data-dir", "x"), "exclude each other"),
        (("--ephemeral", "--memory-limit", "much"), "'much' is no size"),
        (("--ephemeral", "--memory-limit", "0%"), "not between 0 and 100"),
    ],
)
def test_wrong_options(argv: tuple[str, ...], text: str) -> None:
    ran = run_with("broker", "run", *argv)
    assert ran.exit == 64
    assert text in ran.err


def test_above_the_limit_publishers_are_blocked_and_consumers_drain(run: Run) -> None:
    broker = run("--ephemeral", "--memory-limit", "150MB")
    parameters = pika.URLParameters(broker.url)
    blocked: list[Any] = []
    unblocked: list[Any] = []
    with connect(broker.url) as connection:
        connection.channel().queue_declare("q")

    def publish() -> None:
        """Until it was blocked and let go. Above the limit the broker reads nothing, and pika waits to be rid of a frame."""
        with pika.BlockingConnection(parameters) as publisher:
            publisher.add_on_connection_blocked_callback(lambda *told: blocked.append(told))
            publisher.add_on_connection_unblocked_callback(lambda *told: unblocked.append(told))
            channel = publisher.channel()
            while not unblocked:
                channel.basic_publish("", "q", bytes(100_000))
                publisher.process_data_events(0)
            channel.basic_publish("", "q", b"goes on")

    publishing = threading.Thread(target=publish, daemon=True)
    publishing.start()
    deadline = time.monotonic() + 60
    while not httpx.get(f"{broker.http}/api/nodes").json()[0]["mem_alarm"]:
        assert time.monotonic() < deadline, "no alarm"
        time.sleep(0.05)
    taken = 0
    with connect(broker.url) as consumer:
        for method, _, body in consumer.channel().consume("q", inactivity_timeout=30, auto_ack=True):
            assert method is not None, "nobody publishes any more"
            taken += 1
            if body == b"goes on":
                break
    publishing.join(30)
    assert not publishing.is_alive()
    assert blocked
    assert taken > 100
    assert httpx.get(f"{broker.http}/api/nodes").json()[0]["mem_limit"] == 150_000_000
    assert "memory alarm: " in broker.end()[1]


def test_a_thousand_connections_at_once_and_silent_ones_time_out(run: Run) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2500:
        pytest.skip(f"the system allows {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2500 if soft < 2500 else soft, hard))
    broker = run("--ephemeral")
    host, port = "127.0.0.1", int(broker.url.rpartition(":")[2].partition("/")[0])
    silent = [socket.create_connection((host, port)) for _ in range(1000)]
    began = time.monotonic()
    with connect(broker.url) as connection:
        assert connection.is_open
    assert time.monotonic() - began < 5
    silent[0].settimeout(20)
    assert silent[0].recv(100) == b"", "hung up after the ten seconds that a handshake may take"
    for each in silent:
        each.close()
    assert broker.end()[0] == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory of the process")
def test_connections_that_come_to_nothing_leave_nothing(run: Run) -> None:
    """Silent ones, half a handshake, garbage, and what is cut off in the middle of a message."""
    broker = run("--ephemeral", "--log-level", "none")  # nobody reads its log here
    port = int(broker.url.rpartition(":")[2].partition("/")[0])
    process = Path("/proc") / str(broker.process.pid)
    opened = b"AMQP\0\0\x09\x01"
    starts = (b"", b"AM", opened, opened + b"\x01\0\0\0\0\0\xff\0\x0a", bytes(range(200)), b"GET / HTTP/1.1\r\n\r\n")

    def come_and_go(count: int) -> None:
        for number in range(count):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(starts[number % len(starts)])
        with connect(broker.url) as connection:
            assert connection.is_open

    def files() -> int:
        return len(list((process / "fd").iterdir()))

    def kilobytes() -> int:
        lines = (process / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    come_and_go(500)
    files_before, memory_before = files(), kilobytes()
    for _ in range(6):
        come_and_go(500)
    deadline = time.monotonic() + 20
    while files() > files_before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert files() <= files_before
    assert kilobytes() < memory_before + 10_000
    assert broker.end()[0] == 0


# -------------------------------------------------------------------------------------------------- in the background


def test_a_broker_that_keeps_nothing_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert command("start", *FREE, "--ephemeral").returncode == 0
    try:
        hint = "; one that was started with --ephemeral is (add that option)\n"
        status = command("status")
        assert (status.returncode, status.stdout) == (3, f"not running{hint}")
        stop = command("stop")
        assert (stop.returncode, stop.stderr) == (0, f"no broker is running{hint}")
        assert command("status", "--ephemeral").returncode == 0
    finally:
        assert command("stop", "--ephemeral").returncode == 0
    assert command("stop").stderr == "no broker is running\n"


def test_a_broker_in_the_background(data: Path) -> None:
    where = ("--data-dir", data)
    status = command("status", *where)
    assert (status.returncode, status.stdout) == (3, "not running\n")
    started = command("start", *FREE, *where)
    assert started.returncode == 0, started.stderr
    url, http = started.stdout.split()
    with connect(url) as connection:
        assert connection.is_open
    again = command("start", *where)
    assert (again.returncode, again.stdout) == (0, started.stdout)
    assert again.stderr.startswith("already running with pid ")
    status = command("status", *where, "-f", "json")
    told = json.loads(status.stdout)
    assert (status.returncode, told["running"], told["amqp"], told["http"]) == (0, True, url, http)
    assert told["data_folder"] == str(data)
    assert told["uptime"] < 60
    assert os.getsid(told["pid"]) == told["pid"] != os.getsid(0)
    assert "user guest, vhost /" in command("logs", *where).stdout
    assert command("logs", *where, "-n", 1).stdout.count("\n") == 1
    stopped = command("stop", *where)
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "", "")
    deadline = time.monotonic() + 10  # it has let go of its folder, and ends right after
    while runs(told["pid"]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert command("stop", *where).returncode == 0
    assert command("status", *where).returncode == 3
    assert "stopping: SIGTERM" in command("logs", *where).stdout


def test_what_a_killed_broker_leaves_is_no_obstacle(data: Path) -> None:
    command("start", *FREE, "--data-dir", data)
    state = json.loads((data / "broker.json").read_text())
    os.kill(state["pid"], signal.SIGKILL)
    while command("status", "--data-dir", data).returncode == 0:
        time.sleep(0.05)
    assert (data / "broker.json").exists()
    # The pid may be anybody's by now: this process's, say, which must survive.
    (data / "broker.json").write_text(json.dumps({**state, "pid": os.getpid()}))
    assert command("status", "--data-dir", data).returncode == 3
    assert command("stop", "--data-dir", data).returncode == 0
    assert command("start", *FREE, "--data-dir", data).returncode == 0
    assert json.loads((data / "broker.json").read_text())["pid"] != os.getpid()


def test_start_tells_why_there_is_no_broker(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("start", "--amqp-port", port, "--http-port", 0, "--data-dir", data)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr.startswith(f"rmqctl: the broker did not start: port {port} on 127.0.0.1 is taken")
    assert command("status", "--data-dir", data).returncode == 3


def test_the_log_can_be_followed(data: Path) -> None:
    url = command("start", *FREE, "--data-dir", data).stdout.split()[0]
    following = subprocess.Popen(
        [*RMQCTL, "broker", "logs", "-f", "-n", "0", "--data-dir", str(data)], stdout=subprocess.PIPE, text=True
    )
    lines: list[str] = []
    reading = threading.Thread(target=lambda: lines.append(following.stdout.readline()), daemon=True)
    reading.start()
    try:
        while reading.is_alive():  # it may not have come to the log's end yet
            connect(url).close()
            reading.join(0.2)
        assert "user guest" in lines[0]
    finally:
        following.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
        following.communicate()


def test_without_a_log_the_reason_is_told(data: Path) -> None:
    done = command("logs", "--data-dir", data)
    assert done.returncode == 78
    assert "rmqctl broker start" in done.stderr


def started(tmp_path: Path, *argv: object, config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RMQCTL, *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CONFIG_HOME": str(config)},
    )


def test_start_with_use_makes_the_next_command_meet_this_broker_until_it_is_stopped(data: Path, tmp_path: Path) -> None:
    def rmqctl(*argv: object) -> subprocess.CompletedProcess[str]:
        return started(tmp_path, *argv, config=tmp_path / "config")

    rmqctl("context", "add", "prod", "--url", "http://nowhere.invalid:15672", "--use")
    done = rmqctl("broker", "start", "--use", "--data-dir", data, *FREE)
    assert done.returncode == 0
    assert "context 'embedded' is the current one" in done.stderr
    assert "`rmqctl context use prod` goes back to 'prod'" in done.stderr
    bare = done.stdout.split()[1].replace("guest:guest@", "")
    assert rmqctl("show", "endpoint", "-f", "json").stdout.count(bare) == 1
    assert rmqctl("list_vhosts", "-s").stdout == "/\n"
    again = rmqctl("broker", "start", "--use", "--data-dir", data)
    assert "already running" in again.stderr
    done = rmqctl("broker", "stop", "--data-dir", data)
    assert done.stderr == (
        "context 'embedded' removed; no context is current now: `rmqctl context use prod` chooses one\n"
    )
    listed = rmqctl("context", "list", "-s")
    assert listed.stdout.split("\t")[:2] == ["prod", "false"]


def test_a_context_of_that_name_that_is_the_users_own_is_left_alone(data: Path, tmp_path: Path) -> None:
    def rmqctl(*argv: object) -> subprocess.CompletedProcess[str]:
        return started(tmp_path, *argv, config=tmp_path / "config")

    rmqctl("context", "add", "embedded", "--url", "http://localhost:1", "--read-only")
    done = rmqctl("broker", "start", "--use", "--data-dir", data, *FREE)
    assert (done.returncode, done.stdout) == (65, "")
    assert "context 'embedded' was changed by hand" in done.stderr
    assert rmqctl("broker", "status", "--data-dir", data).returncode == 3
    assert rmqctl("broker", "start", "--data-dir", data, *FREE).returncode == 0
    assert rmqctl("broker", "stop", "--data-dir", data).stderr == ""
    assert rmqctl("context", "list", "-s").stdout.startswith("embedded\t")


def test_a_person_is_told_what_comes_next(data: Path) -> None:
    ours, theirs = os.openpty()
    argv = [*RMQCTL, "broker", "start", "--data-dir", str(data), *FREE]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    assert (
        subprocess.run(argv, stdin=theirs, stdout=theirs, stderr=theirs, timeout=60, check=False, env=env).returncode
        == 0
    )
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    (url,) = re.findall(r"^amqp://\S+ (http://\S+)", told, re.MULTILINE)
    assert f"rmqctl --url {url} list_queues" in told
    assert f"rmqctl broker stop --data-dir {data}" in told
    assert "--use" in told
    piped = command("start", "--data-dir", data)
    assert re.fullmatch(r"already running with pid \d+\n", piped.stderr)
