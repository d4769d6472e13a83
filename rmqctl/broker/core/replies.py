"""Direct reply-to: replies go straight to whoever asked, without a queue (https://www.rabbitmq.com/docs/direct-reply-to).

An address is the queue's name, the requester and a key, with dots between, as RabbitMQ makes them and some clients check
it. The requester is an Erlang process in the external term format, encoded in base64.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from struct import Struct

from rmqctl.broker.core.errors import Reason, Refusal, not_found
from rmqctl.broker.core.message import Message
from rmqctl.broker.core.node import Node

REPLY_TO = "amq.rabbitmq.reply-to"
"""The name of the queue that a client consumes from, and what it names as reply_to."""
ADDRESS = f"{REPLY_TO}."
"""What the routing keys of replies begin with."""
# External term format: a process has a node's name, a number, a serial number and when the node was started.
_PROCESS = b"\x83Xv"
_NUMBERS = Struct(">III")
_NODE = b"reply@localhost"


class DirectReplies:
    """Who waits for replies, by the last two parts of their addresses."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._opened = 0
        self._waiting: dict[str, Callable[[Message], None]] = {}

    def open(self, receive: Callable[[Message], None]) -> str:
        """A new address; `receive` is called with what comes there."""
        self._opened += 1
        numbers = _NUMBERS.pack(self._opened & 0xFFFFFFFF, 0, int(self._node.started) & 0xFFFFFFFF)
        process = _PROCESS + len(_NODE).to_bytes(2, "big") + _NODE + numbers
        part = ".".join(b64encode(each).decode() for each in (process, self._node.entropy.token(16)))
        self._waiting[part] = receive
        return ADDRESS + part

    def close(self, address: str) -> None:
        self._waiting.pop(address.removeprefix(ADDRESS), None)

    def send(self, message: Message) -> bool:
        """Hands a reply to whoever waits at its routing key. False for what is no address."""
        part = message.key.removeprefix(ADDRESS)
        receive = self._waiting.get(part)
        if receive is None:
            return _is_address(part)
        receive(message)
        return True

    def check(self, name: str, vhost: str) -> None:
        """Raises Refusal when nobody waits for replies at this address; the plain name is always there."""
        part = name.removeprefix(REPLY_TO).removeprefix(".")
        if part in self._waiting or name == REPLY_TO:
            return
        if not _is_address(part):
            raise Refusal(Reason.INTERNAL_ERROR, "")
        raise not_found("queue", name, vhost)


def _is_address(part: str) -> bool:
    """Whether it has the form of one."""
    process, dot, _ = part.partition(".")
    try:
        data = b64decode(process, validate=True)
    except (NotBase64, ValueError):
        return False
    size = int.from_bytes(data[3:5], "big")
    return bool(dot) and data.startswith(_PROCESS) and len(data) == 5 + size + _NUMBERS.size
