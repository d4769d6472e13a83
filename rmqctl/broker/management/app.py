"""The ASGI application: from a request to a handler, and from what it gives or raises to an answer.

Paths are split before they are decoded: a `%2F` in a name is no separator, and decoding first would lose the virtual
host `/` (Starlette decodes first, so it is used for requests and answers, not for routing).
"""

import asyncio
import json
import logging
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rmqctl.broker.core.broker import DEFAULT_USER, Broker
from rmqctl.broker.core.errors import AmqpError
from rmqctl.broker.core.users import MANAGEMENT_TAGS, User
from rmqctl.broker.management import page
from rmqctl.broker.management.rates import Rates
from rmqctl.broker.management.routes import Route, find
from rmqctl.broker.management.web import Answer, Call, Created, HttpError, Kept, Ports, from_amqp, missing, unauthorised

_LOG = logging.getLogger("rmqctl.broker")
_READ_ONLY = "HEAD, GET, OPTIONS"
_CHALLENGE = 'Basic realm="RabbitMQ Management"'
# RabbitMQ's management.max_http_body_size.
_LARGEST_BODY = 20_000_000
_DOCUMENTATION = "<!doctype html><title>HTTP API</title><p>See https://www.rabbitmq.com/docs/http-api-reference.</p>"


def create_app(
    broker: Broker,
    *,
    amqp_port: int,
    http_port: int = 15672,
    host: str = "127.0.0.1",
    changed: Callable[[], None] | None = None,
) -> ASGIApp:
    """The API of a broker on the event loop that the broker runs on. `changed` is called after each request that may
    have changed something."""
    api = _Api(broker, Ports(amqp_port, http_port, host), changed or (lambda: None))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await api(scope, receive, send)

    return app


class _Api:
    def __init__(self, broker: Broker, ports: Ports, changed: Callable[[], None]) -> None:
        self._broker = broker
        self._ports = ports
        self._changed = changed
        self._rates = Rates(broker)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        path = raw.decode("latin-1").partition("?")[0]
        if path == "/":
            await (await page.route.endpoint(request))(scope, receive, send)
            return
        route, params = find(path)
        try:
            response = await self._answer(request, path, route, params)
        except HttpError as error:
            response = _failure(error)
        except AmqpError as error:
            response = _failure(from_amqp(error))
        except Exception:
            _LOG.exception("%s %s: cannot answer", request.method, path)
            response = Response(status_code=500)
        for name, value in (
            ("allow", route.allow if route else _READ_ONLY),
            ("cache-control", "no-cache"),
            ("vary", "accept, accept-encoding, origin"),
        ):
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: str, route: Route | None, params: Mapping[str, str]) -> Response:
        if route is None:
            if path.rstrip("/") == "/api":
                return Response(_DOCUMENTATION, media_type="text/html")
            raise missing()
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return Response()
        handler = route.handlers.get(method)
        if handler is None:
            raise HttpError(405)
        body = await _body(request)
        self._broker.now = self._broker.clock()
        user = self._user(request)
        if not _accepted(request):
            raise HttpError(406)
        call = Call(
            broker=self._broker,
            rates=self._rates,
            ports=self._ports,
            user=user,
            method=method,
            params=params,
            query=_query(request),
            headers=request.headers,
            body=body,
        )
        route.access(call)
        try:
            result = handler(call)
        finally:
            if method != "GET":
                self._changed()
        if isinstance(result, Kept):
            await _Stored(self._broker).wait()
            result = result.body
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
        host = request.client.host if request.client else "127.0.0.1"
        if name == DEFAULT_USER and not (host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1", "localhost")):
            raise HttpError(401, "not_authorized", "User can only log in via localhost")
        if MANAGEMENT_TAGS.isdisjoint(user.tags):
            raise unauthorised("Not management user")
        return user


class _Stored:
    """Waits until the store has what it was told until now."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._batch = broker.journal.batch
        self._done = asyncio.Event()
        broker.awaiting[self] = None

    def committed(self, batch: int) -> None:
        if batch >= self._batch:
            self._done.set()

    async def wait(self) -> None:
        try:
            await self._done.wait()
        finally:
            del self._broker.awaiting[self]


def _accepted(request: Request) -> bool:
    """Whether the client can do with JSON."""
    wanted = request.headers.get("accept", "*/*")
    kinds = [each.partition(";")[0].strip().lower() for each in wanted.split(",")]
    return not any(kinds) or any(each in ("*/*", "application/*", "application/json", "") for each in kinds)


async def _body(request: Request) -> bytes:
    """The whole body. Raises 400 when it is too large, without keeping it."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= _LARGEST_BODY:
            parts.append(part)
    if size > _LARGEST_BODY:
        raise HttpError(400, "bad_request", f"payload_too_large: limit is {_LARGEST_BODY} bytes")
    return b"".join(parts)


def _query(request: Request) -> Mapping[str, str]:
    text = request.scope["query_string"].decode("latin-1")
    return dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))


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
        return Response(status_code=204)
    if isinstance(result, Response):
        return result
    if isinstance(result, Created):
        return Response(status_code=201, headers={"location": result.location} if result.location else None)
    if not isinstance(result, Answer):
        result = Answer(200, result)
    if result.text is not None:
        return Response(result.text, result.status, media_type=result.content_type)
    return Response(encoded(result.body), result.status, media_type="application/json")


def _failure(error: HttpError) -> Response:
    headers = {"www-authenticate": _CHALLENGE} if error.status == 401 and not error.error else None
    if not error.error:
        return Response(status_code=error.status, headers=headers)
    body = encoded({"error": error.error, "reason": error.reason})
    return Response(body, error.status, headers, media_type="application/json")


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
