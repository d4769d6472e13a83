"""check acks: AMQP 1.0, which has sessions and links where AMQP 0-9-1 has channels and consumers, and consumers left over."""

import json
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ..conftest import Broker, run_with
from .test_check import CHANNEL, CONNECTION, NAME, channel, consumer, played, queue

OF_A_LINK = {"consumer_tag": "0", "prefetch_count": 0, "channel_details": {}}
THE_CONNECTION = f"GET /api/connections/{quote(CONNECTION, safe='')}"
SESSIONS = f"{THE_CONNECTION}/sessions"
QUEUE = f"GET /api/queues/%2F/{quote(NAME, safe='')}"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def session(unsettled: int, given: int, credit: int = 5, **more: Any) -> dict[str, Any]:
    link = {"handle": 0, "link_name": "l", "queue_name": NAME, "send_settled": False, "delivery_count": given}
    links = [{**link, "credit": credit, **more}]
    return {"channel_number": 3, "outgoing_unsettled_deliveries": unsettled, "outgoing_links": links}


def linked(before: Any, after: Any, *, ready: int = 0, protocol: str = "AMQP 1-0", **more: Any) -> Broker:
    """One AMQP 1.0 client with those sessions."""
    answers = iter([before, after])
    row = {
        "name": CONNECTION,
        "vhost": "/",
        "user": "worker",
        "protocol": protocol,
        "peer_host": "10.0.0.1",
        "peer_port": 5000,
    }
    return played(
        None,
        channel(unacked=0),
        consumer(**OF_A_LINK),
        queues=[queue(messages_ready=ready, messages_unacknowledged=4, **more)],
        **{
            "GET /api/vhosts/%2F/connections": [row],
            THE_CONNECTION: {"name": CONNECTION, "container_id": "printer", "connected_at": 0},
            SESSIONS: lambda _: httpx.Response(200, json=next(answers)),
            "GET /api/overview": {"object_totals": {"queues": 1}, "rabbitmq_version": "4.3.6"},
            QUEUE: {"consumers": 1},
        },
    )


def findings(broker: Broker, seconds: int = 8) -> list[dict[str, Any]]:
    ran = run_with("check", "acks", "--for", str(seconds), "-f", "json", broker=broker)
    found: list[dict[str, Any]] = json.loads(ran.out)["findings"]
    return found


@pytest.mark.parametrize(
    ("before", "after", "ready", "kinds"),
    [
        (session(4, 4), session(4, 4), 0, ["forgetting"]),
        (session(4, 4), session(9, 9), 0, ["forgetting"]),
        (session(4, 4, 0), session(4, 4, 0), 9, ["stuck"]),
        (session(4, 40, 0), session(4, 40, 0), 9, ["stuck"]),
        # It has settled some before, and has room, or nothing waits; or it settles now; or holds nothing.
        (session(4, 40), session(4, 40), 9, []),
        (session(4, 40, 0), session(4, 40, 0), 0, []),
        (session(4, 40), session(4, 41), 0, []),
        (session(0, 4), session(4, 8), 0, []),
        (session(4, 4, send_settled=True), session(4, 4, send_settled=True), 0, []),
    ],
)
def test_what_sessions_hold(before: Any, after: Any, ready: int, kinds: list[str]) -> None:
    assert [each["kind"] for each in findings(linked([before], [after], ready=ready))] == kinds


def test_all_that_is_known_of_a_session() -> None:
    (found,) = findings(linked([session(4, 4)], [session(4, 4)]))
    known = {
        key: found[key]
        for key in ("queue", "channel", "number", "connection", "client", "user", "unacknowledged", "acked")
    }
    assert known == {
        "queue": NAME, "channel": None, "number": 3, "connection": CONNECTION, "client": "printer", "user": "worker",
        "unacknowledged": 4, "acked": 0,
    }  # fmt: skip
    out = run_with("check", "acks", "--for", "8", broker=linked([session(4, 4)], [session(4, 4)])).out
    assert "consumer '0', session 3 of connection" in out
    assert "4 unacknowledged, 0 acknowledged meanwhile, none older than" in out


def test_too_short_a_time_tells_nothing_of_sessions() -> None:
    assert findings(linked([session(4, 4)], [session(4, 4)]), 2) == []


def test_a_stream_is_not_concerned() -> None:
    assert findings(linked([session(4, 4)], [session(4, 4)], type="stream")) == []


def test_sessions_are_asked_for_only_where_there_are_any() -> None:
    broker = played(channel(ack=1), channel(ack=2), consumer())
    assert findings(broker) == []
    assert not any("connections" in asked for asked in broker.asked)
    other = linked([], [], protocol="MQTT 3-1-1")
    findings(other)
    assert not any("sessions" in asked for asked in other.asked)


def test_a_release_that_does_not_tell_of_sessions() -> None:
    """Then a consumer without a channel may be one of theirs."""
    broker = linked([], [])
    broker.answers[SESSIONS] = httpx.Response(404, json={})
    assert findings(broker) == []


# Ghosts


def haunted(*, in_both: bool = True, counted: int | None = 1, channels: Any = (), **of: Any) -> Broker:
    """A consumer whose channel is not in the list of channels."""
    broker = played(
        None, channel(name="x (1)"), consumer(**of), **{QUEUE: {} if counted is None else {"consumers": counted}}
    )
    seen = iter([[] if in_both else list(channels), []])
    broker.answers["GET /api/vhosts/%2F/channels"] = lambda _: httpx.Response(200, json=next(seen))
    broker.answers["GET /api/vhosts/%2F/connections"] = []
    return broker


@pytest.mark.parametrize("of", [{}, {"channel_details": {}}, {"channel_details": []}])
@pytest.mark.parametrize("counted", [1, None])
def test_a_consumer_whose_channel_is_gone(of: dict[str, Any], counted: int | None) -> None:
    (found,) = findings(haunted(counted=counted, **of))
    assert (found["kind"], found["queue"], found["consumer_tag"], found["unacknowledged"]) == ("ghost", NAME, "ctag", 1)


@pytest.mark.parametrize(
    "broker",
    [
        # Its channel was there a moment ago; the queue knows that it is gone: a list only is old.
        lambda: haunted(in_both=False, channels=[channel(name=CHANNEL)]),
        lambda: haunted(counted=0),
        lambda: linked([session(0, 4)], [session(0, 4)]),
    ],
)
def test_no_ghost(broker: Any) -> None:
    assert findings(broker()) == []


def test_clients_of_mqtt_have_no_channel() -> None:
    name = "mqtt-subscription-clientqos1"
    at = {"queue": {"vhost": "/", "name": name}, "channel_details": {"name": "", "connection_name": CONNECTION}}
    assert findings(played(None, channel(unacked=0), consumer(**at), queues=[queue(name=name)])) == []
