"""Users, permissions, virtual hosts and limits: their requests, rabbitmqctl's exit codes, and passwords that nobody sees."""

import json
from base64 import b64decode
from hashlib import sha512
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

NAME = "a/b c%2F é"
N = "a%2Fb%20c%252F%20%C3%A9"
DONE = httpx.Response(204)
CREATED = httpx.Response(201)
MISSING = httpx.Response(404, json=NOT_FOUND)
HASH = "RgOyt5i9rJA76A0bq7zwxRkxExF6Ax57txzAPMasKtuctmKH"
ROW = {"name": NAME, "password_hash": HASH, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ["a", "b"]}
OLD, NEW = {"rabbitmq_version": "3.10.8", "node": "rabbit@a"}, {"rabbitmq_version": "4.3.6", "node": "rabbit@a"}


def refused(*reason: Any) -> httpx.Response:
    return httpx.Response(400, json={"error": "bad_request", "reason": reason[0] if len(reason) == 1 else reason})


def body(broker: Broker, method: str = "PUT") -> Any:
    (request,) = [request for request in broker.requests if request.method == method]
    return json.loads(request.content)


# Users


@pytest.mark.parametrize(
    ("words", "stdin", "sent"),
    [
        (("s3cret", "-q"), "", {"password": "s3cret", "tags": ""}),
        ((), "from stdin\nmore\n", {"password": "from stdin", "tags": ""}),
        (("--new-password-stdin",), "all of it\n", {"password": "all of it", "tags": ""}),
        (("", "-q"), "", {"password": "", "tags": ""}),
        ((HASH, "--pre-hashed-password"), "", {"password_hash": HASH, "tags": ""}),
        (("--pre-hashed-password",), f"{HASH}\n", {"password_hash": HASH, "tags": ""}),
    ],
)
def test_a_user_is_added(words: tuple[str, ...], stdin: str, sent: dict[str, str]) -> None:
    broker = Broker({f"GET /api/users/{N}": MISSING, f"PUT /api/users/{N}": CREATED})
    assert run_with("add_user", NAME, *words, broker=broker, stdin=stdin) == Ran(0, "", "")
    assert body(broker) == sent


def test_a_password_on_the_command_line_is_warned_about_and_not_told() -> None:
    broker = Broker({"GET /api/users/u": MISSING, "PUT /api/users/u": refused("not good")})
    ran = run_with("add_user", "u", "s3cret", "--verbose", broker=broker)
    assert (ran.exit, ran.out) == (65, "")
    assert "others on this machine can see a password in the process list" in ran.err
    assert "s3cret" not in ran.err


def test_a_new_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["one", "two", "same", "same"])
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: next(answers))
    broker = Broker({"GET /api/users/u": ROW, "PUT /api/users/u": DONE})
    ran = run_with("change_password", "u", broker=broker, terminal=True)
    assert (ran.exit, broker.requests) == (64, [])
    assert "the two passwords differ; nothing was changed" in ran.err
    assert run_with("change_password", "u", broker=broker, terminal=True).exit == 0
    assert body(broker) == {"password": "same", "tags": "a,b"}


def test_the_user_is_there_already() -> None:
    ran = run_with("add_user", NAME, "x", "-q", broker=Broker({f"GET /api/users/{N}": ROW}))
    assert ran == Ran(70, "", f"rmqctl: user '{NAME}' already exists (http://localhost:15672)\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add_user", "u"), 65),
        (("add_user", "", "x", "-q"), 65),
        (("add_user", "u", "--pre-hashed-password"), 65),
        (("change_password", "u"), 70),
        (("hash_password",), 69),
        (("hash_password", "", "-q"), 65),
        (("hash_password", "x", "--hashing-algorithm", "crc", "-q"), 65),
    ],
)
def test_nothing_is_asked_without_a_password(words: tuple[str, ...], code: int) -> None:
    assert run_with(*words).exit == code


