"""The HTTP API without a socket: from a request to a handler, and from what it gives or raises to an answer.

Paths are split before they are decoded: a `%2F` in a name is no separator, and decoding first would lose the virtual
host `/`.
"""

import logging
import re
from base64 import b64decode
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.users import User
from rmqctl.broker.management.access import public
from rmqctl.broker.management.documents import encoded
from rmqctl.broker.management.forms import is_form
from rmqctl.broker.management.login import counted, logged_in
from rmqctl.broker.management.origins import foreign_host, foreign_page, is_visit
from rmqctl.broker.management.page import PAGE, policy
from rmqctl.broker.management.rates import Rates
from rmqctl.broker.management.routes import Route, find
from rmqctl.broker.management.web import (
    Answer,
    Call,
    Created,
    Handler,
    HttpError,
    Json,
    Kept,
    Ports,
    missing,
    of_refusal,
    too_large,
)

_LOG = logging.getLogger("rmqctl.broker")
_READ_ONLY = "HEAD, GET, OPTIONS"
_CHALLENGE = 'Basic realm="RabbitMQ Management"'
_DOCUMENTATION = "<!doctype html><title>HTTP API</title><p>See https://www.rabbitmq.com/docs/http-api-reference.</p>"
_JSON = "application/json"
# What these are given is JSON by that name, or it is refused; some take a form, too.
_JSON_ONLY = frozenset(
    ("all-configuration", "definitions", "feature-flags", "operator-policies", "user-limits", "vhost-limits")
)
_FORMS = frozenset(("all-configuration", "definitions"))
_CONTENT_TYPE = re.compile(r"""[^\s/;]+/[^\s/;]+(\s*;\s*[^\s=;]+=([^\s;]+|"[^"]*"))*\s*;?\s*""")
_LONGEST = 255
_BROKEN = re.compile("%(?![0-9A-Fa-f]{2})")


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


class Steps:
    """An answer that is being made: `response` is there when all steps have been taken."""

    response: Response

    def __init__(self, making: Generator[None, None, Response]) -> None:
        self._making = making

    def __iter__(self) -> Iterator[None]:
        self.response = yield from self._making


class Asked(NamedTuple):
    """A request that was let in: its body may come."""

    request: Request
    route: Route
    handler: Handler
    call: Call


class Api:
    """Of a broker. `respond` is the whole of it, in two steps: nobody's body is kept who may not do what he asks for."""

    def __init__(self, broker: Broker, ports: Ports) -> None:
        self._broker = broker
        self._ports = ports
        self._rates = Rates(broker)

    def respond(self, request: Request) -> Response:
        begun = self.begin(request)
        if isinstance(begun, Response):
            return begun
        steps = self.steps(begun, request.body)
        for _ in steps:
            pass
        return steps.response

    def begin(self, request: Request) -> Response | Asked:
        """The answer where it needs no body; else what `steps` is to be called with."""
        route, params = find(request.path)
        try:
            begun = self._admitted(request, route, params)
        except Exception as error:
            begun = _failed(request, error)
        return begun if isinstance(begun, Asked) else _complete(route, begun)

    def steps(self, asked: Asked, body: bytes | None) -> Steps:
        """A long answer lets others go on between them."""
        return Steps(self._answer(asked, body))

    def _answer(self, asked: Asked, body: bytes | None) -> Generator[None, None, Response]:
        try:
            response = yield from self._handled(asked, body)
        except Exception as error:
            response = _failed(asked.request, error)
        return _complete(asked.route, response)

    def _admitted(self, request: Request, route: Route | None, params: Mapping[str, str]) -> Response | Asked:
        self._check_origin(request)
        if _is_broken(request.path) or _is_broken(request.query):
            raise HttpError(400)
        if route is None:
            if request.method not in _READ_ONLY.split(", "):
                raise HttpError(405)
            return _page(request.path)
        method = "GET" if request.method == "HEAD" and route.has_head else request.method
        if method == "OPTIONS":
            return Response(200, {})
        handler = route.handlers.get(method)
        if handler is None:
            raise HttpError(405)
        node = self._broker.node
        node.now = node.clock()
        query = parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape")
        call = Call(
            broker=self._broker,
            rates=self._rates,
            ports=self._ports,
            user=User(node, ""),
            method=method,
            params=params,
            query=dict(reversed(query)),
            headers=request.headers,
            host=request.host,
            body=b"",
        )
        if route.access is not public:
            call = self._let_in(route, call)
        if not _accepted(request.headers.get("accept", "*/*")):
            raise HttpError(406)
        if method in ("PUT", "POST") and not _understood(route, request.headers.get("content-type")):
            raise HttpError(415)
        return Asked(request, route, handler, call)

    def _handled(self, asked: Asked, body: bytes | None) -> Generator[None, None, Response]:
        if body is None:
            raise too_large()
        user = asked.call.user
        if asked.route.access is not public and self._broker.users.get(user.name) is not user:
            raise HttpError(401, "not_authorized", "Not_Authorized")  # deleted while the body came
        node = self._broker.node
        node.now = node.clock()
        result = asked.handler(replace(asked.call, body=body))
        if isinstance(result, Generator):
            result = yield from result
        if isinstance(result, Kept):
            batch = node.journal.batch if node.journal.durable else None
            return _response(result.body)._replace(batch=batch)
        return _response(result)

    def _check_origin(self, request: Request) -> None:
        """Raises 403 for what a browser sends for a page of another site; such a page may only have a link to this one."""
        linked = request.path == "/" and is_visit(request.headers)
        foreign = foreign_host(request.headers, self._ports.host, self._ports.name)
        if foreign or (not linked and (foreign := foreign_page(request.headers))):
            raise HttpError(403, "forbidden", foreign)

    def _let_in(self, route: Route, call: Call) -> Call:
        """With who asks, and may. Raises HttpError; to RabbitMQ that is a failed attempt, whatever it fails at."""
        given = call.headers.get("authorization")
        if given is None:
            raise HttpError(401)
        name, password = _credentials(given)
        with counted(self._broker):
            call = replace(call, user=logged_in(self._broker, call.host, name, password))
            route.access(call)
        return call


