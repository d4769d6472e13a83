"""The examples of the help, run in their order on an embedded broker with the objects that they name."""

import contextlib
import gc
import io
import os
import pty
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest

from rmqctl.cli import run
from rmqctl.demo.audience import transport
from rmqctl.help.examples import EXAMPLES
from rmqctl.session import Session

from .conftest import Live, Terminal

WORLD = (
    "add_vhost staging",
    "set_permissions -p staging guest .* .* .*",
    "declare exchange events --type topic",
    "declare exchange failed --type fanout",
    "declare queue orders --dlx failed",
    "declare queue payments --type quorum",
    "declare queue archive",
    "declare queue failed",
    "declare queue old-1",
    "declare binding failed failed",
    "declare binding events orders --routing-key 'order.#'",
    """set_policy expiry '^orders' '{"message-ttl": 3600000}' --apply-to queues""",
    "publish -k archive x --count 3",
)
BEFORE = {
    "move": ("publish -k orders x --count 10",),
    "consume": ("publish -k orders x --count 20",),
    "delete binding": (
        "declare exchange billing --type topic",
        "declare binding billing archive --routing-key archived",
    ),
}
"""What else has to be there, by command."""
EMBEDDED = {
    **dict.fromkeys(("list_stream_connections", "list_stream_consumers", "list_stream_publishers"), 69),
    **dict.fromkeys(("list_stream_tracking", "declare stream"), 69),
    "delete stream": 65,
    **dict.fromkeys(("shovel_status", "declare shovel", "restart_shovel", "delete_shovel"), 69),
    **dict.fromkeys(("federation_status", "declare federation_upstream", "restart_federation_link"), 69),
    "delete federation_upstream": 65,
    **dict.fromkeys(("set_parameter", "clear_parameter"), 69),
    **dict.fromkeys(("declare parameter", "delete parameter"), 65),
    **dict.fromkeys(("environment", "log_location"), 69),
    **dict.fromkeys(("add_member", "delete_member", "shrink"), 69),
    "grow": 64,
    **dict.fromkeys(("sync_queue", "cancel_sync_queue"), 69),
    "definitions diff": 1,
    "broker run": 130,
}
"""Exit codes of what the embedded broker does not have, of a comparison that finds a difference, and of Ctrl-C."""
INTERRUPT = b"\x03"
STAYS = {"top": b"q", "broker run": INTERRUPT}
"""What ends a program that stays up."""
OF_CHECKS = (0, 1, 2, 3)


@pytest.fixture
def world(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RMQCTL_URL", live.url)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    limits = Path(os.environ["XDG_CONFIG_HOME"], "rmqctl", "checks.toml")
    limits.parent.mkdir(parents=True)
    limits.write_text("".join(f'[{name}]\nfor = "1s"\n' for name in ("acks", "queues", "dead_letters", "all")))
    Path("ana.txt").write_text("s3cret\n")
    Path("ana.txt").chmod(0o600)
    Path("order.json").write_text('{"id": 123}')
    Path("shop.jsonl").write_text('{"kind": "queue", "name": "shop"}\n')
    Path("rabbitmqadmin.conf").write_text("[test]\nhostname = rabbit.example.com\nusername = ops\n")
    for line in WORLD:
        assert ran(line) == (0, ""), line
    assert ran("definitions export production.json")[0] == 0
    clients = [client(live, name) for name in ("billing", "mail")]
    yield live
    for each in clients:
        with contextlib.suppress(pika.exceptions.AMQPError):  # examples have closed them, which each hears of now
            each.process_data_events(0)
    del each
    clients.clear()
    gc.collect()


def client(live: Live, name: str) -> pika.BlockingConnection:
    parameters = pika.ConnectionParameters("127.0.0.1", live.amqp_port, client_properties={"connection_name": name})
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("archive", lambda *_: None)
    channel.basic_consume("orders", lambda *_: None)
    return connection


def ran(line: str) -> tuple[int, str]:
    """The exit code of a command line at which somebody sits who says yes, and what it said on standard error."""
    out, err = io.StringIO(), Terminal()
    with contextlib.closing(transport()) as way:
        code = run(shlex.split(line), Session(Terminal("y\n" * 9), out, err, dict(os.environ), way))
    return code, err.getvalue() if code else ""


def on_a_terminal(line: str, keys: bytes) -> int:
    """The exit code of a program that fills a terminal, or stays up, until somebody presses these keys."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    program = [sys.executable, "-m", "rmqctl", *shlex.split(line)]
    with subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        os.read(ours, 1)
        time.sleep(1)
        if keys == INTERRUPT:
            process.send_signal(signal.SIGINT)
        os.write(ours, keys)
        reader = threading.Thread(target=drain, args=(ours,))
        reader.start()
        code = process.wait(20)
    reader.join(10)
    os.close(ours)
    return code


def drain(terminal: int) -> None:
    with contextlib.suppress(OSError):  # the program is gone
        while os.read(terminal, 4096):
            pass


def result(name: str, line: str) -> tuple[int, str]:
    if name in STAYS:
        return on_a_terminal(line, STAYS[name]), ""
    if name.startswith("broker "):  # the one in the background is a child of a program that ends
        done = subprocess.run(
            [sys.executable, "-m", "rmqctl", *shlex.split(line)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr
    return ran(line)


def expected(name: str) -> tuple[int, ...]:
    return OF_CHECKS if name.startswith("check ") else (EMBEDDED.get(name, 0),)


# A connection that the broker closed leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_every_example_works(world: Live) -> None:
    assert wrong(world) == {}


def wrong(world: Live) -> dict[str, tuple[int, str]]:
    found = {}
    for name, lines in EXAMPLES.items():
        for line in BEFORE.get(name, ()):
            assert ran(line) == (0, ""), line
        for line in lines:
            code, said = result(name, here(line, world).removeprefix("rmqctl "))
            if code not in expected(name):
                found[line] = code, said
    return found


def here(line: str, world: Live) -> str:
    """With the names of this broker's connections and ports."""
    if "127.0.0.1:51234" in line:
        last = world.http.get("/api/connections").json()[-1]["name"]
        line = line.replace("127.0.0.1:51234 -> 127.0.0.1:5672", last)
    return line.replace("check_port_listener 5672", f"check_port_listener {world.amqp_port}")
