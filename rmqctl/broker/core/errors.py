"""Replies that close a channel or a connection.

Reply codes and names: AMQP 0-9-1 specification, section 1.2. Codes below 500 close the channel, except 320 and 402; all
others close the connection.
"""

NAMES = {
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


class AmqpError(Exception):
    """`text` is the reply text without its name; `hard` closes the connection, otherwise the channel."""

    def __init__(self, code: int, text: str, *, hard: bool | None = None, blame: bytes | None = None) -> None:
        super().__init__(text)
        self.blame = blame
        """Class and method that the reply names; None for the method that was being handled."""
        self.code = code
        self.text = text
        self.hard = hard if hard is not None else code >= 500 or code in (320, 402)

    @property
    def reply(self) -> str:
        """The reply text as it goes over the wire: 255 bytes at most."""
        text = f"{NAMES[self.code]} - {self.text}" if self.text else NAMES[self.code]
        data = text.encode("utf-8", "surrogateescape")
        return text if len(data) <= 255 else data[:252].decode("utf-8", "ignore") + "..."


class HangUp(Exception):
    """The connection is to be closed without a word, as RabbitMQ does when it cannot make sense of a peer."""


class DataFolderError(Exception):
    """The data folder cannot be used: damaged, of something else, or of a broker that is running."""


def not_found(kind: str, name: str, vhost: str) -> AmqpError:
    return AmqpError(404, f"no {kind} '{name}' in vhost '{vhost}'")


def precondition(text: str) -> AmqpError:
    return AmqpError(406, text)


def refused(text: str) -> AmqpError:
    return AmqpError(403, text)
