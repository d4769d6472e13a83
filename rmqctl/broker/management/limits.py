"""`/api/vhost-limits` and `/api/user-limits`."""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.users import User
from rmqctl.broker.management.policies import term
from rmqctl.broker.management.web import Call, HttpError, bad_request, missing

_OF_VHOST = ("max-connections", "max-queues")
_OF_USER = ("max-connections", "max-channels")


def list_vhost_limits(call: Call) -> Any:
    """Of the vhosts that have any; users with the tag monitoring see all."""
    if call.is_monitor and "vhost" not in call.params:
        vhosts = [call.broker.vhosts[name] for name in sorted(call.broker.vhosts)]
    else:
        vhosts = call.vhosts()
    return [{"value": vhost.limits, "vhost": vhost.name} for vhost in vhosts if vhost.limits]


def put_vhost_limit(call: Call) -> None:
    vhost = call.vhost()
    limit = {call["name"]: call.json("value")["value"]}
    check_vhost_limits(limit)
    vhost.limits |= limit
    call.broker.define_vhost(vhost)


def delete_vhost_limit(call: Call) -> None:
    vhost = call.vhost()
    vhost.limits.pop(call["name"], None)
    call.broker.define_vhost(vhost)


def list_user_limits(call: Call) -> Any:
    users = [call.broker.users[name] for name in sorted(call.broker.users)]
    if "user" in call.params:
        users = [user for user in users if user.name == call["user"]]
        if not users:
            raise missing()
    return [{"user": user.name, "value": user.limits} for user in users if user.limits]


def put_user_limit(call: Call) -> None:
    user = _user(call)
    limit = {call["name"]: call.json("value")["value"]}
    check_user_limits(limit)
    user.limits |= limit
    call.broker.define_user(user)


def delete_user_limit(call: Call) -> None:
    """Of a user that is missing RabbitMQ says that the virtual host is."""
    user = call.broker.users.get(call["user"])
    if user is None:
        raise HttpError(404, "not_found", "vhost_not_found")
    user.limits.pop(call["name"], None)
    call.broker.define_user(user)


def check_vhost_limits(given: Mapping[str, Any]) -> None:
    """Raises 400."""
    if unknown := {name: value for name, value in given.items() if name not in _OF_VHOST}:
        raise bad_request(f"Validation failed\n\nUnrecognised terms {term(unknown)} in limits\n")
    if problem := _no_number(given):
        raise bad_request(f"Validation failed\n\n{problem}\n")


def check_user_limits(given: Mapping[str, Any]) -> None:
    """Raises 400."""
    if unknown := {name: value for name, value in given.items() if name not in _OF_USER}:
        raise bad_request(f"Unrecognised terms {term(unknown)} in user-limits")
    if problem := _no_number(given):
        raise bad_request(problem)


def _no_number(given: Mapping[str, Any]) -> str:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{name} should be a number, actually was {term(value)}"
    return ""


def _user(call: Call) -> User:
    found = call.broker.users.get(call["user"])
    if found is None:
        raise bad_request(["no_such_user", call["user"]])
    return found
