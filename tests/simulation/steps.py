"""Steps: plain data, made from a seed. Their numbers are read modulo what is there when they are taken.

So any selection of the steps of a run is a run again, which is what shrinking needs.
"""

from random import Random
from typing import Any, NamedTuple

from pamqp import commands

from tests.simulation.client import Said
from tests.simulation.model import Channel, Connection
from tests.simulation.rules import REPLY_TO


class Step(NamedTuple):
    """`inner`: the methods of a write."""

    kind: str
    numbers: tuple[int, ...] = ()
    inner: tuple["Step", ...] = ()

    def plain(self) -> list[Any]:
        """As JSON has it."""
        return [self.kind, list(self.numbers), [each.plain() for each in self.inner]]

    @classmethod
    def of(cls, plain: list[Any]) -> "Step":
        kind, numbers, inner = plain
        return cls(kind, tuple(numbers), tuple(cls.of(each) for each in inner))

    def __str__(self) -> str:
        inner = f" [{', '.join(map(str, self.inner))}]" if self.inner else ""
        return f"{self.kind}{' ' if self.numbers else ''}{' '.join(map(str, self.numbers))}{inner}"


CLIENTS = 4
CHANNELS = 2
USERS = ("guest", "guest", "guest", "alice")
QUEUES = tuple(f"q{number}" for number in range(6))
KEYS = ("a", "b", "a.b", "q0", "q1", "q2")
PATTERNS = ("a", "b", "#", "*.b", "a.*", "q1")
TAGS = ("t0", "t1", "t2")

Arguments = dict[str, Any]
_DEAD: Arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q1"}
_DEAD_KEY: Arguments = {"x-dead-letter-exchange": "x0"}
_DEAD_FAN: Arguments = {"x-dead-letter-exchange": "x1"}
_QUORUM: Arguments = {"x-queue-type": "quorum"}
# Durable, exclusive, auto-delete, arguments.
PROFILES: tuple[tuple[bool, bool, bool, Arguments], ...] = (
    (True, False, False, {}),
    (True, False, False, {"x-max-length": 2, **_DEAD}),
    (True, False, False, {"x-max-length": 2, "x-overflow": "reject-publish"}),
    (True, False, False, {"x-max-length": 1, "x-overflow": "reject-publish-dlx", **_DEAD_KEY}),
    (True, False, False, {"x-max-length-bytes": 12, **_DEAD_FAN}),
    (True, False, False, {"x-message-ttl": 20, **_DEAD_FAN}),
    (True, False, False, {"x-message-ttl": 0, **_DEAD}),
    (True, False, False, _DEAD_KEY),
    (True, False, False, {"x-max-priority": 3, **_DEAD}),
    (True, False, False, {"x-single-active-consumer": True}),
    (True, False, False, {"x-expires": 107}),
    (False, False, False, {}),
    (False, False, True, {"x-max-length": 0}),
    (True, False, True, {}),
    (False, True, False, {"x-message-ttl": 35, **_DEAD}),
    (True, True, False, {}),
    (True, False, False, {**_QUORUM}),
    (True, False, False, {**_QUORUM, "x-delivery-limit": 1, **_DEAD_FAN}),
    (True, False, False, {**_QUORUM, "x-max-length": 2, **_DEAD}),
    (True, False, False, {**_QUORUM, "x-message-ttl": 25, **_DEAD}),
    (True, False, False, {**_QUORUM, "x-single-active-consumer": True}),
    (True, False, False, {**_QUORUM, "x-max-length": 3, "x-overflow": "reject-publish"}),
)
EXCHANGES: tuple[tuple[str, str, Arguments], ...] = (
    ("x0", "direct", {}),
    ("x1", "fanout", {}),
    ("x2", "topic", {}),
    ("x3", "direct", {"alternate-exchange": "x1"}),
)
# Durable, auto-delete, internal.
EXCHANGE_FLAGS = ((True, False, False), (True, False, False), (False, False, False), (True, True, False))
SOURCES = ("", *(name for name, _, _ in EXCHANGES))
PERMISSIONS = (
    (".*", ".*", ".*"),
    ("^q[0-2]", ".*", ".*"),
    (".*", "^(x0|q1)$", ".*"),
    (".*", ".*", "^q0"),
    ("", "", ""),
)
POLICIES: tuple[tuple[str, Arguments], ...] = (
    ("^q[03]", {"max-length": 1}),
    ("^q", {"max-length": 3, "dead-letter-exchange": "x1"}),
    ("^q[24]", {"message-ttl": 40}),
    ("^q", {"max-length": 1, "overflow": "reject-publish"}),
)

