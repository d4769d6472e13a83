"""check acks: each thing it names, from the answers of a broker, with exit code and output."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ..conftest import Broker, Ran, run_with, target_of

CONNECTION = "10.0.0.1:5000 -> 10.0.0.2:5672"
CHANNEL = f"{CONNECTION} (1)"
ANOTHER = "another (1)"
"""A channel that holds nothing."""
NAME = 'a b/\u00fc|"q'


class RabbitMQ(Broker):
    """It does not list deliveries and remembers nothing of channels, unless an answer says otherwise."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        target = f"GET {target_of(request)}"
        if target.endswith("/unacked") and target not in self.answers:
            return httpx.Response(404, json={"error": "Object Not Found", "reason": "Not Found"})
        if target.startswith("GET /api/channels/") and target.partition("?")[0] not in self.answers:
            return httpx.Response(200, json={})
        return super().answer(request)


def since(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def channel(*, unacked: int = 1, ack: int = 0, delivered: int = 1, redelivered: int = 0, **more: Any) -> dict[str, Any]:
    stats = {"ack": ack, "deliver_get": delivered, "redeliver": redelivered}
    of = {"name": CONNECTION, "peer_host": "10.0.0.1", "peer_port": 5000}
    row = {"name": CHANNEL, "number": 1, "vhost": "/", "user": "worker", "connection_details": of, "consumer_count": 1}
    return {**row, "messages_unacknowledged": unacked, "message_stats": stats, **more}


def consumer(**more: Any) -> dict[str, Any]:
    row = {"queue": {"vhost": "/", "name": NAME}, "consumer_tag": "ctag", "ack_required": True, "prefetch_count": 1}
    return {**row, "channel_details": {"name": CHANNEL}, **more}


def queue(**more: Any) -> dict[str, Any]:
    counts = {"messages": 1, "messages_ready": 0, "messages_unacknowledged": 1}
    return {"name": NAME, "type": "classic", "durable": True, **counts, **more}


def played(
    before: dict[str, Any] | None, after: dict[str, Any], *consumers: Any, queues: Any = None, **more: Any
) -> Broker:
    if isinstance(after.get("idle_since"), int):
        after = {**after, "idle_since": since(after["idle_since"])}
    elsewhere = {"name": ANOTHER, "vhost": "/"}
    samples = iter([[elsewhere] if before is None else [before, elsewhere], [after, elsewhere]])
    properties = {"product": "Pika", "version": "1.3"}
    connection = {
        "name": CONNECTION,
        "user_provided_name": "printer",
        "client_properties": properties,
        "connected_at": 0,
    }
    return RabbitMQ(
        {
            "GET /api/whoami": {"name": "guest", "tags": ["monitoring"]},
            "GET /api/overview": {"object_totals": {"queues": 1}, "rabbitmq_version": "3.10.8"},
            "GET /api/vhosts/%2F/channels": lambda _: httpx.Response(200, json=next(samples)),
            "GET /api/queues/%2F": [queue()] if queues is None else queues,
            "GET /api/consumers/%2F": list(consumers),
            f"GET /api/connections/{quote(CONNECTION, safe='')}": connection,
            **more,
        }
    )


def check(broker: Broker, *words: str) -> Ran:
    return run_with("check", "acks", "--for", "0", *words, broker=broker)


def idle() -> dict[str, Any]:
    return {"idle_since": since(300)}


def kinds(ran: Ran) -> list[str]:
    return [each["kind"] for each in json.loads(ran.out)["findings"]]


IDLE = {"idle_since": 300}
"""Seconds before the moment of the answer."""


@pytest.mark.parametrize(
    ("before", "after", "consumers", "wanted"),
    [
        (channel(), channel(**IDLE), [consumer()], ["stuck"]),
        (channel(), channel(idle_since="2020-01-02 03:04:05"), [consumer()], ["stuck"]),
        (channel(), channel(**IDLE), [consumer(prefetch_count=0)], ["forgetting"]),
        (channel(), channel(unacked=3, delivered=9), [consumer(prefetch_count=5)], ["forgetting"]),
        (channel(), channel(**IDLE, global_prefetch_count=1), [consumer(prefetch_count=0)], ["stuck"]),
        # It acknowledges, or has time to.
        (channel(ack=1), channel(ack=2), [consumer()], []),
        (channel(ack=1), channel(ack=1, idle_since=5), [consumer()], []),
        (channel(ack=1), channel(ack=1, **IDLE), [consumer()], ["stuck"]),
        (channel(ack=1), channel(ack=1, idle_since=5), [consumer(prefetch_count=2)], []),
        # Its counters may be old ones, the message was there in one sample only, or the channel.
        (channel(), channel(), [consumer()], []),
        (channel(unacked=0), channel(**IDLE), [consumer()], []),
        (channel(), channel(unacked=0, **IDLE), [consumer()], []),
        (None, channel(**IDLE), [consumer()], []),
        (channel(consumer_count=0), channel(consumer_count=0, **IDLE), [], ["got without ack"]),
        (
            channel(transactional=True, acks_uncommitted=1),
            channel(transactional=True, acks_uncommitted=1),
            [consumer()],
            ["open transaction"],
        ),
        (channel(transactional=True, acks_uncommitted=1), channel(transactional=True), [consumer()], []),
        (channel(), channel(redelivered=10, delivered=11, unacked=0), [consumer()], ["redelivery loop"]),
        (channel(), channel(redelivered=10, delivered=11), [consumer()], ["redelivery loop"]),
        (channel(ack=1), channel(ack=2, redelivered=10, delivered=11), [consumer()], []),
        (channel(), channel(**IDLE), [consumer(ack_required=False)], []),
        # A loop that takes its time: nothing but redeliveries.
        (channel(redelivered=4, delivered=5), channel(redelivered=7, delivered=8), [consumer()], ["redelivery loop"]),
        (channel(redelivered=4, delivered=5), channel(redelivered=6, delivered=7), [consumer()], ["stuck"]),
        # It rejects for good, or acknowledges many at once.
        (channel(delivered=100), channel(delivered=150), [consumer()], []),
        (
            channel(ack=50, delivered=60, unacked=10),
            channel(ack=50, delivered=80, unacked=30),
            [consumer(prefetch_count=99)],
            [],
        ),
    ],
)
def test_each_is_named_right(before: Any, after: Any, consumers: list[Any], wanted: list[str]) -> None:
    ran = check(played(before, after, *consumers), "-f", "json")
    assert (kinds(ran), ran.exit, ran.err) == (wanted, 1 if wanted else 0, "")
    assert all(each["queue"] == NAME for each in json.loads(ran.out)["findings"])


@pytest.mark.parametrize(
    ("prefetch", "ready", "seconds", "wanted"),
    [(1, 3, 8, ["stuck"]), (1, 0, 8, []), (2, 3, 8, []), (0, 3, 8, []), (1, 3, 0, []), (1, 3, 5, [])],
)
def test_it_fell_silent(
    prefetch: int, ready: int, seconds: int, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has acknowledged before is spared as long as it has room, or there is nothing for it."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    silent, waits = (channel(ack=1), channel(ack=1, idle_since=9)), [queue(messages_ready=ready)]
    broker = played(*silent, consumer(prefetch_count=prefetch), queues=waits)
    assert kinds(run_with("check", "acks", "--for", str(seconds), "-f", "json", broker=broker)) == wanted


OTHER = "other queue"


def beside(*acks: int, prefetch: int = 5, ready: int = 0, unacked: int = 1, more: Any = ()) -> Broker:
    """One consumer acknowledges; the one beside it on the same channel, of a queue with those counters, may not."""
    counters = iter(
        [{"messages_unacknowledged": unacked, "message_stats": {"ack": number} if number else []} for number in acks]
    )
    lively = iter([{"messages_unacknowledged": 1, "message_stats": {"ack": number}} for number in (7, 900)])
    return played(
        channel(ack=7, unacked=2),
        channel(ack=900, unacked=2, delivered=900),
        consumer(prefetch_count=5),
        consumer(consumer_tag="beside", queue={"vhost": "/", "name": OTHER}, prefetch_count=prefetch),
        *more,
        queues=[queue(), queue(name=OTHER, messages_ready=ready, messages_unacknowledged=unacked)],
        **{
            f"GET /api/queues/%2F/{quote(OTHER)}": lambda _: httpx.Response(200, json=next(counters)),
            f"GET /api/queues/%2F/{quote(NAME, safe='')}": lambda _: httpx.Response(200, json=next(lively)),
        },
    )


@pytest.mark.parametrize(
    ("broker", "wanted"),
    [
        (beside(0, 0), [("forgetting", 1)]),
        (beside(0, 0, prefetch=1), [("stuck", 1)]),
        (beside(0, 0, unacked=0), []),
        (beside(0, 1), []),
        # It has acknowledged before: it may think as long as it has room, or nothing waits.
        (beside(3, 3), []),
        (beside(3, 3, prefetch=1), []),
        (beside(3, 3, prefetch=1, ready=9), [("stuck", 1)]),
        # Somebody else's consumer may be the one.
        (
            beside(0, 0, more=[consumer(queue={"vhost": "/", "name": OTHER}, channel_details={"name": ANOTHER})]),
            [],
        ),
    ],
)
def test_beside_one_that_acknowledges(
    broker: Broker, wanted: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    ran = run_with("check", "acks", "--for", "8", "-f", "json", broker=broker)
    found = json.loads(ran.out)["findings"]
    assert [(each["kind"], each["unacknowledged"]) for each in found] == wanted
    assert all((each["queue"], each["consumer_tag"], each["acked"]) == (OTHER, "beside", 0) for each in found)


def test_statistics_of_too_short_a_time_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert run_with("check", "acks", "--for", "5", broker=beside(0, 0)).exit == 0


def test_a_stream_keeps_what_was_acknowledged() -> None:
    broker = played(channel(), channel(**IDLE), consumer(), queues=[queue(type="stream", messages_ready=7)])
    assert kinds(check(broker, "-f", "json")) == []


def test_a_queue_that_misses_nothing_is_not_concerned() -> None:
    broker = played(channel(), channel(**IDLE), consumer(), queues=[queue(messages_unacknowledged=0)])
    assert kinds(check(broker, "-f", "json")) == []


def test_neighbours() -> None:
    left = [queue(messages_ready=2)]
    assert kinds(check(played(None, channel(), queues=left), "-f", "json")) == []
    ran = check(played(None, channel(), queues=left), "--strict", "-f", "json")
    assert (kinds(ran), ran.exit) == (["no consumer"], 1)
    many = channel(ack=5, unacked=1000), channel(ack=6, unacked=1000)
    rows = [queue(messages_unacknowledged=1000)]
    assert kinds(check(played(*many, consumer(prefetch_count=0), queues=rows), "-f", "json")) == ["unlimited prefetch"]
    automatic = played(channel(unacked=0), channel(unacked=0), consumer(ack_required=False))
    assert kinds(check(automatic, "--strict", "-f", "json")) == ["automatic ack"]


def test_all_that_is_known_of_it() -> None:
    ran = check(played(channel(), channel(**IDLE), consumer(consumer_timeout=600000)), "-f", "json")
    (found,) = json.loads(ran.out)["findings"]
    assert 300 <= found.pop("idle") < 330
    assert 330 < found.pop("timeout_in") <= 360
    assert found.pop("idle_since")
    assert "basic.ack" in found.pop("advice")
    assert found == {
        "kind": "stuck", "vhost": "/", "queue": NAME, "consumer_tag": "ctag", "channel": CHANNEL, "number": 1,
        "connection": CONNECTION, "client": "printer", "user": "worker", "peer": "10.0.0.1:5000", "library": "Pika 1.3",
        "prefetch": 1, "unacknowledged": 1, "acked": 0, "ready": None,
        "oldest_possible_delivery": "1970-01-01T00:00:00+00:00", "on_timeout": "closes the channel",
        "held_for": None, "timeout": 660.0, "rate": None, "full_in": None,
    }  # fmt: skip


def test_the_age_of_deliveries_where_the_broker_tells() -> None:
    """The oldest of this consumer on this channel; the time that is left counts from it."""
    mine = {"channel_name": CHANNEL, "consumer_tag": "ctag", "unacked_for_seconds": 400, "delivery_tag": 2}
    others: list[dict[str, Any]] = [{"consumer_tag": ""}, {"channel_name": "x (1)"}, {"consumer_tag": "other"}]
    rows = [
        mine,
        {**mine, "unacked_for_seconds": 3},
        *({**mine, "unacked_for_seconds": 800, **more} for more in others),
    ]
    where = f"GET /api/queues/%2F/{quote(NAME, safe='')}/unacked"

    def ran(*words: str) -> Ran:
        broker = played(channel(), channel(**IDLE), consumer(consumer_timeout=600000), **{where: rows})
        return check(broker, *words)

    as_json = ran("-f", "json", "--age-critical", "6m")
    (found,) = json.loads(as_json.out)["findings"]
    assert (found["held_for"], found["timeout_in"], as_json.exit) == (400, 260, 2)
    assert "the oldest for 7 min, the broker closes the channel in 4 min at most" in ran().out


@pytest.mark.parametrize(
    ("version", "kind", "capabilities", "said"),
    [
        ("3.8.0", "classic", {}, None),
        ("", "classic", {}, None),
        ("3.10.8", "classic", {}, "the broker closes the channel in 26 min at most"),
        ("4.2.1", "quorum", {}, "the broker closes the channel in 26 min at most"),
        ("4.3.6", "classic", {}, "the broker waits for ever"),
        (
            "4.3.6",
            "quorum",
            {"consumer_cancel_notify": True},
            "the broker takes the messages back and cancels the consumer in 25 min at most",
        ),
        ("4.3.6", "quorum", {}, "the broker closes the channel in 25 min at most"),
    ],
)
def test_what_the_broker_does_about_it(version: str, kind: str, capabilities: Any, said: str | None) -> None:
    overview = {"object_totals": {"queues": 1}, "rabbitmq_version": version}
    connection = {"name": CONNECTION, "client_properties": {"capabilities": capabilities}}
    broker = played(
        channel(),
        channel(**IDLE),
        consumer(),
        queues=[queue(type=kind)],
        **{"GET /api/overview": overview, f"GET /api/connections/{quote(CONNECTION, safe='')}": connection},
    )
    line = check(broker).out.splitlines()[3]
    assert line.split("idle for 5 min")[1].removeprefix(", ") == (said or "")


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        ((), 1),
        (("--warning", "2"), 0),
        (("--critical", "1"), 2),
        (("--critical", "2"), 1),
        (("--warning", "2", "--age-warning", "4m"), 1),
        (("--warning", "2", "--age-warning", "1h"), 0),
        (("--age-critical", "4m"), 2),
        (("--match", "nothing"), 0),
        (("--match", "^a b/"), 1),
        (("--where", "user = somebody"), 0),
        (("--where", "user = worker and unacknowledged > 0"), 1),
    ],
)
def test_limits_and_filters(words: tuple[str, ...], exit_code: int) -> None:
    assert check(played(channel(), channel(**IDLE), consumer()), *words).exit == exit_code


@pytest.mark.parametrize(
    "words", [("--match", "("), ("--where", "nothing = 1"), ("--idle", "soon"), ("--warning", "0")]
)
def test_bad_words(words: tuple[str, ...]) -> None:
    ran = check(Broker({}), *words)
    assert (ran.exit, ran.out) == (64, "")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"GET /api/whoami": {"name": "guest", "tags": "management"}}, "the tag monitoring is needed"),
        (
            {
                "GET /api/overview": {"disable_stats": True},
                "GET /api/nodes": [{"name": "a", "running": True}],
                "GET /metrics/detailed": httpx.ConnectError("refused"),
            },
            "collects no statistics; no metrics of rabbitmq_prometheus either: http://localhost:15692",
        ),
        (
            {
                "GET /api/overview": {"disable_stats": True},
                "GET /api/nodes": [{"name": name, "running": True} for name in "abc"],
            },
            "collects no statistics; metrics tell of the clients of one node only, of 3",
        ),
        ({"GET /api/whoami": httpx.ConnectError("refused")}, "refused"),
        ({"GET /api/whoami": httpx.Response(401, json={})}, "guest"),
    ],
)
def test_it_could_not_tell(more: dict[str, Any], why: str) -> None:
    ran = check(played(None, channel(), **more))
    assert (ran.exit, ran.out.startswith("acks UNKNOWN: "), why in ran.out) == (3, True, True), ran


