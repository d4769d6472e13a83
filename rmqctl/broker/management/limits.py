"""`/api/vhost-limits` and `/api/user-limits`."""

from typing import Any

from rmqctl.broker.core.limits import check_user_limits
from rmqctl.broker.management.web import Call, HttpError, bad_request, missing


def list_vhost_limits(call: Call) -> Any:
    """Of the vhosts that have any; users with the tag monitoring see all."""
    if call.is_monitor and "vhost" not in call.params:
        vhosts = [call.broker.vhosts[name] for name in sorted(call.broker.vhosts)]
    else:
        vhosts = call.vhosts()
    return [{"value": dict(vhost.limits), "vhost": vhost.name} for vhost in vhosts if vhost.limits]


def put_vhost_limit(call: Call) -> None:
    call.vhost().limit({call["name"]: call.json("value")["value"]})


def delete_vhost_limit(call: Call) -> None:
    vhost = call.broker.vhosts.get(call["vhost"])
    if vhost is None:
        raise _no_vhost()
    vhost.unlimit(call["name"])


def list_user_limits(call: Call) -> Any:
    users = [call.broker.users[name] for name in sorted(call.broker.users)]
    if "user" in call.params:
        users = [user for user in users if user.name == call["user"]]
        if not users:
            raise missing()
    return [{"user": user.name, "value": dict(user.limits)} for user in users if user.limits]


def put_user_limit(call: Call) -> None:
    limits = {call["name"]: call.json("value")["value"]}
    check_user_limits(limits)
    user = call.broker.users.get(call["user"])
    if user is None:
        raise bad_request(["no_such_user", call["user"]])
    user.limit(limits)


def delete_user_limit(call: Call) -> None:
    """Of a user that is missing RabbitMQ says that the virtual host is."""
    user = call.broker.users.get(call["user"])
    if user is None:
        raise _no_vhost()
    user.unlimit(call["name"])


def _no_vhost() -> HttpError:
    return HttpError(404, "not_found", "vhost_not_found")
