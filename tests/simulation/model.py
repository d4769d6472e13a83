"""What the broker should have: plain lists and dicts, and the rules by which they change.

The model is told what clients have said, in the order in which it has reached the broker, and it is given what the
broker has said to each of them. It decides what each answer has to be. Where RabbitMQ leaves a choice, the model follows
what was seen and checks that it was allowed. The rules:

*Order.* A queue's messages are delivered by priority, and by age within a priority. What comes back to a classic queue
takes its old place; what comes back to a quorum queue goes before everything else, in the order of its coming back.

*Who gets it.* Any consumer that has room: fewer unacknowledged deliveries than its prefetch and its channel's, a socket
that takes output, and with a single active consumer only the active one. One of lower priority gets it only when those
of higher priority have no room, or have got room by what came in the same write. When a step is over, no message may
wait that somebody has room for.

*Redelivered.* False the first time. True after it came back, by any way. After a crash the broker need not know what had
been delivered: a message that had been is flagged, one that had not may be flagged as well. A dead letter of a
message that had come back may be flagged too.

*What comes first.* The answer to a method comes before what queues send to the same connection because of it, among
that basic.cancel, which comes in the order of the tags. Channels of a connection do not wait for each other. What was
acknowledged counts for the methods that follow in the same piece of input. A message that was handed out to a channel
that fails at that very method is given back like those that it had. What follows channel.close in the same piece is
ignored, but for another channel.close, which is answered.

*The end of a channel or a connection.* First none of its consumers takes anything more, then what was not acknowledged
goes back, then others are served.

*Purges.* When a purge is answered, the disk has forgotten what there was.

*Confirms.* Each publish on a confirm channel is confirmed or refused once; refused only when a queue with
`reject-publish` was full. When the confirm arrives, the disk has the message in each durable queue that still has it,
if it is persistent or the queue a quorum queue. The same holds for tx.commit-ok and for the answer to a publish over
HTTP. Once the disk has nothing left to write, nothing waits for a confirm. What went to no queue is confirmed in its
place.

*A crash.* Afterwards a durable queue has, in their order, messages that were persistent; a quorum queue also others. It
has all that were confirmed and neither acknowledged nor otherwise gone. What was not confirmed may be there or not.
What was acknowledged may come back as long as the disk had something left to write since; it is flagged as redelivered
then. Everything else that was durable is there, everything that was not is gone.

*A disk that refuses.* What is declared or deleted then is answered with 541, and nothing of it is done. What goes of its
own accord, like an auto-delete queue with its last consumer, goes all the same; a crash may undo that as long as the disk
has not taken it. Once the disk takes everything, everything is safe.

*Limits and time.* What is too much goes from the head, or is refused. What has expired goes as soon as it is at the
head; of a quorum queue, at the head of its priority. When messages come back to a classic queue, those that are too
much go before those that have expired; in a quorum queue the other way round. The limits hold after a restart too.
Publishing and getting over HTTP is refused where the user may not connect once more.

*Dead letters.* Each death is counted in x-death by queue and reason, the latest first. A message that would go round
without a client having rejected it is dropped instead.

*Transactions.* What was published goes out at the commit, routed as it was when it was published; after all of it,
acknowledgements count. A commit of acknowledgements alone is answered at once, but not before an earlier one. Closing
the channel, or losing it, is a rollback.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

QUORUM_LIMIT = 20
_SMALLER = ("message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit")
POLICY_KEYS = (*_SMALLER, "overflow", "dead-letter-exchange", "dead-letter-routing-key")


class Violation(Exception):
    """The broker has done something that it must not, or has not done what it must."""


class Message(NamedTuple):
    """`deaths` as in x-death, newest first, `time` in whole seconds."""

    exchange: str
    key: str
    properties: dict[str, Any]
    body: bytes
    deaths: tuple[dict[str, Any], ...] = ()

    @property
    def persistent(self) -> bool:
        return bool(self.properties.get("delivery_mode") == 2)

    @property
    def copies(self) -> list[str]:
        """The further routing keys."""
        return list(self.properties.get("headers", {}).get("CC", []))


class Copy:
    """A message in a queue. `redelivered` is None when it may be flagged or not."""

    __slots__ = (
        "came_back",
        "expires",
        "failed",
        "message",
        "order",
        "queue",
        "redelivered",
        "returned",
        "safe",
        "source",
        "stamp",
        "straight",
    )

    def __init__(self, message: Message, queue: "Queue", order: int, expires: float | None) -> None:
        self.message = message
        self.queue = queue
        self.order = order
        self.expires = expires
        self.redelivered: bool | None = False
        self.returned = 0
        self.failed = 0
        self.came_back = 0
        self.stamp = 0
        """Grows with every message that comes to any queue."""
        self.source: Queue | None = None
        """The queue that it is a dead letter of."""
        self.safe = False
        """A crash must not lose it."""
        self.straight = False
        """It went to a queue in which nothing waited: a consumer may get it whatever its expiration."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """Its place in the order of delivery."""
        queue = self.queue
        if queue.kind == "quorum":
            if self.came_back:
                return -1, 0, self.came_back
            return 0, -min(self.message.properties.get("priority", 4), 31), self.order
        highest = queue.arguments.get("x-max-priority", 0)
        return 0, -min(self.message.properties.get("priority", 0), highest), self.order

    def kept(self) -> bool:
        """Whether it belongs on the disk."""
        lasts = self.message.persistent or self.queue.kind == "quorum"
        return lasts and self.queue.durable and self.queue.owner is None

    def __str__(self) -> str:
        return self.message.body.decode()


class Consumer:
    __slots__ = ("channel", "exclusive", "freed", "no_ack", "prefetch", "priority", "queue", "tag", "unacked")

    def __init__(
        self, channel: "Channel", queue: "Queue", tag: str, no_ack: bool, exclusive: bool, priority: int
    ) -> None:
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.priority = priority
        self.prefetch = channel.consumer_prefetch
        self.unacked = 0
        self.freed = 0
        """The event in which it last got room."""

    def has_room(self) -> bool:
        channel = self.channel
        if channel.connection.held or channel.connection.over or channel.closing:
            return False
        if self.queue.single_active and (self.queue.active is not self or self.queue.fading):
            return False
        if channel.prefetch and channel.consumed() >= channel.prefetch:
            return False
        return self.no_ack or not self.prefetch or self.unacked < self.prefetch


class Queue:
    def __init__(
        self,
        name: str,
        durable: bool,
        auto_delete: bool,
        owner: "Connection | None",
        arguments: dict[str, Any],
        now: float,
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.owner = owner
        """The connection of an exclusive queue."""
        self.arguments = arguments
        self.kind: str = arguments.get("x-queue-type", "classic")
        self.single_active: bool = arguments.get("x-single-active-consumer", False)
        self.ready: list[Copy] = []
        self.held: dict[Copy, None] = {}
        """Delivered and not acknowledged."""
        self.leaving: list[Copy] = []
        """Gone, but the disk may not know yet."""
        self.consumers: list[Consumer] = []
        self.active: Consumer | None = None
        self.fading = False
        """The active consumer gets nothing more, and another takes its place when it has acknowledged what it has."""
        self.deleted = False
        self.settings: dict[str, Any] = {}
        self.refusing = False
        self.orders = 0
        self.used = now
        self.latest_end = 0.0
        """x-expires: when it must be gone, whatever the clock did."""

    def put(self, copy: Copy) -> None:
        insort(self.ready, copy, key=lambda each: each.rank)

    def size(self, copies: Iterable[Copy]) -> int:
        """In bytes. Quorum queues count properties too."""
        with_properties = self.kind == "quorum"
        return sum(
            len(each.message.body) + (properties_size(each.message) if with_properties else 0) for each in copies
        )

    def is_over(self, share: float = 1) -> bool:
        length, size = self.settings.get("max-length"), self.settings.get("max-length-bytes")
        if length is not None and len(self.ready) > int(length * share):
            return True
        return size is not None and self.size(self.ready) > int(size * share)

    def is_full(self, message: Message) -> bool:
        """Whether it refuses a message now, with an overflow that refuses."""
        length, size = self.settings.get("max-length"), self.settings.get("max-length-bytes")
        if self.kind == "quorum":
            return self.refusing
        if length is not None and len(self.ready) + 1 > length:
            return True
        return size is not None and self.size(self.ready) + len(message.body) > size

    def told_consumers(self) -> int:
        """By queue.declare-ok: of a quorum queue with a single active consumer, those that wait do not count."""
        alone = self.kind == "quorum" and self.single_active
        return int(self.active is not None) if alone else len(self.consumers)

    def use(self, now: float) -> None:
        self.used = now
        if "expires" in self.settings:
            self.latest_end = max(self.latest_end, now + self.settings["expires"] / 1000)

    def due(self, now: float) -> tuple[float, int] | None:
        """When the first message has expired that may, and its stamp; None when none has."""
        heads = self.ready[:1] if self.kind == "classic" else _heads(self.ready)
        times = [(each.expires, each.stamp) for each in heads if each.expires is not None and each.expires <= now]
        return min(times, default=None)

    def expired(self, now: float) -> list[Copy]:
        """Those that expire now: none that stands behind one that does not, in its priority for a quorum queue."""
        found = []
        blocked: set[tuple[int, int]] = set()
        for each in self.ready:
            line = each.rank[:2]
            if self.kind == "quorum" and line in blocked:
                continue
            if each.expires is not None and each.expires <= now:
                found.append(each)
            elif self.kind == "classic":
                break
            else:
                blocked.add(line)
        return found


def _heads(ready: list[Copy]) -> list[Copy]:
    found: dict[tuple[int, int], Copy] = {}
    for each in ready:
        found.setdefault(each.rank[:2], each)
    return list(found.values())


class Exchange:
    def __init__(
        self, name: str, kind: str, durable: bool, auto_delete: bool, internal: bool, arguments: dict[str, Any]
    ) -> None:
        self.name = name
        self.kind = kind
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = arguments


class Binding(NamedTuple):
    source: str
    kind: str
    destination: str
    key: str


class Publish:
    """A publish that waits for its confirm."""

    __slots__ = ("copies", "refused")

    def __init__(self) -> None:
        self.copies: list[Copy] = []
        self.refused = False


class Delivery(NamedTuple):
    copy: Copy
    consumer: Consumer | None


class Channel:
    def __init__(self, connection: "Connection", number: int) -> None:
        self.connection = connection
        self.number = number
        self.mode = ""
        self.closing = False
        """The broker has closed it, and waits for the client's close-ok."""
        self.consumers: dict[str, Consumer] = {}
        self.unacked: dict[int, Delivery] = {}
        self.deliveries = 0
        self.prefetch = 0
        self.consumer_prefetch = 0
        self.published = 0
        self.unconfirmed: dict[int, Publish] = {}
        self.uncommitted: list[tuple[str, Any]] = []
        self.committing: list[list[Copy]] = []
        """For each tx.commit that waits for its answer, what was published."""
        self.purging: list[list[Copy]] = []
        """For each queue.purge that waits for its answer, what there was."""
        self.last_queue = ""
        self.reply_tag: str | None = None
        self.reply_to = ""
        self.replies: deque[Message] = deque()

    def settling(self) -> dict[int, Delivery]:
        """What a transaction has acknowledged so far."""
        return {tag: each for kind, what in self.uncommitted if kind != "publish" for tag, each in what}

    def consumed(self) -> int:
        taken = [*self.unacked.values(), *(self.settling().values() if self.uncommitted else ())]
        return sum(each.consumer is not None for each in taken)