def test_a_hash_that_is_none() -> None:
    broker = Broker({"GET /api/users/u": MISSING, "PUT /api/users/u": refused("not_base64", "s3cret!")})
    ran = run_with("add_user", "u", "s3cret!", "--pre-hashed-password", broker=broker)
    assert ran == Ran(65, "", "rmqctl: user 'u': the password hash is not Base64 (http://localhost:15672)\n")


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("change_password", NAME, "new", "-q"), {"password": "new", "tags": "a,b"}),
        (("change_password", NAME, "", "-q"), {"password": "", "tags": "a,b"}),
        (("clear_password", NAME), {"password_hash": "", "tags": "a,b"}),
        (
            ("set_user_tags", NAME, "monitoring", "x"),
            {"password_hash": HASH, "hashing_algorithm": ROW["hashing_algorithm"], "tags": "monitoring,x"},
        ),
        (
            ("set_user_tags", NAME),
            {"password_hash": HASH, "hashing_algorithm": ROW["hashing_algorithm"], "tags": ""},
        ),
    ],
)
@pytest.mark.parametrize("tags", [["a", "b"], "a,b"])
def test_what_is_not_changed_stays(words: tuple[str, ...], sent: dict[str, str], tags: object) -> None:
    broker = Broker({f"GET /api/users/{N}": {**ROW, "tags": tags}, f"PUT /api/users/{N}": DONE})
    assert run_with(*words, broker=broker) == Ran(0, "", "")
    assert body(broker) == sent


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("change_password", "u", "x", "-q"), 67),
        (("set_user_tags", "u", "x"), 67),
        (("clear_password", "u"), 69),
    ],
)
def test_no_such_user(words: tuple[str, ...], code: int) -> None:
    ran = run_with(*words, broker=Broker({"GET /api/users/u": MISSING}))
    assert (ran.exit, ran.out) == (code, "")
    assert "user 'u' does not exist" in ran.err


@pytest.mark.parametrize(
    ("words", "missing", "code"),
    [
        (("delete_user", "u"), "user", 67),
        (("clear_permissions", "u", "-p", "v"), "user", 67),
        (("clear_permissions", "u", "-p", "v"), "virtual host", 69),
        (("clear_permissions", "u", "-p", "v"), "", 0),
        (("clear_topic_permissions", "u", "-p", "v"), "user", 67),
        (("clear_topic_permissions", "u", "amq.topic", "-p", "v"), "virtual host", 69),
        (("clear_topic_permissions", "u", "amq.topic", "-p", "v"), "", 0),
    ],
)
def test_only_3_x_says_that_there_was_nothing_to_delete(words: tuple[str, ...], missing: str, code: int) -> None:
    """As rabbitmqctl of each release does."""
    answers: dict[str, Any] = {
        "GET /api/users/u": MISSING if missing == "user" else ROW,
        "GET /api/vhosts/v": MISSING if missing == "virtual host" else {"name": "v"},
        "DELETE /api/users/u": MISSING,
        "DELETE /api/permissions/v/u": MISSING,
        "DELETE /api/topic-permissions/v/u": MISSING,
        "DELETE /api/topic-permissions/v/u/amq.topic": MISSING,
    }
    ran = run_with(*words, broker=Broker(answers | {"GET /api/overview": OLD}))
    assert (ran.exit, f"{missing} '{missing[0]}' does not exist" in ran.err if missing else ran.err == "") == (
        code,
        True,
    ), ran
    assert run_with(*words, broker=Broker(answers | {"GET /api/overview": NEW})) == Ran(0, "", "")


def test_a_user_is_deleted() -> None:
    broker = Broker({f"DELETE /api/users/{N}": DONE})
    assert run_with("delete_user", NAME, broker=broker, terminal=True).err == f"user '{NAME}': deleted\n"


def test_a_hash_opens_with_its_password() -> None:
    ran = run_with("hash_password", "--hashing-algorithm", "sha512", stdin="pä55\n")
    assert (ran.exit, ran.err) == (0, "")
    stored = b64decode(ran.out.strip())
    assert stored[4:] == sha512(stored[:4] + "pä55".encode()).digest()


