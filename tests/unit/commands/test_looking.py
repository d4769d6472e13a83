"""What a look at a queue's messages costs, by release, kind and limit: no look takes a message's last return."""

import io
import json
import random
from collections import deque
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from rmqctl.commands.messages.get import get
from rmqctl.errors import Unavailable
from rmqctl.session import Session

from ..conftest import Broker, run_with

QUEUE, GET = "GET /api/queues/%2F/q", "POST /api/queues/%2F/q/get"
POLICIES, OPERATORS = "GET /api/policies/%2F", "GET /api/operator-policies/%2F"


def message(**headers: object) -> dict[str, Any]:
    return {
        "exchange": "", "routing_key": "q", "redelivered": False, "payload": "x", "payload_bytes": 1,
        "payload_encoding": "string", "properties": {"headers": headers} if headers else [],
    }  # fmt: skip


def policy(limit: int, pattern: str = "^q", apply_to: str = "queues") -> dict[str, object]:
    definition = {"delivery-limit": limit}
    return {
        "name": "p", "vhost": "/", "pattern": pattern, "apply-to": apply_to, "priority": 0, "definition": definition,
    }  # fmt: skip


def broker_of(
    release: str, queue: dict[str, object], policies: list[object] | None = None, operators: list[object] | None = None
) -> Broker:
    return Broker(
        {
            QUEUE: queue,
            "GET /api/overview": {"rabbitmq_version": release},
            POLICIES: policies or [],
            OPERATORS: operators or [],
            GET: [message()],
        }
    )


QUORUM: dict[str, object] = {"type": "quorum", "arguments": {"x-queue-type": "quorum"}}
MODERN: dict[str, object] = {**QUORUM, "effective_policy_definition": []}


def limited(limit: int) -> dict[str, object]:
    return {"type": "quorum", "arguments": {"x-queue-type": "quorum", "x-delivery-limit": limit}}


