"""`/api/users`."""

from typing import Any

from rmqctl.broker.core import definitions, fields
from rmqctl.broker.core.users import User
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Created, Row, missing


def list_users(call: Call) -> Any:
    return listing.answer(call, [row(user) for user in call.broker.users.values()], default=("name",))


def without_permissions(call: Call) -> Any:
    rows = [row(user) for user in call.broker.users.values() if not user.permissions]
    return listing.answer(call, rows, default=("name",))


def get_user(call: Call) -> Any:
    return listing.trimmed(call, row(find(call)))


def put_user(call: Call) -> Any:
    document = call.json()
    known = call["name"] in call.broker.users
    definitions.put_user(call.broker, call["name"], document)
    return None if known else Created()


def delete_user(call: Call) -> None:
    call.broker.delete_user(find(call).name)


def bulk_delete(call: Call) -> None:
    for name in fields.texts(call.json("users"), "users"):
        if name in call.broker.users:
            call.broker.delete_user(name)


def find(call: Call) -> User:
    found = call.broker.users.get(call["name"])
    if found is None:
        raise missing()
    return found


def row(user: User) -> Row:
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.algorithm,
        "tags": list(user.tags),
        "limits": dict(user.limits),
    }
