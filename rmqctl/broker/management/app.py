"""The ASGI application: the API and the page on the event loop that the broker runs on."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request as Asked
from starlette.responses import Response as Sent
from starlette.types import ASGIApp, Receive, Scope, Send

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management import page
from rmqctl.broker.management.api import LARGEST_BODY, Api, Request
from rmqctl.broker.management.web import Ports


def create_app(
    broker: Broker,
    *,
    amqp_port: int,
    http_port: int = 15672,
    host: str = "127.0.0.1",
    changed: Callable[[], None] | None = None,
) -> ASGIApp:
    """`changed` is called after each request that may have changed something."""
    api = Api(broker, Ports(amqp_port, http_port, host))
    tell = changed or (lambda: None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = Asked(scope, receive)
        path = _path(scope)
        if path == "/":
            await (await page.route.endpoint(asked))(scope, receive, send)
            return
        response = api.respond(
            Request(
                asked.method,
                path,
                scope["query_string"].decode("latin-1"),
                asked.headers,
                await _body(asked),
                asked.client.host if asked.client else "127.0.0.1",
            )
        )
        # Whoever waits is known before the store is told that there is something: then it writes at once.
        stored = None if response.batch is None else _Stored(broker.node, response.batch)
        if asked.method not in ("GET", "HEAD"):
            tell()
        if stored is not None:
            await stored.wait()
        await Sent(response.body, response.status, response.headers)(scope, receive, send)

    return app


class _Stored:
    """Waits until the store has committed a batch."""

    def __init__(self, node: Node, batch: int) -> None:
        self._node = node
        self._batch = batch
        self._done = asyncio.Event()
        node.awaiting[self] = None

    def committed(self, batch: int) -> None:
        if batch >= self._batch:
            self._done.set()

    async def wait(self) -> None:
        try:
            await self._done.wait()
        finally:
            del self._node.awaiting[self]


def _path(scope: Scope) -> str:
    """Still encoded: Starlette decodes before it splits, so it is used for requests and answers, not for routing."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return raw.decode("latin-1").partition("?")[0]


async def _body(asked: Asked) -> bytes | None:
    """The whole body; None when it is too large, without keeping it."""
    parts, size = [], 0
    async for part in asked.stream():
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
    return b"".join(parts) if size <= LARGEST_BODY else None
