"""check acks and check all in every format, byte by byte.

`python tests/unit/commands/test_check_golden.py` writes the files anew, to be read before they are committed.
"""

import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rmqctl.checks import acks
from rmqctl.checks.options import Limits
from rmqctl.checks.report import Report, Status
from rmqctl.checks.snapshot import Snapshot
from rmqctl.checks.table import CHECKS
from rmqctl.commands import COMMANDS
from rmqctl.commands.health.check.printing import Outcome, answer, answer_all
from rmqctl.output import FORMATS, OF_COMMANDS
from rmqctl.render import render
from rmqctl.session import Session
from rmqctl.settings import Output, Settings

FORMATTERS = (*FORMATS, *COMMANDS["check acks"].formats)
GOLDEN = Path(__file__).parents[2] / "golden" / "checks"
NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
HOSTILE = 'a b/\u00fc|"q\t\x1b[31m\u202e<script>[bold]'
LIMITS = Limits({"warning": 1, "critical": 9, "age-warning": 300.0, "idle": 60.0, "strict": True})


def queue(name: str, **more: Any) -> dict[str, Any]:
    counts = {"messages_ready": 0, "messages_unacknowledged": 1}
    return {"vhost": "/", "name": name, "type": "classic", "durable": True, **counts, **more}


def connection(number: int) -> str:
    return f"10.0.0.{number}:5000 -> 10.0.0.9:5672"


def channel(number: int, **more: Any) -> dict[str, Any]:
    of = {"name": connection(number), "peer_host": f"10.0.0.{number}", "peer_port": 5000}
    row = {"name": f"{connection(number)} (1)", "number": 1, "vhost": "/", "user": "worker", "connection_details": of}
    stats = {"ack": 0, "deliver_get": 1, "redeliver": 0}
    held = {"messages_unacknowledged": 1, "consumer_count": 1, "message_stats": stats}
    return {**row, **held, "idle_since": (NOW - timedelta(minutes=6)).isoformat(), **more}


def consumer(number: int, name: str, **more: Any) -> dict[str, Any]:
    at = {"queue": {"vhost": "/", "name": name}, "channel_details": {"name": f"{connection(number)} (1)"}}
    return {**at, "consumer_tag": f"tag {number}", "ack_required": True, "prefetch_count": 1, **more}


CHANNELS = [
    channel(1),
    channel(2, messages_unacknowledged=1000),
    channel(3, consumer_count=0),
    channel(4, transactional=True, acks_uncommitted=1),
    channel(6, messages_unacknowledged=0),
]
LEAKING = channel(
    7, messages_unacknowledged=60, message_stats={"ack": 540, "deliver_get": 600, "redeliver": 0}, idle_since=None
)
LOOPING = channel(5, message_stats={"ack": 0, "deliver_get": 50, "redeliver": 49})
ROWS: dict[str, Any] = {
    "queues": [
        queue(HOSTILE, type="quorum"),
        queue("unlimited", messages_unacknowledged=1000),
        queue("got"),
        queue("committed"),
        queue("loop"),
        queue("automatic", messages_unacknowledged=0),
        queue("left", messages_ready=7, messages_unacknowledged=0),
        queue("stream", type="stream"),
        queue("leak", messages_unacknowledged=60),
        queue("haunted"),
        queue("linked", messages_unacknowledged=3),
    ],
    "consumers": [
        consumer(1, HOSTILE, consumer_timeout=600_000),
        consumer(2, "unlimited", prefetch_count=0),
        consumer(4, "committed"),
        consumer(5, "loop"),
        consumer(6, "automatic", ack_required=False),
        consumer(7, "leak", prefetch_count=100),
        consumer(8, "haunted"),
        {**consumer(9, "linked"), "consumer_tag": "0", "channel_details": {}},
    ],
    "channels": [*CHANNELS, LOOPING, LEAKING],
    "sessions": [
        {"vhost": "/", "user": "worker", "number": 0, "outgoing_unsettled_deliveries": 3,
         "connection_details": {"name": connection(9), "peer_host": "10.0.0.9", "peer_port": 5000},
         "outgoing_links": [{"handle": 0, "queue_name": "linked", "send_settled": False, "delivery_count": 3, "credit": 2}]},
    ],
    "overview": {"rabbitmq_version": "4.3.6"},
    "shared_queues": [],
    "metrics": None,
    "connections": [
        {"name": connection(1), "user_provided_name": HOSTILE, "connected_at": 1_795_467_689_273,
         "client_properties": {"product": "Pika", "version": "1.3", "capabilities": {"consumer_cancel_notify": True}}},
    ],
}  # fmt: skip


HELD: list[tuple[float, list[dict[str, Any]]]] = [
    (second, [queue("leak", messages_unacknowledged=6 * second)]) for second in range(1, 11)
]


def acks_outcome() -> Outcome:
    before = [*CHANNELS, channel(5), channel(7)]
    named = lambda noun, _: ROWS[noun]  # noqa: E731
    seen = Snapshot(ROWS.__getitem__, {**ROWS, "channels": before}.__getitem__, named, 10, NOW, lambda _: HELD)
    return Outcome(CHECKS["acks"], acks.check(seen, LIMITS))


def all_outcomes() -> list[Outcome]:
    unknown = Report(Status.UNKNOWN, "http://localhost:15672: the plugin rabbitmq_shovel_management is not enabled")
    return [
        acks_outcome(),
        Outcome(CHECKS["queues"], Report(Status.OK, "0 queues, 0 messages")),
        Outcome(CHECKS["shovels"], unknown, skipped=True),
    ]


def written(kind: str, formatter: str) -> str:
    """What goes to stdout, and after it what goes to stderr."""
    out, err = io.StringIO(), io.StringIO()
    session = Session(io.StringIO(), out, err, {})
    session = session._replace(settings=Settings(output=Output(formatter=formatter)), formats=FORMATS | OF_COMMANDS)
    result = answer(session, acks_outcome()) if kind == "acks" else answer_all(session, all_outcomes())
    assert render(session, result) == Status.CRITICAL
    return out.getvalue() + err.getvalue()


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("kind", ["acks", "all"])
def test_same_bytes(kind: str, formatter: str) -> None:
    assert written(kind, formatter) == (GOLDEN / f"{kind}.{formatter}").read_bytes().decode()


def test_no_file_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {f"{k}.{f}" for k in ("acks", "all") for f in FORMATTERS}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for kind in ("acks", "all"):
        for formatter in FORMATTERS:
            (GOLDEN / f"{kind}.{formatter}").write_bytes(written(kind, formatter).encode())
    sys.exit()
