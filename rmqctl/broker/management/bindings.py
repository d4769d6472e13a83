"""`/api/bindings`, and the bindings of one queue or exchange."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from rmqctl.broker.core import fields
from rmqctl.broker.core.exchange import Binding, Destination, canonical
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import listing
from rmqctl.broker.management.exchanges import exchange_name
from rmqctl.broker.management.queues import unbroken
from rmqctl.broker.management.web import Call, Created, Row, bad_request, in_order, missing

_KINDS = {"q": "queue", "e": "exchange"}


def list_bindings(call: Call) -> Any:
    found = [(vhost, each) for vhost in call.vhosts() for each in vhost.router.bindings()]
    return _answer(call, (row(vhost, each) for vhost, each in found))


def of_queue(call: Call) -> Any:
    return _of(call, lambda vhost: vhost.router.bindings_to(Destination("queue", call["name"])))


def from_exchange(call: Call) -> Any:
    return _of(call, lambda vhost: _from(vhost, exchange_name(call["name"])))


def to_exchange(call: Call) -> Any:
    return _of(call, lambda vhost: vhost.router.bindings_to(Destination("exchange", exchange_name(call["name"]))))


def between(call: Call) -> Any:
    return _of(call, lambda vhost: _between(call, vhost))


def get_binding(call: Call) -> Any:
    return listing.trimmed(call, row(call.vhost(), _one(call)))


def bind(call: Call) -> Created:
    vhost = call.vhost()
    document = call.json()
    key = fields.text(document, "routing_key", "")
    source, destination = exchange_name(call["source"]), _destination(call)
    binding = vhost.bind(
        call.user,
        unbroken(source),
        destination._replace(name=unbroken(destination.name)),
        key,
        fields.arguments(document),
    )
    name = quote(call["destination"], safe="", errors="surrogateescape")
    return Created(f"{name}/{quote(properties_key(binding), safe='~')}")


def unbind(call: Call) -> None:
    found = _one(call)
    call.vhost().unbind(call.user, found.source, found.destination, found.key, found.arguments)


def properties_key(binding: Binding) -> str:
    """What tells it from other bindings of the same two: the key, encoded, and a hash of the arguments."""
    key = quote_plus(binding.key, safe="", errors="surrogateescape").replace("~", "%7E")
    if not binding.arguments:
        return key or "~"
    digest = hashlib.md5(
        canonical(binding.arguments).encode("utf-8", "surrogateescape"), usedforsecurity=False
    ).digest()[:4]
    return f"{key}~{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def row(vhost: VHost, binding: Binding) -> Row:
    return {
        "source": binding.source,
        "vhost": vhost.name,
        "destination": binding.destination.name,
        "destination_type": binding.destination.kind,
        "routing_key": binding.key,
        "arguments": in_order(binding.arguments),
        "properties_key": properties_key(binding),
    }


def _of(call: Call, found: Callable[[VHost], Iterable[Binding]]) -> Any:
    """A virtual host that does not exist has no bindings, as in RabbitMQ."""
    vhost = call.broker.vhosts.get(call["vhost"])
    return _answer(call, [] if vhost is None else [row(vhost, binding) for binding in found(vhost)])


def _answer(call: Call, rows: Iterable[Row]) -> Any:
    return listing.answer(call, rows, default=("vhost", *_ORDER), pages=False)


_ORDER = ("source", "destination_type", "destination", "properties_key")


def _from(vhost: VHost, source: str) -> Iterable[Binding]:
    if not source:
        return [Binding("", Destination("queue", name), name, {}) for name in vhost.queues]
    found = vhost.exchanges.get(source)
    return list(found.bindings.values()) if found is not None else []


def _between(call: Call, vhost: VHost) -> Iterable[Binding]:
    source, destination = exchange_name(call["source"]), _destination(call)
    return [each for each in vhost.router.bindings_to(destination) if each.source == source]


def _one(call: Call) -> Binding:
    for binding in _between(call, call.vhost()):
        if properties_key(binding) == call["properties"]:
            return binding
    raise missing()


def _destination(call: Call) -> Destination:
    kind = _KINDS.get(call["kind"])
    if kind is None:
        raise bad_request("destination_type should be e or q")
    return Destination(kind, exchange_name(call["destination"]) if kind == "exchange" else call["destination"])
