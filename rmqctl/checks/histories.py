"""What channels have done in the last minutes, as far as the broker remembers: it tells a leak from a busy moment.

A leak keeps a part of what it is given, so that what it holds keeps to a line over what it was given. That needs a few
moments, 5 s apart, and no more looks at a broker that is too busy to answer many.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import gcd
from operator import itemgetter
from statistics import median
from typing import Any, NamedTuple

from rmqctl.checks.leaks import Growth, Sample
from rmqctl.checks.snapshot import Place, Row, Snapshot, count, place
from rmqctl.checks.without_statistics import Clients

COUNTERS = ("ack", "deliver_get", "deliver_no_ack", "get_no_ack", "redeliver")
MOMENTS, MESSAGES, LEAST = 5, 100, 5
"""So many moments with something new, so many messages given, and so many of them kept, prove something."""
LAST = 13
"""So many moments are the last minute: what a channel has begun to do since then is judged by these alone."""


class Moment(NamedTuple):
    """What a channel had been given until then, and how much of it acknowledged; `at` is on the clock of the samples."""

    at: float
    given: int
    acked: int

    @property
    def held(self) -> int:
        """What it rejected for good counts too: more may be held than is."""
        return self.given - self.acked


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


def _worth_it(consumers: Iterable[Row], channels: Iterable[Row], samples: Sequence[Sample]) -> dict[Any, set[Place]]:
    """Channels that may leak, with their queues, those first that hold most.

    They acknowledge, have room in their prefetch, and their queues never held less than a leak would have kept.
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
        limit = count(row, "global_prefetch_count") or (all(prefetch[name]) and sum(prefetch[name]))
        room = not limit or held < limit
        if room and counter(row, "ack") and sum(least_held(samples, at) for at in of_channel[name]) >= LEAST:
            found.append((held, name))
    return {name: of_channel[name] for _, name in sorted(found, key=itemgetter(0), reverse=True)}


def judged(snapshot: Snapshot, clients: Clients, samples: Sequence[Sample]) -> dict[Any, Growth | None]:
    """What channels forget, by what the broker remembers of them: without those of which it remembers too little."""
    queues = _worth_it(clients.consumers, clients.channels, samples)
    found: dict[Any, Growth | None] = {}
    for row in snapshot.histories(list(queues), COUNTERS):
        name, history = row["name"], moments(_on_the_clock(row))
        looks = [
            (sample.at, sum(sample.held[at] for at in queues[name]))
            for sample in samples
            if queues[name] <= sample.held.keys()
        ]
        if len(history) >= MOMENTS:
            held = count(row, "messages_unacknowledged")
            found[name] = forgotten(history, held, looks) or forgotten(history[-LAST:], held, looks)
    return found


def _on_the_clock(row: Row) -> list[Moment]:
    """A channel's history with the seconds of the window: the newest moment is that of the answer at the latest."""
    history = row["history"]
    rows = [(at, {"message_stats": counters}) for at, counters in history]
    return [Moment(row["asked"] - (history[-1][0] - at), given_to(of), counter(of, "ack")) for at, of in rows]


def moments(history: Sequence[Moment]) -> list[Moment]:
    """Without those that had not been renewed, and with one only from before its first message."""
    began = max((number for number, moment in enumerate(history) if moment.given <= 0), default=0)
    return [list(same)[-1] for _, same in groupby(history[began:], key=lambda moment: moment.given)]


def forgotten(history: Sequence[Moment], held: int, looks: Sequence[tuple[float, int]]) -> Growth | None:
    """Whether a channel keeps a part of what it is given, by `moments`.

    `held`: now. `looks`: what its queues held and when, which no channel of theirs can exceed. What is forgotten is at most
    what is held at any later time. Of a leak that rises with what it is given, in each third of it; what is held is never
    less than so large a part of what was given, and again and again not much more.
    """
    if len(history) < MOMENTS:
        return None
    first, last = history[0], history[-1]
    least = _least_from(history, held, looks)
    kept, given = least[-1] - least[0], last.given - first.given
    at_once = gcd(*(moment.acked for moment in history))
    work = median(moment.held - forgotten for moment, forgotten in zip(history, least, strict=True))
    if given < max(MESSAGES, 2 * kept) or kept < LEAST + 3 * work or least[-1] <= 2 * at_once:
        return None
    if not (_rises_in_each_third(history, least) and _keeps_to_a_line(history, least[0], kept / given)):
        return None
    return Growth(held, kept, kept / (last.at - first.at))


def _least_from(history: Sequence[Moment], held: int, looks: Sequence[tuple[float, int]]) -> list[int]:
    """The least that was held from each moment on."""
    found = []
    for moment in reversed(history):
        held = max(0, min(held, moment.held, *(number for at, number in looks if at >= moment.at)))
        found.append(held)
    return found[::-1]


def _rises_in_each_third(history: Sequence[Moment], least: Sequence[int]) -> bool:
    first, last = history[0].given, history[-1].given
    return all(
        earlier < later
        for earlier, later in pairwise(_at(history, least, first + (last - first) * part / 3) for part in range(4))
    )


def _at(history: Sequence[Moment], least: Sequence[int], given: float) -> float:
    """The least at that number of messages, on a straight line between two moments."""
    for (earlier, low), (later, high) in pairwise(zip(history, least, strict=True)):
        if given <= later.given:
            return low + (high - low) * (given - earlier.given) / (later.given - earlier.given)
    return least[-1]


def _keeps_to_a_line(history: Sequence[Moment], base: int, part: float) -> bool:
    """Never below, and three times close to it, of which one is in the first half."""
    first, *later = history
    pairs = [(moment.held - base, part * (moment.given - first.given)) for moment in later]
    close = [forgotten for held, forgotten in pairs if held <= 2 * forgotten + 2]
    never_below = all(held >= 0.6 * forgotten - 1 for held, forgotten in pairs)
    return never_below and len(close) >= 3 and close[0] <= pairs[-1][1] / 2
