"""`/api/health/checks`, and the older checks."""

from typing import Any

from rmqctl.broker.core.fields import is_whole
from rmqctl.broker.management import nodes
from rmqctl.broker.management.embedded import list_alarms
from rmqctl.broker.management.web import Answer, Call, bad_request, missing

_OK = {"status": "ok"}
_UNITS = ("days", "weeks", "months", "years", "day", "week", "month", "year")
_AMQP = frozenset(("amqp", "amqp091", "amqp0.9.1", "amqp-0-9-1"))


def fine(_: Call) -> Any:
    """What cannot go wrong on a broker of one process that answers at all."""
    return _OK


def node(call: Call) -> Any:
    if call["node"] != call.broker.node.name:
        raise missing()
    return _OK


def aliveness(call: Call) -> Any:
    """Whether a client of this user could connect."""
    call.broker.admit(call.user, call.vhost().name)
    return _OK


def alarms(call: Call) -> Any:
    if not call.broker.alarmed:
        return _OK
    reason = "There are alarms in effect in the cluster"
    if call.method == "GET":
        return Answer(503, {"status": "failed", "reason": reason, "alarms": list_alarms(call)})
    return _OK


def certificates(call: Call) -> Any:
    """Nothing listens with TLS."""
    if not is_whole(call["within"]):
        raise bad_request("Invalid expiration value.")
    if call["unit"] not in _UNITS:
        raise bad_request("Time unit not recognised. Supported units: days, weeks, months, years.")
    return _OK


def port_listener(call: Call) -> Any:
    if not is_whole(call["port"]):
        raise bad_request("Invalid port")
    port = int(call["port"])
    ports = [each["port"] for each in nodes.listeners(call)]
    if port in ports:
        return {"port": port, "status": "ok"}
    return Answer(503, {"ports": ports, "reason": "No active listener", "status": "failed", "missing": port})


def protocol_listener(call: Call) -> Any:
    protocols = [each["protocol"] for each in nodes.listeners(call)]
    asked = call["protocol"].lower().split(",")
    lacking = [name for name in asked if name not in protocols and name not in _AMQP]
    if not lacking:
        return {"status": "ok", "protocols": protocols}
    answer = {"reason": "No active listener", "status": "failed", "protocols": protocols, "missing": lacking}
    return Answer(503, answer)


def quorum_critical(_: Call) -> Any:
    return {"reason": "single node cluster", "status": "ok"}
