"""A client that asks for much and reads nothing: what waits for it has an end."""

from pamqp import commands

from .client import Client, encoded, gathered, new_broker

_SIZE = 130_000
# Of that size, until 16 MiB wait.
_TAKEN = 129
_GET = encoded(commands.Basic.Get(queue="q"))


def _asks(client: Client) -> int:
    """How often it can ask for the same message until the broker no longer reads what it says."""
    asked = 0
    while client.connection.reads and asked < 1000:
        asked += 1
        client.connection.receive(_GET + encoded(commands.Basic.Nack(0, True, True)))
        client.connection.take()
    return asked


def test_a_client_that_reads_nothing_is_not_read_either() -> None:
    client = Client(new_broker())
    client.declare("q")
    client.publish(bytes(_SIZE), "q")
    client.connection.stop_output()
    assert _asks(client) == _TAKEN
    assert _asks(client) == 0
    client.connection.resume_output()
    assert client.connection.reads
    client.connection.stop_output()
    assert _asks(client) == _TAKEN


def test_a_client_that_reads_may_ask_for_as_much_as_it_likes() -> None:
    client = Client(new_broker())
    client.declare("q")
    client.publish(bytes(_SIZE), "q")
    assert _asks(client) == 1000


def test_direct_replies_to_a_client_that_reads_nothing_are_lost() -> None:
    """They have no queue to wait in."""
    broker = new_broker()
    asking, answering = Client(broker), Client(broker)
    asking.call(commands.Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
    answering.declare("q")
    asking.publish(b"?", "q", reply_to="amq.rabbitmq.reply-to")
    question = answering.get("q")
    assert question is not None
    asking.connection.stop_output()
    for _ in range(2 * _TAKEN):
        answering.publish(bytes(_SIZE), question.properties.reply_to)
    waiting = sum(map(len, asking.connection.take()))
    assert _SIZE * (_TAKEN - 1) < waiting < _SIZE * (_TAKEN + 2)
    asking.connection.resume_output()
    answering.publish(b"!", question.properties.reply_to)
    assert [each.body for each in gathered([each for _, each in asking.frames()])] == [b"!"]
