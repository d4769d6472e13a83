"""Who forgot an acknowledgement: consumers, channels and queues joined, and what the channels did between two samples.

A channel's counters are up to 5 s old (collect_statistics_interval); the counts of classic and quorum queues are fresh.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from rmqctl.checks import ghosts, histories, sessions, without_statistics
from rmqctl.checks.forgotten import (
    ADVICE,
    AUTO_ACK,
    CANCELS,
    CLOSES,
    FORGETTING,
    GOT,
    HOLDING,
    LEAK,
    NO_CONSUMER,
    REDELIVERY,
    STATISTICS_SECONDS,
    STUCK,
    TRANSACTION,
    UNLIMITED,
    WAITS,
    Finding,
    Window,
    on_timeout,
)
from rmqctl.checks.histories import channel_of, counter, given_to
from rmqctl.checks.leaks import Growth, Sample, growing, grown, is_leak, settled, shrunk, slowly_rising, stirred
from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Report, Status, counted
from rmqctl.checks.snapshot import Place, Row, Snapshot, count, moment, place
from rmqctl.checks.without_statistics import Clients
from rmqctl.resources import clients
from rmqctl.resources.column import release

QUEUE_FIELDS = ("type", "durable", "messages_ready", "messages_unacknowledged")
CONSUMER_FIELDS = ("queue", "consumer_tag", "ack_required", "prefetch_count", "channel_details", "consumer_timeout")
CHANNEL_FIELDS = (
    "name", "number", "vhost", "user", "connection_details", "consumer_count", "global_prefetch_count", "idle_since",
    "messages_unacknowledged", "messages_uncommitted", "acks_uncommitted", "transactional", "message_stats.ack",
    "message_stats.deliver_get", "message_stats.deliver_no_ack", "message_stats.get_no_ack",
    "message_stats.redeliver",
)  # fmt: skip
SHARED_FIELDS = ("messages_unacknowledged", "message_stats.ack")
HELD_FIELDS = ("messages_unacknowledged", "messages")
CONNECTION_FIELDS = (*clients.CONNECTION_FIELDS, "connected_at")

CONSUMER_TIMEOUT = 1800.0
"""Seconds: RabbitMQ's default, for the releases whose API does not tell it."""
CHECKED_EVERY = 60.0
"""Seconds: so seldom does a channel look at the age of its deliveries."""
MANY = 1000
"""So many unacknowledged messages make an unlimited prefetch worth a word."""
LOOP = 10
"""So many redeliveries in the window, and no acknowledgement, are a loop."""
RETURNS = 3
"""So many are one too when nothing but redeliveries has come."""


class _Channel:
    """One channel in both samples."""

    def __init__(self, before: Row, after: Row, window: Window) -> None:
        self.row = after
        self.window = window
        self.held = min(count(before, "messages_unacknowledged"), count(after, "messages_unacknowledged"))
        self.unacknowledged = count(after, "messages_unacknowledged")
        self.kept = self.unacknowledged - count(before, "messages_unacknowledged")
        self.acked = counter(after, "ack") - counter(before, "ack")
        self.redelivered = counter(after, "redeliver") - counter(before, "redeliver")
        self.new = given_to(after) - given_to(before)
        self.idle_since = moment(after.get("idle_since"))
        self.idle = None if self.idle_since is None else max(0.0, (window.now - self.idle_since).total_seconds())
        delivered = counter(after, "deliver_get") - counter(before, "deliver_get")
        # Counters that stand still may be old ones, unless the broker says that the channel is idle.
        fresh = delivered > 0 or self.idle is not None or window.seconds >= STATISTICS_SECONDS
        self.silent = self.held > 0 and self.acked <= 0 and fresh
        # What it rejects for good counts as handed out, and nowhere else.
        rejected = given_to(after) - self.unacknowledged > self.new
        lately = (self.idle or 0.0) < window.thinks and self._seconds_held(delivered) < window.thinks
        self.thinks = (counter(after, "ack") > 0 or rejected) and lately
        few = self.redelivered < LOOP and (self.redelivered < RETURNS or self.new > 0)
        self.loops = self.acked <= 0 and self.redelivered > self.unacknowledged and not few
        self.uncommitted = all(
            row.get("transactional") and (count(row, "acks_uncommitted") or count(row, "messages_uncommitted"))
            for row in (before, after)
        )

    def _seconds_held(self, delivered: int) -> float:
        """In how long it was given what it holds, at the pace of the window; 0 when it is given nothing."""
        return self.unacknowledged * self.window.seconds / delivered if delivered > 0 else 0.0

    def finding(
        self, kind: str, queue: str | None, unacknowledged: int, *, acked: int | None = None, **more: Any
    ) -> Finding:
        return Finding(
            kind,
            str(self.row.get("vhost")),
            queue,
            **clients.of_channel(self.row, {}),
            unacknowledged=unacknowledged,
            acked=max(0, self.acked) if acked is None else acked,
            idle_since=None if self.idle_since is None else self.idle_since.isoformat(timespec="seconds"),
            idle=self.idle,
            advice=ADVICE[kind],
            **more,
        )


