"""The HTTP API in process: every route, with bodies, names, queries and headers that no client sends.

    python -m tests.fuzz.http --seed 7 --count 200000
    python -m tests.fuzz.http --seed 7 --count 4711 --show         with each request, to see which ones a failure needs

After each request the answer is looked at, and every now and then everything that lists something. `seed` and `count` give
the same requests again.
"""

import argparse
import json
import logging
import random
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from urllib.parse import quote

from pamqp import commands

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.management.api import Api, Request, Response
from rmqctl.broker.management.routes import ROUTES, Route
from rmqctl.broker.management.web import Ports
from tests.unit.broker.client import Client, Clock, new_broker

GUEST = "Basic " + b64encode(b"guest:guest").decode()
CONNECTION = "127.0.0.1:50000 -> 127.0.0.1:5672"
LISTS = (
    *("overview", "definitions", "definitions/%2F", "queues", "queues/detailed", "exchanges", "bindings", "consumers"),
    *("connections", "channels", "vhosts", "users", "permissions", "topic-permissions", "policies", "nodes"),
    *("operator-policies", "parameters", "global-parameters", "vhost-limits", "user-limits", "deprecated-features"),
    *("queues?sort=messages&page=1", "exchanges?sort=arguments", "queues/%2F/q", "queues?columns=arguments,name"),
)
WRITING = [route for route in ROUTES if not {"PUT", "POST"}.isdisjoint(route.handlers)]
LISTS_AFTER = 100
"""Requests between two looks at all the lists."""
NEW_BROKER_AFTER = 1000


class Failure(AssertionError):
    """Something that must not happen, with the request it happened at."""


