"""What commands print with -f json and -f jsonl, on the embedded broker, is what `schema` says."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from jsonschema import Draft202012Validator

from rmqctl.cli import run
from rmqctl.demo.audience import transport
from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.help.columns import listed
from rmqctl.help.schemas import names
from rmqctl.resources.meanings import described
from rmqctl.session import Session

NOT_EMBEDDED = {
    "list_stream_connections",
    "list_stream_consumers",
    "list_stream_publishers",
    "list_stream_tracking",
    "shovel_status",
    "federation_status",
    "check definitions",
}
"""What the embedded broker does not have, and the check that needs a file."""
SAMPLING = ("check acks", "check all", "check dead_letters")
LISTS = listed()
MADE = (
    ("set_policy", "expiry", "^orders", '{"message-ttl": 3600000}', "--apply-to", "queues"),
    ("set_user_limits", "guest", '{"max-channels": 100}'),
    ("set_vhost_limits", '{"max-queues": 100}'),
    ("set_topic_permissions", "guest", "events", ".*", ".*"),
)
OBJECTS = {
    "show queue": ["orders"],
    "show exchange": ["events"],
    "show binding": ["events", "orders"],
    "show user": ["guest"],
    "show vhost": ["/"],
    "show policy": ["expiry"],
    "who": ["orders"],
    "list_user_permissions": ["guest"],
    "list_user_topic_permissions": ["guest"],
    "list_vhost_limits": ["--global"],
    "list_user_limits": ["--global"],
    "list_policies_that_match": ["orders"],
}
"""What a command is about."""


Ran = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    """Runs commands on a broker with a queue, a consumer that holds a message, and whatever else the lists have rows of."""
    with EmbeddedBroker() as broker, pika.BlockingConnection(pika.URLParameters(broker.amqp_url)) as connection:
        way = transport()

        def run_words(*words: str) -> tuple[int, str]:
            out = io.StringIO()
            code = run([*words, "--url", broker.url], Session(io.StringIO(), out, io.StringIO(), {}, way))
            return code, out.getvalue()

        channel = connection.channel()
        channel.exchange_declare("events", "topic", durable=True)
        channel.queue_declare("orders", durable=True, arguments={"x-max-priority": 3})
        channel.queue_bind("orders", "events", "order.#")
        channel.basic_qos(prefetch_count=1)
        for _ in range(3):
            channel.basic_publish("", "orders", b"x")
        channel.basic_consume("orders", lambda *_: None)
        connection.process_data_events(time_limit=1)
        for words in MADE:
            assert run_words(*words)[0] == 0, words
        yield run_words
        way.close()


def schema(command: str) -> dict[str, Any]:
    out = io.StringIO()
    assert run(["schema", *command.split(" ")], Session(io.StringIO(), out, io.StringIO(), {})) == 0
    return dict(json.loads(out.getvalue()))


def lines_of(ran: Ran, command: str) -> list[list[str]]:
    """The command about an object; a list also with every column."""
    words = [*command.split(" "), *OBJECTS.get(command, [])]
    if command in ("show connection", "show channel"):
        _, names = ran(f"list_{words[1]}s", "name", "-f", "jsonl")
        return [[*words, json.loads(names.splitlines()[0])["name"]]]
    if command in SAMPLING:
        return [[*words, "--for", "1"]]
    return [words, [*words, *described(LISTS[command])]] if command in LISTS else [words]


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("command", [name for name in names() if name not in NOT_EMBEDDED])
def test_the_output_is_what_the_schema_says(ran: Ran, command: str, form: str) -> None:
    known = schema(command)
    for words in lines_of(ran, command):
        code, out = ran(*words, "-f", form)
        assert code in (range(4) if command.startswith("check ") else [0]), words
        for text in [out] if form == "json" else out.splitlines():
            Draft202012Validator(known["$defs"][form]).validate(json.loads(text))
            Draft202012Validator(known).validate(json.loads(text))


def test_a_row_that_does_not_fit_is_noticed() -> None:
    known = Draft202012Validator(schema("list_queues")["$defs"]["jsonl"])
    assert known.is_valid({"name": "orders", "messages": 1, "arguments.x-max-priority": 3})
    assert not known.is_valid({"name": "orders", "messages": "1"})
    assert not known.is_valid({"name": "orders", "nonsense": 1})
