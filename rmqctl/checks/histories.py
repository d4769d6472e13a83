"""What channels have done in the last minutes, as far as the broker remembers: it tells a leak from a busy moment.

A leak keeps a part of what it is given, so that what it holds keeps to a line over what it was given. That needs a few
moments, 5 s apart, and no more looks at a broker that is too busy to answer many.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from math import gcd
from operator import itemgetter
from typing import Any, NamedTuple

from rmqctl.checks.leaks import Growth, Sample
from rmqctl.checks.snapshot import Place, Row, Snapshot, count, place
from rmqctl.checks.without_statistics import Clients

COUNTERS = ("ack", "deliver_get", "deliver_no_ack", "get_no_ack", "redeliver")
MOMENTS, MESSAGES, LEAST = 5, 100, 8
"""So many moments with something new, so many messages given, and so many of them kept, prove something."""
EVERY, LATE = 5.0, 10.0
"""So many seconds lie between two moments, and by so many may a count be late."""
LAST = 13
"""So many moments are the last minute: what a channel has begun to do since then is judged by these alone."""


class Moment(NamedTuple):
    """What a channel had been given until then, how much of it acknowledged, and what it held at most.

    `at` is on the clock of the samples.
    """

    at: float
    given: int
    acked: int
    held: int


class Suspect(NamedTuple):
    """A channel that may leak: the queues that it consumes, and how many messages it may hold (0: any number)."""

    queues: set[Place]
    limit: int


def channel_of(consumer: Row) -> Any:
    return (consumer.get("channel_details") or {}).get("name")


def given_to(channel: Row) -> int:
    """How many messages a channel was given that wait for its acknowledgement, without those that it had given back."""
    no_ack = counter(channel, "deliver_no_ack") + counter(channel, "get_no_ack")
    return counter(channel, "deliver_get") - no_ack - counter(channel, "redeliver")


def counter(row: Row, name: str) -> int:
    return count(row.get("message_stats") or {}, name)


def least_held(samples: Sequence[Sample], at: Place) -> int:
    """In all looks at a queue."""
    return min((sample.held[at] for sample in samples if at in sample.held), default=0)


def _worth_it(consumers: Iterable[Row], channels: Iterable[Row], samples: Sequence[Sample]) -> dict[Any, Suspect]:
    """Channels that may leak, those first that hold most.

    They acknowledge, have room in their prefetch, and their queues never held less than a leak would have kept. One without a
    consumer fetches messages, from queues that are not known.
    """
    of_channel: dict[Any, set[Place]] = defaultdict(set)
    prefetch: dict[Any, list[int]] = defaultdict(list)
    for row in consumers:
        if row.get("ack_required") and (name := channel_of(row)) is not None:
            of_channel[name].add(place(row.get("queue") or {}))
            prefetch[name].append(count(row, "prefetch_count"))
    found = []
    for row in channels:
        name, held = row.get("name"), count(row, "messages_unacknowledged")
        limit = count(row, "global_prefetch_count") or (sum(prefetch[name]) if all(prefetch[name]) else 0)
        room = not limit or held < limit
        at_least = sum(least_held(samples, at) for at in of_channel[name]) if name in of_channel else held
        if room and counter(row, "ack") and at_least >= LEAST:
            found.append((held, name, Suspect(of_channel[name], limit)))
    return {name: suspect for _, name, suspect in sorted(found, key=itemgetter(0), reverse=True)}


def judged(snapshot: Snapshot, clients: Clients, samples: Sequence[Sample]) -> dict[Any, Growth | None]:
    """What channels forget, by what the broker remembers of them: without those of which it remembers too little."""
    suspects = _worth_it(clients.consumers, clients.channels, samples)
    found: dict[Any, Growth | None] = {}
    rejecting: dict[Any, Row] = {}
    for row in snapshot.histories(list(suspects), COUNTERS):
        name, history = row["name"], moments(_on_the_clock(row))
        held, suspect = count(row, "messages_unacknowledged"), suspects[name]
        if len(history) < MOMENTS:
            if len(history) > 1 and held <= 2 * _at_once(history):
                found[name] = None
        elif history[-1].held > 2 * held + LEAST:
            rejecting[name] = row
        else:
            found[name] = _forgotten(history, held, suspect.limit, _looks(samples, suspect.queues))
    return found | _of_queues(snapshot, clients, rejecting, suspects)


def _of_queues(
    snapshot: Snapshot, clients: Clients, rows: Mapping[Any, Row], suspects: Mapping[Any, Suspect]
) -> dict[Any, Growth]:
    """What channels forget that reject for good as well: what they hold is known where one has a queue of its own."""
    users: dict[Place, set[Any]] = defaultdict(set)
    for consumer in clients.consumers:
        users[place(consumer.get("queue") or {})].add(channel_of(consumer))
    own = {
        at: name
        for name in rows
        for at in suspects[name].queues
        if suspects[name].queues == {at} and users[at] == {name}
    }
    found = {}
    for queue in snapshot.closely(list(own)):
        row, held = rows[own[place(queue)]], dict(queue["held"])
        history = [
            # Counts of the queue may be those of a renewal before.
            moment._replace(held=max(held[at], held.get(at + EVERY, 0)))
            for moment, (at, _) in zip(_on_the_clock(row), row["history"], strict=True)
            if at in held
        ]
        limit = suspects[row["name"]].limit
        if growth := _forgotten(moments(history), count(row, "messages_unacknowledged"), limit, ()):
            found[row["name"]] = growth
    return found


def _looks(samples: Sequence[Sample], queues: set[Place]) -> list[tuple[float, int]]:
    """What those queues held together, and when."""
    known = [sample for sample in samples if queues and queues <= sample.held.keys()]
    return [(sample.at, sum(sample.held[at] for at in queues)) for sample in known]


def _on_the_clock(row: Row) -> list[Moment]:
    """A channel's history with the seconds of the window: the newest moment is that of the answer at the latest."""
    found = []
    for at, counters in row["history"]:
        stats = {"message_stats": counters}
        new, acked = given_to(stats), counter(stats, "ack")
        # What it rejected for good counts as held: there is no counter of it.
        found.append(Moment(row["asked"] - (row["history"][-1][0] - at), new, acked, new - acked))
    return found


