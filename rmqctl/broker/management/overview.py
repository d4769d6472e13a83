"""`/api/overview`, and what is told about the broker as a whole and about who asks."""

from typing import Any

from rmqctl.broker.amqp.connection import connections_of
from rmqctl.broker.core import fields
from rmqctl.broker.core.broker import RABBITMQ_VERSION, Broker
from rmqctl.broker.core.stats import CHURN
from rmqctl.broker.management import listing, nodes, totals
from rmqctl.broker.management.rates import OF_VHOST
from rmqctl.broker.management.web import Answer, Call, Row, Slices, missing

_RETENTION = {"global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600]}


def overview(call: Call) -> Slices:
    broker = call.broker
    row: Row = {
        "management_version": RABBITMQ_VERSION,
        "rates_mode": "basic",
        "sample_retention_policies": _RETENTION,
        "exchange_types": nodes.EXCHANGE_TYPES,
        "product_version": RABBITMQ_VERSION,
        "product_name": "RabbitMQ",
        "rabbitmq_version": RABBITMQ_VERSION,
        "cluster_name": broker.cluster_name,
        "cluster_tags": {},
        "node_tags": {},
        **nodes.VERSIONS,
        "disable_stats": call.flag("disable_stats"),
        "default_queue_type": "classic",
        "is_op_policy_updating_enabled": True,
        "enable_queue_totals": call.flag("enable_queue_totals"),
        "require_definition_json_extension": False,
        "object_totals": _objects(call),
    }
    if call.flag("disable_stats"):
        kept = ("queues", "exchanges", "connections") if call.is_monitor else ("queues", "exchanges")
        row["object_totals"] = {name: row["object_totals"][name] for name in kept}
        row["node"] = broker.node.name
    else:
        row["message_stats"] = yield from _message_stats(call)
        row["churn_rates"] = {**broker.node.churn, **call.rates.details(("churn", broker), *CHURN)}
        row["queue_totals"] = _queue_totals(call)
        row["statistics_db_event_queue"] = 0
        if call.is_monitor:
            row |= {"node": broker.node.name, "listeners": nodes.listeners(call), "contexts": nodes.contexts(call)}
    return listing.trimmed(call, row)


def _message_stats(call: Call) -> Slices:
    vhosts = call.broker.vhosts.values() if call.is_monitor else call.vhosts()
    counts = yield from totals.counts_of(call.broker, vhosts)
    return call.rates.message_stats(call.broker if call.is_monitor else None, counts, OF_VHOST)


def _queue_totals(call: Call) -> Row:
    names = ("messages", "messages_ready", "messages_unacknowledged")
    vhosts = call.broker.vhosts.values() if call.is_monitor else call.vhosts()
    values = dict(zip(names, totals.lengths(vhosts), strict=True))
    return {**values, **call.rates.details(("lengths", call.broker), *names)}


def _objects(call: Call) -> Row:
    """Of all virtual hosts for users with the tag monitoring, else of those that they see."""
    vhosts = list(call.broker.vhosts.values()) if call.is_monitor else call.vhosts()
    connections = [
        each
        for each in connections_of(call.broker)
        if each.is_open and (call.is_monitor or each.user_name == call.user.name)
    ]
    return {
        "channels": sum(len(connection.channels) for connection in connections),
        "consumers": sum(len(queue.consumers) for vhost in vhosts for queue in vhost.queues.values()),
        "exchanges": sum(len(vhost.exchanges) for vhost in vhosts),
        "queues": sum(len(vhost.queues) for vhost in vhosts),
        "connections": len(connections),
    }


def cluster_name(call: Call) -> Any:
    return {"name": call.broker.cluster_name}


def set_cluster_name(call: Call) -> None:
    name = fields.text(call.json("name"), "name")
    call.broker.set_global_parameter("cluster_name", name)


def version(_: Call) -> Answer:
    return Answer(200, RABBITMQ_VERSION)


def extensions(_: Call) -> Any:
    return [{"javascript": "dispatcher.js"}]


def hashed(call: Call) -> Any:
    return {"ok": call.broker.hash_password(call["password"])}


def attempts(call: Call) -> Any:
    _node(call)
    return call.broker.attempts.rows()


def attempts_by_source(call: Call) -> Any:
    """Not counted, as on a RabbitMQ where that was not switched on."""
    _node(call)
    return []


def forget_attempts(call: Call) -> None:
    _node(call)
    call.broker.attempts.clear()


def rebalance(call: Call) -> None:
    """One node has nothing to balance."""


def reset(call: Call) -> None:
    """Statistics are those of the objects themselves: there is no database to empty."""
    if "node" in call.params:
        _node(call)


def configuration(call: Call) -> Answer:
    """As Erlang terms: the settings that this broker has."""
    timeout = call.broker.node.consumer_timeout
    shown = "undefined" if timeout is None else str(round(timeout * 1000))
    return Answer(200, text=f"[{{rabbit,[{{consumer_timeout,{shown}}}]}}].\n", content_type="text/plain")


def _node(call: Call) -> Broker:
    if call["node"] != call.broker.node.name:
        raise missing()
    return call.broker