# Permissions


def test_permissions_are_set_and_cleared() -> None:
    cleared = {f"DELETE /api/permissions/{N}/{N}": MISSING, "GET /api/overview": NEW}
    broker = Broker({f"PUT /api/permissions/{N}/{N}": DONE, **cleared})
    assert run_with("set_permissions", "-p", NAME, NAME, "^a", "", ".*", broker=broker) == Ran(0, "", "")
    assert body(broker) == {"configure": "^a", "write": "", "read": ".*"}
    assert run_with("clear_permissions", "-p", NAME, NAME, broker=broker) == Ran(0, "", "")


@pytest.mark.parametrize(
    ("answers", "code", "text"),
    [
        ({"PUT": refused("vhost_or_user_not_found"), "GET": {"name": "/"}}, 67, "user 'u' does not exist"),
        ({"PUT": refused("vhost_or_user_not_found"), "GET": MISSING}, 69, "virtual host '/' does not exist"),
        ({"PUT": refused("invalid_regexp", [40], ["missing )", 1])}, 69, "not a regular expression: (: missing )"),
        ({"PUT": refused("invalid_regexp", "*", ["nothing to repeat", 0])}, 69, "as a shell's pattern it is '^.*$'"),
        ({"PUT": httpx.Response(401, json={"reason": "Not administrator user"})}, 77, "needs the tag administrator"),
    ],
)
def test_permissions_that_are_refused(answers: dict[str, Any], code: int, text: str) -> None:
    where = {"PUT": "PUT /api/permissions/%2F/u", "GET": "GET /api/vhosts/%2F"}
    broker = Broker({where[method]: answer for method, answer in answers.items()})
    ran = run_with("set_permissions", "u", "*" if "shell" in text else "(", "", "", broker=broker)
    assert (ran.exit, ran.out, text in ran.err) == (code, "", True), ran


def test_permissions_everywhere_and_how_far_it_came() -> None:
    answers = {"GET /api/vhosts": [{"name": "/"}, {"name": NAME}], "PUT /api/permissions/%2F/u": DONE}
    broker = Broker({**answers, f"PUT /api/permissions/{N}/u": DONE})
    assert run_with("set_permissions_globally", "u", "c", "w", "r", broker=broker) == Ran(0, "", "")
    assert len(broker.requests) == 3
    broker = Broker({**answers, f"PUT /api/permissions/{N}/u": httpx.ConnectError("gone")})
    ran = run_with("set_permissions_globally", "u", "c", "w", "r", broker=broker)
    assert ran.exit == 69
    assert "set before that in: '/'" in ran.err


def test_topic_permissions() -> None:
    broker = Broker(
        {
            f"PUT /api/topic-permissions/{N}/u": DONE,
            f"DELETE /api/topic-permissions/{N}/u": DONE,
            f"DELETE /api/topic-permissions/{N}/u/{N}": MISSING,
            "GET /api/overview": NEW,
        }
    )
    assert run_with("set_topic_permissions", "-p", NAME, "u", NAME, "w", "r", broker=broker) == Ran(0, "", "")
    assert body(broker) == {"exchange": NAME, "write": "w", "read": "r"}
    assert run_with("clear_topic_permissions", "-p", NAME, "u", NAME, broker=broker) == Ran(0, "", "")
    assert run_with("clear_topic_permissions", "-p", NAME, "u", broker=broker) == Ran(0, "", "")
    broker = Broker({"PUT /api/topic-permissions/%2F/u": refused("no_such_exchange", "x")})
    ran = run_with("set_topic_permissions", "u", "x", "w", "r", broker=broker)
    assert (ran.exit, "exchange 'x' does not exist" in ran.err) == (69, True)


# Virtual hosts