# ---------------------------------------------------------------------------------------------------------------- inputs


ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 5, 255, 256, 2**31, 2**63, 2**64, 2**70, -(2**70), 10**400, 1.5, -0.0, 1e300),
    *("", " ", "x", "true", "5", "²", "-1", "\0", "\n", "ü", "\U0001f407", "n" * 300, "(a+)+$", "(", "[", "x" * 3000),
    *([], [1], ["x"], [None], [[]], {}, {"x": 1}, {"x": None}, {"": ""}, {"x": {"y": [1, {"z": 2.5}]}}, {"$bytes": 5}),
    *({"$time": 1e30}, {"$decimal": "abc"}, {"x" * 300: 1}),
)
RAW = (
    *(
        b"",
        b" ",
        b"null",
        b"undefined",
        b"[]",
        b"5",
        b'"x"',
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"{}{}",
    ),
    *(b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":"\\ud800"}', b'{"\\udfff":1}', b'{"a":"\xed\xa0\x80"}'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 5000 + b"}", b'{"a":' + b"[" * 90 + b"]" * 90 + b"}"),
)
QUEUE_ARGUMENTS = (
    *("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority", "x-delivery-limit"),
    *("x-dead-letter-exchange", "x-dead-letter-routing-key", "x-overflow", "x-queue-type", "x-single-active-consumer"),
    *("x-queue-mode", "x-queue-version", "x-dead-letter-strategy", "x-queue-leader-locator", "alternate-exchange"),
)
POLICY = {"pattern": "^q", "definition": {"max-length": 5}, "priority": 1, "apply-to": "queues"}
BODIES: dict[str, Any] = {
    "cluster-name": {"name": "c"},
    "queues/{vhost}/{name}": {"durable": True, "auto_delete": False, "arguments": {"x-max-length": 5}, "node": "n"},
    "queues/{vhost}/{name}/get": {"ackmode": "ack_requeue_true", "count": 2, "encoding": "auto", "truncate": 5},
    "queues/{vhost}/{name}/actions": {"action": "sync"},
    "exchanges/{vhost}/{name}": {"type": "topic", "durable": True, "auto_delete": False, "internal": False}
    | {"arguments": {"alternate-exchange": "x"}},
    "exchanges/{vhost}/{name}/publish": {
        "routing_key": "q",
        "payload": "aGk=",
        "payload_encoding": "base64",
        "properties": {"headers": {"h": [1, "x"]}, "priority": 3, "timestamp": 5, "expiration": "60000"}
        | {"delivery_mode": 2, "reply_to": "r", "user_id": "guest", "message_id": "m", "type": "t"},
    },
    "bindings/{vhost}/e/{source}/{kind}/{destination}": {"routing_key": "k.#", "arguments": {"x-match": "any", "a": 1}},
    "vhosts/{name}": {"description": "d", "tags": ["a"], "tracing": False, "default_queue_type": "quorum"},
    "users/{name}": {"password": "p", "tags": "management", "limits": {"max-channels": 5}},
    "users/bulk-delete": {"users": ["nobody"]},
    "permissions/{vhost}/{user}": {"configure": "", "write": ".*", "read": "^q"},
    "topic-permissions/{vhost}/{user}": {"exchange": "amq.topic", "write": ".*", "read": "^q"},
    "policies/{vhost}/{name}": POLICY,
    "operator-policies/{vhost}/{name}": POLICY,
    "parameters/{component}/{vhost}/{name}": {"value": {"max-queues": 500}},
    "global-parameters/{name}": {"value": {"a": [1]}},
    "vhost-limits/{vhost}/{name}": {"value": 500},
    "user-limits/{user}/{name}": {"value": 500},
}
DEFINITIONS: dict[str, dict[str, Any]] = {
    "users": {"name": "u", "tags": ["management"], "password_hash": "", "hashing_algorithm": "x", "limits": {}},
    "vhosts": {
        "name": "v",
        "description": "d",
        "tags": [],
        "metadata": {"tags": ["a"], "default_queue_type": "quorum"},
    },
    "permissions": {"user": "u", "vhost": "/", "configure": ".*", "write": "", "read": ""},
    "topic_permissions": {"user": "guest", "vhost": "/", "exchange": "amq.topic", "write": "", "read": ""},
    "global_parameters": {"name": "g", "value": 5},
    "parameters": {"vhost": "/", "component": "operator_policy", "name": "o", "value": POLICY},
    "policies": {"vhost": "/", "name": "p", **POLICY},
    "exchanges": {"vhost": "/", "name": "x2", "type": "topic", "durable": True, "auto_delete": False, "arguments": {}},
    "queues": {"vhost": "/", "name": "q2", "durable": True, "auto_delete": False, "arguments": {"x-expires": 60000}},
    "bindings": {"vhost": "/", "source": "x", "destination": "q", "destination_type": "queue", "routing_key": "k"}
    | {"arguments": {"a": 1}},
}
NAMES: dict[str, Sequence[str]] = {
    "vhost": ("%2F", "%2F", "%2F", "v", "nope"),
    "user": ("guest", "u", "nope"),
    "node": ("rabbit@localhost",),
    "kind": ("q", "e", "x"),
    "source": ("x", "amq.topic", "amq.headers", "amq.default"),
    "destination": ("q", "x", "q2"),
    "component": ("vhost-limits", "operator_policy", "nope"),
    "properties": ("~", "k", "k.%2523", "~abc"),
    "exchange": ("amq.topic", "x"),
    "port": ("5672", "%C2%B2", "-1"),
    "within": ("1", "%C2%B2"),
    "unit": ("days", "x"),
    "protocol": ("amqp", "http,x"),
    "pattern": ("q", "%28"),
    "password": ("p", "%FF"),
}
NAMES_OF = {
    "queues": ("q", "q2", "mine", "new"),
    "exchanges": ("x", "x2", "amq.topic", "amq.default", "amq.headers"),
    "vhosts": ("v", "%2F", "v2"),
    "users": ("u", "u2", "guest"),
    "nodes": ("rabbit@localhost",),
    "policies": ("p",),
    "operator-policies": ("o",),
    "parameters": ("limits", "o"),
    "global-parameters": ("g", "cluster_name"),
    "vhost-limits": ("max-queues", "max-connections"),
    "user-limits": ("max-channels", "max-connections"),
    "connections": (CONNECTION,),
    "channels": (f"{CONNECTION} (1)",),
}
"""What {name} is, by the first part of the path."""
ANY_NAME = (
    "q",
    "q2",
    "x",
    "v",
    "u",
    "guest",
    "p",
    "o",
    "g",
    "limits",
    "max-queues",
    "amq.topic",
    "rabbit@localhost",
    "/",
)
ODD_NAMES = (
    *(
        "%FF",
        "%00",
        "%0A",
        "%",
        "%zz",
        "%2",
        "%C2%B2",
        "..",
        ".",
        "%2e%2e",
        "a%20b%2Fc",
        "n" * 300,
        "%F0%9F%90%87",
        "+",
    ),
    *("%25FF", "%ED%A0%80", "amq.default", "amq.gen-x", "%7B%7D", "~", "x%0D%0Ay: z"),
)
QUERIES = (
    *("", "", "", "page=1", "page=%C2%B2", "page=-1", "page=99999999999999999999999", "page=1&page_size=x", "page=+1"),
    *("page=1&page_size=500&sort=name&sort_reverse=true", "sort=%FF", "sort=name.x", "sort=arguments.x-max-length"),
    *(
        "columns=%FF,name",
        "columns=,",
        "columns=a.b.c.d",
        "name=%FF&page=1",
        "page=1&name=%28&use_regex=true",
        "%",
        "%zz",
    ),
    *("page=1&name=a%7B99999999999%7D&use_regex=true", "page=1&name=" + "(" * 900 + "&use_regex=true", "a&b=&=c&&&"),
    *(
        "disable_stats=true",
        "disable_stats=true&enable_queue_totals=true",
        "if-unused=true&if-empty=true",
        "memory=true",
    ),
    *(
        "download=%FF",
        "download=a%22b",
        "download=x.json",
        "lengths_age=x&lengths_incr=-1",
        "msg_rates_age=5&msg_rates_incr=1",
    ),
    *("page=1&page=2", "sort=messages&sort_reverse=%FF", "x" * 5000 + "=1"),
)
AUTHORIZATIONS = (
    *(
        "",
        "Basic",
        "Basic ",
        "Basic x",
        "Basic /w==",
        "Basic /zr/",
        "Basic Og==",
        "Bearer x",
        "Bearer",
        "Digest x",
        "\xff",
    ),
    *("Basic \xff", "basic " + "A" * 5000, "Basic Z3Vlc3Q6d3Jvbmc=", GUEST + ", x"),
)
HEADERS = (
    *(("accept", each) for each in ("", "x", "text/html", "application/json;q=x", "\xff", ",", "*")),
    *(
        ("content-type", each)
        for each in ("", "x", "text/plain", "multipart/form-data; boundary=x", "\xff", "a/b" + ";" * 999)
    ),
    *(("host", each) for each in ("", "[", "[::1", "evil.example", "localhost:x", "127.0.0.1:99999999", "\xff", "@")),
    *(("origin", each) for each in ("null", "", "http://[", "http://evil.example", "\xff")),
    *(("sec-fetch-site", each) for each in ("cross-site", "same-origin", "x")),
    ("x-reason", "\xff\0" * 300),
)


