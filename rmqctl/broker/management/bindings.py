"""`/api/bindings`, and the bindings of one queue or exchange."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from rmqctl.broker.core.exchange import Binding, Destination, canonical
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import listing
from rmqctl.broker.management.exchanges import exchange_name
from rmqctl.broker.management.queues import arguments_of, unbroken
from rmqctl.broker.management.web import Call, Created, HttpError, Row, bad_request, in_order, missing

_KINDS = {"q": "queue", "e": "exchange"}


def list_bindings(call: Call) -> Any:
    return _answer(call, [row(vhost, each) for vhost in call.vhosts() for each in vhost.router.bindings()])


def of_queue(call: Call) -> Any:
    return _of(call, call.vhost().router.bindings_to(Destination("queue", call["name"])))


def from_exchange(call: Call) -> Any:
    return _of(call, _from(call.vhost(), exchange_name(call["name"])))


def to_exchange(call: Call) -> Any:
    return _of(call, call.vhost().router.bindings_to(Destination("exchange", exchange_name(call["name"]))))


def between(call: Call) -> Any:
    return _of(call, _between(call))


def get_binding(call: Call) -> Any:
    return listing.trimmed(call, row(call.vhost(), _one(call)))


def bind(call: Call) -> Created:
    vhost = call.vhost()
    document = call.json()
    key = document.get("routing_key", "")
    if not isinstance(key, str):
        raise bad_request("routing_key should be a string")
    source, destination = exchange_name(call["source"]), _destination(call)
    binding = vhost.bind(
        call.user, unbroken(source), destination._replace(name=unbroken(destination.name)), key, arguments_of(document)
    )
    return Created(f"{quote(call['destination'], safe='')}/{quote(properties_key(binding), safe='~')}")


def unbind(call: Call) -> None:
    found = _one(call)
    call.vhost().unbind(call.user, found.source, found.destination, found.key, found.arguments)


def properties_key(binding: Binding) -> str:
    """What tells it from other bindings of the same two: the key, encoded, and a hash of the arguments."""
    key = quote_plus(binding.key, safe="").replace("~", "%7E")
    if not binding.arguments:
        return key or "~"
    digest = hashlib.md5(canonical(binding.arguments).encode(), usedforsecurity=False).digest()[:4]
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


def _of(call: Call, bindings: Iterable[Binding]) -> Any:
    vhost = call.vhost()
    return _answer(call, [row(vhost, binding) for binding in bindings])


def _answer(call: Call, rows: Iterable[Row]) -> Any:
    return listing.answer(call, rows, default=("vhost", *_ORDER), pages=False)


_ORDER = ("source", "destination_type", "destination", "properties_key")


def _from(vhost: VHost, source: str) -> Iterable[Binding]:
    if not source:
        return [Binding("", Destination("queue", name), name, {}) for name in vhost.queues]
    found = vhost.exchanges.get(source)
    return list(found.bindings.values()) if found is not None else []


def _between(call: Call) -> Iterable[Binding]:
    source, destination = exchange_name(call["source"]), _destination(call)
    return [each for each in call.vhost().router.bindings_to(destination) if each.source == source]


def _one(call: Call) -> Binding:
    for binding in _between(call):
        if properties_key(binding) == call["properties"]:
            return binding
    raise missing()


def _destination(call: Call) -> Destination:
    kind = _KINDS.get(call["kind"])
    if kind is None:
        raise HttpError(500)
    return Destination(kind, exchange_name(call["destination"]) if kind == "exchange" else call["destination"])
