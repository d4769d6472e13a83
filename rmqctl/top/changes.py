"""What the keys do to the object under the cursor: the question first, then the work."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rmqctl.api import connections, queues
from rmqctl.api.client import Client
from rmqctl.naming import named
from rmqctl.resources.column import Object
from rmqctl.top.tabs import Tab


class Change(NamedTuple):
    """`question` names the object and what is lost; `vhost` is what a protected context wants typed.

    `do` returns what to tell, or raises RmqctlError.
    """

    question: str
    vhost: str | None
    do: Callable[[Client], str]


KEYS: Mapping[str, str] = {
    "queues": "m messages  n publish  p purge  d delete",
    "exchanges": "n publish",
    "connections": "c close",
    "channels": "c close connection",
    "consumers": "c close connection",
}
"""What the keys do on the tabs where they do something."""


def change(verb: str, tab: Tab, item: Object) -> Change | str:
    """The change that a key stands for, or why there is none."""
    if verb == "close":
        return _close(tab, item)
    if tab.noun != "queues":
        return f"{verb} goes with queues"
    return _purge(item) if verb == "purge" else _delete(item)


def _purge(item: Object) -> Change | str:
    vhost, name = str(item["vhost"]), str(item["name"])
    what = named("queue", name, vhost)
    if item.get("type") == "stream":
        return f"{what} is a stream, which cannot be purged"
    ready = _amount(item.get("messages_ready"), "ready message")
    unacknowledged = _amount(item.get("messages_unacknowledged"), "unacknowledged message")

    def do(client: Client) -> str:
        queues.purge(client, vhost, name)
        return f"{what} was purged of {ready}"

    return Change(f"Purge {what}? It loses {ready} and keeps {unacknowledged}.", vhost, do)


def _delete(item: Object) -> Change:
    vhost, name = str(item["vhost"]), str(item["name"])
    what = named("queue", name, vhost)
    messages = _amount(item.get("messages"), "message")
    consumers = item.get("consumers")
    used = "" if consumers is None else f" and {_amount(consumers, 'consumer')}"

    def do(client: Client) -> str:
        queues.delete(client, vhost, name)
        return f"{what} was deleted with {messages}"

    return Change(f"Delete {what} with {messages}{used}?", vhost, do)


def _close(tab: Tab, item: Object) -> Change | str:
    name = _connection_of(tab, item)
    if name is None:
        return "close goes with connections, channels and consumers"
    vhost = (item.get("queue") or {}).get("vhost") if tab.noun == "consumers" else item.get("vhost")
    user = item.get("user") or (item.get("channel_details") or {}).get("user")
    what = f"connection {name!r}"
    all_of_it = (
        f" with {_amount(item.get('channels'), 'channel')}" if tab.noun == "connections" else " with all its channels"
    )

    def do(client: Client) -> str:
        return (
            f"{what} was closed" if connections.close(client, name, connections.REASON) else f"{what} had gone already"
        )

    return Change(
        f"Close {what} of user {user!r} in virtual host {vhost!r}{all_of_it}?",
        None if vhost is None else str(vhost),
        do,
    )


def _connection_of(tab: Tab, item: Object) -> str | None:
    found = {
        "connections": item.get("name"),
        "channels": (item.get("connection_details") or {}).get("name"),
        "consumers": (item.get("channel_details") or {}).get("connection_name"),
    }.get(tab.noun)
    return None if found is None else str(found)


def _amount(number: int | None, noun: str) -> str:
    if number is None:
        return f"an unknown number of {noun}s"
    return f"{number} {noun}{'' if number == 1 else 's'}"


def followed(tab: Tab, item: Object) -> tuple[str, str] | None:
    """Where Enter leads from an open object: the tab, and a connection or channel by its name."""
    if tab.noun == "connections":
        return ("channels", str(item["name"]))
    if tab.noun == "channels" and (connection := _connection_of(tab, item)) is not None:
        return ("connections", connection)
    channel = (item.get("channel_details") or {}).get("name") if tab.noun == "consumers" else None
    return None if channel is None else ("channels", str(channel))
