"""What is asked of the broker in one poll, and what is made of it."""

from typing import Any

import httpx
import pytest

from rmqctl.errors import AccessRefused, NotFound
from rmqctl.top.source import Question, Sample, Source
from rmqctl.top.tabs import FINDING, SAMPLES, SERIES, TABS

from ..conftest import NOT_FOUND, Broker
from .played import ANSWERS, CHANNEL, CONNECTION, FORGETFUL, OVERVIEW, PEER, QUEUES, played, queue, source


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def question(noun: str, item: dict[str, Any] | None = None) -> Question:
    tab = next(tab for tab in TABS if tab.noun == noun)
    return Question(tab, frozenset(tab.asked(tab.fields)), item)


def polled(broker: Broker, noun: str, vhost: str | None = None, times: int = 1, seconds: float = 2.0) -> Sample:
    clock = Clock()
    asked = source(broker, vhost, clock)
    asked.open()
    for _ in range(times):
        sample = asked.poll(question(noun))
        clock.now += seconds
    return sample


def paths(broker: Broker) -> list[str]:
    return [target.partition("?")[0] for target in broker.asked]


def test_only_what_is_on_the_screen_is_asked_for() -> None:
    broker = played()
    polled(broker, "nodes")
    assert paths(broker) == [
        "GET /api/channels",
        "GET /api/nodes",
        "GET /api/nodes",
        "GET /api/overview",
        "GET /api/whoami",
    ]
    assert not [target for target in broker.asked if "columns=" not in target and "whoami" not in target]


def test_queues_have_statistics_and_the_counts_of_the_moment() -> None:
    broker = played()
    moment = [queue("orders", 9)]
    broker.answers["GET /api/queues"] = lambda request: moment if b"totals" in request.url.query else QUEUES
    rows = {row["name"]: row for row in polled(broker, "queues").rows}
    assert (rows["orders"]["messages"], rows["mail"]["messages"]) == (9, 0)
    assert rows["orders"]["message_stats"]["publish_details"]["rate"] == 2.5


def test_the_last_samples_of_each_queue_are_kept_and_those_of_vanished_ones_are_not() -> None:
    broker = played()
    asked = source(broker)
    asked.open()
    last = SAMPLES + 1
    for number in range(last + 1):
        broker.answers["GET /api/queues"] = [queue("orders", number), *([queue("gone", 1)] if number < last else [])]
        rows = asked.poll(question("queues")).rows
    assert [(row["name"], row[SERIES]) for row in rows] == [("orders", tuple(range(2, last + 1)))]
    broker.answers["GET /api/queues"] = [queue("gone", 5)]
    assert asked.poll(question("queues")).rows[0][SERIES] == (5,)


@pytest.mark.parametrize(("noun", "at"), [("queues", 1), ("connections", 0), ("channels", 0), ("consumers", 0)])
def test_who_forgets_is_marked_from_the_second_sample_on(noun: str, at: int) -> None:
    assert polled(played(), noun).findings is None
    sample = polled(played(), noun, times=2)
    assert [(each.kind, each.queue, each.channel) for each in sample.findings or ()] == [
        ("stuck", "task_queue", CHANNEL)
    ]
    assert [place for place, row in enumerate(sample.rows) if FINDING in row] == [at]


def test_channels_are_sampled_no_oftener_than_they_change() -> None:
    broker = played()
    polled(broker, "queues", times=6, seconds=1.0)
    # At 0 and 1 s for a first answer, then after five more.
    assert paths(broker).count("GET /api/channels") == 2
    polled(broker, "queues", times=7, seconds=1.0)
    assert paths(broker).count("GET /api/channels") == 2 + 3


def test_consumers_are_asked_for_only_when_a_channel_holds_something() -> None:
    broker = played(**{"GET /api/channels": [{**FORGETFUL, "messages_unacknowledged": 0}]})
    assert polled(broker, "queues", times=2).findings == []
    assert "GET /api/consumers" not in paths(broker)


def test_one_virtual_host() -> None:
    vhost = "a b/\u00e9"
    under = "a%20b%2F%C3%A9"
    broker = Broker(
        {
            "GET /api/whoami": {"tags": "monitoring"},
            "GET /api/overview": OVERVIEW,
            "GET /api/nodes": [],
            f"GET /api/vhosts/{under}": {"messages_ready": 8, "message_stats": {"publish_details": {"rate": 1.0}}},
            f"GET /api/queues/{under}": [{key: value for key, value in QUEUES[0].items() if key != "vhost"}],
            f"GET /api/vhosts/{under}/channels": [],
        }
    )
    sample = polled(broker, "queues", vhost)
    assert [(row["vhost"], row["name"]) for row in sample.rows] == [(vhost, "orders")]
    assert sample.overview["queue_totals"] == {"messages_ready": 8}
    assert sample.overview["object_totals"] == {}
    assert sample.overview["message_stats"] == {"publish_details": {"rate": 1.0}}


def test_a_virtual_host_that_is_not_there_is_an_error_at_once() -> None:
    broker = played(**{"GET /api/vhosts/nope": httpx.Response(404, json=NOT_FOUND)})
    with pytest.raises(NotFound, match="nope"):
        source(broker, "nope").open()


def test_a_wrong_password_is_an_error_at_once() -> None:
    with pytest.raises(AccessRefused):
        source(played(**{"GET /api/whoami": httpx.Response(401, json={"error": "not_authorised"})})).open()