# What a client says, and how often.
_METHODS = {
    "publish": 40,
    "get": 8,
    "consume": 9,
    "cancel": 3,
    "ack": 14,
    "nack": 7,
    "reject": 5,
    "recover": 1,
    "qos": 6,
    "declare": 8,
    "passive": 2,
    "delete": 2,
    "purge": 1,
    "bind": 4,
    "unbind": 1,
    "exchange": 2,
    "exchange.delete": 1,
    "exchange.bind": 1,
    "exchange.unbind": 1,
    "confirm": 7,
    "tx": 1,
    "commit": 3,
    "rollback": 1,
    "close": 1,
    "replies": 1,
    "ask": 1,
    "answer": 2,
}
_STEPS = {
    "write": 100,
    "connect": 5,
    "drop": 2,
    "leave": 1,
    "hold": 2,
    "go": 3,
    "http": 12,
    "time": 18,
    "back": 1,
    "disk": 10,
    "held": 3,
    "good": 3,
    "broken": 1,
    "full": 1,
    "kill": 2,
    "torn": 2,
    "stop": 1,
}


def generate(seed: int, count: int) -> list[Step]:
    """The steps of a run: first what most of them need, then anything."""
    random = Random(f"steps {seed}")
    preferred = [random.randrange(len(PROFILES)) for _ in QUEUES]
    calm = random.random() < 0.3
    steps = [Step("connect", (slot, 0 if slot < 3 else 3)) for slot in range(CLIENTS)]
    first = [Step("exchange", (1, number, 0)) for number in range(4)]
    first += [Step("declare", (1, number, preferred[number])) for number in range(len(QUEUES))]
    first += [Step("bind", (1, *_numbers(random, 3))) for _ in range(5)]
    steps.append(Step("write", (0, 0, 0), tuple(first)))
    weights = {
        name: 0 if calm and name in ("broken", "full", "kill", "torn", "stop") else w for name, w in _STEPS.items()
    }
    kinds = random.choices(list(weights), list(weights.values()), k=max(count - len(steps), 0))
    return [*steps, *(_step(random, kind, preferred) for kind in kinds)][:count]


def _step(random: Random, kind: str, preferred: list[int]) -> Step:
    if kind != "write":
        return Step(kind, _numbers(random, 6))
    many = random.choice((1, 1, 2, 2, 3, 3, 5, 8))
    names = random.choices(list(_METHODS), list(_METHODS.values()), k=many)
    channel = random.randrange(CHANNELS)
    inner = tuple(_method(random, name, channel, preferred) for name in names)
    cuts = random.randrange(1, 1 << 16) if random.random() < 0.2 else 0
    left = random.randrange(1, 1 << 16) if random.random() < 0.05 else 0
    return Step("write", (random.randrange(CLIENTS), cuts, left), inner)


def _method(random: Random, name: str, channel: int, preferred: list[int]) -> Step:
    if name == "declare":
        queue = random.randrange(len(QUEUES))
        profile = preferred[queue] if random.random() < 0.9 else random.randrange(len(PROFILES))
        return Step(name, (channel, queue, profile))
    if random.random() < 0.1:
        channel = random.randrange(CHANNELS)
    return Step(name, (channel, *_numbers(random, 6)))


def _numbers(random: Random, count: int) -> tuple[int, ...]:
    return tuple(random.randrange(1000) for _ in range(count))