VHOST = {"name": NAME, "description": "d", "tags": ["a", "b"], "default_queue_type": "quorum", "tracing": True}
AS_SENT = {"description": "d", "tags": "a,b", "default_queue_type": "quorum", "tracing": True}


def test_a_virtual_host_is_added_and_nobody_may_use_it() -> None:
    broker = Broker(
        {
            f"GET /api/vhosts/{N}": MISSING,
            "GET /api/overview": NEW,
            f"PUT /api/vhosts/{N}": CREATED,
            f"GET /api/vhosts/{N}/permissions": [{"vhost": NAME, "user": "guest"}],
            f"DELETE /api/permissions/{N}/guest": DONE,
        }
    )
    words = ("--description", "d", "--tags", "a,b", "--default-queue-type", "quorum")
    assert run_with("add_vhost", NAME, *words, broker=broker) == Ran(0, "", "")
    assert body(broker) == {"description": "d", "tags": "a,b", "default_queue_type": "quorum"}
    assert f"DELETE /api/permissions/{N}/guest" in broker.asked


def test_permissions_that_could_not_be_taken_back_are_told() -> None:
    broker = Broker(
        {
            "GET /api/vhosts/v": MISSING,
            "PUT /api/vhosts/v": CREATED,
            "GET /api/vhosts/v/permissions": httpx.ConnectError("gone"),
        }
    )
    ran = run_with("add_vhost", "v", broker=broker)
    assert ran.exit == 69
    assert "virtual host 'v' was created, with permissions for user 'guest' that could not be taken back" in ran.err


def test_a_virtual_host_that_exists_stays_as_it_is() -> None:
    broker = Broker({f"GET /api/vhosts/{N}": VHOST})
    assert run_with("add_vhost", NAME, "--description", "other", broker=broker) == Ran(0, "", "")
    assert len(broker.requests) == 1


@pytest.mark.parametrize(
    ("words", "overview", "code"),
    [
        (("add_vhost", "v", "--default-queue-type", "nope"), NEW, 65),
        (("add_vhost", "v", "--default-queue-type", "quorum"), OLD, 69),
        (("update_vhost_metadata", "v", "--default-queue-type", "quorum"), OLD, 69),
        (("update_vhost_metadata", "v"), NEW, 64),
        (("add_vhost", ""), NEW, 64),
    ],
)
def test_nothing_is_done_with_bad_metadata(words: tuple[str, ...], overview: Any, code: int) -> None:
    ran = run_with(*words, broker=Broker({"GET /api/overview": overview}))
    assert (ran.exit, ran.out) == (code, ""), ran


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (("set_vhost_tags", NAME, "x", "y"), {"tags": "x,y"}),
        (("set_vhost_tags", NAME), {"tags": ""}),
        (("update_vhost_metadata", NAME, "--description", ""), {"description": ""}),
        (("trace_off", "-p", NAME), {"tracing": False}),
        (("trace_on", "-p", NAME), {"tracing": True}),
    ],
)
def test_other_metadata_stays(words: tuple[str, ...], changed: dict[str, Any]) -> None:
    broker = Broker({f"GET /api/vhosts/{N}": VHOST, f"PUT /api/vhosts/{N}": DONE})
    assert run_with(*words, broker=broker) == Ran(0, "", "")
    assert body(broker) == AS_SENT | changed


def test_a_queue_type_that_nobody_chose_is_not_sent() -> None:
    row = {**VHOST, "default_queue_type": "undefined"}
    broker = Broker({"GET /api/vhosts/v": row, "PUT /api/vhosts/v": DONE})
    assert run_with("set_vhost_tags", "v", "x", broker=broker) == Ran(0, "", "")
    assert body(broker) == {"description": "d", "tags": "x", "tracing": True}


