"""Long answers are made in slices, between which others have their turns; nobody is hurt by what happens meanwhile."""

import json
from base64 import b64encode
from typing import Any

import pytest

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import message
from rmqctl.broker.management.api import Api, Asked, Request, Response
from rmqctl.broker.management.web import Ports, Slices

from ..client import new_broker

MANY = 1000
HEADERS = {
    "authorization": "Basic " + b64encode(b"guest:guest").decode(),
    "content-type": "application/json",
    "host": "localhost",
}


@pytest.fixture
def broker() -> Broker:
    broker = new_broker()
    for number in range(MANY):
        broker.vhosts["/"].declare_queue(None, f"q{number:04}")
    queue = broker.vhosts["/"].queues["q0000"]
    for number in range(MANY):
        queue.push(message("", "q0000", str(number).encode(), {}))
    return broker


def steps(broker: Broker, method: str, path: str, query: str = "", **document: Any) -> Slices:
    api = Api(broker, Ports(5672, 15672))
    asked = api.begin(Request(method, path, query, HEADERS, b"", "127.0.0.1"))
    assert isinstance(asked, Asked)
    found = api.steps(asked, json.dumps(document).encode() if document else b"")
    yield from found
    return found.response


def at_end(slices: Slices) -> Any:
    """What the answer has."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            response: Response = end.value
            assert response.status == 200
            return json.loads(response.body)


LISTS = ("/api/queues", "/api/bindings", "/api/queues/%2F")


@pytest.mark.parametrize("path", LISTS)
def test_a_long_list_is_made_in_slices(broker: Broker, path: str) -> None:
    slices = steps(broker, "GET", path)
    for _ in range(MANY // 100):
        next(slices)
    assert len(at_end(slices)) == MANY


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", ["q0000", "q0001"]),
        ("sort=name&sort_reverse=true", ["q0999", "q0998"]),
        ("sort=messages&sort_reverse=true", ["q0000", "q0999"]),
        ("columns=name", ["q0000", "q0001"]),
    ],
)
def test_slices_are_put_together_in_order(broker: Broker, query: str, first: list[str]) -> None:
    assert [row["name"] for row in at_end(steps(broker, "GET", "/api/queues", query))][:2] == first


@pytest.mark.parametrize("path", ["/api/definitions", "/api/definitions/%2F"])
def test_definitions_are_exported_in_slices(broker: Broker, path: str) -> None:
    """Of what was there at the start."""
    vhost = broker.vhosts["/"]
    for number in range(MANY):
        vhost.bind(None, "amq.direct", Destination("queue", f"q{number:04}"), "", {})
    slices = steps(broker, "GET", path)
    for number in range(2 * MANY // 100):
        next(slices)
        vhost.delete_queue(None, f"q{number * 10:04}")
        vhost.declare_queue(None, f"new{number}")
    found = at_end(slices)
    names = [row["name"] for row in found["queues"]]
    assert names == [f"q{number:04}" for number in range(MANY)]
    assert [row["destination"] for row in found["bindings"]] == names


def test_a_page_of_a_long_list(broker: Broker) -> None:
    found = at_end(steps(broker, "GET", "/api/queues", "page=2&page_size=3&name=9.$&use_regex=true&sort=name"))
    assert [row["name"] for row in found["items"]] == ["q0093", "q0094", "q0095"]
    assert (found["filtered_count"], found["total_count"]) == (100, MANY)


def test_what_comes_and_goes_meanwhile(broker: Broker) -> None:
    slices = steps(broker, "GET", "/api/queues")
    next(slices)
    for number in range(0, MANY, 2):
        broker.vhosts["/"].delete_queue(None, f"q{number:04}")
    broker.vhosts["/"].declare_queue(None, "new")
    names = [row["name"] for row in at_end(slices)]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert {f"q{number:04}" for number in range(1, MANY, 2)} <= set(names)


def test_many_messages_are_got_in_slices(broker: Broker) -> None:
    queue = broker.vhosts["/"].queues["q0000"]
    get = {"count": MANY, "ackmode": "ack_requeue_true", "encoding": "auto"}
    slices = steps(broker, "POST", "/api/queues/%2F/q0000/get", **get)
    next(slices)
    assert queue.unacked == 100
    assert [each["payload"] for each in at_end(slices)] == [str(number) for number in range(MANY)]
    assert (queue.ready.count, queue.unacked) == (MANY, 0)
    assert [each.message.body for each in queue.messages()] == [str(number).encode() for number in range(MANY)]


@pytest.mark.parametrize("mode", ["ack_requeue_true", "ack_requeue_false", "reject_requeue_false"])
@pytest.mark.parametrize("taken", [1, MANY // 100, MANY // 100 + 2])
def test_who_goes_while_messages_are_got_leaves_none_of_them_taken(broker: Broker, mode: str, taken: int) -> None:
    """Before all have been shown, all go back."""
    queue = broker.vhosts["/"].queues["q0000"]
    get = {"count": MANY, "ackmode": mode, "encoding": "auto"}
    slices = steps(broker, "POST", "/api/queues/%2F/q0000/get", **get)
    for _ in range(taken):
        next(slices)
    slices.close()
    assert queue.unacked == 0
    kept = mode == "ack_requeue_true" or taken <= MANY // 100
    assert [each.message.body for each in queue.messages()] == [str(number).encode() for number in range(MANY * kept)]
