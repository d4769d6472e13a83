"""A message that came: its fields for --where, and how the HTTP API would show it."""

from base64 import b64encode
from datetime import datetime
from typing import Any, NamedTuple


class Delivery(NamedTuple):
    """pika's basic.deliver or basic.get-ok, properties and body."""

    got: Any
    properties: Any
    body: bytes

    @property
    def known(self) -> dict[str, Any]:
        """The properties that it has, by the names of AMQP 0-9-1."""
        return {key: value for key, value in vars(self.properties).items() if value is not None}

    def fields(self) -> dict[str, Any]:
        """What --where reads: delivery fields, `payload`, `payload_bytes`, the properties by name, `headers.NAME`."""
        return {
            **self.known,
            "properties": self.known,
            "headers": self.properties.headers or {},
            "exchange": _json(self.got.exchange),
            "routing_key": _json(self.got.routing_key),
            "redelivered": self.got.redelivered,
            "payload": self.body.decode("utf-8", "replace"),
            "payload_bytes": len(self.body),
        }

    def row(self) -> dict[str, Any]:
        """As the HTTP API has a message."""
        payload, encoding = text_of(self.body)
        return {
            "exchange": _json(self.got.exchange),
            "routing_key": _json(self.got.routing_key),
            "redelivered": self.got.redelivered,
            "properties": {key: _json(value) for key, value in self.known.items()},
            "payload_bytes": len(self.body),
            "payload_encoding": encoding,
            "payload": payload,
        }


def text_of(body: bytes) -> tuple[str, str]:
    """The body as text, and "string" or "base64": what payload_encoding says."""
    try:
        return body.decode(), "string"
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), "base64"


def _json(value: Any) -> Any:
    """AMQP's values in JSON, as the HTTP API writes them: times as seconds, bytes (what is no UTF-8) as text."""
    if isinstance(value, dict):
        return {_json(key): _json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return value if isinstance(value, str | int | float | bool | None) else float(value)
