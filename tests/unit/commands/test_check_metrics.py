"""check acks where the broker collects no statistics: by the metrics of rabbitmq_prometheus."""

import json
import time
from typing import Any

import httpx
import pytest

from rmqctl.api.metrics import parsed

from ..conftest import Broker, Ran, run_with

CONTENT = {"content-type": "text/plain; version=0.0.4"}
CHANNEL = "<0.12.0>"


def lines(
    *,
    queue: str = "q",
    channel: str = CHANNEL,
    unacked: int = 1,
    consumers: int = 1,
    prefetch: int = 1,
    **counters: int,
) -> str:
    """One channel that uses one queue."""
    of = f'channel="{channel}"'
    at = f'vhost="/",queue="{queue}"'
    gauges = {
        "channel_consumers": consumers, "channel_messages_unacked": unacked, "channel_messages_uncommitted": 0,
        "channel_acks_uncommitted": 0, "consumer_prefetch": prefetch,
    }  # fmt: skip
    numbers = {"messages_acked": 0, "messages_delivered_ack": 1, "get_ack": 0, "messages_redelivered": 0, **counters}
    return "\n".join(
        [
            "# TYPE rabbitmq_detailed_channel_consumers gauge",
            *(f"rabbitmq_detailed_{name}{{{of}}} {value}" for name, value in gauges.items()),
            *(f"rabbitmq_detailed_channel_{name}_total{{{of},{at}}} {value}" for name, value in numbers.items()),
            f"rabbitmq_detailed_queue_messages_unacked{{{at}}} {unacked}",
            f"rabbitmq_detailed_queue_consumers{{{at}}} {consumers}",
            'rabbitmq_build_info{rabbitmq_version="4.3.6"} 1',
            "",
        ]
    )


GOT = lines(consumers=0, messages_delivered_ack=0, get_ack=1)


def broker(before: str, after: str, ready: int = 0) -> Broker:
    samples = iter([before, after])
    row = {"type": "classic", "durable": True, "messages_ready": ready, "messages_unacknowledged": 1}
    return Broker(
        {
            "GET /api/whoami": {"name": "guest", "tags": ["monitoring"]},
            "GET /api/overview": {"disable_stats": True, "rabbitmq_version": "4.3.6", "object_totals": {"queues": 2}},
            "GET /api/nodes": [{"name": "a", "running": True}],
            "GET /api/queues/%2F": [{"name": name, **row} for name in ("q", "other")],
            "GET /api/queues/%2F/q/unacked": httpx.Response(
                404, json={"error": "Object Not Found", "reason": "Not Found"}
            ),
            "GET /metrics/detailed": lambda _: httpx.Response(200, text=next(samples), headers=CONTENT),
        }
    )


def check(asked: Broker, *words: str) -> Ran:
    return run_with("check", "acks", "--for", "8", *words, broker=asked)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (lines(), lines(), ["stuck"]),
        (lines(prefetch=5), lines(prefetch=5), ["forgetting"]),
        (lines(), lines(messages_acked=4, messages_delivered_ack=5), []),
        (lines(unacked=0), lines(), []),
        (GOT, GOT, ["got without ack"]),
        (lines(), lines(messages_redelivered=30, messages_delivered_ack=31), ["redelivery loop"]),
        # Two queues on a channel that acknowledges one's only.
        (
            lines(prefetch=5) + lines(queue="other", prefetch=5),
            lines(prefetch=5) + lines(queue="other", prefetch=5, messages_acked=50, messages_delivered_ack=51),
            ["forgetting"],
        ),
        ("", "", []),
    ],
)  # fmt: skip
def test_each_is_named_right(before: str, after: str, kinds: list[str]) -> None:
    found = json.loads(check(broker(before, after), "-f", "json").out)["findings"]
    assert [each["kind"] for each in found] == kinds


def test_what_is_known_of_it() -> None:
    asked = broker(lines(), lines())
    out = check(asked).out.splitlines()
    assert out[0] == "acks WARNING: 1 client holds 1 message without acknowledging"
    assert out[1:3] == ["stuck: queue 'q' in virtual host '/'", f"  channel {CHANNEL}"]
    assert "1 unacknowledged, 0 acknowledged meanwhile, prefetch 1" in out[3]


def test_where_it_is_asked() -> None:
    asked = broker(lines(), lines())
    check(asked)
    urls = [request.url for request in asked.requests if request.url.path == "/metrics/detailed"]
    assert {(url.host, url.port) for url in urls} == {("localhost", 15692)}
    assert all("family=channel_queue_metrics" in str(url) and "vhost=%2F" in str(url) for url in urls)


def test_other_checks_go_without() -> None:
    assert run_with("check", "channels", broker=broker("", "")).exit == 3


def test_the_format() -> None:
    found: list[Any] = list(
        parsed(
            "# HELP x\n"
            'rabbitmq_detailed_a{channel="<0.1.0>",queue="a \\"b\\"\\\\c\\nd, e=\\"f"} 3\n'
            'rabbitmq_detailed_b{queue="q"} NaN\n'
            'rabbitmq_detailed_c{queue="q"} 1.5e3\n'
            'rabbitmq_detailed_d{queue="q"} many\n'
            "erlang_vm 5\n"
        )
    )
    assert found[0] == ("a", {"channel": "<0.1.0>", "queue": 'a "b"\\c\nd, e="f'}, 3)
    assert [each.name for each in found] == ["a", "c"]