def test_protection_from_deletion() -> None:
    where = "/api/vhosts/v/deletion/protection"
    broker = Broker({f"POST {where}": DONE, f"DELETE {where}": DONE})
    for words in (
        ("enable_vhost_deletion_protection", "v"),
        ("disable_vhost_deletion_protection", "v"),
        ("update_vhost_metadata", "v", "--protected-from-deletion", "true"),
        ("update_vhost_metadata", "v", "--protected-from-deletion", "false"),
    ):
        assert run_with(*words, broker=broker) == Ran(0, "", "")
    assert [request.method for request in broker.requests] == ["POST", "DELETE"] * 2
    for status, code in ((405, 69), (404, 65), (500, 65)):
        broker = Broker({f"POST {where}": httpx.Response(status, json=NOT_FOUND), "GET /api/vhosts/v": MISSING})
        assert run_with("enable_vhost_deletion_protection", "v", broker=broker).exit == code


@pytest.mark.parametrize("status", [412, 500])
def test_a_protected_virtual_host_stays(status: int) -> None:
    broker = Broker(
        {f"DELETE /api/vhosts/{N}": httpx.Response(status), f"GET /api/vhosts/{N}": {"protected_from_deletion": True}}
    )
    ran = run_with("delete_vhost", NAME, broker=broker)
    assert (ran.exit, f"virtual host '{NAME}' is protected from deletion" in ran.err) == (65, True)


def test_a_virtual_host_is_deleted() -> None:
    broker = Broker({f"DELETE /api/vhosts/{N}": DONE})
    assert run_with("delete_vhost", NAME, broker=broker) == Ran(0, "", "")
    assert run_with("delete_vhost", "v", broker=Broker({"DELETE /api/vhosts/v": MISSING})).exit == 65


