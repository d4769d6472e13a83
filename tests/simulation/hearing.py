"""What clients hear of their own: deliveries, confirms, cancellations; and what time and crashes do."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import permutations
from typing import Any

from pamqp import commands

from tests.simulation.client import Heard
from tests.simulation.model import (
    Binding,
    Channel,
    Connection,
    Consumer,
    Copy,
    Delivery,
    Exchange,
    Queue,
    Violation,
    as_delivered,
    as_heard,
)
from tests.simulation.rules import REPLY_TO, Rules

UNASKED = frozenset(("Deliver", "Ack", "Nack", "Cancel", "Return", "CommitOk", "Blocked", "Unblocked"))
"""Methods that are no answers to what comes in the same piece of input."""
Contents = Callable[[str], list[Any]]
Seen = list[tuple[bytes, tuple[tuple[str, str, int], ...]]]
"""Bodies and deaths."""


class Hearing(Rules):
    """Explains what was heard by what can have happened."""

    # ----------------------------------------------------------------------------------------------------- deliveries

    def deliveries(self, only: Queue | None = None) -> None:
        """Takes what was heard and nobody has asked for, as far as it can have happened by now.

        `only`: nothing of other queues, which act when their turn comes.
        """
        self._only = only
        going = True
        while going:
            going = any(list(map(self._deliveries_to, self._in_turn()))) or self._unheard(only)

    def _deliveries_to(self, connection: Connection) -> bool:
        """Whether there were any, before the next answer. Channels do not wait for each other, nor for confirms."""
        found, waiting = False, set[int]()
        place = 0
        while place < len(connection.heard):
            heard = connection.heard[place]
            if heard.channel in waiting:
                place += 1
            elif self._take(connection, heard):
                del connection.heard[place]
                found = True
            elif type(heard.method).__name__ not in UNASKED:
                break
            else:
                if not isinstance(heard.method, commands.Basic.Ack | commands.Basic.Nack):
                    waiting.add(heard.channel)
                place += 1
        return found

    def _unheard(self, only: Queue | None) -> bool:
        """What a consumer has been given, and is not told: its channel fails at the method that is handled."""
        for queue in [only] if only is not None else list(self.queues.values()) if self.failing else ():
            takers = [each for each in queue.consumers if each.channel in self.failing and each.has_room()]
            if takers and queue.ready:
                self.expire(queue, one_by_one=True)
                if queue.ready:
                    self._give(queue.ready[0], max(takers, key=lambda each: each.priority))
                    return True
        return False

    def _give(self, copy: Copy, consumer: Consumer) -> None:
        queue, channel = copy.queue, consumer.channel
        queue.ready.remove(copy)
        self._less(queue)
        channel.deliveries += 1
        if consumer.no_ack:
            self.gone(copy)
        else:
            consumer.unacked += 1
            queue.held[copy] = None
            channel.unacked[channel.deliveries] = Delivery(copy, consumer)

    def late_deliveries(self) -> None:
        """As `deliveries`, when nothing else explains what was heard: what could have gone straight has expired.

        So has what has only now come to the front of other queues.
        """
        self._late = True
        self.deliveries()
        if any(each.heard for each in self.connections.values()):
            for queue in list(self.queues.values()):
                if queue.due(self.now) is not None:
                    self.expire(queue)
            self.deliveries()
        self._late = False

    def _in_turn(self) -> list[Connection]:
        """Whoever acts comes first: it may give back what it gets, and others cannot within this event."""
        everyone = list(self.connections.values())
        if self.acting is not None and self.acting in everyone[1:]:
            everyone.remove(self.acting)
            everyone.insert(0, self.acting)
        return everyone

    def _take(self, connection: Connection, heard: Heard) -> bool:
        method = heard.method
        if isinstance(method, commands.Basic.Deliver):
            return self._delivered(connection, heard)
        channel = connection.channels.get(heard.channel)
        if isinstance(method, commands.Basic.Ack | commands.Basic.Nack):
            return channel is not None and self.confirmed(channel, method)
        if isinstance(method, commands.Basic.Cancel):
            # The first of its channel: they come in the order of their tags.
            known = next((each for each in connection.cancels if each[0] == heard.channel), None)
            if known != (heard.channel, method.consumer_tag):
                connection.why = f"it should hear that {known} is cancelled"
                return False
            connection.cancels.remove(known)
            return True
        if isinstance(method, commands.Tx.CommitOk):
            if channel is None or not channel.committing:
                return False
            self.check_saved(channel.committing.pop(0), "tx.commit-ok")
            return True
        if isinstance(method, commands.Queue.PurgeOk):
            if channel is None or not channel.purging or len(channel.purging[0]) != method.message_count:
                return False
            self.check_forgotten(channel.purging.pop(0), "queue.purge-ok")
            return True
        return isinstance(method, commands.Connection.Blocked | commands.Connection.Unblocked)

    def _delivered(self, connection: Connection, heard: Heard) -> bool:
        channel = connection.channels.get(heard.channel)
        if channel is None:
            return False
        tag = heard.method.consumer_tag
        if tag == channel.reply_tag and channel.replies and channel.replies[0].body == heard.body:
            channel.replies.popleft()
            channel.deliveries += 1
            return True
        consumer = channel.consumers.get(tag)
        if consumer is None:
            connection.why = f"there is no consumer {tag}"
            return False
        queue = consumer.queue
        if self._only is not None and queue is not self._only:
            return False
        head = queue.ready[0] if queue.ready else None
        expired = head is not None and head.message.body != heard.body and head in queue.expired(self.now)
        if head is not None and expired and (not head.straight or self._late):
            self.expire(queue, one_by_one=True)
            head = queue.ready[0] if queue.ready else None
        if self.loose and head is not None and head.message.body != heard.body:
            head = self._other_first(queue, heard.body)
        if head is None or head.message.body != heard.body:
            connection.why = f"the next of {queue.name} is {head}"
            return False
        connection.why = self._not_allowed(consumer, head) or self.differs(head, heard) or ""
        if not connection.why and heard.method.delivery_tag != channel.deliveries + 1:
            connection.why = f"delivery tag {heard.method.delivery_tag} after {channel.deliveries}"
        if connection.why:
            return False
        head.redelivered = heard.method.redelivered
        self._give(head, consumer)
        # What had expired behind it has come to the front.
        self.expire(queue, one_by_one=True)
        return True

    def _other_first(self, queue: Queue, body: bytes) -> Copy | None:
        """Another dead letter of this event, when nothing but such stands before it."""
        for copy in queue.ready:
            if copy.stamp <= self._first_stamp or copy.rank[:2] != queue.ready[0].rank[:2]:
                return None
            if copy.message.body == body:
                return copy
        return None

    def begin(self, *, loose: bool) -> None:
        """An event begins. `loose`: several queues may act at once, in an order that is the broker's choice."""
        self.event += 1
        self.loose = loose
        self._first_stamp = self._stamps

    def follow(self, contents: Callable[[str], list[Any]]) -> None:
        """Dead letters that came from several queues at once stand in the order that the broker chose."""
        if not self.loose or self._stamps - self._first_stamp < 2:
            return
        for queue in self.queues.values():
            fresh = by_age(each for each in queue.ready if each.stamp > self._first_stamp)
            found = [(each.body, each.deaths) for each in by_age(contents(queue.name))]
            chosen = _chosen(fresh, found[-len(fresh) :])
            if len(fresh) < 2 or chosen is None:
                continue
            for each, order in zip(chosen, [each.order for each in fresh], strict=True):
                each.order = order
            queue.ready.sort(key=lambda each: each.rank)

    def _not_allowed(self, consumer: Consumer, copy: Copy) -> str | None:
        if not consumer.has_room():
            return f"consumer {consumer.tag} has no room"
        for other in consumer.queue.consumers:
            if other.priority > consumer.priority and other.freed != self.event and other.has_room():
                return f"consumer {other.tag} goes first"
        if copy.expires is not None and copy.expires <= self.now and not copy.straight:
            return "it has expired"
        return None

    def differs(self, copy: Copy, heard: Heard) -> str | None:
        """In what a delivery differs from the message that it should be."""
        method, message = heard.method, copy.message
        if (method.exchange, method.routing_key) != (message.exchange, message.key):
            return f"it should have come by {message.exchange!r} {message.key!r}"
        if copy.redelivered is not None and method.redelivered != copy.redelivered:
            return f"redelivered should be {copy.redelivered}"
        wanted, got = as_delivered(copy), as_heard(heard.properties or {})
        if str(wanted.get("reply_to", "")).startswith(REPLY_TO):
            wanted["reply_to"] = got.get("reply_to")
        return None if wanted == got else f"properties should be {wanted}, are {got}"

    def confirmed(self, channel: Channel, method: Any) -> bool:
        last = method.delivery_tag
        if last not in channel.unconfirmed:
            channel.connection.why = f"publish {last} does not wait for a confirm"
            return False
        numbers = [each for each in channel.unconfirmed if each <= last] if method.multiple else [last]
        for number in numbers:
            publish = channel.unconfirmed[number]
            refused = isinstance(method, commands.Basic.Nack)
            if publish.refused != refused:
                channel.connection.why = f"publish {number} is not to be {'refused' if refused else 'confirmed'}"
                return False
            if not refused:
                self.check_saved(publish.copies, f"the confirm of publish {number}")
            del channel.unconfirmed[number]
        return True

    def check_saved(self, copies: list[Copy], what: str) -> None:
        for copy in copies:
            there = copy in copy.queue.held or copy in copy.queue.ready
            if there and copy.kept() and not copy.queue.deleted:
                if not self.sight.saved(copy.queue.name, copy.message.body):
                    raise Violation(f"{what} came before {copy} in {copy.queue.name} was safe")
                copy.safe = True

    def check_forgotten(self, copies: list[Copy], what: str) -> None:
        for copy in copies:
            queue, body = copy.queue, copy.message.body
            again = any(each.message.body == body for each in (*queue.ready, *queue.held))
            if not again and not queue.deleted and self.sight.saved(queue.name, body):
                raise Violation(f"{what} came before the disk had forgotten {copy} in {queue.name}")

    def all_safe(self) -> None:
        """The disk has everything."""
        for copy in self.unsafe:
            copy.safe = True
        self.unsafe.clear()
        for queue in self.queues.values():
            queue.leaving.clear()
        for connection in self.connections.values():
            for channel in connection.channels.values():
                if channel.unconfirmed and not channel.closing:
                    raise Violation(f"the disk has everything, and {list(channel.unconfirmed)} are not confirmed")
                if channel.committing and not channel.closing:
                    raise Violation("the disk has everything, and a commit is not answered")
                if channel.purging and not channel.closing:
                    raise Violation("the disk has everything, and a purge is not answered")

    def all_defined(self) -> None:
        """The disk has all definitions, which never wait for messages."""
        self.undead.clear()

    # ------------------------------------------------------------------------------------------------------ over time

    def tick(self) -> None:
        """Timers went off."""
        while True:
            due = [(*when, queue) for queue in self.queues.values() if (when := queue.due(self.now)) is not None]
            ends = [(end, 0, queue) for queue in self.queues.values() if (end := self._end(queue)) is not None]
            if not due and not ends:
                return
            _, stamp, queue = min([*due, *ends], key=lambda each: each[:2])
            if stamp:
                self.expire(queue)
            else:
                self.remove_queue(queue)

    def _end(self, queue: Queue) -> float | None:
        """When x-expires has ended an unused queue."""
        expires: int | None = queue.settings.get("expires")
        if expires is None or queue.consumers or queue.used + expires / 1000 > self.now:
            return None
        if self.sight.has_queue(queue.name):
            if queue.latest_end <= self.now:
                raise Violation(f"{queue.name} has not been used for {expires} ms, and is still there")
            return None
        return queue.used + expires / 1000

    def finish(self) -> None:
        """The end of an event: everything that was heard makes sense, and nothing waits that could go."""
        self.deliveries()
        if any(each.heard for each in self.connections.values()):
            self.late_deliveries()
        self.acting = None
        unexplained = [each for each in self.connections.values() if each.heard and not each.over]
        if unexplained:
            said = (
                f"connection {each.number} heard {each.heard[0]}: {each.why or 'unexpected'}" for each in unexplained
            )
            raise Violation("; ".join(said))
        for connection in self.connections.values():
            if connection.cancels:
                if not (connection.over or connection.closing):
                    raise Violation(f"connection {connection.number} was not told of {connection.cancels}")
                connection.cancels.clear()
        for queue in self.queues.values():
            if queue.ready:
                queue.ready[0].straight = False
                self.nobody_waits(queue)

    def nobody_waits(self, queue: Queue) -> None:
        """No message for which somebody has room."""
        if not queue.ready or queue.due(self.now) is not None:
            # What has expired is the next timer's to see to.
            return
        for consumer in queue.consumers:
            if consumer.has_room():
                raise Violation(f"{queue.ready[0]} waits in {queue.name}, and consumer {consumer.tag} has room")

    # -------------------------------------------------------------------------------------------------- after a crash

    def restart(self, contents: dict[str, list[Any]], clean: bool, after: Contents) -> None:
        """The broker was ended and has started again; `after`: what queues have once timers have gone off."""
        self.connections.clear()
        self.asked.clear()
        self._rise(contents)
        self.exchanges = {name: each for name, each in self.exchanges.items() if each.durable}
        self.unsafe.clear()
        kept = [each for each in self.queues.values() if each.durable and each.owner is None]
        self.queues = {each.name: each for each in kept}
        names = {"exchange": self.exchanges.keys(), "queue": self.queues.keys()}
        self.bindings = {
            each: None
            for each in self.bindings
            if each.source in self.exchanges and each.destination in names[each.kind]
        }
        for queue in kept:
            queue.consumers, queue.active, queue.refusing = [], None, False
            queue.latest_end = 0.0
            queue.use(self.now)
            self._restore(queue, contents.get(queue.name, []), clean)
        self._settle_down(after)

    def _settle_down(self, after: Contents) -> None:
        """What is too much or has expired goes, queue by queue, in an order that is the broker's choice."""
        busy = [each.name for each in self.queues.values() if each.is_over() or each.due(self.now) is not None]
        before = self.queues
        for order in permutations(busy[:4]):
            for acts in ((self.keep_limits, self.expire), (self.expire, self.keep_limits)):
                for by_queue in (True, False):
                    self.unsafe.clear()
                    self.queues = deepcopy(before) if busy else before
                    pairs = [(name, act) for name in order for act in acts]
                    for name, act in pairs if by_queue else sorted(pairs, key=lambda each: each[1] is acts[1]):
                        act(self.queues[name])
                    for queue in list(self.queues.values()):
                        self.keep_limits(queue)
                    self.tick()
                    names = [each for each in self.queues if self.sight.has_queue(each)]
                    if all(_as_in(self.queues[each], after(each)) for each in names):
                        return

    def _rise(self, contents: dict[str, list[Any]]) -> None:
        """What went while the disk refused to take note may be there again."""
        for each in self.undead:
            if isinstance(each, Queue) and self._rose(each, contents):
                each.deleted, each.held = False, {}
                self.queues[each.name] = each
                self.configure(each)
            elif isinstance(each, Exchange) and self.sight.has_exchange(each.name):
                self.exchanges.setdefault(each.name, each)
            elif isinstance(each, Binding) and self.sight.has_binding(*each):
                self.bindings.setdefault(each)
        self.undead.clear()

    def _rose(self, queue: Queue, contents: dict[str, list[Any]]) -> bool:
        """Whether it is the one that is there now, and not another that was declared after it."""
        return queue.name in contents and queue.name not in self.queues

    def _restore(self, queue: Queue, found: list[Any], clean: bool) -> None:
        delivered = set(queue.held)
        known = [each for each in (*queue.ready, *queue.held) if each.kept()]
        known = by_age({*known, *queue.leaving})
        left = by_age(found)
        must = [each for each in known if each not in queue.leaving and (each.safe or clean)]
        for copy in known:
            what = seen([copy])[0]
            same = sum((each.body, each.deaths) == what for each in left)
            needed = sum(seen([each])[0] == what for each in must)
            needs = copy in must
            if needs:
                must.remove(copy)
            if not left or (left[0].body, left[0].deaths) != what or (not needs and same <= needed):
                if needs:
                    raise Violation(f"{copy} is lost from {queue.name}, which has {[each.body for each in found]}")
                copy.order = -1
                continue
            there = left.pop(0)
            if (copy in delivered or copy.redelivered or copy in queue.leaving) and not there.redelivered:
                raise Violation(f"{copy} in {queue.name} was delivered before, and is not flagged")
            if clean and there.redelivered and copy.redelivered is False:
                raise Violation(f"{copy} in {queue.name} was never delivered, and is flagged")
            copy.redelivered, copy.returned, copy.failed = there.redelivered, there.acquired, there.failed
            copy.came_back, copy.safe, copy.straight = 0, True, False
        if left:
            raise Violation(
                f"{queue.name} has {[each.body for each in left]} after a restart: unknown, or out of order"
            )
        queue.ready = []
        queue.held, queue.leaving = {}, []
        for copy in known:
            if copy.order >= 0:
                queue.put(copy)


def by_age(messages: Iterable[Any]) -> list[Any]:
    return sorted(messages, key=lambda each: each.order)


def _as_in(queue: Queue, found: list[Any]) -> bool:
    """Whether it has what was found, in the order of delivery, and in that of their coming."""
    return all(
        seen(known) == [(each.body, each.deaths) for each in there]
        for known, there in ((queue.ready, found), (by_age(queue.ready), by_age(found)))
    )


def seen(copies: Iterable[Copy]) -> Seen:
    """Messages in their order: bodies and deaths."""
    return [
        (each.message.body, tuple((death["queue"], death["reason"], death["count"]) for death in each.message.deaths))
        for each in copies
    ]


def _chosen(copies: list[Copy], wanted: Seen) -> list[Copy] | None:
    """The copies in this order, those of one source in the order that they have; None when they are others."""
    if not wanted:
        return [] if not copies else None
    for each in {id(each.source): each for each in reversed(copies)}.values():
        if seen([each]) == wanted[:1]:
            rest = _chosen([other for other in copies if other is not each], wanted[1:])
            if rest is not None:
                return [each, *rest]
    return None
