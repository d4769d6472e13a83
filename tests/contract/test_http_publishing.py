"""What POST /api/exchanges/VHOST/NAME/publish answers, and what is on the queues afterwards; and .../get refused.

Where RabbitMQ trips or wraps a number around, the embedded broker may refuse the request instead.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from .conftest import Place
from .test_alarms import wait_until_alarm_is

VHOST = "http publishing"
SECONDS_FOR_COUNTERS = 30
REJECTED = "rejected Unable to publish message. Check queue limits."
ALL = {"configure": ".*", "write": ".*", "read": ".*"}
NONE = {"configure": "", "write": "", "read": ""}
USERS = {
    "plain": "management",
    "impersonator": "management,impersonator",
    "nothing": "management",
    "topic": "management",
}
Message = tuple[str, str, dict[str, Any]]


class Answer(NamedTuple):
    """The status and the JSON of an answer; None where the body is empty."""

    status: int
    json: Any


ROUTED, UNROUTED, TRIPPED = Answer(200, {"routed": True}), Answer(200, {"routed": False}), Answer(500, None)


def refused(reason: Any, status: int = 400, error: str = "bad_request") -> Answer:
    return Answer(status, {"error": error, "reason": reason})


def not_found(reason: str) -> Answer:
    return refused(reason, 404, "not_found")


@dataclass(frozen=True)
class World:
    """A virtual host of these tests, with its users."""

    place: Place
    client: httpx.Client
    amqp: pika.BlockingConnection

    @property
    def old(self) -> bool:
        """Whether this is RabbitMQ 3.10."""
        return self.place.node is not None and not self.place.node.modern

    @property
    def embedded(self) -> bool:
        return self.place.node is None

    def user(self, name: str) -> str:
        return f"http-publishing-{name}"

    def api(
        self, method: str, *path: str, body: Any = None, user: str | None = None, raw: bytes | None = None
    ) -> Answer:
        """One request, as guest or as a user of these tests; the segments of the path are encoded here."""
        url = "/".join(["/api", *(quote(each, safe="") for each in path)])
        content: dict[str, Any] = {}
        if method in ("PUT", "POST"):
            content = {"json": {} if body is None else body} if raw is None else {"content": raw}
        auth = httpx.USE_CLIENT_DEFAULT if user is None else httpx.BasicAuth(self.user(user), "x")
        answer = self.client.request(method, url, auth=auth, **content)
        return Answer(answer.status_code, answer.json() if answer.content else None)

    def make(self, *path: str, body: Any = None, method: str = "PUT") -> None:
        answer = self.api(method, *path, body=body)
        assert answer.status in (201, 204), f"{path}: {answer}"

    def queue(self, name: str, **arguments: Any) -> str:
        """A queue that is new: one of the same name is deleted."""
        self.api("DELETE", "queues", VHOST, name)
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.make("queues", VHOST, name, body={"durable": True, "arguments": named})
        return name

    def exchange(self, name: str, kind: str = "fanout", to: tuple[str, ...] = (), **fields: Any) -> str:
        """A new exchange that is bound to queues; an exchange to bind is called "exchange NAME"."""
        self.api("DELETE", "exchanges", VHOST, name)
        self.make("exchanges", VHOST, name, body={"type": kind, "durable": True, **fields})
        for each in to:
            where, what = ("e", each.removeprefix("exchange ")) if each.startswith("exchange ") else ("q", each)
            self.make("bindings", VHOST, "e", name, where, what, body={"routing_key": "#"}, method="POST")
        return name

    def publish(
        self, exchange: str = "amq.default", user: str | None = None, vhost: str = VHOST, **fields: Any
    ) -> Answer:
        body = {"routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": {}, **fields}
        return self.api("POST", "exchanges", vhost, exchange, "publish", body=body, user=user)

    @contextlib.contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """A channel for one use: RabbitMQ's channels remember of which type a queue of that name was."""
        channel = self.amqp.channel()
        yield channel
        if channel.is_open:
            channel.close()

    def taken(self, queue: str = "q") -> list[Message]:
        """All messages of a queue: body, routing key and properties. A quorum queue is given a moment."""
        found: list[Message] = []
        with self.channel() as channel:
            for _ in range(2):
                while True:
                    method, properties, body = channel.basic_get(queue, auto_ack=True)
                    if method is None:
                        break
                    assert properties is not None
                    assert body is not None
                    values = {key: value for key, value in vars(properties).items() if value is not None}
                    found.append((body.decode(), method.routing_key, values))
                time.sleep(0.05)
        return found

    def bodies(self, queue: str = "q") -> list[str]:
        return [body for body, _, _ in self.taken(queue)]


