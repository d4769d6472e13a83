"""The ASGI application: the API and the page on the event loop that the broker runs on."""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.requests import Request as Asked
from starlette.responses import Response as Sent
from starlette.types import ASGIApp, Receive, Scope, Send

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.api import Api, Request, Response
from rmqctl.broker.management.bodies import Bodies, BodyRefused
from rmqctl.broker.management.web import Ports


def create_app(
    broker: Broker,
    *,
    amqp_port: int,
    http_port: int = 15672,
    host: str = "127.0.0.1",
    name: str = "localhost",
    changed: Callable[[], None] | None = None,
) -> ASGIApp:
    """`changed` is called after each request that may have changed something. `host` and `name`: see Ports."""
    api = Api(broker, Ports(amqp_port, http_port, host, name))
    bodies = Bodies()
    tell = changed or (lambda: None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = Asked(scope, receive)
        try:
            response = await answer(asked)
        except ClientDisconnect:
            return
        await Sent(response.body, response.status, response.headers)(scope, receive, send)

    async def answer(asked: Asked) -> Response:
        begun = api.begin(_request(asked))
        try:
            if isinstance(begun, Response):
                await bodies.skip(asked)
                return begun
            async with bodies.read(asked) as body:
                steps = api.steps(begun, body)
                for _ in steps:
                    # Others have their turns.
                    await asyncio.sleep(0)
                response = steps.response
        except BodyRefused as refusal:
            closing = {"connection": "close"}
            if isinstance(begun, Response):
                return begun._replace(headers={**begun.headers, **closing})
            return Response(refusal.status, closing)
        # Whoever waits is known before the store is told that there is something: then it writes at once.
        stored = None if response.batch is None else _Stored(broker.node, response.batch)
        if asked.method not in ("GET", "HEAD"):
            tell()
        if stored is not None:
            await stored.wait()
        return response

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


def _request(asked: Asked) -> Request:
    """Without its body, which comes later."""
    client = asked.client.host if asked.client else "127.0.0.1"
    return Request(
        asked.method, _path(asked.scope), asked.scope["query_string"].decode("latin-1"), asked.headers, b"", client
    )


def _path(scope: Scope) -> str:
    """Still encoded: Starlette decodes before it splits, so it is used for requests and answers, not for routing."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return raw.decode("latin-1").partition("?")[0]
