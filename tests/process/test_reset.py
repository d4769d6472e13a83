"""How the socket of a client ends that was waited for in vain."""

import asyncio
import socket
import struct
from time import monotonic

import pytest

from rmqctl.broker.amqp import connection as connection_module
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.process.server import Server
from rmqctl.broker.process.system import SystemEntropy

_PLAIN = b"\x00\x00\x00\x00" + b"\x05PLAIN" + struct.pack(">I", 10) + b"\x00guest\x00bad" + b"\x05en_US"


def _method(index: tuple[int, int], arguments: bytes) -> bytes:
    payload = struct.pack(">HH", *index) + arguments
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"


def test_it_is_reset_so_that_the_client_cannot_go_on_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by RabbitMQ: an end of file alone does not tell a client that only writes."""
    monkeypatch.setattr(connection_module, "_SILENCE", 0.05)

    async def talk() -> bytes:
        broker = Broker(Node(monotonic, SystemEntropy()))
        broker.seed()
        server = Server(broker)
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        await server.listen(listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            writer.write(b"AMQP\x00\x00\x09\x01")
            assert await reader.read(4)
            # A client that cannot be told why it is refused.
            writer.write(_method((10, 11), _PLAIN))
            async with asyncio.timeout(5):
                while await reader.read(65536):
                    pass
            return b"end of file"
        finally:
            writer.close()
            await server.close()

    with pytest.raises(ConnectionResetError):
        asyncio.run(talk())