def _page(path: str) -> Response:
    """What is for people."""
    if path == "/":
        html = PAGE.read_text(encoding="utf-8")
        page = _text(200, html, "text/html")
        return page._replace(headers={**page.headers, "content-security-policy": policy(html)})
    if path.rstrip("/") == "/api":
        return _text(200, _DOCUMENTATION, "text/html")
    raise missing()


def _complete(route: Route | None, response: Response) -> Response:
    headers = {
        "allow": route.allow if route else _READ_ONLY,
        "cache-control": "no-cache",
        "vary": "accept, accept-encoding, origin",
        **response.headers,
    }
    return response._replace(headers=headers)


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        error = of_refusal(error)
    if isinstance(error, HttpError):
        return _failure(error)
    _LOG.error("%s %r: cannot answer", request.method, request.path, exc_info=error)
    return Response(500, {})


def _is_broken(encoded: str) -> bool:
    """Whether a % is not that of a byte."""
    return _BROKEN.search(encoded) is not None


def _understood(route: Route, content_type: str | None) -> bool:
    """Most of the API takes JSON by whatever name, as RabbitMQ does, some of it by its own name only."""
    if content_type is not None and (len(content_type) > _LONGEST or not _CONTENT_TYPE.fullmatch(content_type)):
        return False
    area = route.path.partition("/")[0]
    if area not in _JSON_ONLY:
        return True
    if content_type is None:
        return False
    return content_type.partition(";")[0].strip().lower() == _JSON or (area in _FORMS and is_form(content_type))


def _accepted(wanted: str) -> bool:
    """Whether the client can do with JSON."""
    kinds = [each.partition(";")[0].strip().lower() for each in wanted.split(",")]
    return any(each in ("*/*", "application/*", _JSON) for each in kinds)


def _credentials(given: str) -> tuple[str, str]:
    """Name and password; both empty, which nobody has, for a bearer token. Raises 400 for what is neither."""
    kind, _, encoded = given.partition(" ")
    if kind.lower() == "bearer" and encoded.strip():
        return "", ""
    try:
        decoded = b64decode(encoded.strip(), validate=True).decode("utf-8", "surrogateescape")
        name, separator, password = decoded.partition(":")
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
    if isinstance(result, Json):
        return Response(200, {"content-type": _JSON, **result.headers}, result.body)
    if not isinstance(result, Answer):
        result = Answer(200, result)
    if result.text is not None:
        text = _text(result.status, result.text, result.content_type)
        return text._replace(headers={**text.headers, **result.headers})
    return Response(result.status, {"content-type": _JSON, **result.headers}, encoded(result.body))


def _text(status: int, text: str, content_type: str) -> Response:
    charset = "; charset=utf-8" if content_type.startswith("text/") else ""
    return Response(status, {"content-type": content_type + charset}, text.encode())


def _failure(error: HttpError) -> Response:
    if not error.error:
        return Response(error.status, {"www-authenticate": _CHALLENGE} if error.status == 401 else {})
    return Response(error.status, {"content-type": _JSON}, encoded({"error": error.error, "reason": error.reason}))
