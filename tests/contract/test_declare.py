"""declare and delete of each kind: the same effect on every broker, twice the same, and what differs is told."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "declare a/b c%2F é"
NAME = "d/d r%2F ü"
USER = "declare-user"


def enc(name: str) -> str:
    return quote(name, safe="")


@pytest.fixture
def api(place: Place) -> Iterator[httpx.Client]:
    """The HTTP API, with a virtual host and a user that rmqctl has declared."""
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:
        ok(place, "vhost", VHOST, "--description", "here")
        ok(place, "user", USER, "--new-password", "pw-of-user", "--tags", "monitoring", "-q")
        yield api
        api.delete(f"vhosts/{enc(VHOST)}")
        api.delete(f"users/{USER}")


def run(place: Place, *words: str) -> Ran:
    return rmqctl(*words, "-p", VHOST, url=place.http)


def ok(place: Place, *words: str) -> None:
    """Declares it twice, which is once as good as the other."""
    for _ in range(2):
        ran = run(place, "declare", *words)
        assert (ran.exit, ran.stdout, ran.stderr) == (0, b"", b""), str(ran)


def differs(place: Place, said: str, *words: str) -> None:
    ran = run(place, "declare", *words)
    assert (ran.exit, ran.stdout) == (65, b""), str(ran)
    assert f"exists and differs: {said}" in ran.errors, str(ran)


def gone(place: Place, *words: str) -> None:
    """Deletes it, and what is not there any more is an error once and none when it need not be there."""
    ran = run(place, "delete", *words)
    assert (ran.exit, ran.stderr) == (0, b""), str(ran)
    assert ran.text.endswith("\tdeleted\n"), str(ran)
    again = run(place, "delete", *words)
    assert (again.exit in (65, 67), again.stdout) == (True, b""), str(again)
    assert run(place, "delete", *words, "--if-exists").exit == 0


def listed(place: Place, command: str, *columns: str) -> list[dict[str, Any]]:
    """What rabbitmqctl lists on a real node, and rmqctl on the embedded broker."""
    words = (command, "-p", VHOST, "--formatter", "json", "-q", *columns)
    ran = place.node.ctl(*words) if place.node else rmqctl(*words, url=place.http)
    assert ran.exit == 0, str(ran)
    rows: list[dict[str, Any]] = json.loads(ran.stdout)
    return rows


def test_queues(place: Place, api: httpx.Client) -> None:
    options = ("--ttl", "60s", "--expires", "1h", "--max-length", "10k", "--max-length-bytes", "1GiB", "--overflow",
               "reject-publish", "--dlx", "", "--dlk", "k", "--max-priority", "5", "--arg", "x-mine=1")  # fmt: skip
    ok(place, "queue", NAME, *options)
    ok(place, "queue", "--type", "quorum", "quorum", "--delivery-limit", "5", "--single-active-consumer")
    ok(place, "queue", "name=v1", "durable=true", 'arguments={"x-max-length": 5}')
    row = api.get(f"queues/{enc(VHOST)}/{enc(NAME)}").json()
    row["arguments"].pop("x-queue-type", None)
    assert row["arguments"] == {
        "x-message-ttl": 60_000, "x-expires": 3_600_000, "x-max-length": 10_000, "x-max-length-bytes": 1 << 30,
        "x-overflow": "reject-publish", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k",
        "x-max-priority": 5, "x-mine": 1,
    }  # fmt: skip
    kinds = {
        row["name"]: (row["type"], row["durable"]) for row in listed(place, "list_queues", "name", "type", "durable")
    }
    assert {name: kind for name, (kind, durable) in kinds.items() if durable} == {
        NAME: "classic", "quorum": "quorum", "v1": "classic",
    }  # fmt: skip
    differs(place, "x-message-ttl: there 60000, wanted 61000", "queue", NAME, *options, "--ttl", "61s")
    # The broker itself compares only arguments that it knows.
    differs(place, "x-mine: there 1, wanted 2", "queue", NAME, *options[:-1], "x-mine=2")
    differs(
        place, "durable: there true, wanted false; x-max-length: there 5, wanted nothing", "queue", "v1", "--transient"
    )
    differs(place, "x-queue-type: there quorum, wanted classic", "queue", "quorum", "--type", "classic",
            "--delivery-limit", "5", "--single-active-consumer")  # fmt: skip
    gone(place, "queue", NAME)
    gone(place, "queue", "quorum")
    bad = run(place, "declare", "queue", "q", "--arg", "x-message-ttl=-1")
    # 4.3 fails when it has to name a virtual host that is not ASCII.
    assert bad.exit == (70 if place.node and place.node.modern else 65), str(bad)


def test_streams(place: Place, api: httpx.Client) -> None:
    words = ("stream", NAME, "--max-age", "1h", "--max-length-bytes", "1GB")
    if place.node is None:
        ran = run(place, "declare", *words)
        assert (ran.exit, "not implemented" in ran.errors) == (69, True), str(ran)
        return
    ok(place, *words)
    row = api.get(f"queues/{enc(VHOST)}/{enc(NAME)}").json()
    assert row["arguments"] == {"x-queue-type": "stream", "x-max-age": "1h", "x-max-length-bytes": 10**9}
    gone(place, "stream", NAME)


def test_exchanges_and_bindings(place: Place, api: httpx.Client) -> None:
    ok(place, "exchange", NAME, "--type", "topic", "--alternate-exchange", "amq.fanout")
    ok(place, "exchange", "inner", "--internal", "--auto-delete")
    ok(place, "queue", NAME)
    differs(
        place,
        "type: there topic, wanted fanout",
        "exchange",
        NAME,
        "--type",
        "fanout",
        "--alternate-exchange",
        "amq.fanout",
    )
    ok(place, "binding", NAME, NAME, "--routing-key", "a.#", "--arg", "n=1")
    ok(place, "binding", f"source={NAME}", f"destination={NAME}", "routing_key=b")
    ok(place, "binding", NAME, "inner", "--destination-type", "exchange")
    columns = ("source_name", "destination_name", "destination_kind", "routing_key")
    bindings = [tuple(row.values()) for row in listed(place, "list_bindings", *columns) if row["source_name"]]
    assert sorted(bindings) == [
        (NAME, NAME, "queue", "a.#"), (NAME, NAME, "queue", "b"), (NAME, "inner", "exchange", ""),
    ]  # fmt: skip
    several = run(place, "delete", "binding", NAME, NAME)
    assert (several.exit, "there are 2: " in several.errors) == (65, True), str(several)
    gone(place, "binding", NAME, NAME, "--routing-key", "a.#")
    gone(place, "binding", NAME, NAME)
    for words, missing in (((NAME, "nope"), "queue 'nope'"), (("nope", NAME), "exchange 'nope'")):
        ran = run(place, "declare", "binding", *words)
        assert (ran.exit, f"{missing} does not exist" in ran.errors) == (65, True), str(ran)
    in_use = run(place, "delete", "exchange", NAME, "--if-unused")
    assert in_use.exit, str(in_use)
    gone(place, "exchange", NAME)


def test_conditions(place: Place, api: httpx.Client) -> None:
    ok(place, "queue", NAME)
    message = {"routing_key": NAME, "payload": "x", "payload_encoding": "string", "properties": {}}
    api.post(f"exchanges/{enc(VHOST)}/amq.default/publish", json=message).raise_for_status()
    assert run(place, "delete", "queue", NAME, "--if-empty").exit
    assert api.get(f"queues/{enc(VHOST)}/{enc(NAME)}").is_success
    purged = run(place, "purge", NAME)
    assert (purged.exit, purged.text) == (0, f"name\tresult\tmessages\n{NAME}\tpurged\t1\n"), str(purged)
    assert run(place, "delete", "queue", NAME, "--if-empty", "--if-unused").exit == 0


def test_virtual_hosts_users_and_what_they_may(place: Place, api: httpx.Client) -> None:
    differs(place, "description: there here, wanted there", "vhost", VHOST, "--description", "there")
    differs(place, "password: there another one", "user", USER, "--new-password", "x", "--tags", "monitoring", "-q")
    differs(
        place, 'tags: there ["monitoring"], wanted []', "user", USER, "--new-password", "pw-of-user", "--tags", "", "-q"
    )
    with httpx.Client(base_url=place.http.replace("guest:guest", f"{USER}:pw-of-user"), trust_env=False) as user:
        assert user.get("/api/whoami", auth=(USER, "pw-of-user")).json()["name"] == USER
    permissions = ("permissions", USER, "--configure", "^a", "--write", "", "--read")
    ok(place, *permissions, ".*")
    ok(place, *permissions, "^r")
    assert {"user": USER, "configure": "^a", "write": "", "read": "^r"} in listed(place, "list_permissions")
    ok(place, "topic_permissions", USER, "--exchange", "amq.topic", "--write", "^w", "--read", "^r")
    assert listed(place, "list_topic_permissions") == [
        {"user": USER, "exchange": "amq.topic", "write": "^w", "read": "^r"},
    ]  # fmt: skip
    ok(place, "user_limit", "max-connections", "--username", USER, "--value", "5")
    ok(place, "vhost_limit", "max-queues", "--value", "7")
    assert api.get(f"user-limits/{USER}").json() == [{"user": USER, "value": {"max-connections": 5}}]
    assert api.get(f"vhost-limits/{enc(VHOST)}").json() == [{"vhost": VHOST, "value": {"max-queues": 7}}]
    gone(place, "topic_permissions", USER)
    gone(place, "permissions", USER)
    gone(place, "user_limit", "max-connections", "--username", USER)
    gone(place, "vhost_limit", "max-queues")
    nobody = run(place, "declare", "permissions", "nobody", "--configure", "", "--write", "", "--read", "")
    assert (nobody.exit, "user 'nobody' does not exist" in nobody.errors) == (67, True), str(nobody)
    gone(place, "user", USER)
    gone(place, "vhost", VHOST)
    nowhere = run(place, "declare", "queue", "q")
    assert (nowhere.exit, f"virtual host {VHOST!r} does not exist" in nowhere.errors) == (65, True), str(nowhere)


def test_policies_and_parameters(place: Place, api: httpx.Client) -> None:
    policy = ("policy", NAME, "--pattern", "^a", "--apply-to", "queues", "--definition")
    ok(place, *policy, '{"max-length": 5}')
    ok(place, *policy, '{"max-length": 6}', "--priority", "2")
    (row,) = listed(place, "list_policies")
    definition = row["definition"] if isinstance(row["definition"], dict) else json.loads(row["definition"])
    assert (row["name"], row["priority"], definition) == (NAME, 2, {"max-length": 6})
    ok(place, "operator_policy", NAME, "--pattern", "^a", "--definition", '{"max-length": 9}')
    bad = run(place, "declare", "policy", "bad", "--pattern", "^a", "--definition", '{"nope": 1}')
    assert (bad.exit, "not recognised" in bad.errors) == (65, True), str(bad)
    ok(place, "global_parameter", "declare-global", "--value", '{"a": [1]}')
    assert api.get("global-parameters/declare-global").json()["value"] == {"a": [1]}
    gone(place, "policy", NAME)
    gone(place, "operator_policy", NAME)
    gone(place, "global_parameter", "declare-global")
    shovel = ("shovel", NAME, "--source-queue", "a", "--destination-queue", "b", "--ack-mode", "on-publish")
    upstream = ("federation_upstream", NAME, "--uri", "amqp://localhost:1", "--ttl", "60s")
    if place.node is None:
        for words in (shovel, upstream):
            ran = run(place, "declare", *words)
            assert (ran.exit, "is not enabled" in ran.errors) == (69, True), str(ran)
        return
    ok(place, *upstream)
    ok(place, *shovel)
    ok(place, "parameter", "other", "--component", "federation-upstream", "--value", '{"uri": "amqp://localhost:1"}')
    values = {row["name"]: row["value"] for row in api.get(f"parameters/federation-upstream/{enc(VHOST)}").json()}
    assert values[NAME] == {"uri": "amqp://localhost:1", "message-ttl": 60_000}
    gone(place, "shovel", NAME)
    gone(place, "federation_upstream", NAME)
    gone(place, "parameter", "other", "--component", "federation-upstream")


def test_who_may_not(place: Place, api: httpx.Client) -> None:
    ok(place, "permissions", USER, "--configure", "^$", "--write", "^$", "--read", "^$")
    url = place.http.replace("guest:guest@", "").replace("http://", f"http://{USER}:pw-of-user@")
    for words in (("declare", "queue", "q"), ("declare", "policy", "p", "--pattern", ".", "--definition", "{}")):
        ran = rmqctl(*words, "-p", VHOST, url=url)
        assert (ran.exit, ran.stdout) == (77, b""), str(ran)


def test_what_an_old_release_lacks(place: Place, api: httpx.Client) -> None:
    words = ("policy", "p", "--pattern", "^a", "--definition", '{"max-length": 5}', "--apply-to", "quorum_queues")
    if place.node and not place.node.modern:
        ran = run(place, "declare", *words)
        assert (ran.exit, "needs RabbitMQ 3.12 or later" in ran.errors) == (69, True), str(ran)
        ran = run(place, "declare", "vhost", "v", "--default-queue-type", "quorum")
        assert (ran.exit, "runs 3.10.8" in ran.errors) == (69, True), str(ran)
        assert api.get("vhosts/v").status_code == httpx.codes.NOT_FOUND
    else:
        ok(place, *words)
