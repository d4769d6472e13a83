"""`/api/parameters` and `/api/global-parameters`.

Without plugins there are two components: `operator_policy`, and `vhost-limits` with its one parameter `limits`.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

from rmqctl.broker.core.parameters import LIMITS, OPERATOR_POLICY, set_parameter
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Created, Row, in_order, missing


def list_parameters(call: Call) -> Any:
    component = call.params.get("component")
    rows = [row for row in _rows(call) if component in (None, row["component"])]
    return listing.answer(call, rows, default=("vhost", "name"), pages=False)


def get_parameter(call: Call) -> Any:
    return listing.trimmed(call, _find(call))


def put_parameter(call: Call) -> Any:
    vhost = call.vhost()
    value = call.json("value")["value"]
    known = any(_is_asked(call, row) for row in _rows(call))
    set_parameter(vhost, call["component"], call["name"], value)
    return None if known else Created()


def delete_parameter(call: Call) -> None:
    found = _find(call)
    if found["component"] == OPERATOR_POLICY:
        call.vhost().clear_policy(found["name"], operator=True)
    else:
        call.vhost().replace_limits({})


def list_global(call: Call) -> Any:
    rows = [{"name": name, "value": value} for name, value in _globals(call).items()]
    return listing.answer(call, rows, default=("name",), pages=False)


def get_global(call: Call) -> Any:
    if call["name"] not in _globals(call):
        raise missing()
    return {"name": call["name"], "value": _globals(call)[call["name"]]}


def put_global(call: Call) -> Any:
    value = call.json("value")["value"]
    known = call["name"] in call.broker.global_parameters
    call.broker.set_global_parameter(call["name"], value)
    return None if known else Created()


def delete_global(call: Call) -> None:
    if call["name"] not in call.broker.global_parameters:
        raise missing()
    call.broker.clear_global_parameter(call["name"])


def _globals(call: Call) -> Row:
    node = hashlib.md5(call.broker.node.name.encode(), usedforsecurity=False).digest()
    cluster = f"rabbitmq-cluster-id-{urlsafe_b64encode(node).rstrip(b'=').decode()}"
    return {"cluster_tags": [], "internal_cluster_id": cluster, **in_order(dict(call.broker.global_parameters))}


def _rows(call: Call) -> list[Row]:
    rows: list[Row] = []
    for vhost in call.vhosts():
        if vhost.limits:
            rows.append(
                {
                    "value": in_order(dict(vhost.limits)),
                    "vhost": vhost.name,
                    "component": LIMITS,
                    "name": "limits",
                }
            )
        for policy in vhost.operator_policies.values():
            value = policy.document()
            name = value.pop("name")
            where = value.pop("vhost")
            value = {key: value[key] for key in ("pattern", "definition", "priority", "apply-to")}
            rows.append({"value": value, "vhost": where, "component": OPERATOR_POLICY, "name": name})
    return rows


def _find(call: Call) -> Row:
    for row in _rows(call):
        if _is_asked(call, row):
            return row
    raise missing()


def _is_asked(call: Call, row: Row) -> bool:
    return bool((row["component"], row["name"]) == (call["component"], call["name"]))