def _forgotten(history: Sequence[Moment], held: int, limit: int, looks: Sequence[tuple[float, int]]) -> Growth | None:
    """In all of it, or in the last minute. One that is given as much as it may hold is at work, as far as can be told."""
    for part in (history, history[-LAST:]):
        full = limit and any(moment.held >= limit for moment in part)
        if not full and (growth := forgotten(part, held, looks)):
            return growth
    return None


def moments(history: Sequence[Moment]) -> list[Moment]:
    """Without those that had not been renewed, and with one only from before its first message."""
    began = max((number for number, moment in enumerate(history) if moment.given <= 0), default=0)
    return [list(same)[-1] for _, same in groupby(history[began:], key=lambda moment: moment.given)]


def forgotten(history: Sequence[Moment], held: int, looks: Sequence[tuple[float, int]]) -> Growth | None:
    """Whether a channel keeps a part of what it is given, by `moments`.

    `held`: as the broker tells now, late by a renewal or two. `looks`: what its queues held and when, which no channel of
    theirs can exceed. What is forgotten is at most what is held at any later time. Of a leak that rises with what it is given;
    what is held is never less than so large a part of what was given, and again and again not much more.
    """
    if len(history) < MOMENTS:
        return None
    first, last = history[0], history[-1]
    least = _least_from(history, [*looks, (last.at - LATE, held)])
    kept, given = least[-1] - least[0], last.given - first.given
    from statistics import median  # which costs a start of any check more than the check itself

    work = median(moment.held - forgotten for moment, forgotten in zip(history, least, strict=True))
    if given < max(MESSAGES, 2 * kept) or kept < LEAST + 3 * work or least[-1] <= 2 * _at_once(history):
        return None
    half = _at(history, least, first.given + given / 2)
    if min(half - least[0], least[-1] - half) < kept / 8 or not _keeps_to_a_line(history, least[0], kept / given):
        return None
    return Growth(held, kept, kept / (last.at - first.at))


def _at_once(history: Sequence[Moment]) -> int:
    """How many it acknowledges at a time at most: it may hold as many, and be at work with as many more."""
    return gcd(*(moment.acked for moment in history))


def _least_from(history: Sequence[Moment], looks: Sequence[tuple[float, int]]) -> list[int]:
    """The least that was held from each moment on."""
    found: list[int] = []
    for moment in reversed(history):
        later = [number for at, number in looks if at >= moment.at]
        found.append(max(0, min([moment.held, *later, *found[-1:]])))
    return found[::-1]


def _at(history: Sequence[Moment], least: Sequence[int], given: float) -> float:
    """The least at that number of messages, on a straight line between two moments."""
    for (earlier, low), (later, high) in pairwise(zip(history, least, strict=True)):
        if given <= later.given:
            return low + (high - low) * (given - earlier.given) / (later.given - earlier.given)
    return least[-1]


def _keeps_to_a_line(history: Sequence[Moment], base: int, part: float) -> bool:
    """Never below, and three times close to it, of which one is in the first third."""
    first, *later = history
    pairs = [(moment.held - base, part * (moment.given - first.given)) for moment in later]
    close = [forgotten for held, forgotten in pairs if forgotten >= 0.5 and held <= 1.7 * forgotten + 3]
    never_below = all(held >= 0.6 * forgotten - 1 for held, forgotten in pairs)
    return never_below and len(close) >= 3 and close[0] <= 0.35 * pairs[-1][1]
