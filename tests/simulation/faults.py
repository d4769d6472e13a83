"""Faults to put into the broker, to see that the simulation finds them. Like `world`, this knows the broker's code.

Each function breaks one thing, and returns words, with | between them, of which the violation that is found has one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rmqctl.broker.amqp.channel import Channel, Handed, Safe
from rmqctl.broker.amqp.confirms import Confirms
from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core import dead_letters as dead_letters_module
from rmqctl.broker.core import queue as queue_module
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.publishing import Outcome
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.quorum import QuorumQueue
from rmqctl.broker.core.ready import Ready
from rmqctl.broker.core.users import User
from rmqctl.broker.storage.batches import Changes

if TYPE_CHECKING:
    import pytest

Fault = Callable[["pytest.MonkeyPatch"], str]


def loses_a_confirmed_message(patch: "pytest.MonkeyPatch") -> str:
    """Every fifth persistent message is not written."""
    keep = Changes.keep

    def lose(self: Any, entry: Entry, queue: int) -> None:
        if sum(entry.message.body) % 5:
            keep(self, entry, queue)

    patch.setattr(Changes, "keep", lose)
    return "was safe|is lost"


def forgets_what_is_transient(patch: "pytest.MonkeyPatch") -> str:
    """A quorum queue keeps persistent messages only."""
    patch.setattr(QuorumQueue, "keeps_all", False)
    return "was safe|is lost"


def confirms_too_early(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(Confirms, "wait", Confirms.confirm)
    return "was safe|are not confirmed"


def answers_a_commit_too_early(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(Channel, "_send_when_safe", lambda self, frames: self.connection.send(frames))
    return "tx.commit-ok came before|queue.purge-ok came before"


def answers_a_purge_too_early(patch: "pytest.MonkeyPatch") -> str:
    hold = Channel.hold

    def early(self: Any, event: Any) -> None:
        if isinstance(event, Safe) and event.frames[7:11] == b"\x00\x32\x00\x1f":
            self.connection.send(event.frames)
        else:
            hold(self, event)

    patch.setattr(Channel, "hold", early)
    return "queue.purge-ok came before"


def forgets_a_confirm(patch: "pytest.MonkeyPatch") -> str:
    confirm = Confirms.confirm

    def forget(self: Any, number: int) -> None:
        if number % 4:
            confirm(self, number)

    patch.setattr(Confirms, "confirm", forget)
    return "are not confirmed|confirm"


def delivers_the_last_first(patch: "pytest.MonkeyPatch") -> str:
    def pop(self: Any) -> Entry:
        line = self._first_line()
        entry: Entry = line._came.pop() if line._came else line.pop()
        self.count -= 1
        self.bytes -= entry.size
        return entry

    patch.setattr(Ready, "pop", pop)
    return "the next of|should hear|should have|has|is lost"


def forgets_x_death(patch: "pytest.MonkeyPatch") -> str:
    dead_lettered = dead_letters_module.dead_lettered

    def forget(queue: Any, entry: Entry, reason: str, now: float) -> Message:
        message = dead_lettered(queue, entry, reason, now)
        return message.changed(message.exchange, message.key, headers={"x-death": None})

    patch.setattr(dead_letters_module, "dead_lettered", forget)
    patch.setattr(dead_letters_module, "_history", lambda _: b"")
    return "properties should be|it should be|should have|ready|message_bytes"


def names_another_reason(patch: "pytest.MonkeyPatch") -> str:
    dead_lettered = dead_letters_module.dead_lettered

    def other(queue: Any, entry: Entry, reason: str, now: float) -> Message:
        return dead_lettered(queue, entry, "delivery_limit" if reason == "expired" else reason, now)

    patch.setattr(dead_letters_module, "dead_lettered", other)
    return "properties should be|it should be|should have|message_bytes"


def miscounts_what_is_unacknowledged(patch: "pytest.MonkeyPatch") -> str:
    reject = Queue.reject

    def miscount(self: Any, entries: Any, *, failed: bool = False) -> None:
        reject(self, entries, failed=failed)
        self.unacked += not self.deleted

    patch.setattr(Queue, "reject", miscount)
    return "unacked"


def delivers_beyond_the_prefetch(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(Channel, "may_send", lambda self, consumer: not self.connection.paused)
    return "has no room|has room|the next of"


def does_not_flag_redelivered(patch: "pytest.MonkeyPatch") -> str:
    requeue = Queue.requeue

    def unflagged(self: Any, entries: Any, *, failed: bool = True) -> None:
        gone = list(entries)
        requeue(self, gone, failed=failed)
        for entry in gone:
            entry.redelivered = False

    patch.setattr(Queue, "requeue", unflagged)
    return "redelivered|flagged|HTTP got"


def lets_everybody_write(patch: "pytest.MonkeyPatch") -> str:
    may = User.may
    patch.setattr(User, "may", lambda self, what, vhost, name: what == "write" or may(self, what, vhost, name))
    return "403"


def keeps_one_too_many(patch: "pytest.MonkeyPatch") -> str:
    def is_over(self: Any, share: float = 1) -> bool:
        return self.max_length is not None and self.ready.count > self.max_length + 1

    patch.setattr(Queue, "_is_over", is_over)
    return "ready|should have|not to be|the next of|has room"


def keeps_what_has_expired(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(Queue, "_drop_expired", lambda self, **_: None)
    return "ready|has expired|the next of|should|has room"


def forgets_an_acknowledgement(patch: "pytest.MonkeyPatch") -> str:
    """The disk is not told of every other message that is gone."""
    forget = Changes.forget

    def sometimes(self: Any, entry: Entry) -> None:
        if sum(entry.message.body) % 2:
            forget(self, entry)

    patch.setattr(Changes, "forget", sometimes)
    return "unknown, or out of order|after a restart|never delivered|is lost|was delivered before"


def cancels_before_it_answers(patch: "pytest.MonkeyPatch") -> str:
    """delete-ok comes after basic.cancel."""
    patch.setattr(Channel, "cancelled", Channel._cancel)
    return "should hear"


def cancels_in_any_order(patch: "pytest.MonkeyPatch") -> str:
    def backwards(found: Any, key: Any = None, reverse: bool = False) -> Any:
        return sorted(found, key=key, reverse=reverse != (key is not None))

    patch.setattr(queue_module, "sorted", backwards, raising=False)
    return "is cancelled"


def delivers_before_it_answers(patch: "pytest.MonkeyPatch") -> str:
    """What queues have for a channel does not wait until the method is answered."""
    hold = Channel.hold

    def deliver(self: Any, event: Any) -> None:
        if isinstance(event, Handed):
            self._deliver(*event)
        else:
            hold(self, event)

    patch.setattr(Channel, "hold", deliver)
    return "should hear|the next of"


def serves_too_late(patch: "pytest.MonkeyPatch") -> str:
    """What was acknowledged does not count for the methods that follow in the same piece."""
    patch.setattr(Connection, "_credit_before", lambda *_: None)
    return "waits in|the next of"


def confirms_the_unroutable_later(patch: "pytest.MonkeyPatch") -> str:
    confirm = Channel._confirm

    def later(self: Any, number: int, outcome: Outcome) -> None:
        if outcome.routed:
            confirm(self, number, outcome)
        else:
            self.confirms.confirm(number)
            self.connection.confirming[self] = None

    patch.setattr(Channel, "_confirm", later)
    return "not confirmed at once"


def takes_what_follows_a_close(patch: "pytest.MonkeyPatch") -> str:
    close = Connection._channel_method

    def forget(self: Any, channel: Any, payload: bytes) -> None:
        close(self, channel, payload)
        self._just_closed.clear()

    patch.setattr(Connection, "_channel_method", forget)
    return "504|unexpected"


def counts_bodies_only(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(QuorumQueue, "counts_properties", False)
    return "message_bytes"


def forgets_limits_at_a_restart(patch: "pytest.MonkeyPatch") -> str:
    patch.setattr(Queue, "restored", lambda _: None)
    return "ready|should"


ALL: tuple[Fault, ...] = (
    loses_a_confirmed_message,
    forgets_what_is_transient,
    confirms_too_early,
    answers_a_commit_too_early,
    answers_a_purge_too_early,
    forgets_a_confirm,
    delivers_the_last_first,
    forgets_x_death,
    names_another_reason,
    miscounts_what_is_unacknowledged,
    delivers_beyond_the_prefetch,
    does_not_flag_redelivered,
    lets_everybody_write,
    keeps_one_too_many,
    keeps_what_has_expired,
    forgets_an_acknowledgement,
    cancels_before_it_answers,
    cancels_in_any_order,
    delivers_before_it_answers,
    serves_too_late,
    confirms_the_unroutable_later,
    takes_what_follows_a_close,
    counts_bodies_only,
    forgets_limits_at_a_restart,
)
