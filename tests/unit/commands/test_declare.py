"""`declare KIND NAME`: what is sent, when nothing is, and what is said about what differs."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from rmqctl import units
from rmqctl.broker.memory import parse_limit
from rmqctl.errors import UsageError
from rmqctl.resources import declarations

from ..conftest import NOT_FOUND, Broker, Ran, run_with

ODD = "a/b c%2F é"
ODD_PATH = "a%2Fb%20c%252F%20%C3%A9"
URL = "http://localhost:15672"
CREATED = httpx.Response(201)
KNOWN = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)


def refusal(reason: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": "bad_request", "reason": reason})


def declare(answers: dict[str, Any], *words: str, **how: Any) -> tuple[Ran, list[tuple[str, Any]]]:
    """The run, and the requests with their bodies."""
    broker = Broker(answers)
    ran = run_with("-p", ODD, "declare", *words, broker=broker, **how)
    sent = [
        (f"{request.method} {request.url.raw_path.decode()}", json.loads(request.content) if request.content else None)
        for request in broker.requests
    ]
    return ran, sent


# Units and words


@pytest.mark.parametrize(
    ("parse", "word", "value"),
    [
        (units.duration, "60s", 60_000),
        (units.duration, "1h", 3_600_000),
        (units.duration, "1.5m", 90_000),
        (units.duration, "250", 250),
        (units.duration, "7d", 604_800_000),
        (units.count, "10k", 10_000),
        (units.count, "2M", 2_000_000),
        (units.size, "1GiB", 1 << 30),
        (units.size, "1GB", 10**9),
        (units.size, "64k", 65_536),
        (units.size, "0", 0),
    ],
)
def test_numbers_with_units(parse: Any, word: str, value: int) -> None:
    assert parse(word) == value


@pytest.mark.parametrize(
    ("parse", "word"),
    [
        (units.duration, "60x"),
        (units.duration, "-1s"),
        (units.duration, "1.0001s"),
        (units.duration, ""),
        (units.count, "1KiB"),
        (units.size, "big"),
    ],
)
def test_no_such_number(parse: Any, word: str) -> None:
    with pytest.raises(UsageError):
        parse(word)


def test_arguments_have_the_likeliest_type() -> None:
    words = ["a=b", "n=5", "yes=true", "old:=5.0", "list:=[1]", "text:=\"5\"", "zip=007", "e==", "none:=null"]  # fmt: skip
    assert declarations.arguments(words) == {
        "a": "b", "n": 5, "yes": True, "old": 5.0, "list": [1], "text": "5", "zip": "007", "e": "=", "none": None,
    }  # fmt: skip


# Queues and exchanges

QUEUE = f"PUT /api/queues/{ODD_PATH}/{ODD_PATH}"
ROW = f"GET /api/queues/{ODD_PATH}/{ODD_PATH}"


def test_typed_options_become_arguments() -> None:
    ran, sent = declare(
        {QUEUE: CREATED}, "queue", ODD, "--type", "quorum", "--ttl", "60s", "--expires", "1h", "--max-length", "10k",
        "--max-length-bytes", "1GiB", "--overflow", "reject-publish", "--dlx", "", "--dlk", "k", "--max-priority", "5",
        "--single-active-consumer", "--delivery-limit", "5", "--auto-delete", "--transient", "--arg", "x-a=b",
        "--arg", "x-b:=[1]", "--arguments", '{"x-c": 1.5}',
    )  # fmt: skip
    assert ran == Ran(0, "", "")
    assert sent == [
        (QUEUE, {"durable": False, "auto_delete": True, "arguments": {
            "x-queue-type": "quorum", "x-message-ttl": 60_000, "x-expires": 3_600_000, "x-max-length": 10_000,
            "x-max-length-bytes": 1 << 30, "x-overflow": "reject-publish", "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "k", "x-max-priority": 5, "x-single-active-consumer": True, "x-delivery-limit": 5,
            "x-a": "b", "x-b": [1], "x-c": 1.5,
        }}),
    ]  # fmt: skip


def test_words_of_rabbitmqadmin() -> None:
    words = (f"name={ODD}", "durable=false", "auto_delete=true", 'arguments={"x-max-length": 5}', "queue_type=classic")
    _, sent = declare({QUEUE: CREATED}, "queue", *words)
    table = {"x-max-length": 5, "x-queue-type": "classic"}
    assert sent == [(QUEUE, {"durable": False, "auto_delete": True, "arguments": table})]


def test_a_name_with_an_equals_sign_is_a_name() -> None:
    _, sent = declare({f"PUT /api/queues/{ODD_PATH}/a%3Db": CREATED}, "queue", "a=b")
    assert sent[0][1] == {"durable": True, "auto_delete": False, "arguments": {}}


def test_a_stream() -> None:
    words = ("--max-age", "1h", "--max-length-bytes", "1GB", "--segment-size", "100MB")
    _, sent = declare({QUEUE: CREATED}, "stream", ODD, *words)
    assert sent[0][1]["arguments"] == {
        "x-queue-type": "stream", "x-max-age": "1h", "x-max-length-bytes": 10**9,
        "x-stream-max-segment-size-bytes": 10**8,
    }  # fmt: skip


def there(**differing: Any) -> dict[str, Any]:
    arguments = {"x-queue-type": "classic", "x-max-length": 5}
    return {"name": ODD, "type": "classic", "durable": True, "auto_delete": False, "arguments": arguments} | differing


def test_an_equal_queue_is_success() -> None:
    ran, _ = declare({QUEUE: KNOWN, ROW: there()}, "queue", ODD, "--max-length", "5", terminal=True)
    assert (ran.exit, ran.out) == (0, "")
    assert ran.err == f"queue {ODD!r} in virtual host {ODD!r}: already as wanted\n"


@pytest.mark.parametrize("answer", [KNOWN, refusal("inequivalent arg"), httpx.Response(500)])
def test_an_unequal_queue_says_what_differs_whatever_the_broker_compares(answer: httpx.Response) -> None:
    row = there(durable=False, arguments={"x-queue-type": "classic", "x-max-length": 5, "x-b": "c"})
    ran, _ = declare({QUEUE: answer, ROW: row}, "queue", ODD, "--max-length", "6", "--type", "quorum")
    assert (ran.exit, ran.out) == (65, "")
    assert ran.err == (
        f"rmqctl: queue {ODD!r} in virtual host {ODD!r} exists and differs: durable: there false, wanted true; x-max-length:"
        f" there 5, wanted 6; x-queue-type: there classic, wanted quorum; x-b: there c, wanted nothing ({URL})\n"
    )


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({QUEUE: refusal("invalid arg 'x-a' for queue"), ROW: MISSING}, 65, "invalid arg 'x-a' for queue"),
        ({QUEUE: MISSING}, 65, f"virtual host {ODD!r} does not exist"),
        ({QUEUE: refusal("Access refused.", 401)}, 77, "Access refused."),
        (
            {QUEUE: refusal("queues of type stream are not implemented by this broker"), ROW: MISSING},
            69,
            "not implemented",
        ),
    ],
)
def test_refused(answers: dict[str, Any], code: int, said: str) -> None:
    ran, _ = declare(answers, "queue", ODD)
    assert (ran.exit, ran.out) == (code, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("queue", "q", "--ttl", "soon"), "--ttl: 'soon' is not a duration"),
        (("queue", "q", "r"), "'r' is one word too many"),
        (("queue", "durable=true"), "name is missing"),
        (("queue", "q", "durable=maybe"), "'maybe' is neither true nor false"),
        (("queue", "q", "--arg", "x"), "--arg x: KEY=VALUE"),
        (("queue", "q", "--arguments", "[]"), "is no JSON object"),
        (("queue", "q", "--max-length", "5", "--arg", "x-max-length=6"), "given twice"),
        (("binding", "x"), "destination is missing"),
        (("binding", "x", "q", "--destination-type", "stream"), "destination_type is queue or exchange"),
        (("policy", "p", "--pattern", "x"), "definition is missing"),
        (("policy", "p", "--pattern", "x", "--definition", "{"), "is not JSON"),
        (("shovel", "s"), "--source-queue or --source-exchange"),
        (("user", "u"), "no password"),
        ((), "declare what?"),
    ],
)
def test_wrong_words_send_nothing(words: tuple[str, ...], said: str) -> None:
    ran, sent = declare({}, *words)
    assert (ran.exit, sent) == (64, [])
    assert said in ran.err


def test_an_exchange() -> None:
    put, get = f"PUT /api/exchanges/{ODD_PATH}/x", f"GET /api/exchanges/{ODD_PATH}/x"
    words = ("exchange", "x", "--type", "topic", "--internal", "--alternate-exchange", "y")
    wanted = {
        "type": "topic", "durable": True, "auto_delete": False, "internal": True, "arguments": {"alternate-exchange": "y"},
    }  # fmt: skip
    ran, sent = declare({put: CREATED}, *words)
    assert (ran.exit, sent) == (0, [(put, wanted)])
    ran, _ = declare({put: refusal("inequivalent arg"), get: wanted | {"type": "fanout"}}, *words)
    assert ran.exit == 65
    assert "differs: type: there fanout, wanted topic" in ran.err


# Bindings

BINDINGS = f"/api/bindings/{ODD_PATH}/e/x/q/{ODD_PATH}"


def test_a_binding_is_made_once() -> None:
    words = ("binding", "x", ODD, "--routing-key", "k", "--arg", "n=1")
    body = {"routing_key": "k", "arguments": {"n": 1}}
    ran, sent = declare({f"GET {BINDINGS}": [], f"POST {BINDINGS}": CREATED}, *words)
    assert (ran.exit, sent) == (0, [(f"GET {BINDINGS}", None), (f"POST {BINDINGS}", body)])
    ran, sent = declare({f"GET {BINDINGS}": [{"routing_key": "k", "arguments": {"n": 1}}]}, *words)
    assert (ran.exit, [request for request, _ in sent]) == (0, [f"GET {BINDINGS}"])


def test_a_binding_says_what_is_missing() -> None:
    answers = {
        f"GET {BINDINGS}": MISSING,
        f"POST {BINDINGS}": refusal("not found", 404),
        f"GET /api/exchanges/{ODD_PATH}/x": {"name": "x"},
        f"GET /api/queues/{ODD_PATH}/{ODD_PATH}": MISSING,
    }
    ran, _ = declare(answers, "binding", "source=x", f"destination={ODD}")
    assert ran.exit == 65
    assert f": queue {ODD!r} does not exist" in ran.err


# What PUT would replace

POLICY = f"/api/policies/{ODD_PATH}/p"
POLICY_WORDS = ("policy", "p", "--pattern", "^a", "--definition", '{"max-length": 5}', "--priority", "3")
POLICY_BODY = {"pattern": "^a", "definition": {"max-length": 5}, "priority": 3, "apply-to": "all"}


def test_a_policy_that_is_there_and_equal_is_left() -> None:
    row = {**POLICY_BODY, "name": "p", "vhost": ODD}
    ran, sent = declare({f"GET {POLICY}": row}, *POLICY_WORDS)
    assert (ran, [request for request, _ in sent]) == (Ran(0, "", ""), [f"GET {POLICY}"])


def test_a_policy_that_differs_is_replaced_and_old_and_new_are_told() -> None:
    row = {**POLICY_BODY, "definition": {"max-length": 4}, "priority": 0}
    ran, sent = declare({f"GET {POLICY}": row, f"PUT {POLICY}": KNOWN}, *POLICY_WORDS, terminal=True)
    assert (ran.exit, sent[1]) == (0, (f"PUT {POLICY}", POLICY_BODY))
    told = f"policy 'p' in virtual host {ODD!r}: changed: priority: 0 -> 3; max-length: 4 -> 5"
    assert " ".join(ran.err.split()) == " ".join(told.split())


def test_an_old_release_is_named_for_what_it_lacks() -> None:
    overview = {"GET /api/overview": {"rabbitmq_version": "3.10.8"}}
    ran, _ = declare(overview, *POLICY_WORDS, "--apply-to", "quorum_queues")
    assert ran.exit == 69
    assert "needs RabbitMQ 3.12 or later" in ran.err
    ran, _ = declare(overview, "vhost", "v", "--default-queue-type", "quorum")
    assert ran.exit == 69
    assert "a default queue type: needs RabbitMQ 3.11 or later; " in ran.err


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("operator_policy", "p", "--pattern", ".", "--definition", "{}"), f"operator-policies/{ODD_PATH}/p",
         {"pattern": ".", "definition": {}, "priority": 0, "apply-to": "queues"}),
        (("parameter", "n", "--component", "c", "--value", "[1]"), f"parameters/c/{ODD_PATH}/n",
         {"value": [1], "component": "c", "vhost": ODD, "name": "n"}),
        (("global_parameter", "n", "--value", "1"), "global-parameters/n", {"value": 1, "name": "n"}),
        (("permissions", "u", "--configure", "a", "--write", "b", "--read", ""), f"permissions/{ODD_PATH}/u",
         {"configure": "a", "write": "b", "read": ""}),
        (("shovel", "s", "--source-queue", "q", "--destination-queue", "r", "--source-delete-after", "10"),
         f"parameters/shovel/{ODD_PATH}/s",
         {"component": "shovel", "vhost": ODD, "name": "s", "value": {
             "src-protocol": "amqp091", "src-uri": "amqp://", "src-queue": "q", "src-delete-after": 10,
             "dest-protocol": "amqp091", "dest-uri": "amqp://", "dest-queue": "r"}}),
        (("federation_upstream", "f", "--uri", "amqp://h", "--expires", "1h", "--trust-user-id"),
         f"parameters/federation-upstream/{ODD_PATH}/f",
         {"component": "federation-upstream", "vhost": ODD, "name": "f",
          "value": {"uri": "amqp://h", "expires": 3_600_000, "trust-user-id": True}}),
        (("vhost", "v", "--description", "d", "--tags", "a,b", "--tracing"), "vhosts/v",
         {"description": "d", "tags": "a,b", "tracing": True}),
        (("user", "u", "--new-password", "s", "--tags", "a,b", "-q"), "users/u", {"password": "s", "tags": "a,b"}),
        (("user", "u", "--password-hash", "h"), "users/u", {"password_hash": "h", "tags": ""}),
        (("user", "name=u", "password=s", "tags=monitoring"), "users/u", {"password": "s", "tags": "monitoring"}),
    ],
)  # fmt: skip
def test_what_is_sent_for_something_new(words: tuple[str, ...], path: str, body: dict[str, Any]) -> None:
    ran, sent = declare({f"GET /api/{path}": MISSING, f"PUT /api/{path}": CREATED}, *words)
    assert (ran, sent) == (Ran(0, "", ""), [(f"GET /api/{path}", None), (f"PUT /api/{path}", body)])


def test_passwords_in_addresses_are_not_told() -> None:
    where = f"/api/parameters/federation-upstream/{ODD_PATH}/f"
    answers = {f"GET {where}": {"value": {"uri": "amqp://u:secret1@h"}}, f"PUT {where}": KNOWN}
    ran, _ = declare(answers, "federation_upstream", "f", "--uri", "amqp://u:secret2@h", terminal=True)
    assert "uri: amqp://u:****@h -> amqp://u:****@h" in " ".join(ran.err.split())
    assert "secret" not in ran.err


# Users, limits, topic permissions


def test_a_user_with_the_same_password_and_tags_is_left(tmp_path: Path) -> None:
    import hashlib
    from base64 import b64encode

    stored = b64encode(b"salt" + hashlib.sha256(b"salt" + b"pw").digest()).decode()
    row = {
        "name": "u",
        "password_hash": stored,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["b", "a"],
    }
    file = tmp_path / "password"
    file.write_text("pw\n")
    ran, sent = declare({"GET /api/users/u": row}, "user", "u", "--new-password-file", str(file), "--tags", "a,b")
    assert (ran.exit, len(sent)) == (0, 1)
    ran, sent = declare({"GET /api/users/u": row}, "user", "u", "--new-password-stdin", "--tags", "c", stdin="other\n")
    assert (ran.exit, len(sent)) == (65, 1)
    assert 'differs: password: there another one; tags: there ["a", "b"], wanted ["c"]' in ran.err
    assert "other" not in ran.err.replace("another", "")


def test_limits() -> None:
    get, put = f"/api/vhost-limits/{ODD_PATH}", f"/api/vhost-limits/{ODD_PATH}/max-queues"
    answers = {f"GET {get}": [{"vhost": ODD, "value": {"max-queues": 5}}], f"PUT {put}": KNOWN}
    assert len(declare(answers, "vhost_limit", "max-queues", "--value", "5")[1]) == 1
    _, sent = declare(answers, "vhost_limit", "max-queues", "--value", "6")
    assert sent[1] == (f"PUT {put}", {"value": 6})
    answers = {"GET /api/user-limits/u": MISSING, "PUT /api/user-limits/u/max-channels": MISSING}
    ran, _ = declare(answers, "user_limit", "max-channels", "--username", "u", "--value", "6")
    assert (ran.exit, "user 'u' does not exist" in ran.err) == (67, True)


def test_topic_permissions_are_those_of_one_exchange() -> None:
    where = f"/api/topic-permissions/{ODD_PATH}/u"
    words = ("topic_permissions", "u", "--exchange", "x", "--write", "a", "--read", "b")
    body = {"exchange": "x", "write": "a", "read": "b"}
    assert len(declare({f"GET {where}": [{"exchange": "y"}, body]}, *words)[1]) == 1
    _, sent = declare({f"GET {where}": [{"exchange": "y"}], f"PUT {where}": CREATED}, *words)
    assert sent[1] == (f"PUT {where}", body)


def test_permissions_of_nobody() -> None:
    where = f"/api/permissions/{ODD_PATH}/u"
    answers = {f"GET {where}": MISSING, f"PUT {where}": refusal("vhost_or_user_not_found")}
    words = ("permissions", "u", "--configure", "", "--write", "", "--read", "")
    ran, _ = declare(answers | {f"GET /api/vhosts/{ODD_PATH}": {"name": ODD}}, *words)
    assert (ran.exit, "user 'u' does not exist" in ran.err) == (67, True)
    ran, _ = declare(answers | {f"GET /api/vhosts/{ODD_PATH}": MISSING}, *words)
    assert (ran.exit, f"virtual host {ODD!r} does not exist" in ran.err) == (65, True)


@pytest.mark.parametrize(
    "words",
    [("queue", "a\nb"), ("exchange", "a\r"), ("stream", "name=a\n"), ("binding", "e", "q\n"), ("binding", "e\n", "q")],
)
def test_line_ends_in_names_are_refused(words: tuple[str, ...]) -> None:
    ran = run_with("declare", *words)
    assert (ran.exit, ran.out) == (64, "")
    assert "has a line end, which brokers take out of names" in ran.err


@pytest.mark.parametrize("text", ["1M", "1MiB", "1MB", "64k", "512"])
def test_a_size_is_the_same_for_the_broker_s_memory(text: str) -> None:
    assert parse_limit(text) == units.size(text)