@pytest.mark.parametrize("noun", ["queues", "connections", "channels", "exchanges", "consumers"])
def test_without_statistics_there_are_counts_and_a_word_about_it(noun: str) -> None:
    refused = httpx.Response(
        400, json={"error": "bad_request", "reason": "Stats in management UI are disabled on this node"}
    )
    broker = played(**{"GET /api/overview": {**OVERVIEW, "disable_stats": True}, "GET /api/consumers": refused})
    broker.answers |= {"GET /api/channels": [], "GET /api/connections": []}
    sample = polled(broker, noun, times=2)
    assert sample.findings is None
    assert sample.notes == ("statistics are off on the broker: no rates, no connections, channels and consumers",)
    assert all("disable_stats=true" in target for target in broker.asked if "/api/queues" in target)


def test_a_user_without_the_tag_monitoring_is_told_what_is_missing() -> None:
    refused = httpx.Response(401, json={"error": "not_authorised", "reason": "Not monitor user"})
    broker = played(**{"GET /api/whoami": {"tags": ["management"]}, "GET /api/nodes": refused})
    for noun in ("queues", "nodes"):
        sample = polled(broker, noun, times=2)
        assert (sample.nodes, sample.findings) == (None, None)
        assert sample.notes == ("user 'guest' lacks the tag monitoring: only its own connections, no nodes, no alarms",)


# One object


def opened(broker: Broker, noun: str, item: dict[str, Any], times: int = 1) -> dict[str, tuple[str, ...]]:
    clock = Clock()
    asked: Source = source(broker, None, clock)
    for _ in range(times):
        sample = asked.poll(question(noun, item))
        clock.now += 2
    return {section.title: tuple(section.lines) for section in (sample.opened.sections if sample.opened else ())}


def test_a_queue_with_its_consumers_bindings_and_who_holds_its_messages() -> None:
    where = "GET /api/queues/%2F/task_queue"
    broker = played(
        **{
            where: {**QUEUES[1], "durable": True, "consumer_details": ANSWERS["GET /api/consumers"]},
            f"{where}/bindings": [{"source": "", "routing_key": "task_queue", "arguments": []},
                                  {"source": "logs", "routing_key": "a.#", "arguments": {"x": 1}}],
            "GET /api/connections/10.0.0.1%3A5000%20-%3E%2010.0.0.2%3A5672": CONNECTION,
        }
    )  # fmt: skip
    found = opened(broker, "queues", QUEUES[1], times=2)
    assert found["bindings"] == ("the default exchange, key 'task_queue'", "'logs', key 'a.#', x=1")
    assert found["consumers"] == (f"'tag 1', prefetch 2, queue 'task_queue', channel {CHANNEL!r}, user worker",)
    who = f"channel 1 of connection {PEER!r}, which calls itself 'forgetful', user worker from 10.0.0.1:5000, Pika 1.3"
    first, second = found["holds messages without acknowledging"]
    assert first == f"stuck: consumer 'tag 1', {who}"
    assert second.startswith("  2 unacknowledged, idle since 2026-01-02T03:04:05+00:00; its prefetch is full")
    assert {"messages_ready                      1", "durable                             true"} <= set(found[""])


def test_a_connection_that_went_while_its_channel_still_counts() -> None:
    where = "GET /api/queues/%2F/task_queue"
    broker = played(
        **{where: QUEUES[1], f"{where}/bindings": [], "GET /api/connections": httpx.Response(404, json=NOT_FOUND)}
    )
    broker.answers["GET localhost"] = httpx.Response(404, json=NOT_FOUND)
    found = opened(broker, "queues", QUEUES[1], times=2)
    assert "stuck" in found["holds messages without acknowledging"][0]
    assert (found["consumers"], found["bindings"]) == (("none",), ("none",))


def test_other_objects() -> None:
    broker = played(
        **{
            "GET /api/exchanges/%2F/logs": {"name": "logs"},
            "GET /api/exchanges/%2F/logs/bindings/source": [
                {"destination_type": "queue", "destination": "q", "routing_key": ""}
            ],
            "GET /api/exchanges/%2F/logs/bindings/destination": [],
            "GET /api/exchanges/%2F/amq.default": {"name": ""},
            "GET /api/connections/c": CONNECTION,
            "GET /api/connections/c/channels": [{"number": 1, "consumer_count": 2}],
            "GET /api/channels/c": {**FORGETFUL, "consumer_details": []},
            "GET /api/nodes/n": {"name": "n", "uptime": 5},
        }
    )
    exchange = opened(broker, "exchanges", {"vhost": "/", "name": "logs"})
    assert (exchange["bound to it"], exchange["bound to"]) == (("queue 'q', key ''",), ("none",))
    assert opened(broker, "exchanges", {"vhost": "/", "name": ""}) == {"": ("name  ",)}
    assert opened(broker, "connections", {"name": "c"})["channels"] == ("1: ? unacknowledged, 2 consumers",)
    assert opened(broker, "channels", {"name": "c"})["consumers"] == ("none",)
    assert opened(broker, "nodes", {"name": "n"})[""] == ("name    n", "uptime  5")
    assert "consumer_tag" in "\n".join(opened(broker, "consumers", ANSWERS["GET /api/consumers"][0])[""])
