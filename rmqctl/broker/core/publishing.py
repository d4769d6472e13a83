"""Publishing: from what a client, the HTTP API or a queue's dead letters bring to the queues that take it.

    accept      may this user write there, and is the message sound?    Refusal: nothing happened
    route       which queues are to have it?
    hand_over   each queue takes it or rejects it                        Outcome

`Publisher.publish` is all three. A transaction accepts and routes when the message comes, and hands over at its commit;
a dead letter is routed and handed over, and nobody is asked whether he may.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rmqctl.broker.core.arguments import LONGEST
from rmqctl.broker.core.consumer import Origin
from rmqctl.broker.core.errors import not_found, precondition, refused
from rmqctl.broker.core.exchange import Exchange
from rmqctl.broker.core.firehose import Firehose
from rmqctl.broker.core.message import ACTED_ON, HEADERS, Message
from rmqctl.broker.core.queue import REJECTED, STORED, Queue
from rmqctl.broker.core.replies import ADDRESS, REPLY_TO, DirectReplies
from rmqctl.broker.core.routing import Router
from rmqctl.broker.core.stats import Counts
from rmqctl.broker.core.users import User

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest body that RabbitMQ 4 takes (max_message_size)."""
Route = Sequence[Queue] | None
"""The queues that are to have a message; None when it is a direct reply, which needs none."""
_IMPERSONATOR = "impersonator"


class Outcome(NamedTuple):
    """What became of a message.

    `routed`: there was a queue for it, or somebody who waited for the reply. `rejected`: a full queue did not take it.
    `stored`: a queue keeps it over a restart: with a journal that is durable, once that has committed the batch of now.
    """

    routed: bool
    rejected: bool
    stored: bool


# By these three as bits: no message needs an outcome of its own.
_OUTCOMES = tuple(Outcome(bool(bits & 4), bool(bits & REJECTED), bool(bits & STORED)) for bits in range(8))
_ROUTED = 4
TAKEN = _OUTCOMES[_ROUTED]
"""Routed, not rejected, and nobody has to wait for the store."""


class Publisher:
    """Who publishes: a user in a virtual host, by one channel or one request.

    `unroutable`, where it is given, is called with a message that is to come back because no queue was there for it.
    """

    def __init__(
        self, vhost: str, router: Router, replies: DirectReplies, user: User, firehose: Firehose, origin: Origin
    ) -> None:
        self.vhost = vhost
        self.user = user
        self.reply_address = ""
        """Where replies to this publisher go, while it waits for some."""
        self.counts = Counts()
        self._router = router
        self._replies = replies
        self._firehose = firehose
        self._origin = origin
        self._allowed: dict[str, int] = {}
        """Exchanges that the user may write to whatever the routing key, as of which epoch."""

    def publish(self, message: Message, unroutable: Callable[[Message], None] | None = None) -> Outcome:
        """Raises Refusal when the message is not accepted; then nothing has happened."""
        exchange, message = self.accept(message)
        return self.hand_over(exchange, message, self.route(exchange, message), unroutable)

    def accept(self, message: Message) -> tuple[Exchange, Message]:
        """The exchange, and the message, which may come back changed. Raises Refusal."""
        if len(message.body) > LARGEST:
            raise precondition(f"message size {len(message.body)} is larger than configured max size {LARGEST}")
        name = message.exchange
        exchange = self._router.exchanges.get(name)
        if exchange is None or exchange.internal or self._allowed.get(name) != self.user.epoch:
            exchange = self._to_write(exchange, message)
        return exchange, self._checked(message) if message.flags & ACTED_ON else message

    def route(self, exchange: Exchange, message: Message) -> Route:
        """Raises Refusal when the headers CC and BCC are no lists."""
        if not exchange.name and message.key.startswith(ADDRESS):
            return None
        return self._router.route(exchange, message)

    def hand_over(
        self,
        exchange: Exchange,
        message: Message,
        queues: Route,
        unroutable: Callable[[Message], None] | None = None,
    ) -> Outcome:
        self.counts.publish += 1
        exchange.counts.publish_in += 1
        if self._firehose.on:
            self._firehose.published(self._origin, message, [each.name for each in queues or ()])
        if queues is None:
            outcome = _OUTCOMES[_ROUTED if self._replies.send(message) else 0]
        else:
            if message.flags & HEADERS and b"\x03BCC" in message.header:
                message = message.changed(message.exchange, message.key, headers={"BCC": None})
            exchange.counts.publish_out += len(queues)
            outcome = put(message, queues)
        if not outcome.routed:
            if unroutable is not None:
                self.counts.return_unroutable += 1
                unroutable(message)
            else:
                self.counts.drop_unroutable += 1
        return outcome

    def _to_write(self, exchange: Exchange | None, message: Message) -> Exchange:
        name, user = message.exchange, self.user
        user.check("write", self.vhost, "exchange", name)
        if exchange is None:
            raise not_found("exchange", name, self.vhost)
        if exchange.internal:
            raise refused(f"cannot publish to internal exchange '{name}' in vhost '{self.vhost}'")
        if name not in user.topic_permissions(self.vhost):
            self._allowed[name] = user.epoch
        elif exchange.kind == "topic":
            user.check_topic("write", self.vhost, name, message.key)
        return exchange

    def _checked(self, message: Message) -> Message:
        """Looks at the properties that the broker acts on."""
        user_id = message.get("user_id")
        if user_id is not None and user_id != self.user.name and _IMPERSONATOR not in self.user.tags:
            raise precondition(f"user_id property set to '{user_id}' but authenticated user was '{self.user.name}'")
        expiration = message.get("expiration")
        if expiration is not None:
            check_expiration(expiration)
        if message.get("reply_to") == REPLY_TO:
            if not self.reply_address:
                raise precondition("fast reply consumer does not exist")
            return message.changed(message.exchange, message.key, reply_to=self.reply_address)
        return message


def put(message: Message, queues: Sequence[Queue], *, redelivered: bool = False) -> Outcome:
    """Each of the queues takes the message or rejects it. What it pushes out of them is dead-lettered after that."""
    if len(queues) == 1:
        return _OUTCOMES[_ROUTED | queues[0].push(message, redelivered=redelivered)]
    if not queues:
        return _OUTCOMES[0]
    bits = _ROUTED
    with queues[0].home.dead_letters_later():
        for queue in queues:
            bits |= queue.push(message, redelivered=redelivered)
    return _OUTCOMES[bits]


def check_expiration(text: str) -> None:
    """Raises Refusal for what is no number of milliseconds."""
    number = re.match(r"[+-]?\d+", text, re.ASCII)
    if number is None:
        problem = "no_integer"
    elif number.end() < len(text):
        problem = f'{{leftover_string,"{text[number.end() :]}"}}'
    elif int(text) < 0:
        problem = f"{{value_negative,{text}}}"
    elif int(text) > LONGEST:
        problem = f"{{value_too_large,{text}}}"
    else:
        return
    raise precondition(f"invalid expiration '{text}': {problem}")
