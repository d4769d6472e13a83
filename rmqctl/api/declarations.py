"""Declares things: PUT of what is not there, a look at what is."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from rmqctl import passwords
from rmqctl.api.client import Client
from rmqctl.api.failures import of_answer, reason_of
from rmqctl.api.paths import path
from rmqctl.api.request import Answer
from rmqctl.errors import DataError, NoSuchUser, NotFound, RmqctlError, Unavailable
from rmqctl.resources.declarations import Declaration, comparable, differences

Row = dict[str, Any]

CREATED = "created"
UNCHANGED = "already as wanted"
CHANGED = "changed"


class Declared(NamedTuple):
    """What came of it: CREATED, UNCHANGED or CHANGED; `differences` is what changed, old and new."""

    result: str
    differences: tuple[str, ...] = ()


def declare(client: Client, wanted: Declaration, *, dry_run: bool = False) -> Declared:
    """Makes it exist as wanted. Raises DataError when it exists otherwise and is of a kind that is not changed."""
    if wanted.kind.order == 2 and not dry_run:
        return _declare_on_the_broker(client, wanted)
    row = find(client, wanted)
    if row is not None:
        unequal = _unequal(wanted, row)
        if not unequal:
            return Declared(UNCHANGED)
        if wanted.kind.fixed:
            raise _differs(client, wanted, unequal)
    if not dry_run:
        _write(client, wanted)
    return Declared(CREATED) if row is None else Declared(CHANGED, tuple(unequal))


def _declare_on_the_broker(client: Client, wanted: Declaration) -> Declared:
    """A queue or an exchange: the broker compares, though not every argument, and answers 201, 204 or 400.

    4.3 fails with 500 instead when it has to name something that is not ASCII.
    """
    answer = _put(client, wanted, accept=(400, 500))
    if answer.status == 201:
        return Declared(CREATED)
    row = find(client, wanted)
    if row is not None and (unequal := _unequal(wanted, row)):
        raise _differs(client, wanted, unequal)
    if answer.status >= 400:
        reason = reason_of(answer.body)
        if reason.endswith("not implemented by this broker"):
            raise Unavailable(f"{wanted.what}: {reason} ({client.endpoint.url})")
        raise of_answer(answer.status, answer.body, wanted.what, client.endpoint.url, client.user, "")
    return Declared(UNCHANGED)


def _differs(client: Client, wanted: Declaration, unequal: list[str]) -> DataError:
    return DataError(f"{wanted.what} exists and differs: {'; '.join(unequal)} ({client.endpoint.url})")


def find(client: Client, wanted: Declaration) -> Row | None:
    """What is there of that name, None for nothing."""
    kind = wanted.kind.name
    if kind == "vhost_limit":
        return _limit(client, wanted, "vhost-limits", wanted.vhost)
    if kind == "user_limit":
        return _limit(client, wanted, "user-limits", wanted.fields["user"])
    found = client.request("GET", path(*wanted.path), what=wanted.what, accept=(404,))
    body = found.body if found.status != 404 else None
    if kind == "binding":
        keys = ("routing_key", "arguments")
        return next((row for row in body or [] if all(_same(row.get(key), wanted.fields[key]) for key in keys)), None)
    if kind == "topic_permissions":
        return next((row for row in body or [] if row.get("exchange") == wanted.fields["exchange"]), None)
    return body if isinstance(body, dict) else None


def _same(there: Any, wanted: Any) -> bool:
    return bool(there == wanted) or (not there and not wanted)


def _limit(client: Client, wanted: Declaration, noun: str, owner: str) -> Row | None:
    """GET of all limits of a virtual host or user."""
    found = client.request("GET", path(noun, owner), what=wanted.what, accept=(404,))
    for row in found.body or [] if found.status != 404 else []:
        value = row.get("value") or {}
        if wanted.fields["name"] in value:
            return {"value": value[wanted.fields["name"]]}
    return None


def _unequal(wanted: Declaration, row: Row) -> list[str]:
    there, ours = comparable(wanted, row)
    unequal = differences(there, ours)
    if wanted.kind.name == "user" and not _has_password(row, wanted.fields):
        unequal.insert(0, "password: there another one")
    return unequal


def _has_password(row: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether the user has that password: a salt of four bytes and the hash of both are what is stored."""
    stored = str(row.get("password_hash") or "")
    if "password_hash" in fields:
        return bool(fields["password_hash"] == stored)
    if "password" not in fields:
        return True
    try:
        salt = b64decode(stored, validate=True)[:4]
    except ValueError:
        return False
    algorithm = str(row.get("hashing_algorithm")).removeprefix("rabbit_password_hashing_")
    return (
        passwords.hashed(str(fields["password"]), algorithm if algorithm in passwords.HASHES else "sha256", salt)
        == stored
    )


def _write(client: Client, wanted: Declaration) -> None:
    if wanted.kind.name == "binding":
        _bind(client, wanted)
        return
    answer = _put(client, wanted, accept=(400,))
    if answer.status == 400:
        raise _refused(client, wanted, answer)


def _bind(client: Client, wanted: Declaration) -> None:
    """POST of a binding. What is missing is looked for when the broker says no, since 4.3 cannot name what is not ASCII."""
    answer = client.request("POST", path(*wanted.path), body=wanted.body, what=wanted.what, accept=(404, 500))
    if answer.status < 400:
        return
    fields = wanted.fields
    for kind, name in (("exchange", fields["source"]), (fields["destination_type"], fields["destination"])):
        client.get(
            path(f"{kind}s", wanted.vhost, name), {"columns": "name"},
            what=f"{wanted.what}: {kind} {name!r}",
        )  # fmt: skip
    raise of_answer(answer.status, answer.body, wanted.what, client.endpoint.url, client.user, "")


def _put(client: Client, wanted: Declaration, accept: tuple[int, ...]) -> Answer:
    answer = client.request("PUT", path(*wanted.path), body=wanted.body, what=wanted.what, accept=(*accept, 404))
    if answer.status == 404:
        if wanted.kind.name == "user_limit":
            raise NoSuchUser(f"user {wanted.fields['user']!r} does not exist ({client.endpoint.url})")
        raise NotFound(f"{wanted.what}: virtual host {wanted.vhost!r} does not exist ({client.endpoint.url})")
    return answer


def _refused(client: Client, wanted: Declaration, answer: Answer) -> RmqctlError:
    reason = reason_of(answer.body)
    if reason == "vhost_or_user_not_found":
        known = client.request("GET", path("vhosts", wanted.vhost), {"columns": "name"}, accept=(404,))
        if known.status == 404:
            return NotFound(f"{wanted.what}: virtual host {wanted.vhost!r} does not exist ({client.endpoint.url})")
        reason = "no_such_user"
    if "no_such_user" in reason:
        return NoSuchUser(f"{wanted.what}: user {wanted.fields['user']!r} does not exist ({client.endpoint.url})")
    if wanted.kind.name in ("shovel", "federation_upstream") and reason.endswith("not found"):
        plugin = f"rabbitmq_{wanted.kind.name.partition('_')[0]}"
        return Unavailable(f"{wanted.what}: the plugin {plugin} is not enabled ({client.endpoint.url})")
    return of_answer(400, answer.body, wanted.what, client.endpoint.url, client.user, "")
