"""A client that does nothing wrong, on the same broker: it has to get everything that it is due."""

import struct
from collections.abc import Callable

from tests.fuzz import wire
from tests.fuzz.wire import field, long, method
from tests.fuzz.worlds import Stored
from tests.simulation.world import Link

QUEUE, LATE = b"innocent", b"innocent.late"
DELAY = 2.0
"""Seconds that a message waits in the queue LATE."""
_CHANNEL = 1
_OWN = b"innocent.visitor"
# Messages of others that one round throws away.
_TAKEN = 3
_PERSISTENT = b"\x10\x00\x02"
_KINDS = (wire.METHOD, wire.HEADER, wire.BODY, wire.HEARTBEAT)
_FRAME = struct.Struct(">BHI")
Frame = tuple[int, int, bytes]


class Problem(Exception):
    """Something is not as it has to be."""


class Client:
    """Connected to a virtual host, with one channel on which publishes are confirmed.

    `fetch` gives what a link was sent meanwhile.
    """

    def __init__(self, world: Stored, fetch: Callable[[Link], bytes], vhost: bytes) -> None:
        self._world = world
        self._fetch = fetch
        self.link = world.connect()
        self._hears(
            *(wire.PROTOCOL_HEADER, method(0, 10, 11, "SsSs", b"", b"PLAIN", b"\0guest\0guest", b"en_US")),
            *(method(0, 10, 31, "HIH", 2047, 131072, 0), method(0, 10, 40, "ssB", vhost, b"", 0)),
            *(method(_CHANNEL, 20, 10, "s", b""), method(_CHANNEL, 85, 10, "B", 0)),
            heard=[(10, 10), (10, 30), (10, 41), (20, 11), (85, 11)],
        )

    def _hears(self, *said: bytes, heard: list[tuple[int, int]]) -> list[Frame]:
        """Exactly these answers."""
        found = self._say(*said)
        if [_index(each) for each in found] != heard:
            raise Problem(f"{type(self).__name__} hears {[_index(each) for each in found]} instead of {heard}")
        return found

    def _say(self, *frames: bytes) -> list[Frame]:
        self._world.feed(self.link, b"".join(frames))
        self._world.pump()
        return self._heard()

    def _heard(self) -> list[Frame]:
        return parsed(self._fetch(self.link))


class Innocent(Client):
    """Is there from the beginning to the end."""

    def __init__(self, world: Stored, fetch: Callable[[Link], bytes]) -> None:
        super().__init__(world, fetch, b"/")
        self._count = 0
        self.declare(QUEUE)
        late = field(b"x-message-ttl", b"l" + struct.pack(">q", int(DELAY * 1000)))
        late += field(b"x-dead-letter-exchange", b"S" + long(b""))
        late += field(b"x-dead-letter-routing-key", b"S" + long(QUEUE))
        self.declare(LATE, late)
        self._hears(method(_CHANNEL, 60, 20, "HssBS", 0, QUEUE, b"tag", 0, b""), heard=[(60, 21)])

    def works(self) -> None:
        """Declares, publishes with a confirm, gets its message and deletes."""
        body = self._body()
        heard = self._say(*_publish(QUEUE, body))
        confirmed = [each for each in heard if _index(each) == (60, 80)]
        if len(confirmed) != 1 or self._delivered(heard) != [body]:
            raise Problem(f"an innocent client publishes and hears {[_index(each) for each in heard]}")
        self.declare(b"innocent.other")
        self._hears(method(_CHANNEL, 50, 40, "HsB", 0, b"innocent.other", 0), heard=[(50, 41)])

    def starts_waiting(self) -> bytes:
        """Publishes what has to come after DELAY; see `has_waited`."""
        body = self._body()
        self._hears(*_publish(LATE, body), heard=[(60, 80)])
        return body

    def has_waited(self, body: bytes) -> None:
        heard = self._heard()
        if self._delivered(heard) != [body]:
            raise Problem(f"a message did not expire: {[_index(each) for each in heard]}")

    def declare(self, queue: bytes, arguments: bytes = b"") -> None:
        self._hears(method(_CHANNEL, 50, 10, "HsBS", 0, queue, 4, arguments), heard=[(50, 11)])

    def _body(self) -> bytes:
        self._count += 1
        return b"innocent %d" % self._count

    def _delivered(self, heard: list[Frame]) -> list[bytes]:
        """The bodies, which are acknowledged."""
        for each in heard:
            if _index(each) == (60, 60):
                tag = int.from_bytes(each[2][8:16], "big")
                self._say(method(_CHANNEL, 60, 80, "QB", tag, 0))
        return [payload for kind, _, payload in heard if kind == wire.BODY]