def test_for_people() -> None:
    lines = check(played(channel(), channel(**IDLE), consumer())).out.splitlines()
    assert lines[0] == "acks WARNING: 1 client holds 1 message without acknowledging"
    assert lines[1] == f"stuck: queue {NAME!r} in virtual host '/'"
    assert "which calls itself 'printer', user worker from 10.0.0.1:5000, Pika 1.3" in lines[2]
    assert "prefetch 1, idle for 5 min, none older than 1970-01-01T00:00:00+00:00" in lines[3]


def test_for_nagios() -> None:
    ran = check(
        played(channel(), channel(**IDLE), consumer()), "--critical", "9", "--age-critical", "20m", "-f", "nagios"
    )
    first, *rest = ran.out.splitlines()
    text, data = first.split(" | ")
    assert text == "acks WARNING: 1 client holds 1 message without acknowledging"
    assert data.replace("301s", "300s") == "unacknowledged=1;1;9;0 clients=1;;;0 idle=300s;;1200;0 findings=1;;;0"
    assert rest
    assert not any("|" in line for line in rest)


def test_for_prometheus() -> None:
    lines = check(played(channel(), channel(**IDLE), consumer()), "-f", "prometheus").out.splitlines()
    assert "rmqctl_check_acks_status 1" in lines
    assert "rmqctl_check_acks_unacknowledged 1" in lines
    assert lines[-1] == (
        'rmqctl_check_acks_finding{kind="stuck",vhost="/",queue="a b/\u00fc|\\"q",consumer_tag="ctag",'
        f'channel="{CHANNEL}",client="printer",user="worker"}} 1'
    )


