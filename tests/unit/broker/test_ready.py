"""The messages that wait, against a sorted list."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from rmqctl.broker.core.message import Entry
from rmqctl.broker.core.ready import QuorumReady, Ready


def entry(position: int, priority: int | None, size: int) -> Entry:
    message = SimpleNamespace(body=bytes(size), get=lambda name: priority if name == "priority" else None)
    return Entry(cast(Any, message), position, None)


@given(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=20), st.data())
def test_by_priority_then_age_also_after_a_return(
    priorities: int, messages: list[tuple[int, int]], data: st.DataObject
) -> None:
    ready = Ready(priorities)
    entries = [entry(place, *message) for place, message in enumerate(messages)]
    for each in entries:
        ready.push(each)

    def rank(each: Entry) -> tuple[int, int]:
        return -min(each.message.get("priority"), priorities), each.position

    expected = sorted(entries, key=rank)
    assert list(ready) == expected
    taken = [ready.pop() for _ in range(data.draw(st.integers(0, len(entries))))]
    assert taken == expected[: len(taken)]
    back = data.draw(st.lists(st.sampled_from(taken), unique_by=id)) if taken else []
    ready.put_back(back)
    left = sorted([*back, *expected[len(taken) :]], key=rank)
    assert list(ready) == left
    assert (ready.count, ready.bytes) == (len(left), sum(len(each.message.body) for each in left))
    assert ready.clear() == left
    assert (list(ready), ready.count, ready.bytes) == ([], 0, 0)


def test_a_quorum_queue_has_32_priorities_and_what_came_back_goes_first() -> None:
    ready = QuorumReady()
    priorities = (None, 3, 5, 4, 255, 31)
    for place, priority in enumerate(priorities):
        ready.push(entry(place, priority, 1))
    taken = [ready.pop() for _ in range(3)]
    assert [each.position for each in taken] == [4, 5, 2]
    ready.put_back([taken[2], taken[0]])
    ready.push(entry(6, 9, 1))
    assert [each.position for each in ready] == [2, 4, 6, 0, 3, 1]
    assert (ready.count, ready.bytes) == (6, 6)
