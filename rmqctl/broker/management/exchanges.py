"""`/api/exchanges`."""

from typing import Any

from rmqctl.broker.core import fields
from rmqctl.broker.core.exchange import Exchange
from rmqctl.broker.management import listing
from rmqctl.broker.management.queues import declared_name
from rmqctl.broker.management.rates import OF_EXCHANGE
from rmqctl.broker.management.web import Call, Created, Row, in_order, missing

DEFAULT = "amq.default"
# Whoever declares nothing: the exchanges that are there from the beginning.
_NOBODY = "rmq-internal"


def list_exchanges(call: Call) -> Any:
    found = [(vhost.name, exchange) for vhost in call.vhosts() for exchange in vhost.exchanges.values()]
    return listing.answer(call, (row(call, vhost, exchange) for vhost, exchange in found))


def get_exchange(call: Call) -> Any:
    found = find(call)
    return listing.trimmed(call, {**row(call, call["vhost"], found), "incoming": [], "outgoing": []})


def declare_exchange(call: Call) -> Any:
    vhost = call.vhost()
    document = call.json()
    kind = fields.text(document, "type", "direct")
    name = exchange_name(call["name"])
    known = name in vhost.exchanges
    vhost.declare_exchange(
        call.user,
        declared_name("exchange", name),
        kind,
        durable=fields.boolean(document, "durable"),
        auto_delete=fields.boolean(document, "auto_delete"),
        internal=fields.boolean(document, "internal"),
        arguments=fields.arguments(document),
    )
    return None if known else Created()


def delete_exchange(call: Call) -> None:
    found = find(call)
    call.vhost().delete_exchange(call.user, found.name, if_unused=call.flag("if-unused"))


def exchange_name(name: str) -> str:
    return "" if name == DEFAULT else name


def find(call: Call) -> Exchange:
    """The exchange in the path. Raises 404."""
    found = call.vhost().exchanges.get(exchange_name(call["name"]))
    if found is None:
        raise missing()
    return found


def row(call: Call, vhost: str, exchange: Exchange) -> Row:
    predeclared = not exchange.name or exchange.name.startswith("amq.")
    fields = {
        "arguments": in_order(exchange.arguments),
        "auto_delete": exchange.auto_delete,
        "durable": exchange.durable,
        "internal": exchange.internal,
        "name": exchange.name,
        "type": exchange.kind,
        "user_who_performed_action": _NOBODY if predeclared else exchange.user,
        "vhost": vhost,
    }
    if exchange.policy is not None:
        fields["policy"] = exchange.policy
    if not call.flag("disable_stats") and (stats := call.rates.message_stats(exchange, exchange.counts, OF_EXCHANGE)):
        fields["message_stats"] = stats
    return fields