@pytest.fixture(scope="module")
def world(place: Place) -> Iterator[World]:
    where = urlsplit(place.amqp)
    # 3.10 may hang up between two requests, so each has a connection of its own.
    alone = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=place.http, timeout=30, trust_env=False, limits=alone) as client:
        parameters = pika.ConnectionParameters("127.0.0.1", where.port, VHOST, heartbeat=0)
        made = World(place, client, None)
        try:
            made.api("DELETE", "vhosts", VHOST)
            made.make("vhosts", VHOST)
            made.make("permissions", VHOST, "guest", body=ALL)
            for name, tags in USERS.items():
                made.make("users", made.user(name), body={"password": "x", "tags": tags})
                made.make("permissions", VHOST, made.user(name), body=NONE if name == "nothing" else ALL)
            limits = {"exchange": "amq.topic", "write": "^good", "read": ".*"}
            made.make("topic-permissions", VHOST, made.user("topic"), body=limits)
            made.queue("q")
            with pika.BlockingConnection(parameters) as amqp:
                yield World(place, client, amqp)
        finally:
            made.api("DELETE", "vhosts", VHOST)
            for name in USERS:
                made.api("DELETE", "users", made.user(name))


@pytest.fixture(autouse=True)
def _empty(world: World) -> Iterator[None]:
    """Nothing that one test leaves on the queue is found by the next."""
    yield
    world.api("DELETE", "queues", VHOST, "q", "contents")


# Queues that refuse


@dataclass(frozen=True)
class Full:
    """A queue with a limit: how many of five messages it takes, and which are left and dead in the end."""

    arguments: dict[str, Any]
    taken: int
    left: str
    dead: str = ""
    old: "Full | None" = field(default=None)


QUORUM = {"x_queue_type": "quorum"}
ONE, BYTES = {"x_max_length": 1}, {"x_max_length_bytes": 3}
REFUSE, REFUSE_DLX = {"x_overflow": "reject-publish"}, {"x_overflow": "reject-publish-dlx"}
FULL = {
    "classic, x-max-length": Full({**ONE, **REFUSE}, 1, "0"),
    "classic, x-max-length 0": Full({"x_max_length": 0, **REFUSE}, 0, ""),
    "classic, x-max-length-bytes": Full({**BYTES, **REFUSE}, 1, "0"),
    "classic, x-max-length, dead-lettered": Full({**ONE, **REFUSE_DLX}, 1, "0", "1234"),
    "classic, x-max-length-bytes, dead-lettered": Full({**BYTES, **REFUSE_DLX}, 1, "0", "1234"),
    "classic, drop-head": Full(ONE, 5, "4", "0123"),
    "classic, x-max-length-bytes, drop-head": Full(BYTES, 5, "4", "0123"),
    # A quorum queue takes one more than it should, as it notices only then.
    "quorum, x-max-length": Full({**ONE, **REFUSE, **QUORUM}, 2, "01"),
    "quorum, x-max-length-bytes": Full({**BYTES, **REFUSE, **QUORUM}, 1, "0", old=Full({}, 2, "01")),
    "quorum, drop-head": Full({**ONE, **QUORUM}, 5, "4", "0123"),
}


@pytest.mark.parametrize("title", FULL)
def test_a_full_queue(world: World, title: str) -> None:
    """A message that the queue refuses is a bad request, though it was routed."""
    case = FULL[title]
    expected = case.old if world.old and case.old else case
    dead = world.queue("dead")
    queue = world.queue(f"full: {title}", x_dead_letter_exchange="", x_dead_letter_routing_key=dead, **case.arguments)
    answers = []
    for number in range(5):
        answers.append(world.publish(routing_key=queue, payload=f"{number}b"))
        time.sleep(0.1)  # for a quorum queue to notice
    assert answers == [ROUTED] * expected.taken + [refused(REJECTED)] * (5 - expected.taken)
    assert world.bodies(queue) == [f"{number}b" for number in expected.left]
    assert world.bodies(dead) == [f"{number}b" for number in expected.dead]
    world.api("DELETE", "queues", VHOST, queue)