class Connection:
    def __init__(self, number: int, user: str) -> None:
        self.number = number
        self.user = user
        self.channels: dict[int, Channel] = {}
        self.heard: deque[Any] = deque()
        """What the broker has said and the model has not looked at."""
        self.why = ""
        """Why the first of it could not be explained."""
        self.open = False
        self.over = False
        """Closed, by either side."""
        self.closing = False
        """The broker has closed it, and waits for the client's close-ok."""
        self.held = False
        """Its socket takes no output."""
        self.exclusive: list[Queue] = []
        self.just_closed: set[int] = set()
        """Channels that the client has closed by the piece of input that is handled."""
        self.cancels: list[tuple[int, str]] = []
        """Consumers that the broker has to tell about: their queues are gone."""


class Policy(NamedTuple):
    pattern: str
    definition: dict[str, Any]
    priority: int


def effective(arguments: dict[str, Any], policy: Policy | None, kind: str) -> dict[str, Any]:
    """What holds for a queue, by the names of policy keys."""
    merged = dict(policy.definition) if policy else {}
    for key in POLICY_KEYS:
        value = arguments.get(f"x-{key}")
        if value is None or (kind == "quorum" and key == "overflow" and key in merged):
            continue
        merged[key] = min(merged[key], value) if key in merged and key in _SMALLER else value
    return merged


