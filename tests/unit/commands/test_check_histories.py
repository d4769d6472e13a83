"""check acks: leaks by what the broker remembers of channels, where it is too busy to be looked at often."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from rmqctl.checks.histories import Moment, forgotten, moments

from ..conftest import Broker, run_with
from .test_check import CHANNEL, CONNECTION, NAME, channel, consumer, played, queue
from .test_check_leaks import Clock, broker, nine_of_ten

Counts = Sequence[tuple[int, int]]
"""What a channel was given and what it held, every 5 s."""


def growth(counts: Counts, held: int | None = None, looks: Sequence[tuple[float, int]] = ()) -> Any:
    history = moments([Moment(5.0 * number, given, given - kept, kept) for number, (given, kept) in enumerate(counts)])
    return forgotten(history, counts[-1][1] if held is None else held, looks)


LEAKS: list[Counts] = [
    # Nine of ten, and what it was at work with when it was not its turn for seconds.
    [(0, 0), (21, 2), (59, 5), (133, 32), (184, 18), (223, 22)],
    [(0, 0), (14, 1), (54, 5), (251, 111), (305, 32), (349, 35)],
    [(0, 0), (24, 2), (73, 16), (154, 68), (159, 34), (311, 31), (360, 36)],
    [(0, 0), (17, 5), (94, 10), (156, 65), (166, 57), (773, 502), (822, 83)],
    [(0, 0), (19, 1), (70, 16), (94, 28), (114, 29), (306, 31), (346, 34)],
    # One of a hundred, for ten minutes, with a full buffer at times.
    [(100 * number, number + (7 if number % 10 == 3 else 0)) for number in range(120)],
    [(0, 0), (27, 2), (65, 17), (83, 24), (229, 24), (301, 31)],
    [(0, 0), (26, 2), (63, 15), (183, 86), (228, 23), (301, 30)],
    # It was there before the broker began to remember.
    [(5000 + 50 * number, 500 + 5 * number) for number in range(12)],
]
HEALTHY: list[Counts] = [
    [(0, 0), (37, 0), (121, 2), (163, 42), (189, 68), (512, 1), (589, 1)],
    [(0, 0), (10, 4), (36, 2), (71, 4), (102, 4), (134, 3), (159, 4)],  # a prefetch of 4
    [(0, 0), (61, 10), (81, 10), (136, 10), (258, 10), (321, 4), (342, 10), (459, 6)],  # has a backlog
    [(0, 0), (200, 0), (269, 69), (312, 112), (591, 195), (959, 199)],  # bursts
    [(0, 0), (5, 1), (14, 2), (30, 8), (42, 7), (51, 6)],  # slow
    [(0, 0), (629, 628), (2500, 2328), (2501, 1969), (2502, 1728), (2503, 1539)],  # drains
    [(0, 0), (100, 0), (200, 0), (300, 0), (400, 0), (500, 50)],  # given many at once
    [(0, 0), (2, 2), (54, 54), (97, 55), (144, 55), (195, 61), (243, 62)],  # each 6 s later
    [(0, 0), (29, 29), (73, 52), (115, 49), (156, 49), (198, 50), (244, 57)],
    [(0, 0), (60, 6), (120, 12)],  # too few to tell
]


@pytest.mark.parametrize("counts", LEAKS)
def test_what_keeps_to_a_line_is_forgotten(counts: Counts) -> None:
    found = growth(counts)
    assert found is not None
    assert found.held == counts[-1][1]


@pytest.mark.parametrize("counts", HEALTHY)
def test_work_is_not(counts: Counts) -> None:
    assert growth(counts) is None


def test_acknowledgements_of_many_at_once() -> None:
    """Each 50th message, seen at moments that rise as slowly as a leak."""
    assert growth([(52 * number, 2 * number) for number in range(9)]) is None


def test_a_channel_holds_no_more_than_its_queues() -> None:
    """It rejects one of ten for good, which no counter of a channel tells."""
    counts = [(50 * number + number % 2, 5 * number) for number in range(9)]
    assert growth(counts) is not None
    assert growth(counts, held=3) is None
    assert growth(counts, looks=[(32, 40), (38, 3)]) is None


# The check


def remembered(given: int, acked: int, seconds: int) -> dict[str, Any]:
    """What the API tells of counters that have grown evenly for as long."""

    def samples(last: int) -> dict[str, Any]:
        every = range(0, seconds + 1, 5)
        return {
            "samples": [
                {"timestamp": 1000 * (9000 - ago), "sample": last * (seconds - ago) // seconds} for ago in every
            ]
        }

    stats = {"deliver_get_details": samples(given), "ack_details": samples(acked)}
    return {"messages_unacknowledged": given - acked, "message_stats": stats}


def rejecting(kept: int) -> Broker:
    """A consumer that rejects a third for good, with a queue of its own, of which the broker remembers what it held."""
    held = [{"timestamp": 1000 * (9000 - ago), "sample": kept * (50 - ago) // 50} for ago in range(0, 51, 5)]
    row = channel(ack=150, delivered=250, unacked=kept)
    about = queue(messages_unacknowledged=kept, messages_unacknowledged_details={"samples": held})
    return played(
        row,
        row,
        consumer(prefetch_count=99),
        queues=[about],
        **{
            f"GET /api/queues/%2F/{quote(NAME, safe='')}": about,
            f"GET /api/channels/{quote(CHANNEL, safe='')}": {
                **remembered(251, 151, 50),
                "messages_unacknowledged": kept,
            },
        },
    )


def team(leaks: dict[str, Any], works: dict[str, Any]) -> Broker:
    """Two consumers of a queue whose count goes up and down, on a broker that has not renewed its statistics."""
    other = CHANNEL.replace("(1)", "(2)")
    rows = [channel(ack=180, delivered=200, unacked=20), {**channel(ack=190, delivered=200, unacked=10), "name": other}]
    consumers = [consumer(prefetch_count=99), consumer(prefetch_count=99, channel_details={"name": other})]
    made = played(
        rows[0],
        rows[0],
        *consumers,
        queues=[queue(messages_unacknowledged=30)],
        **{
            f"GET /api/channels/{quote(CHANNEL, safe='')}": leaks,
            f"GET /api/channels/{quote(other, safe='')}": works,
        },
    )
    made.answers["GET /api/vhosts/%2F/channels"] = rows
    return made


def findings(broker: Broker, seconds: int = 3) -> list[dict[str, Any]]:
    ran = run_with("check", "acks", "--for", str(seconds), "-f", "json", broker=broker)
    found: list[dict[str, Any]] = json.loads(ran.out)["findings"]
    return found


def test_one_of_a_team(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    (found,) = findings(team(remembered(251, 226, 50), remembered(250, 250, 50)))
    assert (found["kind"], found["channel"], found["connection"]) == ("leak", CHANNEL, CONNECTION)
    assert (found["unacknowledged"], found["rate"]) == (25, 0.5)
    assert found["full_in"] == 148


def test_none_of_a_team(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    assert findings(team(remembered(250, 248, 50), remembered(250, 250, 50))) == []


def test_one_that_rejects_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what it has rejected no counter tells: what its queue held does."""
    Clock(monkeypatch)
    (found,) = findings(rejecting(25))
    assert (found["kind"], found["unacknowledged"], found["rate"]) == ("leak", 25, 0.46)