class Quiet(NamedTuple):
    """A queue of which messages are held, and none was acknowledged between the samples; `acked`: some were before."""

    held: int
    acked: bool


def shared(consumers: Iterable[Row], channels: Iterable[Row]) -> set[Place]:
    """Queues that one channel alone consumes, together with others: whether it forgets theirs, only they can tell."""
    holding = {row.get("name") for row in channels if count(row, "messages_unacknowledged")}
    of_channel: dict[Any, set[Place]] = defaultdict(set)
    of_queue: dict[Place, set[Any]] = defaultdict(set)
    for consumer in consumers:
        name, at = channel_of(consumer), place(consumer.get("queue") or {})
        of_queue[at].add(name)
        if consumer.get("ack_required") and name in holding:
            of_channel[name].add(at)
    return {at for name, places in of_channel.items() if len(places) > 1 for at in places if of_queue[at] == {name}}


def quiet(before: Iterable[Row], after: Iterable[Row], window: Window) -> dict[Place, Quiet]:
    """Of the queues that share a channel. Statistics of a shorter time than they are renewed in tell nothing."""
    if window.seconds < STATISTICS_SECONDS:
        return {}
    first = {place(row): row for row in before}
    found = {}
    for row in after:
        was = first.get(place(row))
        if was is not None and counter(row, "ack") == counter(was, "ack"):
            held = min(count(each, "messages_unacknowledged") for each in (was, row))
            found[place(row)] = Quiet(held, counter(row, "ack") > 0)
    return {at: each for at, each in found.items() if each.held}


def is_worth_watching(channels: Iterable[Row]) -> bool:
    """Whether any of them holds something: then the queues are looked at again and again."""
    return any(count(row, "messages_unacknowledged") for row in channels)


def find(
    queues: Iterable[Row],
    consumers: Collection[Row],
    before: Iterable[Row],
    after: Iterable[Row],
    window: Window,
    quiet: Mapping[Place, Quiet] = {},
    growths: Mapping[Place, Growth] = {},
    samples: Sequence[Sample] = (),
    judged: Mapping[Any, Growth | None] = {},
    *,
    strict: bool = False,
) -> list[Finding]:
    """All that is found, by virtual host and queue. `queues` have their `vhost`; streams keep what was acknowledged: left out.

    `samples`: what the queues had within the window, exactly: the counts of a channel may be old ones when the broker is busy.
    `judged`: what channels leak by what the broker remembers of them, None where it is nothing.
    """
    first = {row.get("name"): row for row in before}
    # A channel that was not there before has had no time to forget anything.
    channels = {
        name: _Channel(first[name], row, window)
        for row in after
        if (name := row.get("name")) is not None and name in first
    }
    of_queue = {place(row): row for row in queues}
    less_held, fewer = settled(samples), shrunk(samples)
    found: list[Finding] = []
    consumed: dict[Place, bool] = {}
    queues_of: dict[str | None, set[str]] = {}
    leaking = _leaking(consumers, channels, growths, samples, judged)
    many = Counter(place(each.get("queue") or {}) for each in consumers)
    for consumer in consumers:
        at = place(consumer.get("queue") or {})
        consumed[at] = consumed.get(at, False) or bool(consumer.get("ack_required"))
        queue = of_queue.get(at)
        if queue is None or queue.get("type") == "stream":
            continue
        name = channel_of(consumer)
        queues_of.setdefault(name, set()).add(at[1])
        if name in channels:
            channel = channels[name]
            growth = leaking.get((at, name))
            rests = channel.idle is not None and channel.idle >= window.seconds
            alive = many[at] == 1 and (at in less_held or (at in fewer and not rests))
            found += _of_consumer(consumer, queue, channel, None if alive else quiet.get(at), growth, alive, strict)
    # Channels do not tell what they got from where: it is of queues that miss messages without a consumer to blame.
    unclaimed: dict[Any, set[str]] = {}
    for at, queue in of_queue.items():
        if count(queue, "messages_unacknowledged") and not consumed.get(at):
            unclaimed.setdefault(at[0], set()).add(str(at[1]))
    for name, channel in channels.items():
        names = (
            queues_of.get(name)
            or (unclaimed.get(channel.row.get("vhost")) if channel.unacknowledged else None)
            or set()
        )
        found += _of_channel(channel, next(iter(names)) if len(names) == 1 else None, judged.get(name))
    for at, queue in of_queue.items() if strict else ():
        ready = count(queue, "messages_ready")
        if ready and at not in consumed and queue.get("type") != "stream":
            found.append(Finding(NO_CONSUMER, at[0] or "", at[1], ready=ready, advice=ADVICE[NO_CONSUMER]))
    return sorted(found, key=_worst_first)


