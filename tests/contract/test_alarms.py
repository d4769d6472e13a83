"""What an alarm does to the checks. It is set on purpose and cleared again, before anything else runs."""

import time
from collections.abc import Callable, Iterator

import pika
import pytest

from .brokers import Node, embedded

UNAVAILABLE = 69


def wait_until_alarm_is(node: Node, raised: bool) -> None:
    deadline = time.monotonic() + 30
    while bool(node.get("nodes", node.name)["mem_alarm"]) is not raised:
        assert time.monotonic() < deadline, f"the memory alarm should be {raised}"
        time.sleep(0.5)


@pytest.fixture
def alarmed(node: Node) -> Iterator[Node]:
    try:
        assert node.ctl("set_vm_memory_high_watermark", "0.000001").exit == 0
        wait_until_alarm_is(node, True)
        yield node
    finally:
        assert node.ctl("set_vm_memory_high_watermark", "0.6").exit == 0
        wait_until_alarm_is(node, False)


def test_checks_fail_while_there_is_an_alarm(alarmed: Node) -> None:
    for command in ("check_alarms", "check_local_alarms"):
        expected, got = alarmed.tool("rabbitmq-diagnostics", "-q", command), alarmed.rmqctl(command)
        # The check of local alarms of 4.3's program overlooks the alarm that its node reports.
        assert expected.exit == UNAVAILABLE or (alarmed.modern and command == "check_local_alarms"), str(expected)
        assert got.exit == UNAVAILABLE, str(got)
        assert alarmed.name in got.text + got.errors
        assert "memory" in (got.text + got.errors).lower()
    got = alarmed.rmqctl("alarms")
    assert got.exit == 0, str(got)
    assert "memory" in got.text.lower()


ON_DEMAND = {
    "memory alarm": (("broker", "alarm", "memory", "on"), ("broker", "alarm", "memory", "off")),
    "disk alarm": (("broker", "alarm", "disk", "on"), ("broker", "alarm", "disk", "off")),
    "share of memory": (("set_vm_memory_high_watermark", "0.00001"), ("set_vm_memory_high_watermark", "0.9")),
    "size of memory": (
        ("set_vm_memory_high_watermark", "absolute", "1MiB"),
        ("set_vm_memory_high_watermark", "absolute", "100GB"),
    ),
    "size of the disk": (("set_disk_free_limit", "900000000GB"), ("set_disk_free_limit", "1MB")),
    "disk by memory": (("set_disk_free_limit", "mem_relative", "1000"), ("set_disk_free_limit", "0")),
}


@pytest.fixture(scope="module")
def own() -> Iterator[Node]:
    with embedded() as broker:
        yield broker


@pytest.mark.parametrize("name", ON_DEMAND)
def test_alarms_on_demand_block_publishers_of_the_embedded_broker(own: Node, name: str) -> None:
    heard: list[str] = []
    on, off = ON_DEMAND[name]
    resource = "disk" if "disk" in name else "memory"
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(own.port("amqp"))))
    connection.add_on_connection_blocked_callback(lambda _, frame: heard.append(frame.method.reason))
    connection.add_on_connection_unblocked_callback(lambda *_: heard.append("unblocked"))
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"before")
    assert own.rmqctl(*on).exit == 0
    channel.basic_publish("", "q", b"after")  # as RabbitMQ, it blocks a client that publishes, and not before it does
    wait_until(lambda: connection.process_data_events(0.1) or heard == [f"low on {resource}"], str(heard))
    assert resource in own.rmqctl("alarms").text.lower()
    assert own.rmqctl(*off).exit == 0
    wait_until(lambda: connection.process_data_events(0.1) or heard[1:] == ["unblocked"], str(heard))
    connection.close()
    assert own.rmqctl("check", "alarms").exit == 0


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, what


def test_alarms_on_demand_are_not_rabbitmqs(node: Node) -> None:
    for words in (("broker", "alarm", "disk", "on"), ("set_disk_free_limit", "1MB")):
        ran = node.rmqctl(*words)
        assert ran.exit == UNAVAILABLE
        assert "no embedded broker" in ran.errors
        assert "on the node" in ran.errors
