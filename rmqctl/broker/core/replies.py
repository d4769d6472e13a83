"""Direct reply-to: replies go straight to whoever asked, without a queue (https://www.rabbitmq.com/docs/direct-reply-to)."""

import hmac
from collections.abc import Callable

from rmqctl.broker.core.errors import Reason, Refusal, not_found
from rmqctl.broker.core.message import Message
from rmqctl.broker.core.node import Node

REPLY_TO = "amq.rabbitmq.reply-to"
"""The name of the queue that a client consumes from, and what it names as reply_to."""
ADDRESS = f"{REPLY_TO}."
"""What the routing keys of replies begin with."""
_TOKEN = 22


class DirectReplies:
    """Who waits for replies, by the last part of their addresses.

    The part is sealed: that somebody waited once can be told from an address that was never given out.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._secret = node.entropy.token(16)
        self._waiting: dict[str, Callable[[Message], None]] = {}

    def open(self, receive: Callable[[Message], None]) -> str:
        """A new address; `receive` is called with what comes there."""
        token = self._node.random_name()
        part = token + self._seal(token)
        self._waiting[part] = receive
        return ADDRESS + part

    def close(self, address: str) -> None:
        self._waiting.pop(address.removeprefix(ADDRESS), None)

    def send(self, message: Message) -> bool:
        """Hands a reply to whoever waits at its routing key. False for an address that was never given out."""
        part = message.key.removeprefix(ADDRESS)
        receive = self._waiting.get(part)
        if receive is None:
            return self._was_made_here(part)
        receive(message)
        return True

    def check(self, name: str, vhost: str) -> None:
        """Raises Refusal when nobody waits for replies at this address; the plain name is always there."""
        part = name.removeprefix(REPLY_TO).removeprefix(".")
        if not part or part in self._waiting:
            return
        if not self._was_made_here(part):
            raise Refusal(Reason.INTERNAL_ERROR, "")
        raise not_found("queue", name, vhost)

    def _was_made_here(self, part: str) -> bool:
        return part.endswith(self._seal(part[:_TOKEN]))

    def _seal(self, token: str) -> str:
        return hmac.new(self._secret, token.encode("utf-8", "replace"), "sha256").hexdigest()[:16]