def dead_letter(copy: Copy, reason: str, now: float) -> Message:
    """The message as it goes to the dead letter exchange."""
    message, queue = copy.message, copy.queue
    deaths = list(message.deaths)
    known = next((each for each in deaths if each["queue"] == queue.name and each["reason"] == reason), None)
    if known is not None:
        deaths.remove(known)
        latest = {**known, "count": known["count"] + 1}
    else:
        latest = {
            "count": 1,
            "reason": reason,
            "queue": queue.name,
            "time": int(now),
            "exchange": message.exchange,
            "routing-keys": [message.key, *message.copies],
        }
        if "expiration" in message.properties:
            latest["original-expiration"] = message.properties["expiration"]
    properties = {name: value for name, value in message.properties.items() if name != "expiration"}
    headers = dict(properties.get("headers", {}))
    for name in ("reason", "queue", "exchange"):
        if not message.deaths:
            headers[f"x-first-death-{name}"] = latest[name]
        headers[f"x-last-death-{name}"] = latest[name]
    properties["headers"] = headers
    key = queue.settings.get("dead-letter-routing-key", message.key)
    return Message(queue.settings["dead-letter-exchange"], key, properties, message.body, (latest, *deaths))


def goes_round(queue: Queue, message: Message) -> bool:
    """It was in the queue before, and no client has rejected it since."""
    for place, death in enumerate(message.deaths):
        if death["queue"] == queue.name:
            return all(each["reason"] != "rejected" for each in message.deaths[: place + 1])
    return False


