"""What is due when, and that what is not wanted any more takes no room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqctl.broker.core.timers import Timers

from .client import Client, Clock, new_broker


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300), st.lists(st.integers(0, 60), max_size=5))
def test_what_is_due_runs_once_in_order_and_what_was_cancelled_never(
    asked: list[tuple[int, bool]], times: list[int]
) -> None:
    timers, made = Timers(), []
    kept = [timers.at(when, lambda place=place: made.append(place)) for place, (when, _) in enumerate(asked)]
    for timer, (_, cancelled) in zip(kept, asked, strict=True):
        if cancelled:
            timer.cancel()
            timer.cancel()
    wanted = sorted((when, place) for place, (when, cancelled) in enumerate(asked) if not cancelled)
    for now in sorted(times):
        timers.run(now)
        assert made == [place for when, place in wanted if when <= now]
        left = [when for when, _ in wanted if when > now]
        assert timers.next() == (min(left) if left else None)


def test_a_call_that_raises_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    timers, made = Timers(), []
    timers.at(1, lambda: made.append(1))
    timers.at(2, lambda: made.append({}["missing"]))
    timers.at(3, lambda: made.append(3))
    timers.run(3)
    assert made == [1, 3]
    assert timers.next() is None
    assert [each.getMessage() for each in caplog.records] == ["cannot do what is due: KeyError: 'missing'"]


def test_a_call_may_ask_for_another_and_cancel_one() -> None:
    timers, made = Timers(), []
    other = timers.at(2, lambda: made.append("other"))

    def first() -> None:
        other.cancel()
        timers.at(1, lambda: made.append("second"))

    timers.at(1, first)
    timers.run(5)
    assert made == ["second"]
    assert len(timers) == 0


def test_who_owns_the_clock_is_told_of_what_is_due_earlier() -> None:
    timers, told = Timers(), []
    timers.changed = lambda: told.append(timers.next())
    for when in (5, 7, 3, 3, 4):
        timers.at(when, lambda: None)
    assert told == [5, 3]


def test_messages_that_were_taken_before_their_ttl_leave_nothing() -> None:
    clock = Clock()
    broker = new_broker(clock)
    client = Client(broker)
    client.declare("q", arguments={"x-message-ttl": 86_400_000})
    client.publish(b"x", "q")
    for _ in range(1000):
        clock.now += 0.01
        broker.node.tick()
        client.publish(b"x", "q")
        client.get("q", no_ack=True)
    assert len(broker.node.timers) < 200
    clock.now += 86_401
    broker.node.tick()
    assert client.get("q") is None