class Chance:
    """What the next request is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def request(self) -> Request:
        route = self._random.choice(WRITING if self._random.random() < 0.6 else ROUTES)
        method = self._random.choice(
            [*route.handlers] * 20 + ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]
        )
        headers = {"authorization": GUEST, "content-type": "application/json", "host": "127.0.0.1:15672"}
        if self._seldom(20):
            headers["authorization"] = self._random.choice(AUTHORIZATIONS)
        if self._seldom(10):
            name, value = self._random.choice(HEADERS)
            headers[name] = value
        body = self._body(route) if method in ("PUT", "POST") or self._seldom(10) else b""
        return Request(method, self._path(route), self._random.choice(QUERIES), headers, body, "127.0.0.1")

    def _path(self, route: Route) -> str:
        segments = route.path.split("/")
        parts = [self._name(segments[0], each[1:-1]) if each[0] == "{" else each for each in segments]
        if self._seldom(50):
            parts.insert(self._random.randrange(len(parts) + 1), self._random.choice(("", *ODD_NAMES)))
        return "/" + "/".join(["api", *parts])

    def _name(self, of: str, parameter: str) -> str:
        if self._seldom(10):
            return self._random.choice(ODD_NAMES)
        known = NAMES_OF.get(of, ANY_NAME) if parameter == "name" else NAMES.get(parameter, ANY_NAME)
        return quote(self._random.choice(known if not self._seldom(10) else ANY_NAME), safe="%")

    def _body(self, route: Route) -> bytes | None:
        if self._seldom(12):
            return self._random.choice((*RAW, None))
        if route.path.startswith(("definitions", "all-configuration")):
            kinds = self._random.sample([*DEFINITIONS], self._random.randint(1, 4))
            document: Any = {kind: [self._changed(DEFINITIONS[kind]), DEFINITIONS[kind]] for kind in kinds}
            if self._seldom(10):
                document[kinds[0]] = self._odd()
        else:
            document = self._changed(BODIES.get(route.path, {"a": 1}))
        return json.dumps(document).encode()

    def _changed(self, document: Any) -> Any:
        """With one or two fields that are not what they should be."""
        changed = json.loads(json.dumps(document))
        for _ in range(self._random.choice((0, 1, 1, 1, 2))):
            self._spoil(changed)
        return changed

    def _spoil(self, table: dict[str, Any]) -> None:
        name = self._random.choice([*table, self._random.choice(("name", "x", ""))])
        inner = table.get(name)
        if isinstance(inner, dict) and not self._seldom(3):
            if self._seldom(2):
                inner[self._random.choice((*QUEUE_ARGUMENTS, *POLICY["definition"], "message-ttl", "x"))] = self._odd()
            else:
                self._spoil(inner)
        elif self._seldom(6):
            table.pop(name, None)
        else:
            table[name] = self._odd()

    def _odd(self) -> Any:
        return deepcopy(self._random.choice(ODD))

    def _seldom(self, times: int) -> bool:
        return self._random.randrange(times) == 0


# ----------------------------------------------------------------------------------------------------------------- judge


class World:
    """A broker with something of everything, a client that consumes among it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.broker: Broker = new_broker(self.clock)
        self._api = Api(self.broker, Ports(5672, 15672))
        client = Client(self.broker)
        client.declare("q", durable=True)
        client.call(commands.Exchange.Declare(exchange="x", exchange_type="topic", durable=True))
        client.call(commands.Queue.Bind(queue="q", exchange="x", routing_key="k"))
        client.call(commands.Queue.Declare(queue="mine", exclusive=True))
        client.call(
            commands.Basic.Consume(
                queue="mine", consumer_tag="c", arguments={"a": float("nan"), "b": bytearray(b"\xff")}
            )
        )
        self._client = client

    def ask(self, request: Request) -> Response:
        response = self._api.respond(request)
        if response.status == 500:
            raise Failure("500")
        for name, value in response.headers.items():
            value.encode("latin-1")
            if "\n" in value or "\r" in value:
                raise Failure(f"a line end in header {name}")
        _read(response)
        return response

    def look(self) -> None:
        """Everything that lists something answers, and is JSON. A minute passes."""
        self.clock.now += 60
        self.broker.node.tick()
        for path in ("/", *(f"/api/{each}" for each in LISTS)):
            path, _, query = path.partition("?")
            headers = {"authorization": GUEST, "host": "127.0.0.1"}
            response = self.ask(Request("GET", path, query, headers, b"", "127.0.0.1"))
            if response.status != 200 and not (path.endswith("/q") and response.status == 404):
                raise Failure(f"{path}: {response.status} {response.body[:300]!r}")

    def is_usable(self) -> bool:
        """Whether the requests have left somebody to ask."""
        guest = self.broker.authenticate("guest", "guest")
        return guest is not None and "administrator" in guest.tags and "/" in self.broker.vhosts