class Speaker:
    """Turns the methods of one write into what a client says, by what the model knows of it."""

    def __init__(self, connection: Connection, first_body: int, addresses: list[str]) -> None:
        self._connection = connection
        self._open = {number: self._state(each) for number, each in connection.channels.items()}
        self._taken: dict[int, int] = {}
        self._addresses = addresses
        self.bodies = first_body

    @staticmethod
    def _state(channel: Channel) -> str:
        return "closing" if channel.closing else "open"

    def say(self, step: Step) -> list[Said]:
        number = 1 + step.numbers[0] % CHANNELS
        said = []
        state = self._open.get(number)
        if state == "left":
            del self._open[number]
            if step.kind not in ("publish", "ask", "answer"):
                return self._said(step.kind, number, None, *step.numbers[1:])
            state = None
        if state == "closing":
            said.append(Said(number, commands.Channel.CloseOk()))
        if state != "open":
            said.append(Said(number, commands.Channel.Open()))
            self._open[number] = "open"
            self._taken[number] = 0
        channel = self._connection.channels.get(number) if state == "open" else None
        method = self._said(step.kind, number, channel, *step.numbers[1:])
        if step.kind == "close":
            del self._open[number]
            if len(step.numbers) > 1 and step.numbers[1] % 4 == 0:
                # It does not stop talking at once.
                self._open[number] = "left"
        return [*said, *method]

    def _said(self, kind: str, number: int, channel: Channel | None, *n: int) -> list[Said]:
        if kind in ("ack", "nack", "reject"):
            return self._settling(kind, number, channel, *n)
        if kind in ("publish", "ask", "answer"):
            return self._publishing(kind, number, *n)
        made: Any = _OTHERS[kind](*n) if kind in _OTHERS else None
        return [Said(number, made)] if made is not None else []

    def _settling(self, kind: str, number: int, channel: Channel | None, *n: int) -> list[Said]:
        """Mostly a delivery that waits; now and then one that does not."""
        tags = sorted(channel.unacked) if channel is not None else []
        tags = tags[self._taken.get(number, 0) :]
        if not tags and n[0] % 40:
            return []
        if tags and n[1] % 200:
            place = n[0] % len(tags) if n[2] % 3 == 0 else 0
            tag, multiple = tags[place], n[3] % 4 == 0
            self._taken[number] = self._taken.get(number, 0) + place + 1
        else:
            tag, multiple = n[1] % 7, n[3] % 4 == 0
        if kind == "ack":
            return [Said(number, commands.Basic.Ack(tag, multiple))]
        if kind == "nack":
            return [Said(number, commands.Basic.Nack(tag, multiple, n[4] % 3 != 0))]
        return [Said(number, commands.Basic.Reject(tag, n[4] % 2 == 0))]

    def _publishing(self, kind: str, number: int, *n: int) -> list[Said]:
        if kind == "answer":
            if not self._addresses:
                return []
            exchange, key = "", self._addresses[n[0] % len(self._addresses)]
        elif n[0] % 10 < 6:
            exchange, key = "", QUEUES[n[1] % len(QUEUES)]
        else:
            exchange, key = SOURCES[n[0] % len(SOURCES)], KEYS[n[1] % len(KEYS)]
        properties: dict[str, Any] = {}
        if n[2] % 4:
            properties["delivery_mode"] = 2
        if n[3] % 7 == 0 and not exchange and n[4] % 12:
            # To one queue only: which of two queues acts first at the same moment is the broker's choice.
            properties["expiration"] = str((0, 3, 11, 30, 5000)[n[3] % 5])
        if n[3] % 5 == 1:
            properties["priority"] = n[4] % 6
        if n[4] % 12 == 0:
            properties["headers"] = {"CC": [KEYS[n[5] % len(KEYS)]]}
        if kind == "ask":
            properties["reply_to"] = REPLY_TO
        self.bodies += 1
        body = b"m%d" % self.bodies + b"." * (n[5] % 6)
        return [
            Said(
                number,
                commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=n[2] % 5 == 0),
                properties,
                body,
            )
        ]


def _queue(n: int) -> str:
    return QUEUES[n % len(QUEUES)]


