"""The file of --definitions is read as strictly as what comes over HTTP."""

import asyncio
import signal
from pathlib import Path

import pytest

from rmqctl.broker.process.run import Options, serve
from rmqctl.errors import ConfigError


def start(path: Path) -> None:
    async def until_it_listens() -> None:
        stopped = asyncio.get_running_loop().create_future()
        options = Options(amqp_port=0, http_port=0, definitions=path)
        await serve(options, lambda _: stopped.set_result(signal.SIGTERM), stopped)

    asyncio.run(until_it_listens())


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"null", b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xff", b'{"a":' + b"[" * 100_000),
        *(b'{"users":5}', b'{"queues":[{"vhost":"/","name":5}]}', b'{"vhosts":[{"name":{}}]}'),
    ],
)
def test_what_is_no_definitions_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "definitions.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="not definitions"):
        start(path)


def test_a_file_with_a_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "definitions.json"
    path.write_bytes(
        b'\xef\xbb\xbf{"queues":[{"vhost":"/","name":"q","durable":true,"auto_delete":false,"arguments":{}}]}'
    )
    start(path)
