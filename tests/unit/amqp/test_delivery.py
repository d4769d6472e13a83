"""A message as pika has it, for --where and as the HTTP API would show it."""

from datetime import UTC, datetime
from decimal import Decimal

import pika

from rmqctl.amqp.delivery import Delivery

GOT = pika.spec.Basic.GetOk(delivery_tag=1, redelivered=True, exchange="e", routing_key="k", message_count=0)


def test_the_row_of_the_http_api() -> None:
    headers = {
        "text": "é", "bytes": b"\xff", "time": datetime(2026, 1, 1, tzinfo=UTC), "decimal": Decimal("1.5"),
        "list": [1, {"a": None}],
    }  # fmt: skip
    row = Delivery(GOT, pika.BasicProperties(headers=headers, priority=0, type="t"), "é".encode()).row()
    assert row == {
        "exchange": "e", "routing_key": "k", "redelivered": True, "payload": "é", "payload_encoding": "string",
        "payload_bytes": 2,
        "properties": {
            "headers": {"text": "é", "bytes": "\\xff", "time": 1767225600, "decimal": 1.5, "list": [1, {"a": None}]},
            "priority": 0,
            "type": "t",
        },
    }  # fmt: skip


def test_a_payload_that_is_no_text() -> None:
    row = Delivery(GOT, pika.BasicProperties(), b"\xff").row()
    assert (row["payload"], row["payload_encoding"], row["payload_bytes"]) == ("/w==", "base64", 1)


def test_names_that_are_not_utf_8() -> None:
    got = pika.spec.Basic.GetOk(1, False, b"e\xff", b"k\xff", 0)
    row = Delivery(got, pika.BasicProperties(headers={b"n\xff": 1}, type=b"t\xff"), b"").row()
    assert (row["exchange"], row["routing_key"]) == (r"e\xff", r"k\xff")
    assert row["properties"] == {"headers": {r"n\xff": 1}, "type": r"t\xff"}
    fields = Delivery(got, pika.BasicProperties(), b"").fields()
    assert (fields["exchange"], fields["routing_key"]) == (r"e\xff", r"k\xff")


def test_the_fields_of_where() -> None:
    fields = Delivery(GOT, pika.BasicProperties(headers={"n": 1}, content_type="x"), b"\xffa").fields()
    assert (fields["headers"], fields["content_type"], fields["payload"]) == ({"n": 1}, "x", "�a")
    assert Delivery(GOT, pika.BasicProperties(), b"").fields()["headers"] == {}
