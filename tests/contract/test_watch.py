"""--watch on every broker, and over the restart of one."""

import contextlib
import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .brokers import SECONDS_FOR_A_COMMAND, rmqctl
from .conftest import Place

VHOST = "watch a/b"
QUEUE = "a b/ü"


@contextlib.contextmanager
def watching(*words: str, url: str) -> Iterator["subprocess.Popen[str]"]:
    """rmqctl in a pipe, which is interrupted at the end."""
    argv = [sys.executable, "-m", "rmqctl", "--url", url, *words]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RMQCTL_")}
    environ.update(HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent", NO_PROXY="*", PYTHONUTF8="1")
    program = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        yield program
        program.terminate()
        assert program.wait(20) == 130
    finally:
        program.kill()
        program.communicate()


def until(program: "subprocess.Popen[str]", wanted: Any, deadline: float) -> dict[str, Any]:
    """The first row in which the queue holds so many messages."""
    assert program.stdout
    for line in program.stdout:
        row: dict[str, Any] = json.loads(line)
        if row["messages"] == wanted:
            return row
        assert time.monotonic() < deadline, row
    raise AssertionError(program.stderr.read() if program.stderr else "")


@pytest.fixture
def queue(place: Place) -> Iterator[None]:
    assert rmqctl("add_vhost", VHOST, url=place.http).exit == 0
    assert rmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*", url=place.http).exit == 0
    assert rmqctl("declare", "queue", QUEUE, "-p", VHOST, url=place.http).exit == 0
    yield
    rmqctl("delete_vhost", VHOST, url=place.http)


@pytest.mark.usefixtures("queue")
def test_rows_are_appended_as_counts_change(place: Place) -> None:
    deadline = time.monotonic() + SECONDS_FOR_A_COMMAND
    words = ("--watch", "0.2", "list_queues", "name", "messages", "-p", VHOST, "-f", "jsonl")
    with watching(*words, url=place.http) as program:
        first = until(program, 0, deadline)
        assert (list(first), first["name"]) == (["time", "name", "messages"], QUEUE)
        for _ in range(3):
            assert rmqctl("publish", "hi", "-k", QUEUE, "-p", VHOST, url=place.http).exit == 0
        last = until(program, 3, deadline)
    assert first["time"] < last["time"]


@pytest.mark.usefixtures("queue")
def test_an_object_and_a_check(place: Place) -> None:
    with watching("show", "queue", QUEUE, "-p", VHOST, "--watch=0.1", "-f", "csv", url=place.http) as program:
        assert program.stdout
        header, *rows = csv.reader([program.stdout.readline() for _ in range(3)])
        assert header[0] == "time"
        assert {row[header.index("name")] for row in rows if len(row) == len(header)} == {QUEUE}
    with watching("check_running", "--watch=0.1", url=place.http) as program:
        assert program.stdout
        lines = [program.stdout.readline() for _ in range(4)]
        assert lines[1] == lines[3]
        assert "running" in lines[1]


def test_it_goes_on_over_a_restart(tmp_path: Path) -> None:
    """The embedded broker, stopped and started on the same ports."""
    folder = str(tmp_path / "data")

    def start(*ports: str) -> list[str]:
        ran = rmqctl("broker", "start", "--data-dir", folder, "--amqp-port", ports[0], "--http-port", ports[1])
        assert ran.exit == 0, str(ran)
        return ran.text.split()

    deadline = time.monotonic() + SECONDS_FOR_A_COMMAND
    amqp, http = start("0", "0")
    ports = tuple(str(urlsplit(url).port) for url in (amqp, http))
    try:
        assert rmqctl("declare", "queue", QUEUE, url=http).exit == 0
        with watching("list_queues", "name", "messages", "--watch=0.1", "-f", "jsonl", url=http) as program:
            assert program.stderr
            until(program, 0, deadline)
            assert rmqctl("broker", "stop", "--data-dir", folder).exit == 0
            down = program.stderr.readline()
            assert down.startswith("rmqctl: no answer since ")
            start(*ports)
            while not (said := program.stderr.readline()).startswith("rmqctl: answers again since "):
                assert said.startswith("rmqctl: no answer since ")  # for another reason: it is booting
                assert time.monotonic() < deadline
            assert rmqctl("publish", "hi", "-k", QUEUE, url=http).exit == 0
            until(program, 1, deadline)
    finally:
        rmqctl("broker", "stop", "--data-dir", folder)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(ports[1]))) != 0