@pytest.mark.parametrize(
    ("release", "queue", "policies", "limit"),
    [
        ("3.10.8", {"type": "classic", "arguments": {}}, [policy(3)], None),
        ("3.10.8", QUORUM, [], None),
        ("3.10.8", QUORUM, [policy(3, pattern="^other"), policy(3, apply_to="exchanges")], None),
        ("3.10.8", limited(3), [], 3),
        ("3.10.8", limited(-1), [], -1),
        ("3.13.7", QUORUM, [policy(7)], 7),
        ("3.13.7", limited(9), [policy(7)], 7),
        ("3.13.7", QUORUM, [policy(7, pattern="(?<!a)b++")], None),
        ("3.13.7", QUORUM, [policy(7, pattern=r"\Qq\E")], 7),
        ("4.0.9", MODERN, [], 20),
        ("4.1.2", {**limited(-1), "effective_policy_definition": []}, [], None),
        ("4.2.0", {**MODERN, "effective_policy_definition": {"delivery-limit": 5}}, [], 5),
        ("4.2.0", {**MODERN, "delivery_limit": 6}, [], 6),
        ("4.3.6", {**MODERN, "delivery_limit": 3}, [], None),
        ("5.0.0", {**MODERN, "delivery_limit": 3}, [], None),
    ],
)
def test_a_look_that_counts_is_refused_with_the_limit(
    release: str, queue: dict[str, object], policies: list[object], limit: int | None
) -> None:
    for kind in ("policies", "operators"):
        broker = broker_of(release, queue, **{kind: policies})
        for command in ("get", "peek"):
            ran = run_with(command, "q", broker=broker)
            if limit is None:
                assert (ran.exit, ran.err) == (0, ""), ran
            else:
                assert ran.exit == 69, ran
                assert f"a delivery limit of {limit}, and RabbitMQ {release} counts a look" in ran.err
                assert "--force looks all the same, get --ack removes what it gets" in ran.err
                assert not any(request.method == "POST" for request in broker.requests)
        assert run_with("get", "q", "--ack", broker=broker).exit == 0
        assert run_with("peek", "q", "--force", broker=broker).exit == 0


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "came back up to 1 of 3 times"),
        ({"x-delivery-count": 2}, "came back up to 3 of 3 times"),
        ({"x-delivery-count": 1, "x-acquired-count": 2}, "came back up to 3 of 3 times"),
        ({"x-delivery-count": 3}, "1 of these messages had reached the delivery limit of 3"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--payload-only",), ("-f", "jsonl"), ("--dump", "DIR")])
def test_a_forced_look_says_what_it_cost(
    headers: dict[str, object], said: str, more: tuple[str, ...], tmp_path: Any
) -> None:
    broker = broker_of("4.1.0", {**MODERN, "delivery_limit": 3})
    broker.answers[GET] = [message(**headers), message()]
    words = [str(tmp_path) if word == "DIR" else word for word in more]
    ran = run_with("get", "q", "--count", "2", "--force", *words, broker=broker)
    assert (ran.exit, said in ran.err) == (0, True), ran


def test_a_reject_counts_on_each_release() -> None:
    broker = broker_of("4.3.6", {**MODERN, "delivery_limit": 20})
    ran = run_with("get", "queue=q", "ackmode=reject_requeue_true", broker=broker)
    assert (ran.exit, "a delivery limit of 20" in ran.err) == (69, True), ran


def test_a_queue_that_delays_what_comes_back() -> None:
    for row in ({"arguments": {"x-delayed-retry-type": "all"}},
                {"effective_policy_definition": {"delayed-retry-type": "returned"}}):  # fmt: skip
        ran = run_with("peek", "q", broker=broker_of("4.3.6", {**MODERN, **row}))
        assert (ran.exit, "ready again after that" in ran.err) == (0, True), ran
    ran = run_with("peek", "q", broker=broker_of("4.3.6", {**MODERN, "arguments": {"x-delayed-retry-type": "failed"}}))
    assert (ran.exit, ran.err) == (0, "")


class Counting(Broker):
    """A quorum queue that counts as its release does: a message that came back once more than its limit is lost."""

    def __init__(self, release: str, limit: int | None, messages: int) -> None:
        super().__init__({})
        self.release, self.limit = release, limit
        self.ready = deque([number, 0] for number in range(messages))
        self.lost: list[int] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        if path.endswith("/get"):
            return httpx.Response(200, json=self._get(**json.loads(request.content)))
        if path == "/api/overview":
            return httpx.Response(200, json={"rabbitmq_version": self.release})
        if "policies" in path:
            return httpx.Response(200, json=[])
        arguments = {} if self.limit is None else {"x-delivery-limit": self.limit}
        told = {} if self.release < "4" else {"effective_policy_definition": {}}
        return httpx.Response(200, json={"type": "quorum", "arguments": arguments, **told})

    def _get(self, count: int, ackmode: str, encoding: str) -> list[object]:
        got = [self.ready.popleft() for _ in range(min(count, len(self.ready)))]
        answer = [message(**({"x-delivery-count": back} if back else {})) for _, back in got]
        if "requeue_true" in ackmode:
            counts = self.release < "4.3" or ackmode.startswith("reject")
            limit = 20 if self.limit is None and self.release >= "4" else self.limit
            back = [[number, returns + counts] for number, returns in got]
            self.lost += [number for number, returns in back if limit is not None and returns > limit]
            self.ready.extendleft(reversed([each for each in back if limit is None or each[1] <= limit]))
        return answer


def test_no_sequence_of_looks_loses_a_message() -> None:
    """And without that care it would: of the same looks with --force, some do."""
    chance = random.Random(7)
    lost_by_force = 0
    for number in range(1000):
        release = chance.choice(("3.10.8", "3.13.7", "4.0.1", "4.2.5", "4.3.6"))
        limit = chance.choice((None, 0, 1, 2, 3))
        words = [
            chance.choice((["q"], ["queue=q", "ackmode=reject_requeue_true"])) for _ in range(chance.randint(1, 5))
        ]
        looks = [(each, chance.randint(1, 4)) for each in words]
        broker = Counting(release, limit, 3)
        session = session_of(broker)
        for queue, count in looks:
            with suppress(Unavailable):
                get(session, queue, count)
        assert (broker.lost, [number for number, _ in broker.ready]) == ([], [0, 1, 2]), (release, limit, looks)
        if number % 20 == 0:
            careless = Counting(release, limit, 3)
            session = session_of(careless)
            for queue, count in looks:
                get(session, queue, count, force=True)
            lost_by_force += len(careless.lost)
    assert lost_by_force > 0


def session_of(broker: Broker) -> Session:
    return Session(io.StringIO(), io.StringIO(), io.StringIO(), {}, broker.transport)
