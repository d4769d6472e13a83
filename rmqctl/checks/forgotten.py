"""What `check acks` finds: the kinds, what to do about each, and a finding in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from rmqctl.checks.report import span
from rmqctl.checks.snapshot import Row
from rmqctl.resources import clients
from rmqctl.resources.column import Release

STATISTICS_SECONDS = 6.0
"""After so long the counters of a channel that is at work have been renewed."""
STUCK, FORGETTING, GOT, TRANSACTION = "stuck", "forgetting", "got without ack", "open transaction"
REDELIVERY, LEAK, UNLIMITED, GHOST = "redelivery loop", "leak", "unlimited prefetch", "ghost"
NO_CONSUMER, AUTO_ACK = "no consumer", "automatic ack"
HOLDING = frozenset((STUCK, FORGETTING, GOT, TRANSACTION))
"""The kinds that keep messages from everybody else."""
CLOSES, CANCELS, WAITS = "closes the channel", "takes the messages back and cancels the consumer", "waits for ever"
"""What the broker does with messages that are not acknowledged in time."""

ADVICE = {
    STUCK: "its prefetch is full: it gets nothing more until it acknowledges; find the path in its code without basic.ack, "
    "or close its connection to give the messages to others",
    FORGETTING: "find the path in its code without basic.ack; close its connection to give the messages to others",
    GOT: "basic.get without auto-ack wants a basic.ack; close the connection to put the messages back",
    TRANSACTION: "tx.commit or tx.rollback is missing: what it acknowledged or published does not count until then",
    REDELIVERY: "it rejects what it gets and gets it again: reject without requeue, with a dead-letter exchange",
    LEAK: "it acknowledges fewer than it gets: find the path in its code without basic.ack; if it is only too slow for now, "
    "what it holds falls again when fewer messages come",
    UNLIMITED: "set a prefetch (basic.qos): else all that is ready goes to whoever asks first",
    GHOST: "the broker counts a consumer whose channel is gone: what it was given comes back only with a new leader of the "
    "queue, or a restart of its node",
    NO_CONSUMER: "start a consumer, or purge or delete the queue",
    AUTO_ACK: "what it has not finished is lost when it dies: consume with manual acknowledgements",
}


class Finding(NamedTuple):
    """One thing found. Times in ISO 8601, spans in seconds, None for what is not known or does not apply.

    `queue` None: which it is cannot be told. `acked`: by its channel between the samples. `rate`: how many messages a second a
    leak keeps, `full_in`: how long until its prefetch is full of them. `held_for`: its oldest delivery, where the broker
    tells. `oldest_possible_delivery`: when its connection was made. `timeout_in`: at most so long until the broker does
    `on_timeout`, which it does after `timeout`.
    """

    kind: str
    vhost: str
    queue: str | None
    consumer_tag: str | None = None
    channel: str | None = None
    number: int | None = None
    connection: str | None = None
    client: str | None = None
    user: str | None = None
    peer: str | None = None
    library: str | None = None
    prefetch: int | None = None
    unacknowledged: int = 0
    acked: int | None = None
    ready: int | None = None
    rate: float | None = None
    full_in: float | None = None
    idle_since: str | None = None
    idle: float | None = None
    held_for: float | None = None
    oldest_possible_delivery: str | None = None
    timeout: float | None = None
    timeout_in: float | None = None
    on_timeout: str | None = None
    advice: str = ""

    def in_words(self) -> str:
        """For people: what, who, how much, and what to do."""
        where = f"queue {self.queue!r} in virtual host {self.vhost!r}" if self.queue else f"virtual host {self.vhost!r}"
        lines = (", ".join(part) for part in (self._who(), self._how_much(), [self.advice]) if part)
        return "\n  ".join([f"{self.kind}: {where}", *lines])

    def _who(self) -> list[str]:
        tag = [] if self.consumer_tag is None else [f"consumer {self.consumer_tag!r}"]
        known = self.number is not None or (self.channel is not None and self.connection is None)
        return [*tag, clients.in_words(self._asdict())] if known else tag

    def _how_much(self) -> list[str]:
        much = []
        if self.ready is not None:
            much.append(f"{self.ready} ready")
        if self.kind == GHOST:
            much.append(f"{self.unacknowledged} unacknowledged in the queue")
        if self.acked is not None:
            much += [f"{self.unacknowledged} unacknowledged", f"{self.acked} acknowledged meanwhile"]
        if self.prefetch is not None:
            much.append(f"prefetch {self.prefetch or 'unlimited'}")
        if self.rate is not None:
            much.append(f"keeps {_in_time(self.rate)} more{self._until_full()}")
        if self.idle is not None:
            much.append(f"idle for {span(self.idle)}")
        if self.held_for is not None:
            much.append(f"the oldest for {span(self.held_for)}")
        elif self.oldest_possible_delivery:
            much.append(f"none older than {self.oldest_possible_delivery}")
        if self.on_timeout is not None:
            when = "" if self.timeout_in is None else f" in {span(self.timeout_in)} at most"
            much.append(f"the broker {self.on_timeout}{when}")
        return much

    def _until_full(self) -> str:
        if self.full_in is None:
            return " without end"
        return f", its prefetch is full in {span(self.full_in)}"

    def labels(self) -> Mapping[str, Any]:
        names = ("kind", "vhost", "queue", "consumer_tag", "channel", "client", "user")
        return {name: getattr(self, name) for name in names}

    def amount(self) -> float:
        return self.unacknowledged if self.ready is None else self.ready


class Window(NamedTuple):
    """The time between the samples and the moment of the second, and for how long a consumer that acks may think."""

    seconds: float
    now: datetime
    thinks: float
    release: Release = ()


def on_timeout(release: Release, queue: Row) -> str | None:
    """What becomes of a consumer's messages that are not acknowledged in time (https://www.rabbitmq.com/docs/consumers).

    None: the broker does not say of which release it is, or it is of one from before such a limit.
    """
    if release < (3, 8, 15):
        return None
    if release < (4, 3):
        return CLOSES
    return CANCELS if queue.get("type") == "quorum" else WAITS


def _in_time(rate: float) -> str:
    """A number of messages a second, or a minute where that is less than one."""
    return f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"
