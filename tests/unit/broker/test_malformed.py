"""Methods that are cut short, that go on after their end, and that are no text: what RabbitMQ 4.3.6 says of them."""

from typing import Any

import pytest
from pamqp import base, commands

from .client import GREETING, Client, encoded, new_broker, publish

Basic, Channel, Confirm, Connection = commands.Basic, commands.Channel, commands.Confirm, commands.Connection
Exchange, Queue, Tx = commands.Exchange, commands.Queue, commands.Tx
_NO_METHOD = (0, 0)
METHODS = (
    Basic.Cancel("tag"),
    Basic.Consume(0, "q"),
    Basic.Get(0, "q"),
    Basic.Nack(1),
    Basic.Qos(),
    Channel.Close(200, "", 0, 0),
    Channel.Flow(True),
    Confirm.Select(),
    Exchange.Bind(0, "a", "b"),
    Exchange.Declare(0, "e"),
    Exchange.Delete(0, "e"),
    Queue.Bind(0, "q", "amq.topic"),
    Queue.Declare(0, "q"),
    Queue.Delete(0, "q"),
    Queue.Purge(0, "q"),
    Queue.Unbind(0, "q", "amq.topic"),
)
HANDSHAKE = (
    Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US"),
    Connection.TuneOk(9, 131072, 0),
    Connection.Open("/"),
)


def _spoilt(frame: bytes, more: bytes = b"", less: int = 0) -> bytes:
    """A method frame with bytes after the method's end, or without its last ones."""
    payload = frame[7 : len(frame) - 1 - less] + more
    return frame[:3] + len(payload).to_bytes(4, "big") + payload + frame[-1:]


def _closed(client: Client) -> tuple[Any, str, tuple[Any, Any]] | None:
    for _, each in client.frames():
        if isinstance(each, Connection.Close):
            return each.reply_code, each.reply_text, (each.class_id, each.method_id)
    return None


def _index(method: base.Frame) -> tuple[int, int]:
    return divmod(method.index, 1 << 16)


@pytest.mark.parametrize("method", [*METHODS, Tx.Select(), Tx.Commit(), Channel.CloseOk()], ids=lambda each: each.name)
def test_a_method_goes_on_after_its_end(method: base.Frame) -> None:
    client = Client(new_broker())
    client.connection.receive(_spoilt(encoded(method), b"z"))
    code, text, blamed = _closed(client) or (0, "", _NO_METHOD)
    assert code == 501
    assert text.startswith("FRAME_ERROR - cannot decode <<")
    assert text.endswith(("122>>", "..."))
    assert blamed == _index(method)


@pytest.mark.parametrize("method", METHODS, ids=lambda each: each.name)
def test_a_method_is_cut_short(method: base.Frame) -> None:
    client = Client(new_broker())
    client.connection.receive(_spoilt(encoded(method), less=1))
    code, text, blamed = _closed(client) or (0, "", _NO_METHOD)
    assert code == 501
    assert text.startswith("FRAME_ERROR - cannot decode <<")
    assert blamed == _index(method)


def test_a_publish_goes_on_after_its_end() -> None:
    client = Client(new_broker())
    method = encoded(Basic.Publish(0, "", "nowhere"))
    content = publish(b"x", "nowhere").removeprefix(method)
    client.connection.receive(_spoilt(method, b"zz") + content)
    expected = "FRAME_ERROR - cannot decode <<0,0,0,7,110,111,119,104,101,114,101,0,122,122>>"
    assert _closed(client) == (501, expected, (60, 40))


@pytest.mark.parametrize(
    ("more", "less", "expected"),
    [
        (b"z", 0, "FRAME_ERROR - cannot decode <<1,48,122>>"),
        (b"", 1, "FRAME_ERROR - cannot decode <<1>>"),
    ],
)
def test_a_channel_is_opened_with_something_else(more: bytes, less: int, expected: str) -> None:
    client = Client(new_broker())
    client.connection.receive(_spoilt(encoded(Channel.Open(), 2), more, less))
    assert _closed(client) == (501, expected, (20, 10))


@pytest.mark.parametrize(
    "method", [Connection.Close(200, "", 0, 0), Connection.CloseOk(), Connection.Open("/")], ids=lambda each: each.name
)
def test_a_connection_method_goes_on_after_its_end(method: base.Frame) -> None:
    client = Client(new_broker())
    client.connection.receive(_spoilt(encoded(method, 0), b"z"))
    assert _closed(client) == (541, "INTERNAL_ERROR", _NO_METHOD)


def test_a_connection_method_is_cut_short() -> None:
    client = Client(new_broker())
    client.connection.receive(_spoilt(encoded(Connection.Close(200, "", 0, 0), 0), less=1))
    assert _closed(client) == (541, "INTERNAL_ERROR", _NO_METHOD)


def test_a_connection_method_is_no_text() -> None:
    client = Client(new_broker())
    said = encoded(Connection.Close(200, "x", 0, 0), 0).replace(b"\x01x", b"\x01\xff")
    client.connection.receive(said)
    assert _closed(client) == (501, "FRAME_ERROR - Malformed UTF-8 in shortstr", (10, 50))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(("more", "less"), [(b"z", 0), (b"", 1)], ids=["too long", "too short"])
def test_a_handshake_is_malformed(place: int, more: bytes, less: int) -> None:
    """The broker hangs up without a word."""
    client = Client(new_broker(), heartbeat=None)
    said = [encoded(each, 0) for each in HANDSHAKE]
    client.connection.receive(GREETING + b"".join(said[:place]))
    client.frames()
    client.connection.receive(_spoilt(said[place], more, less))
    assert client.frames() == []
    assert client.connection.finished
