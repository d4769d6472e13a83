"""Who calls the HTTP API: a request, and the answer that may wait until the disk has what it brought."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

from rmqctl.broker.core.node import Node
from rmqctl.broker.management import api


class Answer(NamedTuple):
    status: int
    body: Any


class Request:
    """An HTTP request; `answer` is None as long as the broker has not answered it.

    As in `management.app`: an answer waits for its batch, and `changed` is called after what may have changed something.
    """

    def __init__(
        self,
        broker_api: api.Api,
        node: Node,
        changed: Callable[[], None],
        method: str,
        path: str,
        user: str,
        body: Any,
    ) -> None:
        self.answer: Answer | None = None
        self._node = node
        raw, _, query = path.partition("?")
        headers = {
            "content-type": "application/json",
            "authorization": "Basic " + b64encode(f"{user}:{user}".encode()).decode(),
        }
        data = b"" if body is None else json.dumps(body).encode()
        response = broker_api.respond(api.Request(method, raw, query, headers, data, "127.0.0.1"))
        self._answer = Answer(response.status, json.loads(response.body) if response.body else None)
        self._batch = response.batch
        if self._batch is None:
            self.answer = self._answer
        else:
            node.awaiting[self] = None
        if method != "GET":
            changed()

    def committed(self, batch: int) -> None:
        """See `ports.Awaiting`."""
        if self._batch is not None and batch >= self._batch:
            self.answer = self._answer
            self._node.awaiting.pop(self, None)