def test_one_of_two_queues_refuses(world: World) -> None:
    """The other one has the message all the same."""
    full = world.queue("full", x_max_length=0, x_overflow="reject-publish")
    fan = world.exchange("fan", to=("q", full))
    assert world.publish(fan) == refused(REJECTED)
    assert (world.bodies("q"), world.bodies(full)) == (["m"], [])
    behind = world.exchange("behind", to=("exchange fan",))
    assert world.publish(behind) == refused(REJECTED)
    assert world.bodies("q") == ["m"]


def test_a_body_too_large(world: World) -> None:
    """It is the size of the request that counts: no message reaches the limit of messages."""

    def request(size: int) -> bytes:
        before = b'{"routing_key":"nowhere","payload_encoding":"string","properties":{},"payload":"'
        return before + b"a" * (size - len(before) - 2) + b'"}'

    def publish(size: int) -> Answer:
        return world.api("POST", "exchanges", VHOST, "amq.default", "publish", raw=request(size))

    # 3.10 refuses whatever does not come in the first piece, of about 8 MB.
    assert publish(7_900_000 if world.old else 10_000_000) == UNROUTED
    assert publish(10_000_001) == refused("Exceeded HTTP request body size limit")


# Direct reply-to


def test_reply_to_without_a_consumer(world: World) -> None:
    reason = "406 PRECONDITION_FAILED - fast reply consumer does not exist"
    assert world.publish(properties={"reply_to": "amq.rabbitmq.reply-to"}) == refused(reason)
    assert world.taken() == []


@pytest.mark.parametrize("key", ["amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.", "amq.rabbitmq.reply-to.garbage"])
def test_a_reply_to_nobody(world: World, key: str) -> None:
    assert world.publish(routing_key=key) == UNROUTED