def test_rows_for_the_formats_of_lists() -> None:
    ran = check(played(channel(), channel(**IDLE), consumer()), "-f", "jsonl")
    assert (json.loads(ran.out)["kind"], ran.err) == (
        "stuck",
        "acks WARNING: 1 client holds 1 message without acknowledging\n",
    )


def test_nothing_is_touched_and_little_asked_for() -> None:
    broker = played(channel(ack=1), channel(ack=2), consumer())
    assert run_with("check_acks", "--for", "0", broker=broker).exit == 0
    assert all(request.method == "GET" for request in broker.requests)
    assert all("columns=" in asked or asked == "GET /api/whoami" for asked in broker.asked)
    assert not any("connections" in asked for asked in broker.asked)


def test_only_checks_have_its_formats() -> None:
    assert run_with("list_queues", "-f", "nagios").exit == 64


def test_two_queues_that_may_be_meant() -> None:
    got = channel(consumer_count=0), channel(consumer_count=0, **IDLE)
    broker = played(*got, queues=[queue(), queue(name="other")])
    assert [each["queue"] for each in json.loads(check(broker, "-f", "json").out)["findings"]] == [None]
    broker = played(*got, consumer(channel_details={"name": "other"}), queues=[queue(), queue(name="other")])
    assert [each["queue"] for each in json.loads(check(broker, "-f", "json").out)["findings"]] == ["other"]


