"""Every path, method and user from one state: who may do what, as RabbitMQ 4.3.6 was recorded."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.api import Api, Request
from rmqctl.broker.management.web import Ports

from ....contract.rights import (
    ADMIN,
    Line,
    Recording,
    Reply,
    User,
    allows_head,
    answer,
    answers,
    build,
    from_text,
    heads,
)
from ..chance import Seeded
from .conftest import GUEST, Clock


class Difference(NamedTuple):
    """Regular expressions of a line and of two answers that differ on purpose."""

    line: str
    there: str
    here: str
    why: str


NOT_HERE = '405|404 {"error":"Object Not Found".*'
DIFFERENCES = (
    Difference(".*", "500", "40[04] .*", "where RabbitMQ crashes the answer is a reason"),
    Difference(".* nodes/<node>/memory/ets.*", ".*", NOT_HERE, "tables of Erlang's virtual machine"),
    Difference(".* queues/quorum/.*replicas/.*", ".*", NOT_HERE, "a quorum queue on the only node has no other member"),
    Difference("GET vhosts/.*/protection", ".*", "405", "RabbitMQ allows this method, and crashes when it is used"),
    Difference("GET queues/.*/none/bindings", "200:1", "200:0", "a queue that does not exist has no bindings"),
    Difference("POST vhosts/rights-none/start/<node>", "400 .*", "400 .*", "Erlang's line breaks"),
)
RECORDED = from_text(
    Path(__file__).parents[3].joinpath("recordings", "4.3.6", "rights.txt").read_text(encoding="utf-8")
)


class InProcess:
    """A new broker, asked without a socket. Implements `rights.Broker`."""

    def __init__(self) -> None:
        self._broker = Broker(Node(Clock(), Seeded()))
        self._broker.seed()
        self._api = Api(self._broker, Ports(amqp=5672, http=15672))
        self._connection: Connection | None = None
        self.names = {"node": self._broker.node.name, "cluster": self._broker.cluster_name}

    def ask(self, method: str, path: str, body: Any, user: User) -> Reply:
        headers = {"content-type": "application/json"}
        if user is not None:
            name, password = GUEST if user == ADMIN else user
            headers["authorization"] = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
        text = b"" if body is None else json.dumps(body).encode()
        response = self._api.respond(Request(method, f"/api/{path}", "", headers, text, "127.0.0.1"))
        return Reply(response.status, response.body)

    def connect(self, opening: bytes) -> None:
        if self._connection is not None:
            self._connection.lost()
        self._connection = Connection(self._broker, ("127.0.0.1", 50000), ("127.0.0.1", 5672), lambda: None)
        self._connection.receive(opening)
        self.names |= {"connection": self._connection.name, "channel": f"{self._connection.name} (1)"}


@pytest.fixture(scope="module")
def here() -> Recording:
    broker = InProcess()
    build(broker)
    return dict(answers(broker, RECORDED))


def differences(here: Recording) -> Iterator[tuple[Line, str, str, str]]:
    """Line, caller, and what it gets there and here."""
    for line, by_caller in RECORDED.items():
        for caller, there in by_caller.items():
            if there != here[line][caller]:
                yield line, caller, there, here[line][caller]


def excuse(line: Line, there: str, here: str) -> Difference | None:
    for each in DIFFERENCES:
        parts = ((each.line, str(line)), (each.there, there), (each.here, here))
        if all(re.fullmatch(pattern, text) for pattern, text in parts):
            return each
    return None


@pytest.mark.parametrize("area", dict.fromkeys(line.area for line in RECORDED))
def test_everybody_may_what_they_may_on_rabbitmq(here: Recording, area: str) -> None:
    found: dict[str, list[str]] = {}
    for line, caller, there, given in differences(here):
        if line.area == area and not excuse(line, there, given):
            found.setdefault(f"{line}: {there} there, {given} here", []).append(caller)
    assert not found, "\n".join(["", *(f"{what}: {', '.join(callers)}" for what, callers in found.items())])


def test_head_is_answered_as_get_is_where_it_is_allowed() -> None:
    broker = InProcess()
    build(broker)
    for line, caller, _ in heads(RECORDED):
        expected = answer(broker, line._replace(method="GET"), caller) if allows_head(line) else "405"
        assert answer(broker, line, caller) == expected, (line, caller)


def test_differences_that_are_no_longer_have_no_excuse(here: Recording) -> None:
    used = {excuse(line, there, given) for line, _, there, given in differences(here)}
    assert [each for each in DIFFERENCES if each not in used] == []