def _worst_first(finding: Finding) -> tuple[bool, str, str, str]:
    return finding.kind not in HOLDING, finding.vhost, finding.queue or "", finding.channel or ""


def _leaking(
    consumers: Iterable[Row],
    channels: Mapping[Any, _Channel],
    growths: Mapping[Place, Growth],
    samples: Sequence[Sample],
    judged: Mapping[Any, Growth | None],
) -> dict[tuple[Place, Any], Growth]:
    """Whose growth that of a queue is. Of several channels each has its own, and those leak that keep most.

    A channel that is known to leak does so in that of its queues which holds most.
    """
    of_queue: dict[Place, set[Any]] = defaultdict(set)
    of_channel: dict[Any, set[Place]] = defaultdict(set)
    for each in consumers:
        at, name = place(each.get("queue") or {}), channel_of(each)
        of_channel[name].add(at)
        if at in growths:
            of_queue[at].add(name)
    found = {}
    for at, names in of_queue.items():
        here = {name: channels[name] for name in names if name in channels}
        kept = [channel.kept for channel in here.values() if channel.kept > 0]
        for name, channel in here.items():
            growth = growths[at]
            if len(names) > 1:
                if channel.kept * 2 <= max(kept, default=0):
                    continue  # another one keeps much more
                growth = growth.share(channel.kept / sum(kept), channel.unacknowledged)
            if judged.get(name, growth) and is_leak(
                growth, channel.window.seconds, channel.acked, channel.new, given_to(channel.row)
            ):
                found[(at, name)] = growth
    for name, of_it in judged.items():
        if of_it and name in of_channel:
            found[(max(of_channel[name], key=partial(histories.least_held, samples)), name)] = of_it
    return found


def _of_consumer(
    consumer: Row, queue: Row, channel: _Channel, quiet: Quiet | None, growth: Growth | None, alive: bool, strict: bool
) -> Iterator[Finding]:
    name = str(queue.get("name"))
    prefetch = count(consumer, "prefetch_count") or count(channel.row, "global_prefetch_count")
    about = {"consumer_tag": consumer.get("consumer_tag"), "prefetch": prefetch}
    if not consumer.get("ack_required"):
        if strict and queue.get("durable"):
            yield channel.finding(AUTO_ACK, name, 0, **about)
        return
    # A channel's messages may be of several queues; a queue that misses none is not concerned.
    unacknowledged = min(channel.unacknowledged, count(queue, "messages_unacknowledged"))
    if channel.uncommitted:
        return
    silent = channel.silent and not alive
    held = unacknowledged if silent else quiet.held if quiet else 0
    full = bool(prefetch) and (channel.unacknowledged if silent else held) >= prefetch
    # Who has no room left and could have more is not spared for having acknowledged before, if that is long enough ago.
    thinks = channel.thinks if silent else quiet is not None and quiet.acked
    waited_for = (
        full
        and not (silent and channel.new > prefetch)
        and count(queue, "messages_ready")
        and channel.window.seconds >= STATISTICS_SECONDS
    )
    spared = thinks and not waited_for
    if channel.loops:
        yield channel.finding(REDELIVERY, name, unacknowledged, **about)
    elif held and not spared:
        timeout = _time_left(consumer, queue, channel)
        yield channel.finding(STUCK if full else FORGETTING, name, held, acked=0, **timeout, **about)
    elif growth and not held:
        yield channel.finding(LEAK, name, growth.held, **_until_full(growth, prefetch), **about)
    elif not prefetch and unacknowledged >= MANY:
        yield channel.finding(UNLIMITED, name, unacknowledged, **about)


def _until_full(growth: Growth, prefetch: int) -> dict[str, Any]:
    full_in = round(max(0, prefetch - growth.held) / growth.rate, 1) if prefetch else None
    return {"rate": round(growth.rate, 2), "full_in": full_in}