def _read(response: Response) -> None:
    text = response.body.decode()
    if text and response.headers.get("content-type") == "application/json":
        json.loads(text, parse_constant=_no_json)


def _no_json(text: str) -> None:
    raise Failure(f"{text} in an answer")


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _listening() -> Iterator[list[logging.LogRecord]]:
    handler, log = _Heard(), logging.getLogger("rmqctl.broker")
    log.addHandler(handler)
    level, passed_on, log.propagate = log.level, log.propagate, False
    # Others in this process may have silenced it.
    log.setLevel(logging.WARNING)
    try:
        yield handler.records
    finally:
        log.removeHandler(handler)
        log.propagate = passed_on
        log.setLevel(level)


def run(seed: int, count: int, said: Callable[[Request, int], None] | None = None) -> Counter[int]:
    """How many answers of which status. Raises Failure."""
    chance, statuses = Chance(seed), Counter[int]()
    world = World()
    with _listening() as errors:
        for number in range(1, count + 1):
            request = chance.request()
            try:
                status = world.ask(request).status
                if number % NEW_BROKER_AFTER == 0 or not world.is_usable():
                    world = World()
                elif number % LISTS_AFTER == 0:
                    world.look()
            except Exception as error:
                raise Failure(f"seed {seed}, request {number}: {_shown(request)}") from error
            if errors:
                raise Failure(f"seed {seed}, request {number}: {_shown(request)}: {errors[0].getMessage()}") from (
                    errors[0].exc_info[1] if errors[0].exc_info else None
                )
            if said is not None:
                said(request, status)
            statuses[status] += 1
        world.look()
    return statuses


def _shown(request: Request) -> str:
    body = request.body if request.body is None else request.body[:500]
    return f"{request.method} {request.path[:300]}?{request.query[:100]} {dict(request.headers)} {body!r}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.http")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    said = (lambda request, status: print(status, _shown(request))) if options.show else None
    statuses = run(options.seed, options.count, said)
    print(f"seed {options.seed}: {options.count} requests, {dict(sorted(statuses.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
