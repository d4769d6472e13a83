"""GET /api/queues/VHOST/NAME/unacked: who holds which delivery for how long."""

from typing import Any

import pytest
from pamqp import commands

from ..client import Client, encoded
from .conftest import Api

QUEUE = "q.1"
PATH = "queues/%2F/q.1/unacked"


@pytest.fixture
def held(api: Api) -> Client:
    """One by basic.get, two by a consumer ten seconds later, one of them acknowledged in a transaction that is open."""
    client = Client(api.broker)
    client.declare(QUEUE)
    for text in (b"1", b"2", b"3"):
        client.publish(text, QUEUE)
    client.get(QUEUE)
    api.pass_time(10)
    client.raw(encoded(commands.Basic.Consume(queue=QUEUE, consumer_tag="c")))
    client.call(commands.Tx.Select())
    client.raw(encoded(commands.Basic.Ack(delivery_tag=2)))
    api.pass_time(5)
    return client


def rows(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(each["delivery_tag"], each["consumer_tag"], each["unacked_for_seconds"]) for each in found]


def test_each_delivery(api: Api, held: Client) -> None:
    found = api.get(PATH)
    assert rows(found) == [(1, "", 15), (2, "c", 5), (3, "c", 5)]
    (channel,) = api.get("channels")
    assert {each["channel_name"] for each in found} == {channel["name"]}
    held.raw(encoded(commands.Basic.Ack(delivery_tag=0, multiple=True)))
    held.call(commands.Tx.Commit())
    assert api.get(PATH) == []


@pytest.mark.usefixtures("held")
def test_pages_and_columns(api: Api) -> None:
    page = api.get(f"{PATH}?page=2&page_size=2")
    assert (page["total_count"], rows(page["items"])) == (3, [(3, "c", 5)])
    assert api.get(f"{PATH}?columns=delivery_tag")[0] == {"delivery_tag": 1}


@pytest.mark.usefixtures("held")
def test_of_others_only_for_those_who_monitor(api: Api) -> None:
    for name, tags in (("looks", "monitoring"), ("works", "management")):
        api("PUT", f"users/{name}", {"password": "p", "tags": tags})
        api("PUT", f"permissions/%2F/{name}", {"configure": "", "write": "", "read": ""})
    assert len(api.get(PATH, user=("looks", "p"))) == 3
    assert api.get(PATH, user=("works", "p")) == []


def test_of_no_queue(api: Api) -> None:
    assert api("GET", "queues/%2F/none/unacked").status_code == 404