def _time_left(consumer: Row, queue: Row, channel: _Channel) -> dict[str, Any]:
    """What the broker does in the end, and when."""
    outcome = on_timeout(channel.window.release, queue)
    if outcome in (None, WAITS):
        return {"on_timeout": outcome}
    timeout = consumer.get("consumer_timeout")
    seconds = timeout / 1000 if isinstance(timeout, int | float) else CONSUMER_TIMEOUT
    if outcome == CLOSES:
        seconds += CHECKED_EVERY
    return {"timeout": seconds, "timeout_in": _left(seconds, channel.idle), "on_timeout": outcome}


def _left(timeout: float | None, age: float | None) -> float | None:
    return None if timeout is None or age is None else max(0.0, timeout - age)


def _of_channel(channel: _Channel, queue: str | None, growth: Growth | None) -> Iterator[Finding]:
    """What is no consumer's."""
    if channel.uncommitted:
        yield channel.finding(TRANSACTION, queue, channel.unacknowledged)
    elif channel.silent and not channel.thinks and not count(channel.row, "consumer_count"):
        yield channel.finding(GOT, queue, channel.unacknowledged)
    elif growth and not count(channel.row, "consumer_count"):
        yield channel.finding(LEAK, queue, growth.held, **_until_full(growth, 0))


def with_connections(found: Iterable[Finding], connections: Iterable[Row]) -> list[Finding]:
    """The findings with what only connections tell: the client's name for itself, its library, since when it is there."""
    known = {row.get("name"): row for row in connections}
    return [_with_connection(finding, known.get(finding.connection, {})) for finding in found]


def _with_connection(finding: Finding, row: Row) -> Finding:
    since = row.get("connected_at")
    oldest = (
        datetime.fromtimestamp(since / 1000, UTC).isoformat(timespec="seconds")
        if since is not None and finding.unacknowledged
        else None
    )
    outcome = finding.on_timeout
    if outcome == CANCELS and row and not _is_told_of_cancellation(row):
        outcome = CLOSES
    return finding._replace(**clients.of_connection(row), oldest_possible_delivery=oldest, on_timeout=outcome)


def _is_told_of_cancellation(connection: Row) -> bool:
    """A client that does not know what it is when its consumer is cancelled loses its channel."""
    properties = connection.get("client_properties") or {}
    capabilities = properties.get("capabilities")
    return isinstance(capabilities, dict) and bool(capabilities.get("consumer_cancel_notify"))


def with_deliveries(found: Iterable[Finding], rows: Iterable[Row]) -> list[Finding]:
    """The findings with the age of their oldest delivery. `rows` are lists of deliveries with their queues."""
    ages: dict[tuple[Any, ...], float] = {}
    for row in rows:
        at = (row.get("vhost"), row.get("queue"), row.get("channel_name"), row.get("consumer_tag") or None)
        ages[at] = max(ages.get(at, 0.0), float(count(row, "unacked_for_seconds")))
    return [_with_age(each, ages.get((each.vhost, each.queue, each.channel, each.consumer_tag))) for each in found]


def _with_age(finding: Finding, age: float | None) -> Finding:
    if age is None:
        return finding
    return finding._replace(held_for=age, timeout_in=_left(finding.timeout, age))


def held(found: Iterable[Finding]) -> int:
    """Messages that nobody else gets: those of a channel count once, however many consumers it has."""
    by_channel: dict[Any, int] = {}
    for each in found:
        if each.kind in HOLDING:
            channel = each.connection, each.channel, each.number
            by_channel[channel] = max(by_channel.get(channel, 0), each.unacknowledged)
    return sum(by_channel.values())


