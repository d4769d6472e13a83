"""A command in the demo's world: the numbers, the options, the exit code, and what is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pika
import pytest

from rmqctl.demo.audience import transport
from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.demo.play import living_world

WORLD = """\
name	messages_ready	messages_unacknowledged	consumers
all_severities	2	0	0
critical	1	0	0
errors_on_disk	1	0	0
for_print	2	0	0
hello	3	0	0
kernel	1	0	0
pdf_reports	1	0	0
task_queue	2	3	3
terminal_1	0	0	1
terminal_2	0	0	1
"""
COLUMNS = ("name", "messages_ready", "messages_unacknowledged", "consumers")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> object:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_the_world_is_the_same_in_every_run(run: Callable) -> None:
    for _ in range(3):
        ran = run("demo", "list_queues", *COLUMNS)
        assert (ran.exit, ran.out, ran.err) == (0, WORLD, "")


def test_one_worker_forgets_its_acknowledgements(run: Callable) -> None:
    ran = run(
        "demo", "list_consumers", "queue_name", "consumer_tag", "ack_required", "prefetch_count", "--sort=consumer_tag"
    )
    assert ran.out.splitlines()[1:] == [
        "task_queue	forgetful worker	true	1",
        "terminal_1	terminal_1	false	0",
        "terminal_2	terminal_2	false	0",
        "task_queue	worker 1	true	1",
        "task_queue	worker 2	true	1",
    ]
    ran = run("demo", "list_channels", "messages_unacknowledged", "message_stats.ack", "-f", "jsonl")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    held = sorted(row.get("message_stats.ack") or 0 for row in rows if row["messages_unacknowledged"])
    assert held == [0, 1, 1]


@pytest.mark.parametrize(
    "words",
    [
        ("demo", "list_queues", "name", "-f", "json"),
        ("demo", "-f", "json", "list_queues", "name"),
        ("-f", "json", "demo", "list_queues", "name"),
    ],
)
def test_options_stand_anywhere(run: Callable, words: tuple[str, ...]) -> None:
    assert {"name": "task_queue"} in json.loads(run(*words).out)


def test_the_broker_of_the_environment_is_not_asked(run: Callable) -> None:
    environ = {
        "RMQCTL_HOST": "nowhere.invalid",
        "RMQCTL_USER": "me",
        "RMQCTL_VHOST": "other",
        "HTTP_PROXY": "http://nowhere.invalid",
    }
    assert run("demo", "whoami", environ=environ).exit == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("demo", "list_queues", "nam"), 64),
        (("demo", "show", "queue", "nope"), 65),
        (("demo", "demo"), 64),
        (("demo", "--auto", "list_queues"), 64),
        (("demo", "--scene", "nope"), 64),
        (("demo", "nosuch"), 64),
        (("demo", "--nosuch"), 64),
        (("demo", "stop_app"), 69),
        (("demo", "--user", "nobody", "--password", "x", "whoami"), 77),
    ],
)
def test_the_exit_code_is_the_commands(run: Callable, words: tuple[str, ...], code: int) -> None:
    ran = run(*words)
    assert (ran.exit, ran.out) == (code, "")
    assert ran.err.startswith("rmqctl: ")


def test_help_is_of_what_it_follows(run: Callable) -> None:
    assert "Run any command on a demo broker" in run("demo", "--help").out
    assert "messages_unacknowledged" in run("demo", "list_queues", "--help").out


def test_the_world_lives_on_after_the_calm(run: Callable) -> None:
    with EmbeddedBroker() as broker, living_world(broker.amqp_url, calm=0):
        deadline = time.monotonic() + 10
        with transport() as way:
            while time.monotonic() < deadline:
                ran = run("--url", broker.url, "show", "queue", "task_queue", "-f", "json", broker=way)
                if json.loads(ran.out).get("message_stats", {}).get("ack", 0) > 4:
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("nobody works")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(broker.url).port)).close()


def test_the_forgotten_ack_is_still_there_after_hours(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = 0.0
    monkeypatch.setattr("rmqctl.broker.process.run.steady", lambda: lambda: time.time() + hours * 3600)
    with EmbeddedBroker() as broker, living_world(broker.amqp_url, calm=0) as world, transport() as way:
        producer = world._producer.channel

        def told(*words: str) -> str:
            return str(run("--url", broker.url, *words, broker=way).out)

        # No heartbeat ends a connection, and no time-out takes the message back.
        assert set(told("list_connections", "timeout", "-s").split()) == {"0"}
        for _ in range(3):
            pika_declare(broker.amqp_url, "passing", {"x-expires": 3_600_000})
            hours += 6
            # What changes the timers makes the broker look at its clock: this queue has been idle for too long.
            pika_declare(broker.amqp_url, "other", {"x-expires": 3_600_000})
            until(lambda: "passing" not in told("list_queues", "name"))
        assert producer.is_open
        rows = json.loads(told("list_channels", "messages_unacknowledged", "message_stats.ack", "-f", "json"))
        assert [row for row in rows if row["messages_unacknowledged"] == 1 and not row["message_stats.ack"]]
        ran = run("--url", broker.url, "check", "acks", "--for", "1s", broker=way)
        assert ran.exit == 1
        assert "stuck: queue 'task_queue'" in ran.out
        assert "forgetful worker" in ran.out


def pika_declare(url: str, queue: str, arguments: dict[str, int]) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    connection.channel().queue_declare(queue, arguments=arguments)
    connection.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_client_whose_connection_is_closed_comes_back_and_the_forgetful_one_forgets_again(run: Callable) -> None:
    with EmbeddedBroker() as broker, living_world(broker.amqp_url, calm=0), transport() as way:

        def connections() -> set[str]:
            ran = run("--url", broker.url, "list_connections", "pid", "-s", broker=way)
            return set(ran.out.split())

        before = connections()
        closed = run("--url", broker.url, "close_all_connections", "--vhost", "/", "a test", "--yes", broker=way)
        assert closed.exit == 0, closed.err
        until(lambda: len(connections() - before) == len(before))

        def forgotten() -> bool:
            ran = run("--url", broker.url, "check", "acks", "--for", "1s", broker=way)
            return "consumer 'forgetful worker'" in ran.out

        until(forgotten)


def test_a_reader_that_has_enough_ends_it_in_silence(tmp_path: Path) -> None:
    program = f"{sys.executable} -m rmqctl demo list_queues name | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, env=surroundings(tmp_path), timeout=30
    )
    assert (ran.stdout, ran.stderr) == ("name\n0\n", "")


def test_ctrl_c_ends_the_scenes_and_their_programs(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "rmqctl", "demo", "--auto", "--scene", "dying-worker"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings(tmp_path),
    )  # fmt: skip
    assert demo.stdout is not None
    while "worker 1 | " not in demo.stdout.readline():
        pass
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=20)
    assert (demo.returncode, errors) == (130, "")
    assert children
    assert [child for child in children if not ended(child)] == []


def ended(pid: str) -> bool:
    """Within some seconds: one that was orphaned stays in the list until it is asked after."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.05)
                continue
        return True
    return False


def surroundings(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
