"""What an alarm does to the checks. It is set on purpose and cleared again, before anything else runs."""

import time
from collections.abc import Iterator

import pytest

from .brokers import Node

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
