"""Replies that close a channel or a connection.

Reply codes and names: AMQP 0-9-1 specification, section 1.2. Codes below 500 close the channel, except 320 and 402; all
others close the connection.
"""

from rmqctl.broker.core.errors import Reason, Refusal

_NAMES = {
    311: "CONTENT_TOO_LARGE",
    312: "NO_ROUTE",
    313: "NO_CONSUMERS",
    320: "CONNECTION_FORCED",
    402: "INVALID_PATH",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}
_CODES = {
    Reason.ACCESS_REFUSED: 403,
    Reason.NOT_FOUND: 404,
    Reason.RESOURCE_LOCKED: 405,
    Reason.PRECONDITION_FAILED: 406,
    Reason.INVALID: 406,
    Reason.NOT_ALLOWED: 530,
    Reason.NOT_IMPLEMENTED: 540,
    Reason.INTERNAL_ERROR: 541,
}
NO_METHOD = b"\x00\x00\x00\x00"
"""Class and method of a reply that blames none."""


class AmqpError(Exception):
    """`text` is the reply text without its name; `hard` closes the connection, otherwise the channel.

    `blame` is the class and method that the reply names, encoded; None for the method that was being handled.
    """

    def __init__(self, code: int, text: str, *, hard: bool | None = None, blame: bytes | None = None) -> None:
        super().__init__(text)
        self.blame = blame
        self.code = code
        self.hard = hard if hard is not None else code >= 500 or code in (320, 402)
        self.reply = reply_text(code, text)


class HangUp(Exception):
    """The connection is to be closed without a word, as RabbitMQ does when it cannot make sense of a peer."""


class Blocked(Exception):
    """What the client sends besides has to wait until the alarm is over."""


def error_of(refusal: Refusal) -> AmqpError:
    """What AMQP says of a refusal of the core. An internal error blames no method: it is the broker's own."""
    blame = NO_METHOD if refusal.reason is Reason.INTERNAL_ERROR else None
    return AmqpError(_CODES[refusal.reason], refusal.text, blame=blame)


def reply_text(code: int, text: str) -> str:
    """As it goes over the wire, with the code's name: 255 bytes at most."""
    whole = f"{_NAMES[code]} - {text}" if text else _NAMES[code]
    data = whole.encode("utf-8", "surrogateescape")
    return whole if len(data) <= 255 else data[:252].decode("utf-8", "ignore") + "..."
