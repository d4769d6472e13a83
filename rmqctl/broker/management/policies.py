"""`/api/policies` and `/api/operator-policies`."""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.policies import Policy, checked
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Created, Handler, missing

OPERATOR = "operator-policies"


def list_policies(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        rows = [policy.document() for vhost in call.vhosts() for policy in _kept(vhost, kind).values()]
        return listing.answer(call, rows, pages=False)

    return handler


def get_policy(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        found = _kept(call.vhost(), kind).get(call["name"])
        if found is None:
            raise missing()
        return listing.trimmed(call, found.document())

    return handler


def put_policy(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        vhost = call.vhost()
        document = call.json("pattern", "definition")
        operator = kind == OPERATOR
        known = call["name"] in _kept(vhost, kind)
        policy = checked({**document, "vhost": vhost.name, "name": call["name"]}, operator=operator)
        vhost.set_policy(policy, operator=operator)
        return None if known else Created()

    return handler


def delete_policy(kind: str) -> Handler:
    def handler(call: Call) -> None:
        try:
            call.vhost().clear_policy(call["name"], operator=kind == OPERATOR)
        except Refusal:
            raise missing() from None

    return handler


def _kept(vhost: VHost, kind: str) -> Mapping[str, Policy]:
    return vhost.operator_policies if kind == OPERATOR else vhost.policies