def test_a_reply(world: World) -> None:
    """It arrives. 3.10 says that it was not routed; 4.3 says that it was, even when nobody is there any more."""
    got: list[bytes] = []
    with world.channel() as channel:
        channel.basic_consume("amq.rabbitmq.reply-to", lambda c, m, p, body: got.append(body), auto_ack=True)
        channel.basic_publish("", "q", b"request", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
        key = eventually(lambda: [each["reply_to"] for _, _, each in world.taken()])[0]
        expected = UNROUTED if world.old else ROUTED
        assert world.publish(routing_key=key, payload="reply") == expected
        assert world.publish("amq.direct", routing_key=key) == UNROUTED
        eventually(lambda: world.amqp.process_data_events(0.1) or got)
    assert got == [b"reply"]
    assert world.publish(routing_key=key) == expected


def eventually(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What is found when anything is; the last attempt when it takes too long."""
    deadline = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


# Properties


class Stored(NamedTuple):
    """The properties that the message has on the queue."""

    properties: dict[str, Any]


@dataclass(frozen=True)
class Given:
    """Properties of a request, and what comes of them. An accident is what RabbitMQ does not mean to do."""

    properties: Any
    then: Stored | Answer
    old: Stored | Answer | None = None
    accident: bool = False


def kept(**properties: Any) -> Given:
    return Given(properties, Stored(properties))


def no_int(name: str, value: Any) -> Given:
    return Given({name: value}, refused(["not_int", name]))


def no_string(name: str, value: Any) -> Given:
    return Given({name: value}, refused(["not_string", name]))


def expiration(value: str, why: str) -> Given:
    return Given({"expiration": value}, refused(f"406 PRECONDITION_FAILED - invalid expiration '{value}': {why}"))


def mode(value: int, stored: int, accident: bool = False) -> Given:
    old = refused(f"406 PRECONDITION_FAILED - invalid message: {{delivery_mode_unknown,{value}}}")
    return Given({"delivery_mode": value}, Stored({"delivery_mode": stored}), old, accident)


def headers(**values: Any) -> Given:
    return kept(headers=values)


def wrong_copies(name: str, value: Any, kind: str) -> Given:
    reason = f'406 PRECONDITION_FAILED - invalid message: {{unacceptable_type_in_header,"{name}",{kind}}}'
    return Given({"headers": {name: value}}, refused(reason))


def wraps(properties: dict[str, Any], stored: dict[str, Any]) -> Given:
    """A number that is too large for its field."""
    return Given(properties, Stored(stored), accident=True)


TEXTS = ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "type", "user_id", "app_id")
NULL = refused("null_not_allowed")
PROPERTIES = (
    expiration("abc", "no_integer"),
    expiration("", "no_integer"),
    expiration(" 1", "no_integer"),
    expiration("-1", "{value_negative,-1}"),
    expiration("1.5", '{leftover_string,".5"}'),
    expiration("1e3", '{leftover_string,"e3"}'),
    expiration("315360000001", "{value_too_large,315360000001}"),
    kept(expiration="60000"),
    *(no_string("expiration", value) for value in (60000, 0, None, True)),
    *(kept(priority=value) for value in (0, 9, 255)),
    *(no_int("priority", value) for value in ("5", 1.5, None, True)),
    wraps({"priority": 256}, {"priority": 0}),
    *(kept(delivery_mode=value) for value in (1, 2)),
    *(mode(value, value) for value in (0, 3, 255)),
    *(mode(value, value % 256, accident=True) for value in (256, -1)),
    *(no_int("delivery_mode", value) for value in ("2", None, True)),
    *(kept(timestamp=value) for value in (0, 1, 2**63 - 1, 2**63, 2**64 - 1)),
    wraps({"timestamp": 2**64}, {"timestamp": 0}),
    wraps({"timestamp": -1}, {"timestamp": 2**64 - 1}),
    *(no_int("timestamp", value) for value in ("5", 1.5, None)),
    *(no_string(name, 5) for name in (*TEXTS, "cluster_id")),
    *(no_string("content_type", value) for value in (None, {})),
    kept(content_type="é", cluster_id="c", type="t", message_id="i", app_id="a", correlation_id="", reply_to="r"),
    Given({"nonsense": 1, "Priority": 1, "message_type": "t"}, Stored({})),
    headers(),
    headers(text="é", number=5, yes=True, empty=[], table={}, large=2**31),
    headers(deep={"list": [1, {"text": "x"}, [True]]}),
    headers(**{"": "x", "é": "ü", "k" * 129: "v"}),
    Given({"headers": {"a": 1.5}}, Stored({"headers": {"a": 1}}), accident=True),
    wraps({"headers": {"a": 2**63}}, {"headers": {"a": -(2**63)}}),
    wraps({"headers": {"a": 2**64}}, {"headers": {"a": 0}}),
    wraps({"headers": {"a": -(2**63) - 1}}, {"headers": {"a": 2**63 - 1}}),
    Given({"headers": {"a": None}}, NULL),
    Given({"headers": {"a": {"b": [1, None]}}}, NULL),
    Given({"headers": {"CC": None}}, NULL),
    Given({"headers": []}, Stored({"headers": {}})),
    *(Given({"headers": value}, TRIPPED, accident=True) for value in (None, "x", 5)),
    *(Given(value, TRIPPED, accident=True) for value in (None, [], "x", 5)),
    headers(**{"x-death": "mine"}),
    headers(**{"x-death": [{"queue": "q", "count": 5}]}),
    headers(CC=[]),
    headers(CC=[5]),
    headers(CC=["nowhere"]),
    wrong_copies("CC", "q", "longstr"),
    wrong_copies("BCC", "q", "longstr"),
    wrong_copies("BCC", 5, "long"),
)


@pytest.mark.parametrize("given", PROPERTIES, ids=lambda given: str(given.properties)[:60])
def test_properties(world: World, given: Given) -> None:
    then = given.old if world.old and given.old else given.then
    answer = world.publish(properties=given.properties)
    if world.embedded and given.accident and answer.status == 400:
        assert world.taken() == []
    elif isinstance(then, Stored):
        assert answer == ROUTED
        assert world.taken() == [("m", "q", then.properties)]
    else:
        assert answer == then
        assert world.taken() == []


def test_an_expiration_of_0(world: World) -> None:
    """Nobody waits for the message, so it is gone."""
    assert world.publish(properties={"expiration": "0"}) == ROUTED
    assert world.taken() == []


def test_a_text_too_long(world: World) -> None:
    """3.10 takes it, and fails when it is to be delivered."""
    if world.old:
        pytest.skip("3.10 puts a message on the queue that nobody can take off")
    reason = "506 failed to deliver message: content_properties_shortstr_overflow"
    for properties in ({"content_type": "x" * 256}, {"headers": {"k" * 256: "v"}}):
        assert world.publish(properties=properties) == refused(reason)
        assert world.taken() == []


@pytest.mark.parametrize("name", ["CC", "BCC"])
def test_copies(world: World, name: str) -> None:
    """BCC is taken off, which leaves a table that is empty."""
    copy = world.queue("copy")
    given = {"headers": {name: [copy]}}
    stored = given if name == "CC" else {"headers": {}}
    assert world.publish(properties=given) == ROUTED
    assert (world.taken(), world.taken(copy)) == ([("m", "q", stored)], [("m", "q", stored)])
    assert world.publish(routing_key="nowhere", properties=given) == ROUTED
    assert world.taken(copy) == [("m", "nowhere", stored)]


def test_a_priority_above_the_largest(world: World) -> None:
    """It is kept as it is, and counts as the largest."""
    queue = world.queue("priorities", x_max_priority=3)
    for priority in (1, 9, 3):
        assert world.publish(routing_key=queue, properties={"priority": priority}) == ROUTED
    assert [each["priority"] for _, _, each in world.taken(queue)] == [9, 3, 1]


@pytest.mark.parametrize(
    ("user", "name", "allowed"),
    [
        (None, "guest", True),
        (None, "http-publishing-plain", False),
        ("plain", "http-publishing-plain", True),
        ("plain", "guest", False),
        ("impersonator", "guest", True),
        ("impersonator", "nobody of that name", True),
    ],
)
def test_a_user_id(world: World, user: str | None, name: str, allowed: bool) -> None:
    """Only who is tagged an impersonator may name another, an administrator may not."""
    asked = world.user(user) if user else "guest"
    reason = f"406 PRECONDITION_FAILED - user_id property set to '{name}' but authenticated user was '{asked}'"
    answer = world.publish(user=user, properties={"user_id": name})
    assert answer == (ROUTED if allowed else refused(reason))
    assert world.taken() == ([("m", "q", {"user_id": name})] if allowed else [])


# The request


WHOLE: dict[str, Any] = {"routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": {}}
NO_STRING = refused("payload_not_string")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        *(
            ({"payload_encoding": word}, refused(["unsupported_encoding", word]))
            for word in ("utf8", "BASE64", "", None, 5)
        ),
        *(
            ({"payload_encoding": "base64", "payload": text}, refused(["not_base64", text]))
            for text in ("!!!", "YQ", "YQ-_")
        ),
        *(({"payload_encoding": "base64", "payload": text}, "a") for text in ("YQ==", " YQ== ", "YQ==\n")),
        ({"payload_encoding": "base64", "payload": ""}, ""),
        *(({"payload": value}, NO_STRING) for value in (5, None, True, ["a"], {"a": 1})),
        *(({"payload": text}, text) for text in ("", "é", "\0")),
        ({"extra": 1, "mandatory": True, "name": "amq.fanout", "delivery_mode": 2}, "m"),
    ],
    ids=str,
)
def test_the_payload(world: World, fields: dict[str, Any], expected: Answer | str) -> None:
    answer = world.publish(**fields)
    if isinstance(expected, str):
        assert (answer, world.taken()) == (ROUTED, [(expected, "q", {})])
    else:
        assert (answer, world.taken()) == (expected, [])


MISSING_ALL = (
    "[{key_missing,routing_key},\n {key_missing,properties},\n {key_missing,payload},\n {key_missing,payload_encoding}]"
)


@pytest.mark.parametrize("key", WHOLE)
def test_a_missing_key(world: World, key: str) -> None:
    body = {name: value for name, value in WHOLE.items() if name != key}
    answer = world.api("POST", "exchanges", VHOST, "amq.default", "publish", body=body)
    assert (answer, world.taken()) == (refused(f"[{{key_missing,{key}}}]"), [])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{}", MISSING_ALL),
        (b"", MISSING_ALL),
        (b"{nope", "not_json"),
        (b"[]", "not_json"),
        (b'"x"', "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"),
    ],
)
def test_a_body_that_is_no_request(world: World, raw: bytes, reason: str) -> None:
    assert world.api("POST", "exchanges", VHOST, "amq.default", "publish", raw=raw) == refused(reason)


@pytest.mark.parametrize("key", ["", "k" * 255])
def test_a_key_that_leads_nowhere(world: World, key: str) -> None:
    assert world.publish(routing_key=key) == UNROUTED


@pytest.mark.parametrize("key", ["k" * 256, "é" * 128, 5, None, ["q"]], ids=lambda key: str(key)[:5])
def test_a_key_that_is_none(world: World, key: Any) -> None:
    """RabbitMQ does not look at the length, nor 3.10 at the type."""
    answer = world.publish(routing_key=key)
    accepted = isinstance(key, str) or world.old
    assert answer == (UNROUTED if accepted else TRIPPED) or (world.embedded and answer.status == 400)


# Exchanges


def test_alternate_exchanges(world: World) -> None:
    def alternate(name: str, to: str) -> str:
        return world.exchange(name, arguments={"alternate-exchange": to})

    world.exchange("alternate", to=("q",))
    assert world.publish(world.exchange("empty")) == UNROUTED
    assert world.publish(alternate("with alternate", "alternate")) == ROUTED
    assert world.taken() == [("m", "q", {})]
    assert world.publish(alternate("its own", "its own")) == UNROUTED
    alternate("there", "back")
    assert world.publish(alternate("back", "there")) == UNROUTED
    assert world.publish(alternate("astray", "no such exchange")) == UNROUTED


def test_an_internal_exchange(world: World) -> None:
    """It takes what comes by way of another exchange."""
    inner = world.exchange("inner", to=("q",), internal=True)
    reason = f"403 ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '{VHOST}'"
    assert world.publish(inner) == refused(reason)
    assert world.publish(world.exchange("outer", to=("exchange inner",))) == ROUTED
    assert world.bodies() == ["m"]


def test_a_headers_exchange(world: World) -> None:
    world.exchange("headers", "headers")
    arguments = {"x-match": "all", "a": 5}
    world.make("bindings", VHOST, "e", "headers", "q", "q", body={"arguments": arguments}, method="POST")
    assert world.publish("headers", properties={"headers": {"a": 5}}) == ROUTED
    assert world.publish("headers", properties={"headers": {"a": "5"}}) == UNROUTED
    assert world.bodies() == ["m"]


def test_a_missing_exchange(world: World) -> None:
    old = refused(f"404 NOT_FOUND - no exchange 'nothing' in vhost '{VHOST}'")
    assert world.publish("nothing") == (old if world.old else not_found("exchange_not_found"))
    denied = f"403 ACCESS_REFUSED - access to exchange 'nothing' in vhost '{VHOST}' refused for user"
    old = refused(f"{denied} '{world.user('nothing')}'")
    assert world.publish("nothing", user="nothing") == (old if world.old else not_found("exchange_not_found"))


def test_a_missing_virtual_host(world: World) -> None:
    old = refused("Access refused.", 401, "not_authorised")
    assert world.publish(vhost="no such vhost") == (old if world.old else not_found("vhost_not_found"))


def test_a_virtual_host_without_permissions(world: World) -> None:
    old = refused("User not authorised to access virtual host", 401, "not_authorised")
    assert world.publish(user="plain", vhost="/") == (old if world.old else not_found("Not Found"))


def test_an_exchange_without_permission(world: World) -> None:
    access = "access" if world.old else "write access"
    for name in ("amq.default", "amq.fanout"):
        reason = f"403 ACCESS_REFUSED - {access} to exchange '{name}' in vhost '{VHOST}' refused for user"
        assert world.publish(name, user="nothing") == refused(f"{reason} '{world.user('nothing')}'")
    assert world.taken() == []


def test_topic_permissions(world: World) -> None:
    """They hold for the exchange that they name, and for the key."""
    access = "access" if world.old else "write access"
    topic = world.exchange("topic", "topic", to=("q",))
    world.make("bindings", VHOST, "e", "amq.topic", "q", "q", body={"routing_key": "#"}, method="POST")
    reason = f"403 ACCESS_REFUSED - {access} to topic 'bad' in exchange 'amq.topic' in vhost '{VHOST}' refused for user"
    answer = world.publish("amq.topic", user="topic", routing_key="bad")
    assert (answer, world.taken()) == (refused(f"{reason} '{world.user('topic')}'"), [])
    assert world.publish("amq.topic", user="topic", routing_key="good") == ROUTED
    assert world.publish(topic, user="topic", routing_key="bad") == ROUTED
    assert [key for _, key, _ in world.taken()] == ["good", "bad"]


# Consumers


@pytest.mark.parametrize("ttl", [None, 0])
def test_a_consumer_waits(world: World, ttl: int | None) -> None:
    queue = world.queue("consumed", **({} if ttl is None else {"x_message_ttl": ttl}))
    got: list[bytes] = []
    with world.channel() as channel:
        channel.basic_consume(queue, lambda c, m, p, body: got.append(body), auto_ack=True)
        assert world.publish(routing_key=queue) == ROUTED
        eventually(lambda: world.amqp.process_data_events(0.1) or got)
    assert got == [b"m"]


def test_a_consumer_is_full(world: World) -> None:
    queue = world.queue("consumed", x_message_ttl=0)
    got: list[bytes] = []
    with world.channel() as channel:
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(queue, lambda c, m, p, body: got.append(body))
        assert [world.publish(routing_key=queue), world.publish(routing_key=queue)] == [ROUTED, ROUTED]
        eventually(lambda: world.amqp.process_data_events(0.1) or got)
        world.amqp.process_data_events(0.3)
    assert got == [b"m"]


def test_an_exclusive_queue_of_another(world: World) -> None:
    with world.channel() as channel:
        channel.queue_declare("exclusive", exclusive=True)
        assert world.publish(routing_key="exclusive") == ROUTED
        assert world.taken("exclusive") == [("m", "exclusive", {})]
        channel.queue_delete("exclusive")


# What is counted


def totals(world: World) -> dict[str, int]:
    counted = world.api("GET", "overview").json.get("message_stats", {})
    return {name: counted.get(name, 0) for name in ("publish", "confirm", "return_unroutable")}


def counters(world: World, what: str, name: str) -> dict[str, int]:
    stats = world.api("GET", what, VHOST, name).json.get("message_stats", {})
    return {key: stats[key] for key in ("publish", "publish_in", "publish_out") if key in stats}


def test_counters(world: World) -> None:
    """What a queue refuses counts as published, but is not confirmed; what is unroutable is both, and returned."""
    one, two = world.queue("counted 1"), world.queue("counted 2")
    full = world.queue("counted full", x_max_length=0, x_overflow="reject-publish")
    fan, nowhere = world.exchange("counted", to=(one, two)), world.exchange("counted nowhere")
    before: list[dict[str, int]] = [{}]

    def settled() -> bool:
        """Whether the counters of all that was done before are in."""
        before.append(totals(world))
        time.sleep(0 if world.embedded else 6)
        return before[-1] == before[-2]

    assert eventually(settled, 60)
    published = [world.publish(fan), world.publish(routing_key=one), world.publish(routing_key=full)]
    published += [world.publish(nowhere), world.publish(routing_key="nowhere")]
    assert published == [ROUTED, ROUTED, refused(REJECTED), UNROUTED, UNROUTED]
    expected: dict[str, dict[str, int]] = {
        one: {"publish": 2},
        two: {"publish": 1},
        full: {"publish": 1},
        fan: {"publish_in": 1, "publish_out": 2},
        nowhere: {"publish_in": 1},
        "all": {"publish": 5, "confirm": 4, "return_unroutable": 2},
    }

    def counted() -> dict[str, dict[str, int]]:
        found = {each: counters(world, "queues", each) for each in (one, two, full)}
        found.update({each: counters(world, "exchanges", each) for each in (fan, nowhere)})
        return found | {"all": {name: number - before[-1][name] for name, number in totals(world).items()}}

    eventually(lambda: counted() == expected, SECONDS_FOR_COUNTERS)
    assert counted() == expected
    assert [len(world.taken(each)) for each in (one, two, full)] == [2, 1, 0]


# Alarms


def test_a_memory_alarm(world: World) -> None:
    """It does not hold up what is published over HTTP."""
    node = world.place.node
    if node is None:
        pytest.skip("the embedded broker has no limit of memory")
    try:
        assert node.ctl("set_vm_memory_high_watermark", "0.000001").exit == 0
        wait_until_alarm_is(node, True)
        answers = world.publish(), world.publish(routing_key="nowhere")
    finally:
        assert node.ctl("set_vm_memory_high_watermark", "0.6").exit == 0
        wait_until_alarm_is(node, False)
    assert (answers, world.bodies()) == ((ROUTED, UNROUTED), ["m"])


# Taking messages


def get(world: World, queue: str = "q", *, user: str | None = None, vhost: str = VHOST, **fields: Any) -> Answer:
    body = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto", **fields}
    body = {name: value for name, value in body.items() if value is not None}
    return world.api("POST", "queues", vhost, queue, "get", body=body, user=user)


def test_get_without_permission(world: World) -> None:
    """Other than a publish, it is not authorised, and no bad request."""
    assert world.publish() == ROUTED
    access = "access" if world.old else "read access"
    reason = f"ACCESS_REFUSED - {access} to queue '{{}}' in vhost '{VHOST}' refused for user '{world.user('nothing')}'"
    assert get(world, user="nothing") == refused(reason.format("q"), 401, "not_authorised")
    old = refused(reason.format("no such queue"), 401, "not_authorised")
    expected = old if world.old else not_found("queue_not_found")
    assert get(world, "no such queue", user="nothing") == expected
    assert world.bodies() == ["m"]


def test_get_of_what_is_missing(world: World) -> None:
    old = not_found(f"NOT_FOUND - no queue 'no such queue' in vhost '{VHOST}'")
    assert get(world, "no such queue") == (old if world.old else not_found("queue_not_found"))
    old = refused("Access refused.", 401, "not_authorised")
    assert get(world, vhost="no such vhost") == (old if world.old else not_found("vhost_not_found"))


def test_get_of_an_exclusive_queue(world: World) -> None:
    reason = (
        f"405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'exclusive' in vhost '{VHOST}'. It could be "
        "originally declared on another connection or the exclusive property value does not match that of the original "
        "declaration."
    )
    with world.channel() as channel:
        channel.queue_declare("exclusive", exclusive=True)
        assert get(world, "exclusive") == refused(reason)
        channel.queue_delete("exclusive")


@pytest.mark.parametrize("key", ["count", "ackmode", "encoding"])
def test_get_without_a_key(world: World, key: str) -> None:
    assert get(world, **{key: None}) == refused(f"[{{key_missing,{key}}}]")


def test_get_with_a_wrong_word(world: World) -> None:
    modes = "ack_requeue_true, ack_requeue_false, reject_requeue_true, reject_requeue_false"
    expected = refused(f"Invalid ackmode value: x. Valid values are: {modes}")
    assert get(world, ackmode="x") == (TRIPPED if world.old else expected)
    assert get(world, encoding="x") == refused("Unsupported encoding. Please use auto or base64.")


def test_get(world: World) -> None:
    """Put back, a message is redelivered; a count may be text, or below 0, which is as good as 1."""
    message = {
        "payload_bytes": 1,
        "redelivered": False,
        "exchange": "",
        "routing_key": "q",
        "message_count": 0,
        "properties": [],
        "payload": "m",
        "payload_encoding": "string",
    }
    again = {**message, "redelivered": True}
    assert world.publish() == ROUTED
    assert get(world, count=0) == Answer(200, [])
    assert get(world) == Answer(200, [message])
    assert get(world, count="2") == Answer(200, [again])
    assert get(world, truncate=0) == Answer(200, [{**again, "payload": ""}])
    assert get(world, truncate="1") == Answer(200, [again])
    assert get(world, ackmode="reject_requeue_false") == Answer(200, [again])
    assert get(world) == Answer(200, [])
