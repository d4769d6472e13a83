"""What the broker remembers of what clients have said stays small."""

import tracemalloc

from .client import Client, new_broker

_TIMES, _SIZE = 100, 100_000


def test_large_headers_are_not_remembered() -> None:
    client = Client(new_broker())
    client.publish(b"", "nowhere", headers={"number": 0})
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(_TIMES):
            client.publish(b"", "nowhere", headers={"number": number, "text": "x" * _SIZE})
        assert tracemalloc.get_traced_memory()[0] - before < _TIMES * _SIZE / 10
    finally:
        tracemalloc.stop()
