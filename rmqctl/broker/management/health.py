"""`/api/health/checks`, and the older checks."""

from typing import Any

from rmqctl.broker.management import nodes
from rmqctl.broker.management.web import Answer, Call, bad_request

_OK = {"status": "ok"}
_UNITS = ("days", "weeks", "months", "years", "day", "week", "month", "year")
_AMQP = frozenset(("amqp", "amqp091", "amqp0.9.1", "amqp-0-9-1"))


def fine(call: Call) -> Any:
    """What cannot go wrong on a broker of one process that answers at all."""
    if "vhost" in call.params:
        call.vhost()
    return _OK


def aliveness(call: Call) -> Any:
    call.vhost()
    return _OK


def alarms(call: Call) -> Any:
    if not call.broker.alarmed:
        return _OK
    reason = "There are alarms in effect in the cluster"
    if call.method == "GET":
        alarm = {"node": call.broker.node.name, "resource": "memory"}
        return Answer(503, {"status": "failed", "reason": reason, "alarms": [alarm]})
    return _OK


def certificates(call: Call) -> Any:
    """Nothing listens with TLS."""
    if not call["within"].isdigit():
        raise bad_request("Invalid expiration value.")
    if call["unit"] not in _UNITS:
        raise bad_request("Time unit not recognised. Supported units: days, weeks, months, years.")
    return _OK


def port_listener(call: Call) -> Any:
    if not call["port"].isdigit():
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