# The check


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Name the consumers that hold messages and do not acknowledge them.

    It compares two samples of the statistics, and the counts of queues in between; no message is touched. It reports
    consumers and AMQP 1.0 sessions that hold messages and acknowledge nothing, basic.get without ack, open transactions,
    redelivery loops, leaks (a consumer keeps some of what it gets), consumers whose channel is gone, and consumers with
    unlimited prefetch that hold 1,000 messages or more.
    """
    version = str(snapshot.rows("overview").get("rabbitmq_version", ""))
    window = Window(snapshot.seconds, snapshot.now, limits["idle"], release(version))
    before, after = _clients(snapshot.before), _clients(snapshot.rows)
    strict = bool(limits["strict"])
    silent = quiet(before.queues, after.queues, window)
    samples = _samples(snapshot.during("held"))
    growths = _growths(snapshot, samples)
    queues = snapshot.rows("queues")
    judged = {} if after.by_metrics or not samples else histories.judged(snapshot, after, samples)
    found = find(
        queues,
        after.consumers,
        before.channels,
        after.channels,
        window,
        silent,
        growths,
        samples,
        judged,
        strict=strict,
    )
    found += sessions.find(queues, sessions.links(before.sessions, after.sessions), window, growths)
    if window.seconds >= STATISTICS_SECONDS and not after.by_metrics:
        found += _ghosts(snapshot, queues, before, after)
    found.sort(key=_worst_first)
    kept = [each for each in found if limits.concerns(each.queue) and limits.keep(each)]
    if names := {each.connection for each in kept if each.connection}:
        kept = with_connections(kept, snapshot.named("connections", names))
        places = {(each.vhost, each.queue) for each in kept if each.kind in HOLDING and each.queue is not None}
        kept = with_deliveries(kept, snapshot.deliveries(places))
    status = _status(kept, limits)
    return Report(status, _summary(kept, limits, status), kept, _figures(kept, limits))


def _growths(snapshot: Snapshot, samples: Sequence[Sample]) -> dict[Place, Growth]:
    """What is kept more and more: seen while it was looked, or remembered where the counts are renewed every few seconds."""
    found = growing(samples)
    for row in snapshot.closely(slowly_rising(samples)):
        if growth := grown(row["held"]):
            found[place(row)] = growth
    return found


def _clients(rows: Callable[[str], Any]) -> Clients:
    """Who is there, by one look; by metrics where no statistics are collected."""
    metrics = rows("metrics")
    if metrics is None:
        return Clients(rows("consumers"), rows("channels"), rows("sessions"), rows("shared_queues"))
    found = without_statistics.clients(metrics)
    places = shared(found.consumers, found.channels)
    return found._replace(queues=[row for row in found.queues if place(row) in places])


def _ghosts(snapshot: Snapshot, queues: Collection[Row], before: Clients, after: Clients) -> list[Finding]:
    found = ghosts.find(queues, before, after)
    places = {(each.vhost, each.queue) for each in found}
    return ghosts.counted_by_the_queue(found, after.consumers, snapshot.closely(places))


def _samples(looks: Iterable[tuple[float, Sequence[Row]]]) -> list[Sample]:
    names = ("messages_unacknowledged", "messages")
    return [
        Sample(at, *({place(row): count(row, name) for row in rows if row.get(name) is not None} for name in names))
        for at, rows in looks
    ]


def are_old(before: Collection[Row], after: Collection[Row], looks: Iterable[tuple[float, Sequence[Row]]]) -> bool:
    """Whether the statistics of channels have not been renewed between two looks, though messages have moved."""
    return bool(before) and before == after and stirred(_samples(looks))


def oldest(found: Iterable[Finding]) -> float:
    """Seconds for which messages have been held, or the longest idle one has been where the broker does not tell."""
    ages = (each.idle if each.held_for is None else each.held_for for each in found if each.kind in HOLDING)
    return max((age or 0.0 for age in ages), default=0.0)


def _status(found: Sequence[Finding], limits: Limits) -> Status:
    others = Status.WARNING if any(each.kind not in HOLDING for each in found) else Status.OK
    age = limits.level(oldest(found), "age")
    return max(limits.level(held(found)), age, others)


def _summary(found: Sequence[Finding], limits: Limits, status: Status) -> str:
    holding = [each for each in found if each.kind in HOLDING]
    parts = []
    if holding:
        clients_hold = counted(len(holding), "client holds", "clients hold")
        parts.append(f"{clients_hold} {counted(held(found), 'message')} without acknowledging")
    for kind in dict.fromkeys(each.kind for each in found if each.kind not in HOLDING):
        parts.append(f"{kind}: {sum(each.kind == kind for each in found)}")
    if holding and status is Status.OK:
        parts.append(f"fewer than {limits['warning']}")
    return "; ".join(parts) or "nobody holds messages without acknowledging"


def _figures(found: Sequence[Finding], limits: Limits) -> tuple[Figure, ...]:
    holding = sum(each.kind in HOLDING for each in found)
    return (
        Figure("unacknowledged", held(found), "Messages that are held without being acknowledged.", limits.pair()),
        Figure("clients", holding, "Clients that hold them."),
        Figure("idle", oldest(found), "For how long the longest has been idle.", limits.pair("age"), "s"),
        Figure("findings", len(found), "All that was found."),
    )
