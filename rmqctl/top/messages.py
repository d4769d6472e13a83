"""Messages of a queue looked at, and a message published, with the care of the commands get and publish."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rmqctl.api import looking
from rmqctl.api import messages as api
from rmqctl.api.client import Client
from rmqctl.errors import Unavailable
from rmqctl.naming import named
from rmqctl.output.answer import pairs, plain
from rmqctl.resources.column import Object
from rmqctl.top.tabs import Tab

COUNT = 10
"""How many messages are looked at."""


class Target(NamedTuple):
    """Where a message is published to. `key` None: the user says which."""

    vhost: str
    exchange: str
    key: str | None
    what: str


def target(tab: Tab, item: Object) -> Target | str:
    """Where `n` publishes to, or why it does not."""
    if tab.noun not in ("queues", "exchanges"):
        return "publish goes with queues and exchanges"
    vhost, name = str(item["vhost"]), str(item["name"])
    what = named(tab.one, name or "(default)", vhost)
    return Target(vhost, "", name, what) if tab.noun == "queues" else Target(vhost, name, None, what)


def publish(client: Client, to: Target, key: str, payload: str) -> str:
    """Returns what to tell."""
    if api.publish(client, to.vhost, to.exchange, key, payload.encode(), {}):
        return f"published to {to.what}"
    return f"no queue took the message: {to.what} has no route for key {key!r}"


def look(client: Client, tab: Tab, item: Object) -> list[str]:
    """The messages at the head of the queue as lines; they are put back. Raises RmqctlError before one could be lost."""
    vhost, name = str(item["vhost"]), str(item["name"])
    what = named(tab.one, name, vhost)
    cost = looking.look(client, vhost, name)
    if cost.kind == "stream":
        raise Unavailable(f"{what} is a stream: rmqctl get --offset first reads it")
    cost.check(force=False, instead="rmqctl get --force looks all the same")
    found = api.get(client, vhost, name, COUNT, api.REQUEUE, "auto")
    if not found:
        return [f"{what} has no ready message"]
    told = cost.told([cost.returns(each["properties"].get("headers")) for each in found])
    back = f"{len(found)} of the messages at the head of {what}; they are back in the queue, marked as redelivered"
    return [back, *told, *(line for number, each in enumerate(found, 1) for line in _block(number, each))]


def _block(number: int, message: dict[str, Any]) -> Iterator[str]:
    again = "  redelivered" if message.get("redelivered") else ""
    yield ""
    yield (
        f"message {number}  exchange {message.get('exchange') or '(default)'!r}  key {message.get('routing_key')!r}"
        f"  {message.get('payload_bytes')} bytes{again}"
    )
    for name, value in pairs(message["properties"]):
        yield f"{name}: {plain(value)}"
    if message.get("payload_encoding") == "base64":
        yield "not UTF-8, as base64:"
    yield from _lines(message["payload"])


def _lines(payload: str) -> Sequence[str]:
    return payload.split("\n")
