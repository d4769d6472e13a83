"""What a person sees of one object and of a list, at three widths: files in tests/golden/people."""

import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from rmqctl.units import in_bytes, in_time

from ..conftest import Broker, run_with

GOLDEN = Path(__file__).parents[2] / "golden" / "people"
WIDTHS = (120, 80, 40)
QUEUE = {
    "name": "注文 orders",
    "vhost": "/",
    "type": "quorum",
    "state": "running",
    "durable": True,
    "exclusive": False,
    "auto_delete": False,
    "arguments": {"x-queue-type": "quorum", "x-message-ttl": 60000},
    "node": "rabbit@a",
    "members": ["rabbit@a", "rabbit@b", "rabbit@c"],
    "messages": 12345,
    "messages_ready": 12340,
    "messages_unacknowledged": 5,
    "message_bytes": 5_000_000,
    "memory": 143_000,
    "policy": "limits of the team that owns the orders",
    "effective_policy_definition": {"max-length": 500000, "overflow": "reject-publish"},
    "message_stats": {"publish_details": {"rate": 12.5}, "ack_details": {"rate": 1200.0}},
    "consumer_details": [
        {
            "consumer_tag": "ctag1",
            "ack_required": True,
            "prefetch_count": 10,
            "channel_details": {"name": "10.0.0.1:5 -> 10.0.0.2:5672 (1)", "number": 1, "user": "shop"},
        }
    ],
}
CONNECTION = {
    "name": "10.0.0.1:5 -> 10.0.0.2:5672",
    "user": "shop",
    "vhost": "/",
    "state": "running",
    "protocol": "AMQP 0-9-1",
    "ssl": False,
    "channels": 3,
    "timeout": 60,
    "recv_oct": 2048,
    "send_oct": 3_000_000,
}
BINDINGS = [
    {"source": source, "destination": "注文 orders", "destination_type": "queue", "routing_key": key, "vhost": "/",
     "arguments": {}, "properties_key": key}
    for source, key in (("", "注文 orders"), ("events", "order.created.#"))
]  # fmt: skip
NAME = "%E6%B3%A8%E6%96%87%20orders"
ANSWERS = {
    f"GET /api/queues/%2F/{NAME}": QUEUE,
    f"GET /api/queues/%2F/{NAME}/bindings": BINDINGS,
    "GET /api/queues/%2F": [QUEUE, {**QUEUE, "name": "short", "messages": 0, "arguments": {}}],
    "GET /api/bindings/%2F": BINDINGS,
    "GET /api/connections": [CONNECTION],
    "GET /api/connections/10.0.0.1%3A5%20-%3E%2010.0.0.2%3A5672": CONNECTION,
    "GET /api/overview": {"object_totals": {"queues": 2}},
    "GET /api/whoami": {"name": "guest", "tags": ["administrator"]},
}
ALONE = Broker({**ANSWERS, "GET /api/queues/%2F": {"page": 1, "items": [QUEUE]}})
"""The queue by itself is asked for as a page of the list."""
COMMANDS = {
    "show-queue": ("show", "queue", "注文 orders"),
    "show-connection": ("show", "connection", CONNECTION["name"]),
    "list-queues": ("list_queues", "name", "state", "policy", "arguments", "messages", "messages_unacknowledged"),
    "list-bindings": ("list_bindings",),
    "unknown-column": ("list_queues", "nam"),
}


def shown(name: str, width: int) -> str:
    """Both streams, as a terminal has them one below the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        words = (*map(str, COMMANDS[name]), "--color", "never", "--no-pager")
        ran = run_with(*words, broker=ALONE if words[0] == "show" else Broker(ANSWERS), terminal=True)
    return ran.err + ran.out


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_terminal_shows(name: str, width: int) -> None:
    text = shown(name, width)
    assert text == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")
    assert max(map(cell_len, text.splitlines())) <= width


def test_pipes_and_formats_have_the_raw_fields() -> None:
    ran = run_with("show", "queue", "注文 orders", broker=ALONE)
    assert "memory\t143000\n" in ran.out
    assert "message_stats.publish_details.rate\t12.5\n" in ran.out
    ran = run_with("show", "queue", "注文 orders", "-f", "kvp", broker=ALONE, terminal=True)
    assert "memory: 143000\n" in ran.out


def test_colours_in_a_pipe_for_who_asks() -> None:
    words = ("list_queues", "name", "messages_unacknowledged")
    plain = "name\tmessages_unacknowledged\n注文 orders\t5\nshort\t5\n"
    assert run_with(*words, broker=Broker(ANSWERS)).out == plain
    assert run_with(*words, "--color", "always", broker=Broker(ANSWERS)).out == (
        "\x1b[1mname\x1b[0m\t\x1b[1mmessages_unacknowledged\x1b[0m\n注文 orders\t\x1b[1;33m5\x1b[0m\nshort\t\x1b[1;33m5\x1b[0m\n"
    )
    on_terminal = run_with(*words, "-f", "table", "--color", "always", broker=Broker(ANSWERS), terminal=True)
    assert on_terminal.out == plain


def test_an_empty_list_says_so_on_a_terminal() -> None:
    empty = Broker({**ANSWERS, "GET /api/queues/%2F": [], "GET /api/overview": {"object_totals": {"queues": 0}}})
    ran = run_with("list_queues", "name", broker=empty, terminal=True)
    assert (ran.exit, ran.out) == (0, "")
    assert ran.err.endswith("No queues in virtual host '/'.\n")
    assert run_with("list_queues", "name", "-q", broker=empty, terminal=True) == (0, "", "")
    assert run_with("list_queues", "name", broker=empty) == (0, "", "")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 2**20, "5.0 MiB"), (3 * 2**40, "3.0 TiB")],
)
def test_sizes(number: int, text: str) -> None:
    assert in_bytes(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "250 ms"), (59, "59 s"), (3600, "1 h"), (3725, "1 h 2 min"), (90061, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert in_time(seconds) == text


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in COMMANDS:
        for columns in WIDTHS:
            (GOLDEN / f"{each}-{columns}.txt").write_text(shown(each, columns), encoding="utf-8")
    sys.exit()
