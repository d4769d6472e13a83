"""Queues whose consumers keep a part of what they get: what is handed out never falls back, and grows.

The unacknowledged messages of a healthy consumer go up and down. Those of one that forgets every tenth have a floor that
rises as steadily as messages come.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from rmqctl.checks.snapshot import Place

SAMPLES = 20
"""So often is looked within the window, unless that took more than a quarter of the time."""
ENOUGH = 6
"""Of fewer samples nothing is said."""
LEAST = 3
"""So many messages more have to be kept at the end."""
LIVELY = 25
"""So many have to be acknowledged in the window: else it is slow, or it cannot be told."""
FEW = 4
"""Counts that are renewed every 5 s have no more values than these in a window that is not long."""
RISES = 3
"""So often in a row has what the broker remembers to have risen,"""
EVEN = 3.0
"""and no more than so many times as fast at one time as at another; twice as many when it is four in a row, and so on."""


class Sample(NamedTuple):
    """The unacknowledged messages of queues, and all of their messages, `at` so many seconds after the first look."""

    at: float
    held: Mapping[Place, int]
    messages: Mapping[Place, int] = {}


class Growth(NamedTuple):
    """What is held at the end, how much of it has come within the window and stayed, and how much that is a second."""

    held: int
    kept: int
    rate: float

    def share(self, part: float, held: int) -> "Growth":
        """One consumer's of several, which holds so many itself."""
        return Growth(held, round(self.kept * part), self.rate * part)


def is_leak(growth: Growth, seconds: float, acked: int, given: int, given_ever: int) -> bool:
    """Whether a consumer's growth is that of one that forgets some, and not of one that is slow or has a busy moment.

    It acknowledges more than it keeps, by its acknowledgements (which may be of before the window) and by what it was given
    meanwhile; and of all that it was ever given it holds about as large a part as of what came in these `seconds`.
    """
    kept = growth.rate * seconds
    if min(acked, given - kept) < max(LIVELY, kept):
        return False
    # What was given is counted a few seconds later than what is held, and some of that is at work.
    return kept * given_ever / 3 <= growth.held * given <= kept * given_ever * 4


def growing(samples: Sequence[Sample]) -> dict[Place, Growth]:
    """The queues whose unacknowledged messages grow steadily, and never fall back by more than what is being worked on."""
    if len(samples) < ENOUGH:
        return {}
    places = set(samples[0].held).intersection(*(sample.held for sample in samples[1:]))
    moments = [sample.at for sample in samples]
    found = {at: _growth(moments, [sample.held[at] for sample in samples]) for at in places}
    return {at: growth for at, growth in found.items() if growth}


def settled(samples: Sequence[Sample]) -> set[Place]:
    """The queues of which less was held at a later look: somebody has acknowledged something, or given it back."""
    return _fallen([sample.held for sample in samples])


def shrunk(samples: Sequence[Sample]) -> set[Place]:
    """The queues that had fewer messages at a later look: somebody has acknowledged some, or they have expired."""
    return _fallen([sample.messages for sample in samples])


def stirred(samples: Sequence[Sample]) -> bool:
    """Whether any count has changed within the window."""
    return any(earlier[1:] != later[1:] for earlier, later in pairwise(samples))


def _fallen(counts: Sequence[Mapping[Place, int]]) -> set[Place]:
    return {at for before, after in pairwise(counts) for at, number in after.items() if number < before.get(at, 0)}


def _growth(moments: Sequence[float], held: Sequence[int]) -> Growth | None:
    """The window in thirds, each with the least that was held in it."""
    third = len(held) // 3
    first, second, last = (min(part) for part in (held[:third], held[third:-third], held[-third:]))
    kept = last - first
    seconds = moments[-third + held[-third:].index(last)] - moments[held.index(first)]
    if not first < second < last or kept < LEAST or seconds <= 0 or _deepest_fall(_without_peaks(held)) * 2 > kept:
        return None
    return Growth(held[-1], kept, kept / seconds)


def _without_peaks(held: Sequence[int]) -> list[int]:
    """Each value as the middle one of itself and its neighbours: at one look many may just have been handed out."""
    return [sorted(three)[1] for three in zip(held, held[1:], held[2:], strict=False)]


def _deepest_fall(held: Sequence[int]) -> int:
    """From any value to a later one."""
    deepest, highest = 0, 0
    for value in held:
        highest = max(highest, value)
        deepest = max(deepest, highest - value)
    return deepest


# Counts that are renewed every few seconds: quorum queues'


def slowly_rising(samples: Sequence[Sample]) -> set[Place]:
    """The queues of which too few different counts were seen to judge them by, that hold more at the end than before."""
    if not samples:
        return set()
    places = set(samples[0].held).intersection(*(sample.held for sample in samples[1:])) - set(growing(samples))
    series = {at: [sample.held[at] for sample in samples] for at in places}
    return {at for at, held in series.items() if held[-1] > held[0] and _are_few(held)}


def _are_few(held: Sequence[int]) -> bool:
    """A busy broker is not asked often; and counts of a quorum queue are not renewed often."""
    return len(held) < ENOUGH or (len(set(held)) <= FEW and not _deepest_fall(held))


def grown(history: Sequence[tuple[float, int]]) -> Growth | None:
    """By what the broker remembers of a queue: at which second it held how many, the newest last.

    So few values prove something only when they rise at about the same rate each time, the fewer the more evenly. The first
    rise may be a part of one.
    """
    began = max((number for number, (_, held) in enumerate(history) if not held), default=0)
    # A value that is there twice had not been renewed.
    seen = [next(same) for _, same in groupby(history[began:], key=itemgetter(1))]
    rates = [(later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in pairwise(seen)]
    whole = rates[1:]
    if len(rates) < RISES or min(rates) <= 0 or max(whole) > EVEN * (len(rates) - RISES + 1) * min(whole):
        return None
    (start, before), (end, held) = seen[1], seen[-1]
    return Growth(held, held - before, (held - before) / (end - start)) if held - before >= LEAST else None
