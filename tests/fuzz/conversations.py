"""What a client says in one conversation, frame by frame: sound for the most part, with every method, property and type.

Names are few, so that what one frame makes the next one meets.
"""

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz import wire
from tests.fuzz.wire import field, long, method

QUEUES = (b"q1", b"q2", b"q3", b"quorum", b"")
EXCHANGES = (b"e1", b"e2", b"amq.topic", b"amq.headers", b"amq.fanout", b"amq.direct", b"amq.rabbitmq.trace", b"")
KEYS = (b"q1", b"q2", b"a.b.c", b"#", b"*.b.#", b"", b"#.#.#.#.a", b"quorum")
NAMES = (
    b"x" * 255,
    b"\xff\xfe",
    b"a\nb\r",
    b"\x00",
    b"amq.q",
    b"amq.rabbitmq.reply-to",
    b"amq.rabbitmq.reply-to.g1h2AA5yZXBseUAxMjM0",
    "schlange\N{SNAKE}".encode(),
    b"\xed\xa0\x80",
)
KINDS = (
    *(b"direct", b"fanout", b"topic", b"headers", b"x-local-random", b"x-modulus-hash"),
    *(b"x-consistent-hash", b"\xc3", b""),
)
NUMBERS = (
    0,
    1,
    2,
    5,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
LETTERS = b"tbBsuIilLfdDSATFVx"
_NO_LETTERS = b"\x00zZ\xff"
_FLOATS = (b"\x7f\xf8" + bytes(6), b"\x7f\xf0" + bytes(6), b"\xff\xf0" + bytes(6), b"\x80" + bytes(7))
_OF_QUEUES = (
    b"x-expires",
    b"x-message-ttl",
    b"x-dead-letter-exchange",
    b"x-dead-letter-routing-key",
    b"x-dead-letter-strategy",
    b"x-max-length",
    b"x-max-length-bytes",
    b"x-max-priority",
    b"x-overflow",
    b"x-queue-mode",
    b"x-queue-version",
    b"x-single-active-consumer",
    b"x-queue-type",
    b"x-queue-leader-locator",
    b"x-delivery-limit",
    b"x-priority",
    b"x-stream-offset",
    b"x-match",
    b"alternate-exchange",
    b"x-consumer-timeout",
    b"x-consumer-disconnected-timeout",
    b"x-delayed-retry-type",
    b"x-delayed-retry-min",
    b"x-delayed-retry-max",
    b"x-quorum-initial-group-size",
)
_ARGUMENTS = (
    *_OF_QUEUES,
    b"x-max-in-memory-length",
    b"x-queue-master-locator",
    b"x-max-age",
    b"CC",
    b"BCC",
    b"x-death",
)
_WHOLE = (b"x-max", b"x-exp", b"x-mess", b"x-delivery", b"x-prio", b"x-consumer", b"x-delayed-retry-m", b"x-quorum")
_TEXTS = (
    b"e1",
    b"e2",
    b"q1",
    b"quorum",
    b"classic",
    b"stream",
    b"drop-head",
    b"reject-publish",
    b"reject-publish-dlx",
    b"all",
    b"any-with-x",
    b"lazy",
    b"balanced",
    b"at-least-once",
    b"failed",
    b"returned",
    b"\xff",
    b"",
)
_CAPABILITIES = b"".join(
    field(name, b"t\x01")
    for name in (
        b"basic.nack",
        b"consumer_cancel_notify",
        b"authentication_failure_close",
        b"connection.blocked",
        b"publisher_confirms",
    )
)
# Flags of basic's properties and how each is encoded, in their order.
_PROPERTIES = "ssTBBssssQssss"
_LARGEST_FRAME = 131_072


class Talk:
    """One client of one conversation."""

    def __init__(self, random: Random, vhost: str = "/") -> None:
        self.random = random
        self.vhost = vhost.encode()
        self.channels: list[int] = []

    # ---------------------------------------------------------------------------------------------------------- values

    def one(self, options: Sequence[bytes]) -> bytes:
        return self.random.choice(options if self.random.random() < 0.97 else NAMES)

    def number(self, bits: int) -> int:
        if self.random.random() < 0.5:
            return self.random.choice(NUMBERS) % 2**bits
        return self.random.randrange(8)

    def value(self, depth: int = 3) -> bytes:
        """Of a field, with its type."""
        random = self.random
        kind = chr(random.choice(LETTERS if random.random() < 0.99 else _NO_LETTERS))
        if kind in "fd" and random.random() < 0.5:
            return kind.encode() + random.choice(_FLOATS)[: wire.FIXED[kind]]
        if kind in wire.FIXED:
            size = wire.FIXED[kind]
            return kind.encode() + (self.number(8 * size).to_bytes(size, "big") if size else b"")
        if kind in "Sx":
            return kind.encode() + long(random.choice(_TEXTS))
        if kind == "A":
            inner = b"".join(self.value(depth - 1) for _ in range(random.randrange(3))) if depth else b""
            return b"A" + long(inner)
        if kind == "F":
            return b"F" + long(self.table(depth - 1) if depth else b"")
        return kind.encode("latin-1")

    def table(self, depth: int = 3) -> bytes:
        """Without its length, which is right; what is inside need not be."""
        random = self.random
        chance = random.random()
        if chance < 0.01:
            return random.choice(
                (b"\x01aZzz", b"\x01a", b"\xff", b"\x01aS\xff\xff\xff\xfb", b"\x01aF\xff\xff\xff\xf0", b"\x00")
            )
        if chance < 0.015:
            return wire.nested(random.choice((20, 200, 900, 5000)))
        if chance < 0.02:
            return field(b"a", wire.arrays(random.choice((20, 200, 900, 5000))))
        if chance < 0.021:
            return field(
                b"a", b"A" + long(random.choice((b"V", b"t\x01", b"A\x00\x00\x00\x00")) * random.choice((1000, 20_000)))
            )
        names = (*_ARGUMENTS, *QUEUES, b"n" * 255, b"\xff")
        return b"".join(field(random.choice(names), self.value(depth)) for _ in range(random.randrange(4)))

    def arguments(self) -> bytes:
        """Mostly such as queues and exchanges know."""
        random = self.random
        if random.random() < 0.2:
            return self.table()
        found = b""
        for name in random.sample(_OF_QUEUES, random.choice((0, 0, 1, 1, 2, 3))):
            if random.random() < 0.2:
                value = self.value()
            elif name.startswith(_WHOLE):
                value = b"I" + random.choice((0, 1, 2, 10, 1000)).to_bytes(4, "big")
            elif b"single" in name:
                value = b"t\x01"
            else:
                value = b"S" + long(random.choice(_TEXTS))
            found += field(name, value)
        return found

    def properties(self) -> bytes:
        """Flags and values."""
        random = self.random
        flags, data = 0, b""
        wanted = random.choice((0.0, 0.1, 0.1, 0.3, 1.0))
        for place, kind in enumerate(_PROPERTIES):
            if random.random() >= wanted and not (place in (2, 7) and random.random() < 0.3):
                continue
            flags |= 1 << (15 - place)
            if kind == "T":
                data += long(self.table())
            elif kind in "BQ":
                data += wire.encoded(kind, self.number(8 if kind == "B" else 64))
            elif place == 7:
                data += wire.short(
                    random.choice((b"0", b"1", b"1000", b"60000", b"-1", b"1e3", b"\xd9\xa3", b"9" * 250, b""))
                )
            elif place == 6:
                data += wire.short(self.one((b"amq.rabbitmq.reply-to", b"q1")))
            elif place == 11:
                data += wire.short(random.choice((b"guest",) * 9 + (b"\xff",)))
            else:
                data += wire.short(random.choice(_TEXTS))
        if random.random() < 0.02:
            flags |= random.choice((1, 2))
        return flags.to_bytes(2, "big") + data

    # -------------------------------------------------------------------------------------------------------- the talk

    def handshake(self, *, sound: bool) -> list[bytes]:
        random = self.random
        if sound:
            properties, mechanism, response = (
                field(b"capabilities", b"F" + long(_CAPABILITIES)),
                b"PLAIN",
                b"\0guest\0guest",
            )
            tuned, vhost = (2047, 131072, random.choice((0, 0, 1, 60))), self.vhost
        else:
            properties = self.table() + field(
                random.choice((b"capabilities", b"connection_name", b"product")), self.value()
            )
            mechanism = self.one((b"PLAIN", b"AMQPLAIN", b"ANONYMOUS", b"EXTERNAL"))
            response = random.choice((b"\0guest\0guest", b"\0guest\0no", b"guest", self.amqplain(), self.amqplain()))
            tuned = (self.number(16), random.choice((0, 4096, 8192, 131072, 2**32 - 1)), self.number(16))
            vhost = self.one((self.vhost, b"no", b"%2F"))
        return [
            wire.PROTOCOL_HEADER,
            method(0, 10, 11, "SsSs", properties, mechanism, response, b"en_US"),
            method(0, 10, 31, "HIH", *tuned),
            method(0, 10, 40, "ssB", vhost, b"", 0),
        ]

    def amqplain(self) -> bytes:
        """A table without its length."""
        random = self.random
        login = field(b"LOGIN", b"S" + long(b"guest")) + field(b"PASSWORD", b"S" + long(b"guest"))
        if random.random() < 0.4:
            return login
        inner = self.table() + (login if random.random() < 0.5 else field(b"LOGIN", self.value()))
        return inner + (wire.nested(random.choice((10, 900, 1100))) if random.random() < 0.3 else b"")

    def sentence(self) -> list[bytes]:
        """Something on a channel: a few frames."""
        random = self.random
        said = []
        if not self.channels or random.random() < 0.35:
            # An error takes a channel away: what follows has another one.
            self.channels.append(len(self.channels) + 1)
            said = [method(self.channels[-1], 20, 10, "s", b"")]
        channel = self.channels[-1] if random.random() < 0.8 else random.choice(self.channels)
        return said + random.choice(_SENTENCES)(self, channel)

    def publish(self, channel: int) -> list[bytes]:
        random = self.random
        size = random.choice((0, 1, 5, 5, 5, 300, 9000))
        head = b"\x00\x3c\x00\x00" + size.to_bytes(8, "big") + self.properties()
        exchange, key = self.one(EXCHANGES), self.one(KEYS)
        if random.random() < 0.6:
            exchange, key = b"", random.choice((b"q1", b"q2", b"quorum"))
        said = [
            method(channel, 60, 40, "HssB", 0, exchange, key, 3 if random.random() < 0.01 else random.choice((0, 1)))
        ]
        said.append(wire.frame(wire.HEADER, channel, head[:_LARGEST_FRAME]))
        body, most = random.randbytes(size), random.choice((size or 1, size or 1, 4000))
        said += [wire.frame(wire.BODY, channel, body[at : at + most]) for at in range(0, size, most)]
        return said * (1 if random.random() < 0.8 else 5)

    def open(self, channel: int) -> list[bytes]:
        return [method(self.random.choice((channel, 2047, 65535)), 20, 10, "s", b"")]

    def close_channel(self, channel: int) -> list[bytes]:
        said = [method(channel, 20, 40, "HsHH", 200, b"bye", 0, 0)]
        return said + (self.reopen(channel) if self.random.random() < 0.7 else [])

    def reopen(self, channel: int) -> list[bytes]:
        return [method(channel, 20, 41), method(channel, 20, 10, "s", b"")]

    def close(self, channel: int) -> list[bytes]:
        if self.random.random() < 0.9:
            return []
        return [self.random.choice((method(0, 10, 50, "HsHH", 200, b"bye", 0, 0), method(0, 10, 51)))]

    def declare_queue(self, channel: int) -> list[bytes]:
        random = self.random
        name, bits, arguments = self.one(QUEUES), self.number(8) if random.random() < 0.4 else 2, self.arguments()
        if name == b"quorum" and random.random() < 0.9:
            bits, arguments = 2, field(b"x-queue-type", b"S" + long(b"quorum")) + arguments
        return [method(channel, 50, 10, "HsBS", 0, name, bits, arguments)]

    def declare_exchange(self, channel: int) -> list[bytes]:
        bits = self.random.choice((0, 2, 4, 8, 1, 16))
        return [method(channel, 40, 10, "HssBS", 0, self.one(EXCHANGES), self.one(KINDS), bits, self.arguments())]

    def bind_queue(self, channel: int) -> list[bytes]:
        said = 0, self.one(QUEUES), self.one(EXCHANGES), self.one(KEYS)
        arguments = self.arguments() if self.random.random() < 0.5 else b""
        if self.random.random() < 0.7:
            return [method(channel, 50, 20, "HsssBS", *said, self.random.choice((0, 1)), arguments)]
        return [method(channel, 50, 50, "HsssS", *said, arguments)]

    def bind_exchange(self, channel: int) -> list[bytes]:
        said = 0, self.one(EXCHANGES), self.one(EXCHANGES), self.one(KEYS), self.random.choice((0, 1))
        return [method(channel, 40, self.random.choice((30, 30, 40)), "HsssBS", *said, self.arguments())]

    def consume(self, channel: int) -> list[bytes]:
        tag, bits = self.one((b"", b"t1", b"t2")), self.random.choice((0, 0, 2, 4, 8, 1, 15))
        name = self.one((*QUEUES, b"amq.rabbitmq.reply-to"))
        arguments = self.arguments() if self.random.random() < 0.4 else b""
        return [method(channel, 60, 20, "HssBS", 0, name, tag, bits, arguments)]

    def get(self, channel: int) -> list[bytes]:
        said = [method(channel, 60, 70, "HsB", 0, self.one(QUEUES), self.random.choice((0, 0, 1)))]
        return said * self.random.choice((1, 1, 3))

    def settle(self, channel: int) -> list[bytes]:
        random = self.random
        tag = self.number(64) if random.random() < 0.1 else random.choice((0, 1, 1, 2))
        bits = random.choice((0, 1, 2, 3)) if tag else 1
        return [method(channel, 60, random.choice((80, 80, 90, 120)), "QB", tag, bits)]

    def qos(self, channel: int) -> list[bytes]:
        return [method(channel, 60, 10, "IHB", 0, self.number(16), self.random.choice((0, 0, 1)))]

    def mode(self, channel: int) -> list[bytes]:
        return [method(channel, *self.random.choice(((85, 10, "B", 0), (85, 10, "B", 1), (90, 10))))]

    def transaction(self, channel: int) -> list[bytes]:
        random = self.random
        said = [method(channel, 90, 10)] if random.random() < 0.8 else []
        for _ in range(random.randrange(3)):
            said += random.choice((self.publish, self.back_and_forth))(channel)
        return [*said, method(channel, 90, random.choice((20, 20, 30)))] if random.random() < 0.8 else said

    def back_and_forth(self, channel: int) -> list[bytes]:
        """Takes messages and sends some back, again and again."""
        random = self.random
        get = method(channel, 60, 70, "HsB", 0, random.choice(QUEUES[:4]), 0)
        said = []
        for tag in range(1, random.choice((2, 4, 8))):
            settled = method(channel, 60, random.choice((80, 90, 90, 120, 120)), "QB", tag, random.choice((0, 2, 2, 2)))
            said += [get, settled] if random.random() < 0.8 else [get]
        return said

    def delete(self, channel: int) -> list[bytes]:
        random = self.random
        if random.random() < 0.3:
            return [method(channel, 40, 20, "HsB", 0, self.one(EXCHANGES), random.choice((0, 1, 2)))]
        return [method(channel, 50, random.choice((30, 40)), "HsB", 0, self.one(QUEUES), random.choice((0, 1, 2, 4)))]

    def cancel(self, channel: int) -> list[bytes]:
        return [method(channel, 60, 30, "sB", self.one((b"t1", b"t2", b"")), self.random.choice((0, 1)))]

    def recover(self, channel: int) -> list[bytes]:
        return [method(channel, 60, self.random.choice((100, 110)), "B", self.random.choice((1, 1, 1, 1, 0)))]

    def other(self, channel: int) -> list[bytes]:
        random = self.random
        return [
            random.choice(
                (
                    wire.frame(wire.HEARTBEAT, 0, b""),
                    method(0, 10, 70, "Ss", b"secret", b"why"),
                    method(channel, 20, 20, "B", random.choice((0, 1))),
                    method(channel, 20, 21, "B", 1),
                    method(channel, 30, 10, "sB", b"/data", 31),
                    method(channel, 60, 60, "sQBss", b"t1", 1, 0, b"", b"q1"),
                    method(channel, 60, 50, "Hsss", 312, b"NO_ROUTE", b"", b"q1"),
                    method(channel, 60, 72, "s", b""),
                    method(channel, random.randrange(100), random.randrange(130)),
                    wire.frame(random.choice((0, 2, 3, 4, 8, 255)), channel, random.randbytes(random.randrange(20))),
                )
            )
        ]

    def scenery(self) -> list[bytes]:
        """Queues, exchanges and messages to be met: sound, on a channel of their own."""
        random = self.random
        channel = 1
        self.channels.append(channel)
        said = [method(channel, 20, 10, "s", b"")]
        for name, kind in ((b"e1", b"topic"), (b"e2", random.choice((b"headers", b"fanout", b"x-local-random")))):
            said.append(method(channel, 40, 10, "HssBS", 0, name, kind, random.choice((0, 2)), b""))
        for name in QUEUES[:4]:
            said.append(method(channel, 50, 10, "HsBS", 0, name, 2, self.settings(name == b"quorum")))
            source, key = random.choice(((b"e1", b"#"), (b"e2", b""), (b"e1", b"a.#")))
            said.append(method(channel, 50, 20, "HsssBS", 0, name, source, key, 0, b""))
        for _ in range(random.randrange(6)):
            said += self.publish(channel)
        return said

    def settings(self, quorum: bool) -> bytes:
        """Arguments that a queue takes."""
        random = self.random
        possible = [
            field(b"x-dead-letter-exchange", b"S" + long(random.choice((b"e1", b"e2", b"", b"amq.fanout", b"no")))),
            field(b"x-message-ttl", b"I" + random.choice((0, 1, 1000, 60_000)).to_bytes(4, "big")),
            field(b"x-max-length", b"I" + random.choice((0, 1, 2, 10)).to_bytes(4, "big")),
            field(b"x-max-length-bytes", b"I" + random.choice((0, 5, 100)).to_bytes(4, "big")),
            field(b"x-expires", b"I" + random.choice((1, 1000, 100_000)).to_bytes(4, "big")),
            field(b"x-overflow", b"S" + long(random.choice((b"drop-head", b"reject-publish")))),
            field(b"x-single-active-consumer", b"t\x01"),
        ]
        if quorum:
            possible.append(field(b"x-delivery-limit", b"I" + random.choice((0, 1, 2)).to_bytes(4, "big")))
            possible.append(field(b"x-consumer-timeout", b"I" + random.choice((1, 30_000, 60_000)).to_bytes(4, "big")))
            least, most = (random.choice((1, 1000, 100_000)).to_bytes(4, "big") for _ in range(2))
            retry = field(b"x-delayed-retry-type", b"S" + long(random.choice((b"all", b"failed", b"returned"))))
            possible.append(retry + field(b"x-delayed-retry-min", b"I" + least))
            possible.append(
                retry + field(b"x-delayed-retry-min", b"I" + least) + field(b"x-delayed-retry-max", b"I" + most)
            )
        else:
            possible.append(field(b"x-max-priority", b"I" + random.choice((1, 10, 255)).to_bytes(4, "big")))
        found = random.sample(possible, random.choice((0, 1, 1, 2, 3)))
        kind = field(b"x-queue-type", b"S" + long(b"quorum")) if quorum else b""
        return kind + b"".join(found)

    def conversation(self, *, scenery: bool = False) -> list[bytes]:
        random = self.random
        said = self.handshake(sound=scenery or random.random() < 0.9)
        if scenery:
            said += self.scenery()
        for _ in range(random.choice((0, 1, 3, 6, 12, 20))):
            said += self.sentence()
        if random.random() < 0.2:
            said.append(method(0, 10, 50, "HsHH", 200, b"bye", 0, 0))
        return said


_SENTENCES: Sequence[Callable[[Talk, int], list[bytes]]] = (
    *(Talk.publish,) * 6,
    *(Talk.declare_queue,) * 5,
    *(Talk.consume,) * 3,
    *(Talk.settle,) * 3,
    *(Talk.get,) * 3,
    *(Talk.bind_queue,) * 3,
    Talk.declare_exchange,
    Talk.declare_exchange,
    Talk.bind_exchange,
    Talk.mode,
    Talk.mode,
    Talk.transaction,
    Talk.back_and_forth,
    Talk.back_and_forth,
    Talk.back_and_forth,
    Talk.qos,
    Talk.cancel,
    Talk.delete,
    Talk.recover,
    Talk.open,
    Talk.close_channel,
    Talk.close,
    Talk.other,
)
