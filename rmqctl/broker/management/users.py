"""`/api/users`."""

from typing import Any

from rmqctl.broker.core.users import User, checked_hash, checked_tags, known_algorithm
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Created, Row, bad_request, missing, text


def list_users(call: Call) -> Any:
    return listing.answer(call, [row(user) for user in call.broker.users.values()], default=("name",))


def without_permissions(call: Call) -> Any:
    rows = [row(user) for user in call.broker.users.values() if not user.permissions]
    return listing.answer(call, rows, default=("name",))


def get_user(call: Call) -> Any:
    return listing.trimmed(call, row(find(call)))


def put_user(call: Call) -> Any:
    """Without password and hash nobody can log in any more, as in RabbitMQ."""
    document = call.json()
    if "tags" not in document:
        raise bad_request("tags_not_present")
    if "password" in document and "password_hash" in document:
        raise bad_request("both_password_and_password_hash_are_provided")
    algorithm = known_algorithm(document.get("hashing_algorithm"))
    hashed = ""
    if "password_hash" in document:
        hashed = checked_hash(document["password_hash"])
    elif "password" in document and (password := text(document, "password")):
        hashed = call.broker.hash_password(password, algorithm)
    known = call["name"] in call.broker.users
    call.broker.put_user(call["name"], hashed, checked_tags(document["tags"]), algorithm)
    return None if known else Created()


def delete_user(call: Call) -> None:
    call.broker.delete_user(find(call).name)


def bulk_delete(call: Call) -> None:
    names = call.json("users")["users"]
    if not isinstance(names, list):
        raise bad_request("users should be a list")
    for name in names:
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
