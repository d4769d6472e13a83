"""What only this broker has over HTTP: alarms on demand, and the limits that RabbitMQ has its own tool for."""

from rmqctl.broker.core import fields
from rmqctl.broker.core.alarms import DISK, MEMORY
from rmqctl.broker.core.errors import invalid
from rmqctl.broker.management.web import Call, Row, bad_request
from rmqctl.broker.memory import total_memory

_BY = "an operator"
_LARGEST_SHARE = 1000


def list_alarms(call: Call) -> list[Row]:
    return [{"node": call.broker.node.name, "resource": each} for each in call.broker.alarms.resources]


def set_alarm(call: Call) -> None:
    """Until it is taken back; what is measured may say so too."""
    call.broker.alarms.set(call["resource"], fields.flag(call.json("on"), "on"), _BY)


def set_limit(call: Call) -> None:
    """`bytes`, or `share` of the machine's memory: most that the process may have, or least that is free on the disk."""
    document = call.json()
    if "share" in document:
        share = document["share"]
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= _LARGEST_SHARE:
            raise bad_request(["not_a_share", share])
        limit = int(share * (total_memory() or 0))
    else:
        limit = fields.whole(call.json("bytes"), "bytes")
    if limit < 0:
        raise bad_request(["negative", limit])
    if call["resource"] == MEMORY:
        call.broker.memory_limit = limit
    elif call["resource"] == DISK:
        call.broker.disk_limit = limit
    else:
        raise invalid(f"no limit of '{call['resource']}': {MEMORY}, {DISK}")
    call.broker.limited()
