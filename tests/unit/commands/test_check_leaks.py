"""check acks: consumers that keep a part of what they get, by what queues held again and again."""

import itertools
import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from rmqctl.checks.leaks import Sample, growing, grown
from rmqctl.commands.health.check import asking

from ..conftest import Broker, run_with
from .test_check import channel, consumer, played, queue

AT = ("/", "q")
HALF_SECONDS = [0.5 * number for number in range(20)]


def seen(held: Sequence[int], moments: Sequence[float] = HALF_SECONDS) -> Any:
    return growing([Sample(at, {AT: number}) for at, number in zip(moments, held, strict=False)]).get(AT)


@pytest.mark.parametrize(
    "held",
    [
        [10 + number for number in range(20)],
        [10 + number // 4 for number in range(20)],
        # With what is being worked on at that moment.
        [10 + number + number % 3 for number in range(20)],
        [0, 4, 9, 13, 18, 22],
        [18, 18, 18, 19, 19, 29, 22, 23, 22, 23],  # many were handed out at one of the looks
    ],
)
def test_what_never_falls_back(held: list[int]) -> None:
    growth = seen(held)
    assert growth is not None
    assert growth.held == held[-1]
    assert growth.kept >= 3


@pytest.mark.parametrize(
    "held",
    [
        [0, 5, 2, 8, 1, 9, 3, 0, 6, 10, 4, 7, 2, 9, 5, 1, 8, 3, 6, 4],  # under load
        [10] * 20,  # full, as that of one that catches up
        list(range(100, 80, -1)),  # drains
        [number * 7 % 50 for number in range(20)],  # acknowledges every 50th
        [0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 2, 1, 1, 0, 1, 2, 1, 1],
        [0, 0, 0, 0, 0, 0, 0, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50],  # was given many at once
        [0, 10, 20, 30, 40],  # too few to tell
    ],
)
def test_what_goes_up_and_down(held: list[int]) -> None:
    assert seen(held) is None


@pytest.mark.parametrize(
    ("held", "rate"),
    [
        ([0, 0, 9, 33, 57], 4.8),
        ([0, 9, 33, 57, 57], 4.8),  # the last one has not been renewed
        ([20, 30, 40, 50, 60, 70], 2.0),
        ([0, 9, 33, 33, 81, 105], 4.8),
        ([0, 3, 11, 13, 17, 23], 1.0),
        ([0, 3, 11, 13, 30], None),
        ([0, 9, 33], None),
        ([0, 9, 33, 20], None),
        ([0, 1, 2, 50], None),
        ([5, 5, 5, 5], None),
        ([], None),
    ],
)
def test_what_the_broker_remembers(held: list[int], rate: float | None) -> None:
    """Every 5 s: it has to rise three times in a row, by about the same."""
    growth = grown([(5.0 * number, value) for number, value in enumerate(held)])
    assert (growth and growth.rate) == rate


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(asking, "time", SimpleNamespace(sleep=self._sleep, monotonic=lambda: self.now))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def broker(held: Callable[[float], int], clock: Clock, *, acks: int = 90, given: int = 100, **more: Any) -> Broker:
    """A queue that holds so many after so many seconds, and its consumer's channel, which acknowledged so many meanwhile."""

    def queues(_: httpx.Request) -> httpx.Response:
        number = held(clock.now - 1000)
        return httpx.Response(200, json=[queue(messages_unacknowledged=number)])

    return played(
        channel(ack=90, delivered=100, unacked=held(0)),
        channel(ack=90 + acks, delivered=100 + given, unacked=held(8)),
        consumer(prefetch_count=more.pop("prefetch", 50)),
        **{"GET /api/queues/%2F": queues},
        **more,
    )


def findings(broker: Broker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run_with("check", "acks", "--for", "8", "-f", "json", broker=broker).out)[
        "findings"
    ]
    return found


def nine_of_ten(seconds: float) -> int:
    return 10 + int(seconds * 1.25)


def test_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, with the rate, and when its prefetch is full."""
    clock = Clock(monkeypatch)
    ran = run_with("check", "acks", "--for", "8", "-f", "json", broker=broker(nine_of_ten, clock))
    (found,) = json.loads(ran.out)["findings"]
    assert (ran.exit, found["kind"], found["acked"], found["prefetch"]) == (1, "leak", 90, 50)
    assert found["unacknowledged"] >= 19
    assert 1.1 < found["rate"] < 1.4
    assert 20 < found["full_in"] < 28


def test_a_leak_that_never_fills_a_prefetch(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run_with(
        "check", "acks", "--for", "8", broker=broker(nine_of_ten, Clock(monkeypatch), prefetch=0)
    ).out.splitlines()
    assert lines[0] == "acks WARNING: leak: 1"
    assert "prefetch unlimited, keeps 1.2 a second more without end" in lines[3]


@pytest.mark.parametrize(
    "more",
    [
        {"acks": 0},  # what it acknowledges nothing of is not a leak but forgotten
        {"acks": 5},  # slow
        {"given": 12},  # its acknowledgements are of before the window: it acknowledges many at once
    ],
)
def test_no_leak(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "leak" not in [each["kind"] for each in findings(broker(nine_of_ten, Clock(monkeypatch), **more))]


def test_a_busy_moment_in_a_long_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds much less of all that it was given than it would if it always forgot as many."""
    before, after = (
        channel(ack=99_990, delivered=100_000, unacked=10),
        channel(ack=100_080, delivered=100_100, unacked=20),
    )
    clock = Clock(monkeypatch)
    busy = broker(nine_of_ten, clock)
    samples = iter([[before], [after]])
    busy.answers["GET /api/vhosts/%2F/channels"] = lambda _: httpx.Response(200, json=next(samples))
    assert findings(busy) == []


def test_late_but_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds is mostly what it is at work with: of a leak it would be as large a part as of what came meanwhile."""
    assert findings(broker(lambda seconds: 50 + int(seconds * 0.6), Clock(monkeypatch), prefetch=500)) == []


def test_nobody_is_looked_at_often_who_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    quiet = played(channel(ack=1, unacked=0), channel(ack=1, unacked=0), consumer())
    assert findings(quiet) == []
    assert sum("/api/queues" in asked for asked in quiet.asked) == 1


def test_looking_takes_a_part_of_the_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that takes a second to answer is asked a few times."""
    clock = Clock(monkeypatch)
    calls = itertools.count()

    def held(seconds: float) -> int:
        next(calls)
        clock.now += 1
        return nine_of_ten(seconds)

    findings(broker(held, clock))
    assert next(calls) < 8


# A broker that is late with its statistics


SAME = channel(ack=7, delivered=8)
"""Of a consumer with a full prefetch, while messages wait."""


def late(clock: Clock, held: Callable[[float], int], *answers: dict[str, Any], messages: int = 5) -> Broker:
    def queues(_: httpx.Request) -> httpx.Response:
        seconds = clock.now - 1000
        row = queue(
            messages_ready=messages, messages_unacknowledged=held(seconds), messages=100 - messages * int(seconds)
        )
        return httpx.Response(200, json=[row])

    made = played(None, {}, consumer(), **{"GET /api/queues/%2F": queues})
    channels = iter(answers)
    made.answers["GET /api/vhosts/%2F/channels"] = lambda _: httpx.Response(200, json=[next(channels)])
    return made


def test_it_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    asked = late(clock, lambda seconds: int(seconds) % 2, SAME, SAME, SAME, channel(ack=20, delivered=21))
    assert findings(asked) == []
    assert clock.now - 1000 == pytest.approx(12)


@pytest.mark.parametrize("held", [lambda seconds: 1 + int(seconds) % 2, lambda _: 1])
def test_a_queue_that_shrinks_clears_its_only_consumer(
    held: Callable[[float], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(late(Clock(monkeypatch), held, *[SAME] * 7)) == []


def test_a_queue_that_stands_still_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    assert [each["kind"] for each in findings(late(clock, lambda _: 1, SAME, SAME, messages=0))] == []
    stuck = late(clock, lambda _: 1, *[channel(ack=7, delivered=8, idle_since="2020-01-02 03:04:05")] * 9)
    assert [each["kind"] for each in findings(stuck)] == ["stuck"]  # what has expired is not acknowledged