def test_one_that_only_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    steady = rejecting(10)
    about = steady.answers["GET /api/queues/%2F"][0]
    for sample in about["messages_unacknowledged_details"]["samples"]:
        sample["sample"] = 10
    assert findings(steady) == []


def test_one_that_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a consumer."""
    Clock(monkeypatch)
    row = channel(ack=225, delivered=250, unacked=25, consumer_count=0)
    made = played(
        row,
        row,
        queues=[queue(messages_unacknowledged=25)],
        **{f"GET /api/channels/{quote(CHANNEL, safe='')}": remembered(251, 226, 50)},
    )
    (found,) = findings(made)
    assert (found["kind"], found["queue"], found["consumer_tag"]) == ("leak", NAME, None)
    assert (found["unacknowledged"], found["rate"], found["full_in"]) == (25, 0.5, None)


@pytest.mark.parametrize(("at_once", "kinds"), [(1, ["leak"]), (50, [])])
def test_a_short_life(at_once: int, kinds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the queue held rises, and the broker remembers only how many messages were acknowledged at a time."""
    short = remembered(250, 225, 10)
    for number, sample in enumerate(short["message_stats"]["ack_details"]["samples"]):
        sample["sample"] = max(0, 200 - 100 * number + (at_once == 1))
    clock = Clock(monkeypatch)
    target = f"GET /api/channels/{quote(CHANNEL, safe='')}"
    assert [each["kind"] for each in findings(broker(nine_of_ten, clock, **{target: short}), 8)] == kinds