def properties_size(message: Message) -> int:
    """Bytes that the broker has for a message's properties: their flags, and each of them."""
    properties, headers = message.properties, dict(message.properties.get("headers", {}))
    if message.deaths:
        headers["x-death"] = [dict(each) for each in message.deaths]
    size = 2 + sum(_SIZES.get(name, 1 + len(str(value))) for name, value in properties.items() if name != "headers")
    if properties.get("reply_to") == "amq.rabbitmq.reply-to":
        size += _ADDRESS
    return size + (_field_size(headers) - 1 if "headers" in properties or headers else 0)


_SIZES = {"delivery_mode": 1, "priority": 1}
# What a direct reply's address has after the name: two points, and 68 characters of base64.
_ADDRESS = 70


def _field_size(value: Any) -> int:
    """With the type before it. Numbers and times take eight bytes."""
    if isinstance(value, str):
        return 5 + len(value)
    if isinstance(value, dict):
        return 5 + sum(1 + len(name) + _field_size(each) for name, each in value.items())
    return 5 + sum(map(_field_size, value)) if isinstance(value, list) else 9


def as_delivered(copy: Copy) -> dict[str, Any]:
    """The properties with which a message has to arrive, x-death with times in whole seconds."""
    properties, headers = dict(copy.message.properties), dict(copy.message.properties.get("headers", {}))
    if copy.message.deaths:
        headers["x-death"] = [dict(each) for each in copy.message.deaths]
    if copy.queue.kind == "quorum" and copy.returned:
        headers["x-acquired-count"] = copy.returned
        if copy.failed:
            headers["x-delivery-count"] = copy.failed
    if headers:
        properties["headers"] = headers
    return properties


def as_heard(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties that have arrived, in the same form."""
    headers = properties.get("headers")
    if headers and "x-death" in headers:
        deaths = [{**each, "time": int(each["time"].timestamp())} for each in headers["x-death"]]
        return {**properties, "headers": {**headers, "x-death": deaths}}
    return properties
