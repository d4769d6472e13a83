"""The examples of the help, run in their order on an embedded broker with the objects that they name."""

import contextlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest

from rmqctl.cli import run
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
    "delete binding": ("declare exchange billing --type topic", "declare binding billing archive --routing-key archived"),
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
    **dict.fromkeys(("environment", "log_location", "rebalance"), 69),
    **dict.fromkeys(("add_member", "delete_member", "grow", "shrink"), 69),
    **dict.fromkeys(("sync_queue", "cancel_sync_queue"), 69),
    "definitions diff": 1,
}
"""Exit codes of what the embedded broker does not have, and of a comparison that finds a difference."""
OF_CHECKS = (0, 1, 2, 3)


@pytest.fixture
def world(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RMQCTL_URL", live.url)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    Path("ana.txt").write_text("s3cret\n")
    Path("ana.txt").chmod(0o600)
    Path("order.json").write_text('{"id": 123}')
    Path("shop.json").write_text(json.dumps([{"kind": "queue", "name": "shop"}]))
    Path("rabbitmqadmin.conf").write_text("[test]\nhostname = rabbit.example.com\nusername = ops\n")
    for line in WORLD:
        assert ran(line) == (0, ""), line
    assert ran("definitions export production.json")[0] == 0
    with contextlib.suppress(pika.exceptions.AMQPError), client(live):  # which an example closes
        yield live


def client(live: Live) -> pika.BlockingConnection:
    parameters = pika.ConnectionParameters(
        "127.0.0.1", live.amqp_port, client_properties={"connection_name": "billing"}
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("archive", lambda *_: None)
    channel.basic_consume("orders", lambda *_: None)
    return connection


def ran(line: str) -> tuple[int, str]:
    """The exit code of a command line at which somebody sits who says yes, and what it said on standard error."""
    out, err = io.StringIO(), Terminal()
    session = Session(Terminal("y\n" * 9), out, err, dict(os.environ))
    code = run(shlex.split(line), session)
    return code, err.getvalue() if code else ""


def test_every_example_works(world: Live) -> None:
    wrong = []
    for name, lines in EXAMPLES.items():
        for line in BEFORE.get(name, ()):
            ran(line)
        for line in lines:
            words = line.removeprefix("rmqctl ")
            if name in ("top", "broker run"):
                continue
            started = time.monotonic()
            code, said = ran(words)
            print(f"{time.monotonic() - started:.1f} {code} {line}", file=sys.stderr)
            if code != EMBEDDED.get(name, 0):
                wrong.append((line, code, said))
    for each in wrong:
        print(each)
    assert wrong == []