class Visitor(Client):
    """Comes when others are gone: everything works in their virtual host, and what they have left can be taken."""

    def works(self) -> None:
        declare, get = method(_CHANNEL, 50, 10, "HsBS", 0, _OWN, 4, b""), method(_CHANNEL, 60, 70, "HsB", 0, _OWN, 1)
        answers = [(50, 11), (60, 71), (0, 0), (0, 0), (60, 80)]
        heard = self._hears(declare, *_publish(_OWN, _OWN), get, heard=answers)
        if heard[3][2] != _OWN:
            raise Problem(f"a visitor gets {heard[3][2]!r}")

    def takes(self, channel: int, queue: bytes, messages: int) -> None:
        """So many messages wait there. They are taken, sent back, taken again, and thrown away."""
        get = method(channel, 60, 70, "HsB", 0, queue, 0)
        send_back, throw_away = (method(channel, 60, 120, "QB", 0, 1 | requeue) for requeue in (2, 0))
        once = [get, get, send_back, get, get, get, throw_away]
        heard = self._say(method(channel, 20, 10, "s", b""), *once * (2 if messages > _TAKEN else 1))
        for each in heard:
            if each[0] == wire.HEADER:
                check_header(each[2])
        found = {_index(each) for each in heard}
        # Some queues are not for basic.get: that ends the channel.
        if not found <= {(20, 11), (60, 71), (60, 72), (0, 0), (20, 40)} or {each[1] for each in heard} != {channel}:
            raise Problem(f"a visitor that gets messages hears {sorted(found)}")

    def leaves(self) -> None:
        self._hears(method(0, 10, 50, "HsHH", 200, b"", 0, 0), heard=[(10, 51)])


def _publish(queue: bytes, body: bytes) -> list[bytes]:
    head = b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + _PERSISTENT
    return [
        method(_CHANNEL, 60, 40, "HssB", 0, b"", queue, 1),
        wire.frame(wire.HEADER, _CHANNEL, head),
        wire.frame(wire.BODY, _CHANNEL, body),
    ]


def _index(frame: Frame) -> tuple[int, int]:
    """Class and method; zeros for another frame."""
    kind, _, payload = frame
    return struct.unpack_from(">HH", payload) if kind == wire.METHOD else (0, 0)


# ------------------------------------------------------------------------------------------------ what the broker sends


def parsed(data: bytes) -> list[Frame]:
    """Frames. Raises Problem when these are none."""
    found = []
    for piece in wire.cut(data):
        if piece[:4] == b"AMQP":
            if piece is not data and len(piece) != len(data):
                raise Problem("more is sent after a protocol header")
            continue
        kind, channel, size = struct.unpack_from(">BHI", piece) if len(piece) > 7 else (0, 0, 0)
        if kind not in (1, 2, 3, 8) or len(piece) != size + 8 or piece[-1] != 0xCE:
            raise Problem(f"the broker sends what is no frame: {piece[:50].hex()}")
        found.append((kind, channel, piece[7:-1]))
    return found


def check_frames(data: bytes) -> None:
    """As `parsed`, of what nobody reads."""
    position, end = 0, len(data)
    if data[:4] == b"AMQP" and end == 8:
        return
    while position < end:
        stop = position + 8 + _FRAME.unpack_from(data, position)[2] if end - position >= 8 else end + 1
        if stop > end or data[position] not in _KINDS or data[stop - 1] != 0xCE:
            raise Problem(f"the broker sends what is no frame: {data[position : position + 50].hex()}")
        position = stop


def check_header(payload: bytes) -> None:
    """A content header whose properties fit its flags, and whose headers are a table. Raises Problem."""
    flags, position = int.from_bytes(payload[12:14], "big"), 14
    try:
        for place, kind in enumerate("ssTBBssssQssss"):
            if not flags & 1 << (15 - place):
                continue
            if kind == "T":
                size = 4 + int.from_bytes(payload[position : position + 4], "big")
                _check_fields(payload[position + 4 : position + size], named=True)
            else:
                size = {"B": 1, "Q": 8, "s": 1 + payload[position]}[kind]
            position += size
    except (IndexError, KeyError) as error:
        raise Problem(f"a content header is malformed: {payload[:100].hex()}") from error
    if position != len(payload):
        raise Problem(f"a content header is malformed: {payload[:100].hex()}")


def _check_fields(data: bytes, *, named: bool) -> None:
    """Those of a table, or of an array. Raises IndexError or KeyError."""
    todo = [(data, named)]
    while todo:
        data, named = todo.pop()
        position = 0
        while position < len(data):
            if named:
                position += 1 + data[position]
            kind = chr(data[position])
            position += 1
            if kind in "SxFA":
                size = 4 + int.from_bytes(data[position : position + 4], "big")
                if kind in "FA":
                    todo.append((data[position + 4 : position + size], kind == "F"))
            else:
                size = wire.FIXED[kind]
            position += size
        if position != len(data):
            raise IndexError(position)
