"""A client of a broker that is killed: what it says, at random, and what it may rely on.

Nobody else touches its queues and exchanges. Messages of a queue come and go on one channel, so that they are handled in the
order in which that was said; answers may come before deliveries that were on their way. `Home` follows what it says and
hears, with queues and messages as the simulation's model has them. What is found after a restart has to agree with that:

- What was declared, bound, deleted or purged, and answered, is so. A queue that came back from a delete has all that it had.
- What was confirmed or committed is there: once, in its place, flagged as redelivered when it had been delivered. Of the
  rest there is a beginning.
- What was acknowledged does not come back once something is confirmed that was said later.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

from pamqp import commands

from tests.simulation.administration import Administration
from tests.simulation.client import Ears, Heard, Said, start
from tests.simulation.hearing import by_age
from tests.simulation.inside import Kept
from tests.simulation.model import Binding, Copy, Message, Queue, Violation

CONFIRMS, TRANSACTIONS = 1, 2
"""Channels, one in each mode. Consumers and bindings are for queues of the first, and all definitions are made there."""
Thing = tuple[str, str] | Binding
"""A queue or an exchange, by its kind and name; or a binding. None is declared a second time."""
_MOST = 4
_AWAITED = 200
_PREFETCH = 20
_SIZES = (0, 0, 0, 10, 300, 5000)


class Known(Copy):
    """A message in a queue. `since`: the place of what brought it there, among all that was said. `purge`: that of a purge."""

    __slots__ = ("purge", "since")

    def __init__(self, message: Message, queue: Queue, order: int, since: int) -> None:
        super().__init__(message, queue, order, None)
        self.since = since
        self.purge = 0


class Fate:
    """Of a thing: whether its declaration was answered, and the delete that is not, if any."""

    __slots__ = ("delete", "made")

    def __init__(self, made: bool = False) -> None:
        self.made = made
        self.delete: Thing | None = None


class Published:
    """A publish or a commit: its copies, and what had been acknowledged before on its channel."""

    __slots__ = ("acknowledged", "copies")

    def __init__(self, copies: Sequence[Known], acknowledged: list[Known]) -> None:
        self.copies = copies
        self.acknowledged = acknowledged


class Home:
    """`data` is to be sent. Raises Violation."""

    def __init__(self, number: int, random: Random, rules: Administration) -> None:
        self.number = number
        self.data = b""
        self.seen: Counter[str] = Counter()
        """What was answered, heard and found."""
        self.queues: dict[str, Queue] = {}
        """As far as is known, with all that was said; so are exchanges, and bindings."""
        self.exchanges: set[str] = set()
        self.bindings: set[Binding] = set()
        self._fates: dict[Thing, Fate] = {}
        self._deleted: dict[str, Queue] = {}
        """Queues that were deleted, perhaps."""
        self._channels: dict[str, int] = {}
        """Of each queue."""
        self._random = random
        self._rules = rules
        self._names = count(1)
        self._begin()

    def _begin(self) -> None:
        """A new connection."""
        self._ears = Ears()
        self._said = 0
        self._awaited: dict[tuple[int, str], deque[Callable[[Heard], None]]] = defaultdict(deque)
        self._unconfirmed: dict[int, Published] = {}
        self._published = 0
        self._unacked: dict[int, dict[int, Known]] = {CONFIRMS: {}, TRANSACTIONS: {}}
        self._acknowledged: dict[int, list[Known]] = {CONFIRMS: [], TRANSACTIONS: []}
        """What the disk may not have forgotten: a list becomes another one with each publish and commit."""
        self._consumed: set[str] = set()
        self._vanishing: Counter[str] = Counter()
        """Gets that need no acknowledgement, and are not answered, by queue."""

    # --------------------------------------------------------------------------------------------------------- to say

    def connect(self) -> None:
        self._begin()
        self.data = start("guest")
        for channel in (CONFIRMS, TRANSACTIONS):
            self._ask(channel, commands.Channel.Open(), "Channel.OpenOk")
        self._ask(CONFIRMS, commands.Confirm.Select(), "Confirm.SelectOk")
        self._ask(CONFIRMS, commands.Basic.Qos(0, _PREFETCH, False), "Basic.QosOk")
        self._ask(TRANSACTIONS, commands.Tx.Select(), "Tx.SelectOk")
        for name in self.queues:
            self._consume(name)

    def act(self) -> None:
        """Says something, unless too much waits for its answer."""
        if len(self._unconfirmed) + sum(map(len, self._awaited.values())) > _AWAITED:
            return
        if len(self.queues) < 2:
            self._declare_queue()
        self._random.choices(_ACTS, _WEIGHTS)[0](self)

    def _say(self, channel: int, method: Any, properties: dict[str, Any] | None = None, body: bytes = b"") -> None:
        self._said += 1
        self.data += Said(channel, method, properties, body).encoded()

    def _ask(self, channel: int, method: Any, answer: str, then: Callable[[Heard], None] = lambda _: None) -> None:
        self._say(channel, method)
        self._awaited[channel, answer].append(then)

    def _name(self) -> str:
        return f"home{self.number}.{next(self._names)}"

    def _some_queue(self) -> Queue:
        return self._random.choice(list(self.queues.values()))

    def _queues_of(self, channel: int) -> list[Queue]:
        """Those that are there for sure when it is not the channel that they are declared on."""
        here = [each for each in self.queues.values() if self._channels[each.name] == channel]
        return [each for each in here if channel == CONFIRMS or self._fates["queue", each.name].made]

    # ----------------------------------------------------------------------------------------------------- definitions

    def _declare_queue(self) -> None:
        if len(self.queues) >= _MOST:
            return
        name, quorum = self._name(), self._random.random() < 0.3
        arguments: Any = {"x-queue-type": "quorum", "x-delivery-limit": -1} if quorum else {}
        self.queues[name] = Queue(name, True, False, None, arguments, 0.0)
        self._channels[name] = self._random.choice((CONFIRMS, CONFIRMS, TRANSACTIONS))
        method = commands.Queue.Declare(queue=name, durable=True, arguments=arguments)
        self._define(("queue", name), method, "Queue.DeclareOk")
        self._consume(name)

    def _consume(self, name: str) -> None:
        if self._channels[name] == CONFIRMS and self._random.random() < 0.6:
            self._consumed.add(name)
            self._ask(CONFIRMS, commands.Basic.Consume(queue=name, consumer_tag=name), "Basic.ConsumeOk")

    def _declare_exchange(self) -> None:
        if len(self.exchanges) < _MOST:
            name = self._name()
            self.exchanges.add(name)
            method = commands.Exchange.Declare(exchange=name, exchange_type="fanout", durable=True)
            self._define(("exchange", name), method, "Exchange.DeclareOk")

    def _bind(self) -> None:
        queues = self._queues_of(CONFIRMS)
        if self.exchanges and queues:
            source = self._random.choice(sorted(self.exchanges))
            binding = Binding(source, "queue", self._random.choice(queues).name, self._name())
            self.bindings.add(binding)
            method = commands.Queue.Bind(queue=binding.destination, exchange=source, routing_key=binding.key)
            self._define(binding, method, "Queue.BindOk")

    def _unbind(self) -> None:
        if self.bindings:
            binding = self._random.choice(sorted(self.bindings))
            self.bindings.remove(binding)
            names = {"queue": binding.destination, "exchange": binding.source}
            self._delete(binding, [], commands.Queue.Unbind(routing_key=binding.key, **names), "Queue.UnbindOk")

    def _delete_queue(self) -> None:
        name = self._some_queue().name
        self._deleted[name] = self.queues.pop(name)
        bindings = [each for each in self.bindings if each.destination == name]
        self._delete(("queue", name), bindings, commands.Queue.Delete(queue=name), "Queue.DeleteOk")

    def _delete_exchange(self) -> None:
        if self.exchanges:
            name = self._random.choice(sorted(self.exchanges))
            self.exchanges.remove(name)
            bindings = [each for each in self.bindings if each.source == name]
            self._delete(("exchange", name), bindings, commands.Exchange.Delete(exchange=name), "Exchange.DeleteOk")

    def _define(self, thing: Thing, method: Any, answer: str) -> None:
        fate = self._fates[thing] = Fate()

        def then(_: Heard) -> None:
            fate.made = True

        self._ask(CONFIRMS, method, answer, then)

    def _delete(self, thing: Thing, bindings: Iterable[Binding], method: Any, answer: str) -> None:
        """`bindings` go with it."""
        things = [thing, *bindings]
        self.bindings.difference_update(bindings)
        for each in things:
            self._fates[each].delete = thing

        def then(_: Heard) -> None:
            for each in things:
                del self._fates[each]

        self._ask(CONFIRMS, method, answer, then)

    # -------------------------------------------------------------------------------------------------------- messages

    def _message(self, channel: int) -> tuple[str, str, list[Queue], dict[str, Any], bytes]:
        """Exchange, key, the queues that it goes to, properties, and a body that no other has."""
        body = self._name().encode() + b"." * self._random.choice(_SIZES)
        properties = {"delivery_mode": 2} if self._random.random() < 0.85 else {}
        if channel == CONFIRMS and self.exchanges and self._random.random() < 0.4:
            source = self._random.choice(sorted(self.exchanges))
            names = {each.destination for each in self.bindings if each.source == source}
            return source, "", [self.queues[each] for each in sorted(names)], properties, body
        queue = self._random.choice(self._queues_of(channel))
        return "", queue.name, [queue], properties, body

    def _publish_on(self, channel: int, exchange: str, key: str, properties: dict[str, Any], body: bytes) -> None:
        self._say(channel, commands.Basic.Publish(exchange=exchange, routing_key=key), properties, body)

    def _copies(
        self, exchange: str, key: str, queues: Iterable[Queue], properties: dict[str, Any], body: bytes
    ) -> list[Known]:
        found = []
        for queue in queues:
            queue.orders += 1
            copy = Known(Message(exchange, key, properties, body), queue, queue.orders, self._said)
            queue.put(copy)
            found.append(copy)
        return found

    def _publish(self) -> None:
        if not self._queues_of(CONFIRMS):
            return
        for _ in range(self._random.choice((1, 1, 5, 30))):
            exchange, key, queues, properties, body = self._message(CONFIRMS)
            self._publish_on(CONFIRMS, exchange, key, properties, body)
            copies = self._copies(exchange, key, queues, properties, body)
            self._published += 1
            self._unconfirmed[self._published] = Published(copies, self._so_far(CONFIRMS))

    def _transaction(self) -> None:
        """The whole of one, with publishes and acknowledgements, committed or not."""
        if not self._queues_of(TRANSACTIONS):
            return
        messages = [self._message(TRANSACTIONS) for _ in range(self._random.choice((0, 1, 2, 10)))]
        for exchange, key, _, properties, body in messages:
            self._publish_on(TRANSACTIONS, exchange, key, properties, body)
        unacked = self._unacked[TRANSACTIONS]
        tags = sorted(unacked)[: self._random.randrange(4)]
        for tag in tags:
            self._say(TRANSACTIONS, commands.Basic.Ack(tag))
        if self._random.random() < 0.2:
            self._ask(TRANSACTIONS, commands.Tx.Rollback(), "Tx.RollbackOk")
            return
        copies = [copy for each in messages for copy in self._copies(*each)]
        self._settled(TRANSACTIONS, [unacked.pop(tag) for tag in tags])
        published = Published(copies, self._so_far(TRANSACTIONS))
        self._ask(TRANSACTIONS, commands.Tx.Commit(), "Tx.CommitOk", lambda _: self._confirmed(TRANSACTIONS, published))

    def _get(self) -> None:
        """Not where a consumer takes what comes next."""
        channel = self._random.choice((CONFIRMS, TRANSACTIONS))
        queues = [each for each in self._queues_of(channel) if each.name not in self._consumed]
        if queues:
            queue, no_ack = self._random.choice(queues), self._random.random() < 0.2
            for _ in range(self._random.choice((1, 1, 10))):
                self._get_one(queue, channel, no_ack)

    def _get_one(self, queue: Queue, channel: int, no_ack: bool) -> None:
        place = self._said + 1
        self._vanishing[queue.name] += no_ack

        def then(heard: Heard) -> None:
            self._vanishing[queue.name] -= no_ack
            if isinstance(heard.method, commands.Basic.GetEmpty):
                self._is_empty(queue, place)
                return
            copy = self._taken(queue, heard)
            if no_ack:
                self._settled(channel, [copy])
            else:
                self._unacked[channel][heard.method.delivery_tag] = copy

        self._ask(channel, commands.Basic.Get(queue=queue.name, no_ack=no_ack), "Basic.Get", then)

    def _settle(self) -> None:
        """What the first channel has: acknowledged, or rejected, or sent back."""
        unacked = self._unacked[CONFIRMS]
        if not unacked:
            return
        tag, multiple = self._random.choice(sorted(unacked)), self._random.random() < 0.6
        tags = sorted(each for each in unacked if each <= tag) if multiple else [tag]
        copies = [unacked.pop(each) for each in tags]
        chance = self._random.random()
        if chance < 0.7:
            self._say(CONFIRMS, commands.Basic.Ack(tag, multiple))
            self._settled(CONFIRMS, copies)
        elif chance < 0.8:
            self._say(CONFIRMS, commands.Basic.Nack(tag, multiple, False))
            self._settled(CONFIRMS, copies)
        else:
            self._say(CONFIRMS, commands.Basic.Nack(tag, multiple, True))
            self._returned(copies)

    def _settled(self, channel: int, copies: Iterable[Known]) -> None:
        for copy in copies:
            copy.queue.held.pop(copy, None)
            copy.queue.leaving.append(copy)
            self._acknowledged[channel].append(copy)

    def _so_far(self, channel: int) -> list[Known]:
        found, self._acknowledged[channel] = self._acknowledged[channel], []
        return found

    def _returned(self, copies: Iterable[Known]) -> None:
        for copy in copies:
            copy.queue.held.pop(copy, None)
            copy.redelivered = True
            copy.since = self._said
            copy.returned += 1
            if copy.queue.kind == "quorum":
                copy.came_back = next(self._returns)
            copy.queue.put(copy)

    _returns = count(1)

    def _purge(self) -> None:
        channel = self._random.choice((CONFIRMS, TRANSACTIONS))
        queues = self._queues_of(channel)
        if not queues:
            return
        queue, purge = self._random.choice(queues), self._said + 1
        for copy in queue.ready:
            copy.purge = copy.purge or purge

        def then(heard: Heard) -> None:
            self._purged(queue, purge, heard.method.message_count)

        self._ask(channel, commands.Queue.Purge(queue=queue.name), "Queue.PurgeOk", then)

    def _purged(self, queue: Queue, purge: int, number: int) -> None:
        """What a consumer has got before may still be on its way: the first."""
        left = [each for each in queue.ready if each.purge == purge]
        taken = len(left) - number
        if taken < 0 or (taken and queue.name not in self._consumed):
            raise Violation(f"a purge of {queue.name} finds {number}, not {len(left)}")
        if taken and queue.kind == "quorum":
            return
        for copy in left[:taken]:
            copy.purge = 0
        gone = left[taken:]
        queue.ready = [each for each in queue.ready if each not in gone]
        self.seen["purged"] += number

    # ---------------------------------------------------------------------------------------------------------- to hear

    def hear(self, data: bytes) -> None:
        for heard in self._ears.hear(data):
            self._hear(heard)

    def _hear(self, heard: Heard) -> None:
        name = heard.method.name
        if heard.channel == 0 or name == "Basic.Cancel":
            return
        if name == "Basic.Deliver":
            self._delivered(heard)
        elif name == "Basic.Ack":
            self._confirms(heard.method.delivery_tag, heard.method.multiple)
        else:
            awaited = self._awaited.get((heard.channel, _GETS.get(name, name)))
            if not awaited:
                raise Violation(f"home {self.number} hears {heard}")
            awaited.popleft()(heard)
            self.seen[name] += 1

    def _delivered(self, heard: Heard) -> None:
        name = heard.method.consumer_tag
        queue = self.queues.get(name) or self._deleted[name]
        self._unacked[CONFIRMS][heard.method.delivery_tag] = self._taken(queue, heard)
        self.seen["delivered"] += 1

    def _taken(self, queue: Queue, heard: Heard) -> Known:
        """The next message of a queue. What is purged may be gone, and what was sent back may have come later."""
        for copy in queue.ready:
            if copy.message.body == heard.body:
                break
            if not copy.purge and not copy.returned:
                raise Violation(f"the next of {queue.name} is {copy}, not {heard}")
        else:
            raise Violation(f"{queue.name} does not have {heard}")
        message, method = copy.message, heard.method
        if (message.exchange, message.key, message.properties) != (method.exchange, method.routing_key, _shown(heard)):
            raise Violation(f"{queue.name} has {message}, not {heard}")
        if copy.redelivered != method.redelivered:
            raise Violation(f"{heard} of {queue.name}: redelivered should be {copy.redelivered}")
        queue.ready.remove(copy)
        queue.held[copy] = None
        copy.redelivered, copy.purge = True, 0
        return copy

    def _is_empty(self, queue: Queue, place: int) -> None:
        """When a get was handled that was said in this place."""
        for copy in queue.ready:
            if not copy.purge and copy.since < place:
                raise Violation(f"{copy} waits in {queue.name}, and get finds nothing")

    def _confirms(self, tag: int, multiple: bool) -> None:
        numbers = [each for each in self._unconfirmed if each <= tag] if multiple else [tag]
        for number in numbers:
            published = self._unconfirmed.pop(number, None)
            if published is None:
                raise Violation(f"home {self.number} hears a confirm of {number}, which does not wait for one")
            self._confirmed(CONFIRMS, published)
            self.seen["confirmed"] += 1

    def _confirmed(self, channel: int, published: Published) -> None:
        proven = False
        for copy in published.copies:
            copy.safe = copy.kept()
            proven |= copy.safe and (copy in copy.queue.held or copy in copy.queue.ready)
        if proven:
            for copy in published.acknowledged:
                copy.queue.leaving.remove(copy)
            self.seen["forgotten"] += len(published.acknowledged)
            published.acknowledged.clear()
        else:
            # It may have been acknowledged itself before it got to the disk.
            self._acknowledged[channel][:0] = published.acknowledged

    # ---------------------------------------------------------------------------------------------------- after a crash

    def expects(self) -> Iterable[str]:
        """Queues that may be there."""
        return [each[1] for each in self._fates if each[0] == "queue"]

    def restarted(self, found: set[Thing], contents: Mapping[str, Sequence[Kept]]) -> None:
        """What there is of this home, and in its queues. All of it waits again, and has been delivered."""
        self._check_things(found)
        everything = {**self.queues, **self._deleted}
        self.queues, self._deleted = {}, {}
        self._fates = {each: Fate(made=True) for each in found}
        self.exchanges = {each[1] for each in found if each[0] == "exchange"}
        self.bindings = {each for each in found if isinstance(each, Binding)}
        for name, kept in contents.items():
            self._restore(everything[name], kept)
            self.queues[name] = everything[name]

    def _check_things(self, found: set[Thing]) -> None:
        for thing, fate in self._fates.items():
            if thing in found or not fate.made:
                continue
            if fate.delete is None:
                raise Violation(f"{thing} is lost")
            if fate.delete in found:
                raise Violation(f"{fate.delete} came back without {thing}")
        strange = found - self._fates.keys()
        strange |= {each for each in found if isinstance(each, Binding) and ("queue", each.destination) not in found}
        if strange:
            raise Violation(f"{strange} should not be there")
        self.seen["things"] += len(found)

    def _restore(self, queue: Queue, found: Sequence[Kept]) -> None:
        queue.leaving += [each for each in queue.ready if each.purge]
        queue.ready = [each for each in queue.ready if not each.purge]
        if self._vanishing[queue.name]:
            # Any of them may have been handed out.
            for copy in queue.ready:
                copy.safe = False
        else:
            _check_beginning(queue, {each.body for each in found})
        self._rules._restore(queue, list(found), clean=False)
        copies, queue.ready = by_age(queue.ready), []
        self._returned(copies)
        for copy in copies:
            copy.since = copy.purge = 0
        self.seen["messages"] += len(found)


def _check_beginning(queue: Queue, found: set[bytes]) -> None:
    """Of what was not confirmed, nothing is there behind what is missing."""
    missing = None
    for copy in by_age(queue.ready):
        if copy.kept() and not copy.safe and not copy.redelivered:
            if copy.message.body not in found:
                missing = missing or copy
            elif missing is not None:
                raise Violation(f"{copy} is in {queue.name}, and {missing} is lost, which came before")


def _shown(heard: Heard) -> dict[str, Any]:
    """Properties, without what the broker counts."""
    return {name: value for name, value in (heard.properties or {}).items() if name != "headers"}


_GETS = {"Basic.GetOk": "Basic.Get", "Basic.GetEmpty": "Basic.Get"}
_ACTS: Sequence[Callable[[Home], None]] = (
    Home._publish,
    Home._settle,
    Home._get,
    Home._transaction,
    Home._purge,
    Home._declare_queue,
    Home._declare_exchange,
    Home._bind,
    Home._unbind,
    Home._delete_queue,
    Home._delete_exchange,
)
_WEIGHTS = (30, 40, 10, 8, 1, 3, 2, 3, 1, 1, 0.5)