def arguments_of(arguments: Arguments, queue: int) -> Arguments:
    """No two queues have the same TTL: which of two that act at the same time is first would be the broker's choice."""
    ttl = arguments.get("x-message-ttl")
    return {**arguments, "x-message-ttl": ttl + queue % len(QUEUES)} if ttl else dict(arguments)


def _declare(queue: int, profile: int, *_: int) -> Any:
    durable, exclusive, auto_delete, arguments = PROFILES[profile % len(PROFILES)]
    flags = {"durable": durable, "exclusive": exclusive, "auto_delete": auto_delete}
    return commands.Queue.Declare(queue=_queue(queue), arguments=arguments_of(arguments, queue), **flags)


def _exchange(number: int, flags: int, *_: int) -> Any:
    name, kind, arguments = EXCHANGES[number % len(EXCHANGES)]
    durable, auto_delete, internal = EXCHANGE_FLAGS[flags % 20 if flags % 20 < len(EXCHANGE_FLAGS) else 0]
    return commands.Exchange.Declare(
        exchange=name,
        exchange_type=kind,
        durable=durable,
        auto_delete=auto_delete,
        internal=internal,
        arguments=dict(arguments),
    )


def _binding(kind: Any, source: int, destination: str, key: int) -> Any:
    found = SOURCES[1 + source % (len(SOURCES) - 1)] if source % 50 else ""
    names = (
        {"queue": destination, "exchange": found}
        if kind.name.startswith("Queue")
        else {"destination": destination, "source": found}
    )
    return kind(routing_key=PATTERNS[key % len(PATTERNS)], arguments={}, **names)


def _consume(queue: int, tag: int, flags: int, priority: int, *_: int) -> Any:
    arguments: Any = {"x-priority": priority % 3} if priority % 4 == 0 else {}
    return commands.Basic.Consume(
        queue=_queue(queue),
        consumer_tag=TAGS[tag % len(TAGS)],
        no_ack=flags % 4 == 0,
        exclusive=flags % 15 == 0,
        arguments=arguments,
    )


_OTHERS: dict[str, Any] = {
    "get": lambda queue, flags, *_: commands.Basic.Get(queue=_queue(queue), no_ack=flags % 3 == 0),
    "consume": _consume,
    "cancel": lambda tag, *_: commands.Basic.Cancel(TAGS[tag % len(TAGS)]),
    "recover": lambda *_: commands.Basic.Recover(True),
    "qos": lambda many, flags, *_: commands.Basic.Qos(0, many % 4, flags % 4 == 0),
    "declare": _declare,
    "passive": lambda queue, *_: commands.Queue.Declare(queue=_queue(queue), passive=True),
    "delete": lambda queue, flags, *_: commands.Queue.Delete(
        queue=_queue(queue), if_unused=flags % 3 == 0, if_empty=flags % 5 == 0
    ),
    "purge": lambda queue, *_: commands.Queue.Purge(queue=_queue(queue)),
    "bind": lambda source, queue, key, *_: _binding(commands.Queue.Bind, source, _queue(queue), key),
    "unbind": lambda source, queue, key, *_: _binding(commands.Queue.Unbind, source, _queue(queue), key),
    "exchange": _exchange,
    "exchange.delete": lambda name, flags, *_: commands.Exchange.Delete(
        exchange=SOURCES[name % len(SOURCES)], if_unused=flags % 2 == 0
    ),
    "exchange.bind": lambda source, to, key, *_: _binding(
        commands.Exchange.Bind, source, SOURCES[to % len(SOURCES)], key
    ),
    "exchange.unbind": lambda source, to, key, *_: _binding(
        commands.Exchange.Unbind, source, SOURCES[to % len(SOURCES)], key
    ),
    "confirm": lambda *_: commands.Confirm.Select(),
    "tx": lambda *_: commands.Tx.Select(),
    "commit": lambda *_: commands.Tx.Commit(),
    "rollback": lambda *_: commands.Tx.Rollback(),
    "close": lambda *_: commands.Channel.Close(200, "", 0, 0),
    "replies": lambda tag, flags, *_: commands.Basic.Consume(
        queue=REPLY_TO, consumer_tag=TAGS[tag % len(TAGS)], no_ack=flags % 10 != 0
    ),
}
