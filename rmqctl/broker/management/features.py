"""`/api/feature-flags` and `/api/deprecated-features`: those of the release whose answers are given here."""

import json
from pathlib import Path
from typing import Any

from rmqctl.broker.management.web import Call, bad_request

_FEATURES = json.loads(Path(__file__).with_name("features.json").read_text(encoding="utf-8"))
_FLAGS: list[dict[str, Any]] = _FEATURES["feature_flags"]
_DEPRECATED: list[dict[str, Any]] = _FEATURES["deprecated_features"]
_TRANSIENT = "transient_nonexcl_queues"


def flags(_: Call) -> Any:
    return _FLAGS


def enable(call: Call) -> None:
    """All of them are enabled."""
    if call["name"] not in {flag["name"] for flag in _FLAGS}:
        raise bad_request("unsupported")


def deprecated(_: Call) -> Any:
    return _DEPRECATED


def deprecated_in_use(call: Call) -> Any:
    """Transient queues that are not exclusive are the one that can be in use."""
    queues = (queue for vhost in call.broker.vhosts.values() for queue in vhost.queues.values())
    if not any(not queue.durable and not queue.exclusive for queue in queues):
        return []
    found = next(each for each in _DEPRECATED if each["name"] == _TRANSIENT)
    return [{name: value for name, value in found.items() if name != "state"}]
