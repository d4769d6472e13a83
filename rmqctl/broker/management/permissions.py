"""`/api/permissions` and `/api/topic-permissions`."""

from collections.abc import Iterable
from typing import Any

from rmqctl.broker.core import fields
from rmqctl.broker.core.permissions import Permission, TopicPermission, checked_pattern
from rmqctl.broker.core.users import User
from rmqctl.broker.management import listing
from rmqctl.broker.management.exchanges import exchange_name
from rmqctl.broker.management.web import Call, Created, Row, bad_request, missing

_DEFAULT_ORDER = ("vhost", "user")


def list_permissions(call: Call) -> Any:
    return _answer(call, [each for user in call.broker.users.values() for each in _rows(user)])


def of_vhost(call: Call) -> Any:
    name = call.vhost().name
    return _answer(call, [each for user in call.broker.users.values() for each in _rows(user) if each["vhost"] == name])


def of_user(call: Call) -> Any:
    return _answer(call, _rows(_user(call, "name")))


def get_permission(call: Call) -> Any:
    name, found = call.vhost().name, _user(call, "user")
    if name not in found.permissions:
        raise missing()
    return listing.trimmed(call, next(row for row in _rows(found) if row["vhost"] == name))


def put_permission(call: Call) -> Any:
    user = _to_change(call)
    document = call.json("configure", "write", "read")
    permission = Permission(*(checked_pattern(fields.text(document, part)) for part in ("configure", "write", "read")))
    known = call["vhost"] in user.permissions
    user.permit(call["vhost"], permission)
    return None if known else Created()


def delete_permission(call: Call) -> None:
    get_permission(call)
    _user(call, "user").permit(call["vhost"], None)


def list_topic(call: Call) -> Any:
    return _answer(call, [each for user in call.broker.users.values() for each in _topic_rows(call, user)])


def topic_of_vhost(call: Call) -> Any:
    name, users = call.vhost().name, call.broker.users.values()
    return _answer(call, [each for user in users for each in _topic_rows(call, user) if each["vhost"] == name])


def topic_of_user(call: Call) -> Any:
    return _answer(call, _topic_rows(call, _user(call, "name")))


def get_topic(call: Call) -> Any:
    name, found = call.vhost().name, _user(call, "user")
    rows = [row for row in _topic_rows(call, found) if row["vhost"] == name]
    if not rows:
        raise missing()
    return _answer(call, rows)


def put_topic(call: Call) -> Any:
    user = _to_change(call)
    document = call.json("exchange", "write", "read")
    exchange = document["exchange"]
    if not isinstance(exchange, str) or exchange_name(exchange) not in call.vhost().exchanges:
        raise bad_request(["no_such_exchange", exchange])
    exchange = exchange_name(exchange)
    permission = TopicPermission(
        checked_pattern(fields.text(document, "write")), checked_pattern(fields.text(document, "read"))
    )
    known = bool(user.topic_permissions(call["vhost"]))
    user.permit_topics(call["vhost"], exchange, permission)
    return None if known else Created()


def delete_topic(call: Call) -> None:
    """Those for all exchanges, or for the one of the path."""
    get_topic(call)
    user, wanted = _user(call, "user"), call.params.get("exchange")
    for exchange in list(user.topic_permissions(call["vhost"])):
        if wanted is None or exchange == exchange_name(wanted):
            user.permit_topics(call["vhost"], exchange, None)


def _to_change(call: Call) -> User:
    found = call.broker.users.get(call["user"])
    if found is None or call["vhost"] not in call.broker.vhosts:
        raise bad_request("vhost_or_user_not_found")
    return found


def _user(call: Call, param: str) -> User:
    found = call.broker.users.get(call[param])
    if found is None:
        raise missing()
    return found


def _rows(user: User) -> list[Row]:
    return [{"user": user.name, "vhost": vhost, **each._asdict()} for vhost, each in user.permissions.items()]


def _topic_rows(call: Call, user: User) -> list[Row]:
    return [
        {"user": user.name, "vhost": vhost, "exchange": exchange, **each._asdict()}
        for vhost in call.broker.vhosts
        for exchange, each in user.topic_permissions(vhost).items()
    ]


def _answer(call: Call, rows: Iterable[Row]) -> Any:
    return listing.answer(call, rows, default=_DEFAULT_ORDER, pages=False)
