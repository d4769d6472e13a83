"""What is asked of one endpoint, and what comes back."""

from collections.abc import Mapping, Sequence
from typing import Any

from rmqctl.record import Record
from rmqctl.settings import Endpoint


class Request(Record):
    """`target` is the path below the endpoint's URL with its query; `body` is sent as JSON unless it is None.

    `text`: an answer that is no JSON. `deadline` (`time.monotonic`, None: none) is when the whole answer has to be there, and
    `limit` the seconds of --timeout that end there. `connect` is seconds for the connection.
    """

    endpoint: Endpoint
    method: str
    target: str
    headers: Sequence[tuple[bytes, bytes]]
    body: Any
    text: bool
    deadline: float | None
    limit: float | None
    connect: float


class Answer(Record):
    """One answer: HTTP status, decoded JSON (None when the body is empty) and headers."""

    status: int
    body: Any
    headers: Mapping[str, str]
