"""Puts messages together from their frames: basic.publish, content header, bodies (specification, section 4.2.6)."""

from typing import NamedTuple

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.errors import NO_METHOD, AmqpError
from rmqctl.broker.amqp.states import Expects
from rmqctl.broker.core.content import decode_table, malformed, split_properties

# The largest body that RabbitMQ ever takes; what it takes by default is the core's to say.
_LARGEST_EVER = 512 * 1024 * 1024
# Flags and properties that were found sound.
_SOUND: set[bytes] = set()
_SOUND_AT_MOST = 1000
# Larger ones, in bytes, are looked at each time: publishers that say the same again and again say little.
_REMEMBERED = 1000


class Whole(NamedTuple):
    """A message with all its content."""

    published: frames.Published
    header: bytes
    body: bytes


class Assembly:
    """`expects` says which frame has to come next."""

    def __init__(self) -> None:
        self.expects = Expects.METHOD
        self._published: frames.Published | None = None
        self._header = b""
        self._size = 0
        self._got = 0
        self._pieces: list[bytes] = []

    def begin(self, payload: bytes) -> None:
        """basic.publish: its content follows."""
        self._published = frames.publish(payload)
        self.expects = Expects.HEADER

    def header(self, payload: bytes) -> Whole | None:
        """The message, when it has no body."""
        if self.expects is Expects.METHOD:
            raise unexpected("method frame", "non method frame", NO_METHOD)
        if len(payload) < 12:
            raise frames.bad_frame(501, frames.HEADER, payload, "unknown_frame")
        if len(payload) < 14:
            raise malformed()
        if self.expects is Expects.BODY:
            raise self.other_than_expected()
        if payload[:2] != b"\x00\x3c":
            class_id = int.from_bytes(payload[:2], "big")
            raise unexpected("content header for class 60", f"one for class {class_id}")
        if payload[2:4] != b"\x00\x00":
            raise self.other_than_expected()
        check_properties(payload)
        self._header = payload
        self._size = int.from_bytes(payload[4:12], "big")
        if self._size > _LARGEST_EVER:
            problem = f"content body size {self._size} exceeds maximum allowed size {_LARGEST_EVER}"
            raise AmqpError(501, problem, blame=frames.PUBLISH)
        self._got = 0
        self.expects = Expects.BODY
        return None if self._size else self._complete(b"")

    def body(self, payload: bytes) -> Whole | None:
        """The message, when this was all of it."""
        if self.expects is Expects.METHOD:
            raise unexpected("method frame", "non method frame", NO_METHOD)
        if self.expects is Expects.HEADER:
            raise self.other_than_expected()
        self._got += len(payload)
        if self._got == self._size and not self._pieces:
            return self._complete(payload)
        if self._got > self._size:
            raise AmqpError(501, "content body frame exceeds remaining content size", blame=frames.PUBLISH)
        self._pieces.append(payload)
        return self._complete(b"".join(self._pieces)) if self._got == self._size else None

    def other_than_expected(self) -> AmqpError:
        """What to say of a frame that is not the one that has to come next."""
        if self.expects is Expects.BODY:
            return unexpected("content body", "non content body frame")
        return unexpected("content header for class 60", "non content header frame")

    def _complete(self, body: bytes) -> Whole:
        assert self._published is not None
        whole = Whole(self._published, self._header, body)
        self._published, self._header, self._pieces = None, b"", []
        self.expects = Expects.METHOD
        return whole


def check_properties(header: bytes) -> None:
    """Raises Refusal when the properties do not fit the flags, or the headers are no table.

    What is small and was sound once need not be looked at again.
    """
    found = header[12:]
    if found in _SOUND:
        return
    headers = split_properties(header).get("headers")
    if headers is not None:
        decode_table(headers)
    if len(found) > _REMEMBERED:
        return
    if len(_SOUND) >= _SOUND_AT_MOST:
        _SOUND.clear()
    _SOUND.add(found)


def unexpected(expected: str, got: str, blame: bytes = frames.PUBLISH) -> AmqpError:
    return AmqpError(505, f"expected {expected}, got {got} instead", blame=blame)