def test_many_clients_are_asked_for_at_once() -> None:
    """And one that has gone meanwhile is named without what its connection would tell."""
    count = 20_000
    channels = [
        channel(name=f"{number} (1)", connection_details={"name": f"c {number}"}, **idle()) for number in range(count)
    ]
    consumers = [
        consumer(queue={"vhost": "/", "name": f"q {number // 2}"}, channel_details={"name": f"{number} (1)"})
        for number in range(count)
    ]
    for number in range(25, count):
        channels[number].update(message_stats={"ack": 1, "deliver_get": 1}, idle_since=None)
    broker = played(
        None,
        {},
        *consumers,
        queues=[queue(name=f"q {number}", messages_unacknowledged=2) for number in range(count // 2)],
        **{
            "GET /api/vhosts/%2F/channels": channels,
            "GET /api/vhosts/%2F/connections": [
                {"name": f"c {number}", "connected_at": 0} for number in range(1, count)
            ],
            "GET /api/overview": {"object_totals": {"queues": count // 2}},
        },
    )
    found = json.loads(check(broker, "-f", "json").out)["findings"]
    assert [each["connection"] for each in sorted(found, key=lambda each: int(each["connection"][2:]))] == [
        f"c {number}" for number in range(25)
    ]
    assert sum(each["oldest_possible_delivery"] is not None for each in found) == 24
    assert sum("/connections" in asked for asked in broker.asked) == 1


def test_a_connection_that_has_gone_meanwhile() -> None:
    broker = played(channel(), channel(**IDLE), consumer())
    gone = {key: httpx.Response(404, json={}) for key in broker.answers if "/connections/" in key}
    broker.answers.update(gone)
    (found,) = json.loads(check(broker, "-f", "json").out)["findings"]
    assert (found["kind"], found["connection"], found["client"]) == ("stuck", CONNECTION, None)
