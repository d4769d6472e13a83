"""GET /metrics/detailed of the plugin rabbitmq_prometheus, which listens on a port of its own.

It tells of each channel what it does with each queue, also where the management plugin collects no statistics.
"""

import re
from collections.abc import Iterable
from math import isfinite
from typing import NamedTuple
from urllib.parse import quote

from rmqctl.api.client import Client
from rmqctl.errors import RmqctlError, Unavailable

PORTS = {"http": 15692, "https": 15691}
"""https://www.rabbitmq.com/docs/prometheus"""
_LINE = re.compile(r"rabbitmq_detailed_(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class Metric(NamedTuple):
    """One line. `name` without what all names begin with."""

    name: str
    labels: dict[str, str]
    value: float


def detailed(client: Client, families: Iterable[str], vhost: str | None) -> list[Metric]:
    """The metrics of the node that answers. Raises Unavailable where there are none to be had."""
    words = [f"family={family}" for family in families]
    if vhost is not None:
        words.append(f"vhost={quote(vhost, safe='')}")
    beside = client.on_port(PORTS[client.endpoint.scheme])
    try:
        text = beside.get_text(f"/metrics/detailed?{'&'.join(words)}")
    except RmqctlError as error:
        raise Unavailable(f"no metrics of rabbitmq_prometheus either: {error}") from error
    finally:
        beside.close()
    return list(parsed(text))


def parsed(text: str) -> Iterable[Metric]:
    """What is a number of RabbitMQ's in the format of https://prometheus.io/docs/instrumenting/exposition_formats/."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        if isfinite(value):
            yield Metric(found[1], {name: _plain(label) for name, label in _LABEL.findall(found[2])}, value)


def _plain(label: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], label)