def test_a_protected_context_wants_its_name(tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example:15672"\nprotected = true\n')
    contexts.chmod(0o600)
    for words in (
        ("delete_vhost", "v"),
        ("delete_user", "u"),
        ("clear_permissions", "u"),
        ("clear_topic_permissions", "u"),
        ("clear_vhost_limits",),
        ("clear_user_limits", "u", "all"),
        ("change_password", "u", "new"),
        ("clear_password", "u"),
        ("set_user_tags", "u", "monitoring"),
        ("set_permissions", "u", ".*", ".*", ".*"),
        ("set_permissions_globally", "u", ".*", ".*", ".*"),
        ("set_topic_permissions", "u", "amq.topic", ".*", ".*"),
        ("declare", "permissions", "u", "--configure", "", "--write", "", "--read", ""),
        ("declare", "topic_permissions", "u", "--exchange", "amq.topic", "--write", "", "--read", ""),
        ("disable_vhost_deletion_protection", "v"),
        ("update_vhost_metadata", "v", "--protected-from-deletion", "false"),
        ("get", "q", "--ack"),
        ("get", "q", "--reject"),
        ("get", "queue=q", "ackmode=ack_requeue_false"),
        ("get", "queue=q", "requeue=false"),
    ):
        ran = run_with(*words, "-C", "prod", environ={"HOME": str(tmp_path)})
        assert (ran.exit, "--yes is needed" in ran.err) == (64, True), ran


def test_a_virtual_host_is_started_again() -> None:
    where = "POST /api/vhosts/v/start/rabbit%40a"
    broker = Broker({"GET /api/overview": NEW, where: DONE})
    assert run_with("restart_vhost", "-p", "v", broker=broker) == Ran(0, "", "")
    for there in (MISSING, {"name": "v"}):
        broker = Broker({"GET /api/overview": NEW, where: refused("no"), "GET /api/vhosts/v": there})
        assert run_with("restart_vhost", "-p", "v", broker=broker).exit == 70


# Limits

LIMITS = f"/api/vhost-limits/{N}"


def test_limits_that_are_not_named_are_cleared() -> None:
    broker = Broker(
        {
            f"GET {LIMITS}": [{"vhost": NAME, "value": {"max-queues": 3, "max-connections": 2}}],
            f"PUT {LIMITS}/max-connections": DONE,
            f"DELETE {LIMITS}/max-queues": DONE,
        }
    )
    assert run_with("set_vhost_limits", "-p", NAME, '{"max-connections": 7}', broker=broker) == Ran(0, "", "")
    assert body(broker) == {"value": 7}
    assert f"DELETE {LIMITS}/max-queues" in broker.asked


def test_limits_of_a_user_that_are_not_named_stay() -> None:
    broker = Broker(
        {
            "GET /api/user-limits/u": [{"user": "u", "value": {"max-channels": 3}}],
            "PUT /api/user-limits/u/max-connections": DONE,
        }
    )
    assert run_with("set_user_limits", "u", '{"max-connections": -1}', broker=broker) == Ran(0, "", "")
    assert body(broker) == {"value": -1}


@pytest.mark.parametrize("definition", ["nope", "[]", '{"max-queues": "3"}', '{"max-queues": true}'])
def test_bad_limits_are_refused_before_anything_is_asked(definition: str) -> None:
    for words in (("set_vhost_limits",), ("set_user_limits", "u")):
        assert run_with(*words, definition).exit == 69


def test_a_limit_that_the_broker_does_not_know_comes_first() -> None:
    broker = Broker({"GET /api/vhost-limits/v": [], "PUT /api/vhost-limits/v/new": refused("Unrecognised terms")})
    ran = run_with("set_vhost_limits", "-p", "v", '{"max-queues": 1, "new": 2}', broker=broker)
    assert (ran.exit, "Unrecognised terms" in ran.err) == (69, True)
    assert len(broker.requests) == 2


def test_how_far_it_came_with_limits() -> None:
    broker = Broker(
        {
            "GET /api/vhost-limits/v": [{"vhost": "v", "value": {"max-queues": 3}}],
            "PUT /api/vhost-limits/v/max-connections": DONE,
            "DELETE /api/vhost-limits/v/max-queues": httpx.ConnectError("gone"),
        }
    )
    ran = run_with("set_vhost_limits", "-p", "v", '{"max-connections": 1}', broker=broker)
    assert (ran.exit, "done before that: max-connections = 1" in ran.err) == (69, True)


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (("clear_vhost_limits", "-p", "v"), ["parameters/vhost-limits/v/limits"]),
        (("clear_user_limits", "u", "all"), ["user-limits/u/max-channels", "user-limits/u/max-connections"]),
        (("clear_user_limits", "u", "max-channels"), ["user-limits/u/max-channels"]),
        (("clear_user_limits", "u", "nope"), []),
    ],
)
def test_limits_are_cleared(words: tuple[str, ...], gone: list[str]) -> None:
    answers: dict[str, Any] = {
        "GET /api/vhost-limits/v": [{"vhost": "v", "value": {"max-queues": 3, "max-connections": 2}}],
        "GET /api/user-limits/u": [{"user": "u", "value": {"max-channels": 3, "max-connections": 2}}],
    }
    broker = Broker(answers | {f"DELETE /api/{where}": DONE for where in gone})
    assert run_with(*words, broker=broker) == Ran(0, "", "")
    assert [request for request in broker.asked if request.startswith("DELETE")] == [
        f"DELETE /api/{where}" for where in gone
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set_vhost_limits", "-p", "v", "{}"), 65),
        (("clear_vhost_limits", "-p", "v"), 69),
        (("set_user_limits", "u", "{}"), 69),
        (("clear_user_limits", "u", "all"), 69),
    ],
)
def test_limits_of_nobody(words: tuple[str, ...], code: int) -> None:
    broker = Broker({"GET /api/vhost-limits/v": MISSING, "GET /api/user-limits/u": MISSING})
    ran = run_with(*words, broker=broker)
    assert (ran.exit, "does not exist" in ran.err) == (code, True)


def test_no_limits_to_clear() -> None:
    broker = Broker({"GET /api/vhost-limits/v": [{"vhost": "v", "value": []}]})
    ran = run_with("clear_vhost_limits", "-p", "v", broker=broker)
    assert (ran.exit, "there are none" in ran.err) == (69, True)
