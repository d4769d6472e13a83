"""The HTTP API without a socket: from a request to a handler, and from what it gives or raises to an answer.

Paths are split before they are decoded: a `%2F` in a name is no separator, and decoding first would lose the virtual
host `/`.
"""

import json
import logging
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from rmqctl.broker.core.broker import DEFAULT_USER, Broker
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.users import MANAGEMENT_TAGS, User, is_loopback
from rmqctl.broker.management.rates import Rates
from rmqctl.broker.management.routes import Route, find
from rmqctl.broker.management.web import (
    Answer,
    Call,
    Created,
    HttpError,
    Kept,
    Ports,
    missing,
    of_refusal,
    too_large,
    unauthorised,
)

LARGEST_BODY = 20_000_000
"""Bytes of the largest body that is taken (RabbitMQ's management.max_http_body_size)."""
_LOG = logging.getLogger("rmqctl.broker")
_READ_ONLY = "HEAD, GET, OPTIONS"
_CHALLENGE = 'Basic realm="RabbitMQ Management"'
_DOCUMENTATION = "<!doctype html><title>HTTP API</title><p>See https://www.rabbitmq.com/docs/http-api-reference.</p>"
_JSON = "application/json"


class Request(NamedTuple):
    """`path` and `query` are still encoded; names of `headers` are small. `body` is None when it was too large."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    host: str
    """Where the client is."""


class Response(NamedTuple):
    """`batch`: it goes out once the store has committed this batch of changes; None: at once."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    batch: int | None = None


class Api:
    """Of a broker. `respond` is the whole of it."""

    def __init__(self, broker: Broker, ports: Ports) -> None:
        self._broker = broker
        self._ports = ports
        self._rates = Rates(broker)

    def respond(self, request: Request) -> Response:
        route, params = find(request.path)
        try:
            response = self._answer(request, route, params)
        except HttpError as error:
            response = _failure(error)
        except Refusal as refusal:
            response = _failure(of_refusal(refusal))
        except Exception:
            _LOG.exception("%s %s: cannot answer", request.method, request.path)
            response = Response(500, {})
        headers = {
            "allow": route.allow if route else _READ_ONLY,
            "cache-control": "no-cache",
            "vary": "accept, accept-encoding, origin",
            **response.headers,
        }
        return response._replace(headers=headers)

    def _answer(self, request: Request, route: Route | None, params: Mapping[str, str]) -> Response:
        if route is None:
            if request.path.rstrip("/") == "/api":
                return _text(200, _DOCUMENTATION, "text/html")
            raise missing()
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return Response(200, {})
        handler = route.handlers.get(method)
        if handler is None:
            raise HttpError(405)
        if request.body is None:
            raise too_large()
        node = self._broker.node
        node.now = node.clock()
        user = self._user(request)
        if not _accepted(request.headers.get("accept", "*/*")):
            raise HttpError(406)
        call = Call(
            broker=self._broker,
            rates=self._rates,
            ports=self._ports,
            user=user,
            method=method,
            params=params,
            query=dict(parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape")),
            headers=request.headers,
            body=request.body,
        )
        route.access(call)
        result = handler(call)
        if isinstance(result, Kept):
            batch = node.journal.batch if node.journal.durable else None
            return _response(result.body)._replace(batch=batch)
        return _response(result)

    def _user(self, request: Request) -> User:
        """Who asks. Raises 401."""
        given = request.headers.get("authorization")
        if given is None:
            raise HttpError(401)
        name, password = _credentials(given)
        user = self._broker.authenticate(name, password)
        self._broker.attempts.count("http", user is not None)
        if user is None:
            raise HttpError(401, "not_authorized", "Not_Authorized")
        if name == DEFAULT_USER and not is_loopback(request.host):
            raise HttpError(401, "not_authorized", "User can only log in via localhost")
        if MANAGEMENT_TAGS.isdisjoint(user.tags):
            raise unauthorised("Not management user")
        return user


def _accepted(wanted: str) -> bool:
    """Whether the client can do with JSON."""
    kinds = [each.partition(";")[0].strip().lower() for each in wanted.split(",")]
    return not any(kinds) or any(each in ("*/*", "application/*", _JSON, "") for each in kinds)


def _credentials(given: str) -> tuple[str, str]:
    """Name and password; both empty, which nobody has, for a bearer token. Raises 400 for what is neither."""
    kind, _, encoded = given.partition(" ")
    if kind.lower() == "bearer":
        return "", ""
    try:
        name, separator, password = b64decode(encoded.strip()).decode().partition(":")
    except ValueError:
        separator = ""
    if kind.lower() != "basic" or not separator:
        raise HttpError(400)
    return name, password


def _response(result: Any) -> Response:
    if result is None:
        return Response(204, {})
    if isinstance(result, Created):
        return Response(201, {"location": result.location} if result.location else {})
    if not isinstance(result, Answer):
        result = Answer(200, result)
    if result.text is not None:
        return _text(result.status, result.text, result.content_type)
    return Response(result.status, {"content-type": _JSON, **result.headers}, encoded(result.body))


def _text(status: int, text: str, content_type: str) -> Response:
    charset = "; charset=utf-8" if content_type.startswith("text/") else ""
    return Response(status, {"content-type": content_type + charset}, text.encode())


def _failure(error: HttpError) -> Response:
    if not error.error:
        return Response(error.status, {"www-authenticate": _CHALLENGE} if error.status == 401 else {})
    return Response(error.status, {"content-type": _JSON}, encoded({"error": error.error, "reason": error.reason}))


def encoded(document: Any) -> bytes:
    """JSON. What is not UTF-8 shows as U+FFFD, as RabbitMQ shows it."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_plain)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


def _plain(value: Any) -> Any:
    """AMQP values that JSON does not have."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    return str(value)
