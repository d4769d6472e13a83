"""Who asks: every request says it by name and password. `/api/login` answers with both as that header of requests."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from rmqctl.broker.core.broker import DEFAULT_USER, Broker
from rmqctl.broker.core.users import MANAGEMENT_TAGS, User, is_loopback
from rmqctl.broker.management.web import Call, HttpError, Row, unauthorised

_FORM = "application/x-www-form-urlencoded"


@contextmanager
def counted(broker: Broker) -> Iterator[None]:
    """What is done within is an attempt to log in, which fails with HttpError."""
    try:
        yield
    except HttpError:
        broker.attempts.count("http", False)
        raise
    broker.attempts.count("http", True)


def logged_in(broker: Broker, host: str, name: str, password: str) -> User:
    """A user of the API, from where the client is. Raises 401."""
    user = broker.authenticate(name, password)
    if user is None:
        raise HttpError(401, "not_authorized", "Not_Authorized")
    if name == DEFAULT_USER and not is_loopback(host):
        raise HttpError(401, "not_authorized", "User can only log in via localhost")
    if MANAGEMENT_TAGS.isdisjoint(user.tags):
        raise unauthorised("Not management user")
    return user


def log_in(call: Call) -> Any:
    form = parse_qs(call.body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape")
    name, password = (form.get(field, [""])[0] for field in ("username", "password"))
    with counted(call.broker):
        user = logged_in(call.broker, call.host, name, password)
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HttpError(415)
    basic = b64encode(f"{name}:{password}".encode("utf-8", "surrogateescape")).decode()
    return {"user": _row(user), "token": {"type": "basic", "value": basic}}


def log_out(_: Call) -> None:
    """Nothing is kept of who logs in."""


def whoami(call: Call) -> Any:
    return _row(call.user)


def _row(user: User) -> Row:
    return {"name": user.name, "tags": list(user.tags), "is_internal_user": True}
