"""Empty objects, which brokers send as empty lists: they are objects wherever an answer promises one."""

from typing import Any

import pytest

from rmqctl.api.fields import typed


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/overview", [], {}),
        ("/api/queues/%2F", [[], {"name": "q"}], [{}, {"name": "q"}]),
        ("/api/queues/%2F/q", {"arguments": []}, {"arguments": {}}),
        ("/api/queues/%2F/q", {"message_stats": []}, {"message_stats": {}}),
        ("/api/channels", [{"name": "c", "connection_details": []}], [{"name": "c", "connection_details": {}}]),
        ("/api/queues/%2F/q", {"consumer_details": [{"arguments": []}]}, {"consumer_details": [{"arguments": {}}]}),
        ("/api/vhost-limits/v", [{"vhost": "v", "value": []}], [{"vhost": "v", "value": {}}]),
        ("/api/user-limits/u", [{"user": "u", "value": 5}], [{"user": "u"}]),
        ("/api/queues/%2F/q", {"members": []}, {"members": []}),
        ("/api/parameters/c/v/n", {"value": []}, {"value": []}),
    ],
)
def test_an_empty_list_for_an_object(path: str, body: Any, expected: Any) -> None:
    query = {"columns": "arguments"} if path == "/api/queues/%2F" else {}
    assert typed(path, body, "http://localhost:15672", query) == expected
