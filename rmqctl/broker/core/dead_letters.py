"""What becomes of a message that leaves a queue unwanted (https://www.rabbitmq.com/docs/dlx)."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from rmqctl.broker.core import content
from rmqctl.broker.core.message import Entry, Message, more_keys
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.publishing import put
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.routing import Router
from rmqctl.broker.core.timers import PIECE, SOON, Timer


class Left(NamedTuple):
    """Messages that have left a queue unwanted; without a queue they go nowhere."""

    queue: Queue | None
    entries: Iterator[Entry]
    reason: str


class DeadLetters:
    """The dead letters of a virtual host go out one after the other: each may push more out of the queues it gets to.

    `with` it, those that come within go out at its end: when what pushed them out is in all of its own queues. What is more
    than a piece waits for some time, and everything that comes later waits behind it.
    """

    def __init__(self, router: Router, node: Node) -> None:
        self._router = router
        self._node = node
        self._waiting: deque[Left] = deque()
        self._within = 0
        self._rest: Timer | None = None

    def __enter__(self) -> None:
        self._within += 1

    def __exit__(self, *_: object) -> None:
        try:
            if self._within == 1 and self._waiting:
                self._send_piece()
        finally:
            self._within -= 1

    def add(self, queue: Queue, entries: Iterator[Entry], reason: str) -> None:
        """`reason`: rejected, expired, maxlen or delivery_limit."""
        with self:
            self._waiting.append(Left(queue, entries, reason))

    def let_go(self, entries: Iterator[Entry]) -> None:
        with self:
            self._waiting.append(Left(None, entries, ""))

    def _send_piece(self) -> None:
        try:
            left = PIECE
            while self._waiting and left:
                sent = self._send(self._waiting[0], left)
                if sent < left:
                    self._waiting.popleft()
                left -= sent
        finally:
            if self._waiting and self._rest is None:
                self._rest = self._node.timers.at(self._node.now + SOON, self._send_rest)

    def _send_rest(self) -> None:
        self._rest = None
        with self:
            pass

    def _send(self, some: Left, most: int) -> int:
        """At most so many of them go to where their queue wants its dead letters sent; nowhere when that is missing.

        Returns how many that were.
        """
        queue, reason, sent = some.queue, some.reason, 0
        exchange = None if queue is None else self._router.exchanges.get(queue.dead_letter_exchange or "")
        for entry in islice(some.entries, most):
            sent += 1
            if queue is None or exchange is None:
                continue
            message = dead_lettered(queue, entry, reason, self._node.date(self._node.now))
            more = more_keys(message, "CC") if queue.dead_letter_key is None else ()
            found = self._router.route(exchange, message, more)
            put(
                message,
                [target for target in found if reason == "rejected" or not in_circles(target, message)],
                redelivered=entry.count > 0,
            )
        return sent


def dead_lettered(queue: Queue, entry: Entry, reason: str, now: float) -> Message:
    """The message as it goes to the dead letter exchange: with its history in x-death, newest first, and no expiration."""
    message = entry.message
    deaths = list(message.deaths)
    known = next((death for death in deaths if death["queue"] == queue.name and death["reason"] == reason), None)
    latest: dict[str, Any]
    if known is not None:
        deaths.remove(known)
        latest = {**known, "count": known["count"] + 1}
    else:
        latest = {
            "count": 1,
            "reason": reason,
            "queue": queue.name,
            "time": datetime.fromtimestamp(int(now), UTC),
            "exchange": message.exchange,
            "routing-keys": [message.key, *more_keys(message, "CC")],
        }
        if (expiration := message.get("expiration")) is not None:
            latest["original-expiration"] = expiration
    before = _history(message) if known is None else b"".join(map(content.field, deaths))
    headers: dict[str, bytes | None] = {"x-death": content.array(content.field(latest) + before)}
    for name in ("reason", "queue", "exchange"):
        if not message.deaths:
            headers[f"x-first-death-{name}"] = content.field(latest[name])
        headers[f"x-last-death-{name}"] = content.field(latest[name])
    key = message.key if queue.dead_letter_key is None else queue.dead_letter_key
    dead = message.changed(queue.dead_letter_exchange or "", key, headers=headers, drop=("expiration",))
    dead.deaths = (latest, *deaths)
    return dead


def _history(message: Message) -> bytes:
    """What x-death tells already, as it is encoded there: it may be long, and is not encoded again for each queue."""
    if not message.deaths:
        return b""
    return content.array_items(content.split_table(message.encoded()["headers"])["x-death"])


def in_circles(queue: Queue, message: Message) -> bool:
    """It was in the queue before, and no client has rejected it since: it would go round for ever."""
    since = []
    for death in message.deaths:
        since.append(death["reason"])
        if death["queue"] == queue.name:
            return "rejected" not in since
    return False
