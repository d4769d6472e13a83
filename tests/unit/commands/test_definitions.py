"""The commands about definitions."""

import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

ALL = "/api/definitions"
V = "a/b c%2F é"
OF_V = "/api/definitions/a%2Fb%20c%252F%20%C3%A9"
URL = "http://localhost:15672"
QUEUE = {"name": "q/1", "vhost": V, "durable": True, "auto_delete": False, "arguments": {"x-max-length": 5}}
USER = {"name": "u", "password_hash": "SECRET==", "hashing_algorithm": "sha", "tags": ["a"]}
LIVE: dict[str, Any] = {
    "rabbit_version": "4.3.6",
    "vhosts": [{"name": V}],
    "users": [USER],
    "policies": [{"name": "p", "vhost": V, "pattern": "x", "apply-to": "all", "priority": 0, "definition": {"a": 1}}],
    "queues": [QUEUE],
    "exchanges": [{"name": "amq.rabbitmq.log", "vhost": "/", "type": "topic"}, {"name": "e", "vhost": V, "type": "topic"}],
    "bindings": [{"source": "e", "vhost": V, "destination": "q/1", "destination_type": "queue", "routing_key": "k",
                  "arguments": {}}],
}  # fmt: skip
DONE = httpx.Response(204)


def bodies(broker: Broker) -> dict[str, Any]:
    """What was sent, by request."""
    return {
        f"{request.method} {request.url.raw_path.decode()}": json.loads(request.content or "null")
        for request in broker.requests
        if request.method != "GET"
    }


def definitions(*words: str, live: Any = LIVE, more: dict[str, Any] | None = None, **how: Any) -> tuple[Ran, Broker]:
    broker = Broker({f"GET {ALL}": live, f"POST {ALL}": DONE, **(more or {})})
    return run_with("definitions", *words, broker=broker, **how), broker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "defs.json"
    path.write_text(json.dumps(LIVE), encoding="utf-8")
    return path


# export


def test_export_is_ordered_and_whole() -> None:
    ran, broker = definitions("export")
    assert broker.asked == [f"GET {ALL}"]
    assert (ran.exit, ran.err) == (0, "")
    assert json.loads(ran.out) == LIVE
    shuffled = {key: LIVE[key] for key in reversed(LIVE)}
    assert definitions("export", "-", live=shuffled)[0].out == ran.out


def test_export_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    target.chmod(0o644)
    ran, _ = definitions("export", str(target), "--only", "queues,users", "--exclude", "users", "--no-system")
    assert ran == Ran(0, "", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert json.loads(target.read_text()) == {"rabbit_version": "4.3.6", "queues": [QUEUE]}
    assert list(tmp_path.glob("*")) == [target]
    ran, _ = definitions("export", str(tmp_path / "none" / "x"))
    assert (ran.exit, ran.out) == (65, "")
    assert "cannot be written: No such file or directory" in ran.err


@pytest.mark.parametrize(
    ("words", "terminal", "shown"),
    [((), False, True), ((), True, False), (("--secrets",), True, True), (("--no-secrets",), False, False)],
)
def test_secrets_are_not_for_terminals(words: tuple[str, ...], terminal: bool, shown: bool) -> None:
    ran, _ = definitions("export", "--no-pager", *words, terminal=terminal)
    assert ("SECRET" in ran.out) is shown


def test_export_of_one_virtual_host() -> None:
    place = "GET /api/definitions/a%2Fb%20c%252F"
    ran, broker = definitions("export", "-p", "a/b c%2F", more={place: {"queues": []}})
    assert (ran.exit, broker.asked) == (0, [place])
    ran, _ = definitions("export", "-p", "a/b c%2F", more={place: httpx.Response(404, json=NOT_FOUND)})
    assert (ran.exit, "the definitions of virtual host 'a/b c%2F' does not exist" in ran.err) == (65, True)


def test_export_of_a_virtual_host_that_4_3_cannot_name() -> None:
    ran, broker = definitions("export", "-p", V)
    assert (ran.exit, broker.asked) == (0, [f"GET {ALL}"])
    found = json.loads(ran.out)
    assert (found["original_vhost_name"], found["rabbit_version"]) == (V, "4.3.6")
    assert found["queues"] == [{key: value for key, value in QUEUE.items() if key != "vhost"}]
    assert "users" not in found
    ran, _ = definitions("export", "-p", "é")
    assert ran == Ran(65, "", f"rmqctl: virtual host 'é' does not exist ({URL})\n")


BROKEN_OFF = httpx.Response(
    200, text='{"users": [{"name": "u"}], "explanation":', headers={"content-type": "application/json"}
)
LISTS: dict[str, Any] = {
    "GET /api/overview": {"rabbitmq_version": "4.3.6", "product_version": "4.3.6", "cluster_name": "clé"},
    "GET /api/users": [USER],
    "GET /api/vhosts": [{"name": V, "metadata": {"description": "d", "tags": []}, "messages": 5}],
    "GET /api/vhost-limits": [{"vhost": V, "value": {"max-queues": 5}}],
    "GET /api/permissions": [],
    "GET /api/topic-permissions": [],
    "GET /api/parameters": [],
    "GET /api/global-parameters": [{"name": "cluster_name", "value": "clé"}],
    "GET /api/policies": LIVE["policies"],
    "GET /api/queues": [
        {**QUEUE, "type": "classic", "exclusive": False, "state": "running"},
        {**QUEUE, "name": "mine", "type": "classic", "exclusive": True},
    ],
    "GET /api/exchanges": [
        {"vhost": V, "name": name, "type": "topic", "durable": True, "auto_delete": False,
         "internal": name in ("amq.rabbitmq.log", "i"),
         "arguments": {}, "user_who_performed_action": "u"}
        for name in ("", "amq.topic", "amq.rabbitmq.log", "e", "i")
    ],
    "GET /api/bindings": [
        {**LIVE["bindings"][0], "properties_key": "k"}, {**LIVE["bindings"][0], "source": "", "properties_key": "q"},
    ],
}  # fmt: skip


def test_an_export_that_breaks_off_is_put_together_from_the_lists(tmp_path: Path) -> None:
    ran, _ = definitions("export", live=BROKEN_OFF, more=LISTS)
    assert (ran.exit, ran.err.count("\n")) == (0, 1)
    assert ran.err.startswith("warning: ")
    assert "put together from the other lists" in ran.err
    document = json.loads(ran.out)
    assert document["vhosts"] == [
        {"name": V, "limits": {"max-queues": 5}, "metadata": {"description": "d", "tags": []}}
    ]
    assert document["queues"] == [{**QUEUE, "type": "classic"}]
    assert [row["name"] for row in document["exchanges"]] == ["amq.rabbitmq.log", "e"]
    assert document["exchanges"][0].keys() == {"vhost", "name", "type", "durable", "auto_delete", "arguments"}
    assert document["bindings"] == LIVE["bindings"]
    assert (document["users"], document["rabbit_version"], document["original_cluster_name"]) == (
        [USER],
        "4.3.6",
        "clé",
    )
    place = "GET /api/definitions/v"
    ran, _ = definitions(
        "export", "-p", "v", live=BROKEN_OFF, more={**LISTS, place: BROKEN_OFF, "GET /api/vhosts": [{"name": "v"}]}
    )
    assert (ran.exit, json.loads(ran.out)["original_vhost_name"]) == (0, "v")


def test_the_oldest_releases_export_no_metadata() -> None:
    old = {"rabbit_version": "3.10.8", "vhosts": [{"name": "a"}, {"name": "b"}]}
    rows = [{"name": "a", "description": "d", "tags": ["t"], "default_queue_type": "undefined"},
            {"name": "b", "description": "", "tags": []}]  # fmt: skip
    ran, _ = definitions("export", live=old, more={"GET /api/vhosts": rows})
    assert json.loads(ran.out)["vhosts"] == [
        {"name": "a", "metadata": {"description": "d", "tags": ["t"]}},
        {"name": "b"},
    ]


@pytest.mark.parametrize(
    "words", [("--only", "queue"), ("--exclude", "user"), ("--transformations", "exclude_user"), ("--only",)]
)
def test_bad_words_are_refused_before_any_request(words: tuple[str, ...]) -> None:
    ran, broker = definitions("export", *words)
    assert (ran.exit, broker.requests) == (64, [])


def test_transformations() -> None:
    ran, _ = definitions("export", "--transformations", "exclude_users,exclude_policies")
    assert json.loads(ran.out) == LIVE | {"users": [], "policies": []}


def test_a_user_without_the_tag() -> None:
    refused = httpx.Response(401, json={"error": "not_authorized", "reason": "Not administrator user"})
    ran, _ = definitions("export", live=refused)
    assert (ran.exit, "needs the tag administrator" in ran.err) == (77, True)


# import


def test_import(file: Path) -> None:
    ran, broker = definitions("import", str(file))
    assert ran == Ran(0, "", "")
    assert bodies(broker) == {f"POST {ALL}": LIVE}
    ran, broker = definitions("import", stdin=file.read_text())
    assert bodies(broker) == {f"POST {ALL}": LIVE}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"queues": [{}]}, "number 1 of queues has no name"),
        ({"queues": None}, "queues has to be a list"),
        ({"queues": [5]}, "number 1 of queues has to be an object"),
        ({"bindings": [{"source": "e"}]}, "number 1 of bindings has no destination_type"),
        ({"vhosts": [{"name": None}]}, "number 1 of vhosts: name has to be a string"),
        ({"vhosts": [{"name": "v", "metadata": 5}]}, "number 1 of vhosts: metadata has to be an object"),
        ({"users": [{"name": "u", "tags": 5}]}, "number 1 of users: tags has to be a list of strings"),
        (
            {"exchanges": [{"name": "e", "vhost": "v", "arguments": 5}]},
            "number 1 of exchanges: arguments has to be an object",
        ),
    ],
)
def test_an_answer_that_is_not_built_as_definitions_are(answer: Any, said: str, file: Path) -> None:
    for words in (("export",), ("apply", str(file), "--dry-run", "--prune"), ("diff", str(file), "http://u:p@h:1")):
        ran, _ = definitions(*words, live=answer)
        assert (ran.exit, ran.out, said in ran.err) == (69, "", True), ran


def test_what_only_the_broker_can_judge_is_exported() -> None:
    """A broker has what it took, whatever this program thinks of it."""
    odd = {
        "queues": [{**QUEUE, "durable": "true", "name": "c\n"}],
        "policies": [{"name": "p", "vhost": V, "definition": {}}],
    }
    ran, _ = definitions("export", live=odd)
    assert (ran.exit, json.loads(ran.out)["queues"][0]["durable"]) == (0, "true")


def test_what_came_out_otherwise_is_told(file: Path) -> None:
    """A shovel that the broker started before it had the queue has declared it as it wants it."""
    live = {**LIVE, "queues": [{**QUEUE, "arguments": {}}]}
    ran, broker = definitions("import", str(file), live=live)
    assert (ran.exit, ran.out, f"GET {ALL}" in broker.asked) == (0, "", True)
    reason = "is not as in the file: arguments.x-max-length: nothing -> 5"
    assert ran.err == f"warning: queue 'q/1' in virtual host {V!r} {reason}\n"


def test_import_into_one_virtual_host(file: Path) -> None:
    file.write_text(json.dumps({"rabbit_version": "3", "users": [USER], "queues": [QUEUE]}))
    ran, broker = definitions("import", str(file), "-p", V, more={f"POST {OF_V}": DONE})
    assert ran == Ran(0, "", "")
    assert bodies(broker) == {f"POST {OF_V}": {"queues": [{k: v for k, v in QUEUE.items() if k != "vhost"}]}}


@pytest.mark.parametrize(
    ("text", "words", "exit_code", "said"),
    [
        ("{,", (), 65, "not JSON"),
        ('{"queues": [', (), 65, "breaks off after 12 bytes, within the JSON"),
        ('{"quues": []}', (), 65, "did you mean 'queues'?"),
        ('{"queues": [{}]}', (), 65, "number 1 of queues has no name"),
        ('{"users": [{"name": "u", "tags": []}]}', (), 65, "user 'u' has no password"),
        ('{"queues": [{"name": "q"}]}', (), 64, "-p VHOST says where they go"),
        ('{"queues": [{"name": "q", "vhost": "/"}, {"name": "q", "vhost": "v"}]}', ("-p", "w"), 65, "'/', 'v'"),
    ],
)
def test_bad_input_is_not_sent(text: str, words: tuple[str, ...], exit_code: int, said: str, file: Path) -> None:
    file.write_text(text)
    ran, broker = definitions("import", str(file), *words)
    assert (ran.exit, said in ran.err, broker.requests) == (exit_code, True, [])


def test_what_the_broker_refused(file: Path) -> None:
    refused = httpx.Response(400, json={"error": "bad_request", "reason": "Validation failed"})
    ran, _ = definitions("import", str(file), more={f"POST {ALL}": refused})
    assert ran == Ran(65, "", f"rmqctl: import of the definitions: Validation failed ({URL})\n")


def test_a_file_that_is_not_there() -> None:
    ran, broker = definitions("import", "/nonexistent")
    assert ran == Ran(65, "", "rmqctl: /nonexistent: cannot be read: No such file or directory\n")
    assert broker.requests == []


# rabbitmqctl's


def test_rabbitmqctls_commands(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    broker = Broker({f"GET {ALL}": LIVE, f"POST {ALL}": DONE})
    assert run_with("export_definitions", str(target), "-p", V, broker=broker) == Ran(0, "", "")
    assert json.loads(target.read_text()) == LIVE
    assert run_with("import_definitions", str(target), "--format", "JSON", broker=broker) == Ran(0, "", "")
    assert bodies(broker) == {f"POST {ALL}": LIVE}


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("export_definitions",), 64, "FILE"),
        (("export_definitions", "-", "--format", "erlang"), 69, "as JSON only"),
        (("export_definitions", "-", "--format", "xml"), 64, "'xml' is not json"),
        (("import_definitions", "-", "--format", "erlang"), 69, "as JSON only"),
        (("import_definitions", "-", "--skip-if-unchanged"), 69, "the HTTP API does not know it"),
    ],
)
def test_what_rabbitmqctl_alone_can(words: tuple[str, ...], exit_code: int, said: str) -> None:
    ran = run_with(*words)
    assert (ran.exit, said in ran.err, ran.out) == (exit_code, True, "")


# diff


def test_equal_sides(file: Path) -> None:
    ran, broker = definitions("diff", str(file), "http://me:pw@other:1")
    assert ran == Ran(0, '{\n  "equal": true,\n  "differences": []\n}\n', "")
    assert [str(request.url) for request in broker.requests] == ["http://other:1/api/definitions"]


def test_sides_that_differ(file: Path) -> None:
    other = {**LIVE, "queues": [{**QUEUE, "name": "new"}], "users": [{**USER, "password_hash": "OTHERS=="}]}
    ran, _ = definitions("diff", str(file), "-", stdin=json.dumps(other))
    assert ran.exit == 1
    assert "SECRET" not in ran.out
    assert "OTHER" not in ran.out
    found = json.loads(ran.out)["differences"]
    assert [(each["change"], each["kind"], each["name"]) for each in found] == [
        ("differs", "user", "u"), ("only in b", "queue", "new"), ("only in a", "queue", "q/1"),
    ]  # fmt: skip
    ran, _ = definitions(
        "diff", str(file), "-", "--no-pager", "--color", "always", stdin=json.dumps(other), terminal=True
    )
    assert ran.out.splitlines() == [
        "\x1b[33m~ user u\x1b[0m",
        "    password_hash: a secret -> another one",
        f"\x1b[32m+ queue new in {V}\x1b[0m",
        f"\x1b[31m- queue q/1 in {V}\x1b[0m",
    ]


def test_a_context_is_a_side(file: Path, tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod:1"\nread_only = true\n')
    contexts.chmod(0o600)
    for side in ("prod", "context:prod"):
        ran, broker = definitions("diff", side, str(file))
        assert (ran.exit, [request.url.host for request in broker.requests]) == (0, ["prod"])
    ran, broker = definitions("diff", "prud", str(file))
    assert (ran.exit, broker.requests) == (65, [])
    ran, broker = definitions("diff", "-", "-")
    assert (ran.exit, broker.requests) == (64, [])


# apply


def wanted(file: Path) -> str:
    document = {
        "users": [{"name": "u", "tags": ["b"]}, {**USER, "name": "new", "limits": {"max-connections": 5}}],
        "policies": [],
        "queues": [{**QUEUE, "arguments": {"x-max-length": 6}}, {**QUEUE, "name": "q/2"}],
        "bindings": [],
    }
    file.write_text(json.dumps(document))
    return str(file)


BINDING = "/api/bindings/a%2Fb%20c%252F%20%C3%A9/e/e/q/q%2F1"
ANSWERS = {
    "PUT /api/users/u": DONE,
    "PUT /api/users/new": DONE,
    "PUT /api/user-limits/new/max-connections": DONE,
    "PUT /api/queues/a%2Fb%20c%252F%20%C3%A9/q%2F2": DONE,
    f"GET {BINDING}": [{"routing_key": "k", "arguments": {}, "properties_key": "k"}],
    f"DELETE {BINDING}/k": DONE,
    "DELETE /api/policies/a%2Fb%20c%252F%20%C3%A9/p": DONE,
}


def test_apply_does_what_differs_and_leaves_what_cannot_be_changed(file: Path) -> None:
    ran, broker = definitions("apply", wanted(file), "--prune", "--yes", more=ANSWERS)
    assert ran.exit == 3
    reason = "queue 'q/1' has to be deleted and declared again: arguments.x-max-length: 5 -> 6"
    assert ran.err == f"rmqctl: 5 of 6 changes applied, 1 failed; the first: {reason}\n"
    lines = ran.out.splitlines()
    assert lines[0] == "change\tkind\tvhost\tname\tresult"
    assert sorted(lines[1:]) == sorted(
        [
            "create\tuser\t\tnew\tdone",
            "change\tuser\t\tu\tdone",
            f"create\tqueue\t{V}\tq/2\tdone",
            f"needs recreation\tqueue\t{V}\tq/1\terror: {reason}",
            f"delete\tbinding\t{V}\te -> queue q/1 (k)\tdone",
            f"delete\tpolicy\t{V}\tp\tdone",
        ]
    )
    assert bodies(broker) == {
        "PUT /api/users/u": {"password_hash": "SECRET==", "hashing_algorithm": "sha", "tags": "b"},
        "PUT /api/users/new": {"password_hash": "SECRET==", "hashing_algorithm": "sha", "tags": "a"},
        "PUT /api/user-limits/new/max-connections": {"value": 5},
        "PUT /api/queues/a%2Fb%20c%252F%20%C3%A9/q%2F2": {
            "durable": True, "auto_delete": False, "arguments": {"x-max-length": 5},
        },
        f"DELETE {BINDING}/k": None,
        "DELETE /api/policies/a%2Fb%20c%252F%20%C3%A9/p": None,
    }  # fmt: skip


def test_a_dry_run_asks_only(file: Path) -> None:
    ran, broker = definitions("apply", wanted(file), "--prune", "--dry-run")
    assert (ran.exit, ran.err, broker.asked) == (0, "", [f"GET {ALL}"])
    assert f"needs recreation\tqueue\t{V}\tq/1\targuments.x-max-length: 5 -> 6\n" in ran.out
    assert 'change\tuser\t\tu\ttags: ["a"] -> ["b"]\n' in ran.out
    assert "SECRET" not in ran.out


def test_scripts_have_to_say_yes(file: Path) -> None:
    ran, broker = definitions("apply", wanted(file), "--prune")
    assert (ran.exit, broker.asked) == (64, [f"GET {ALL}"])
    assert ran.err.startswith("rmqctl: about to make 6 changes, 2 of them deletes: --yes is needed")


def test_a_person_sees_the_plan_and_is_asked(file: Path) -> None:
    ran, broker = definitions("apply", wanted(file), terminal=True, stdin="n\n")
    assert (ran.exit, broker.asked) == (130, [f"GET {ALL}"])
    assert '  change user u: tags: ["a"] -> ["b"]\n' in ran.err
    assert ran.err.endswith("About to make 4 changes. Go on? [y/N] ")


def test_nothing_to_do(file: Path) -> None:
    ran, broker = definitions("apply", str(file), "--prune")
    assert (ran, broker.asked) == (Ran(0, "", ""), [f"GET {ALL}"])


def test_what_fails_does_not_stop_the_rest(file: Path) -> None:
    full = httpx.Response(400, json={"error": "bad_request", "reason": "queue limit"})
    answers = {**ANSWERS, "PUT /api/queues/a%2Fb%20c%252F%20%C3%A9/q%2F2": full}
    ran, broker = definitions("apply", wanted(file), "--prune", "--yes", "-f", "json", more=answers)
    assert ran.exit == 3
    data = json.loads(ran.out)
    assert {(row["kind"], row["name"]) for row in data["failed"]} == {("queue", "q/1"), ("queue", "q/2")}
    assert len(data["succeeded"]) == 4
    assert f"DELETE {BINDING}/k" in broker.asked


def test_a_masked_password_is_not_written(file: Path) -> None:
    value = {"src-uri": "amqp://u:****@h"}
    row = {"vhost": V, "component": "shovel", "name": "s", "value": value}
    file.write_text(json.dumps({"parameters": [row]}))
    ran, broker = definitions(
        "apply", str(file), "--yes", more={"GET /api/nodes": [{"name": "n", "enabled_plugins": ["rabbitmq_shovel"]}]}
    )
    assert (ran.exit, bodies(broker)) == (65, {})
    assert "has a masked password" in ran.err
    ran, _ = definitions(
        "apply",
        str(file),
        "--yes",
        more={"GET /api/nodes": [{"name": "n", "enabled_plugins": ["rabbitmq_management"]}]},
    )
    assert (ran.exit, "the plugin rabbitmq_shovel is not enabled" in ran.err) == (65, True)


def test_the_one_who_applies_is_not_deleted(file: Path) -> None:
    live = {"users": [{"name": "guest", "tags": ["administrator"]}]}
    file.write_text('{"users": [], "permissions": []}')
    assert definitions("apply", str(file), "--prune", live=live)[0] == Ran(0, "", "")


def test_a_plan_that_cannot_succeed_says_why_and_nothing_is_done(file: Path) -> None:
    rows = [{**QUEUE, "vhost": "nowhere", "name": name} for name in ("a", "b")]
    file.write_text(json.dumps({"queues": [*rows, {**QUEUE, "name": "new"}]}))
    ran, broker = definitions("apply", str(file), "--dry-run")
    assert ran.exit == 65
    assert "create\tqueue\tnowhere\ta\tvirtual host 'nowhere' does not exist\n" in ran.out
    assert f"create\tqueue\t{V}\tnew\t\n" in ran.out
    assert ran.err == "rmqctl: 2 changes cannot succeed: virtual host 'nowhere' does not exist\n"
    ran, broker = definitions("apply", str(file), "--yes")
    assert ran == Ran(
        65, "", "rmqctl: 2 changes cannot succeed: virtual host 'nowhere' does not exist; nothing was changed\n"
    )
    assert bodies(broker) == {}


def test_where_only_permissions_are_missing_it_is_refused(file: Path) -> None:
    file.write_text(json.dumps({"queues": [{**QUEUE, "name": "new"}]}))
    live = {**LIVE, "users": [{"name": "guest", "tags": ["administrator"]}]}
    ran, broker = definitions("apply", str(file), "--yes", live=live)
    assert (ran.exit, bodies(broker)) == (77, {})
    assert "user 'guest' has no permissions in virtual host" in ran.err


@pytest.mark.parametrize("more", [(), ("--prune",)])
def test_a_file_about_other_virtual_hosts_means_nothing_for_this_one(more: tuple[str, ...], file: Path) -> None:
    ran, broker = definitions("apply", str(file), "-p", "other", "--yes", *more)
    assert (ran.exit, ran.out, broker.requests) == (65, "", [])
    assert "says nothing about virtual host 'other': it is about '/', 'a/b" in ran.err


def test_an_internal_exchange_that_exports_leave_out_is_there(file: Path) -> None:
    row = {
        "vhost": V,
        "name": "i",
        "type": "topic",
        "durable": True,
        "auto_delete": False,
        "internal": True,
        "arguments": {},
    }
    bound = {**LIVE["bindings"][0], "source": "i"}
    file.write_text(json.dumps({"exchanges": [row], "bindings": [bound]}))
    live = {**LIVE, "bindings": [bound], "exchanges": []}
    there = {"GET /api/exchanges": LISTS["GET /api/exchanges"]}
    ran, _ = definitions("export", "--only", "exchanges", live=live, more=there)
    assert json.loads(ran.out)["exchanges"] == [row]
    assert definitions("apply", str(file), "--yes", live=live, more=there)[0] == Ran(0, "", "")
    ran, _ = definitions("diff", str(file), "http://me:pw@other:1", live=live, more=there)
    assert (ran.exit, json.loads(ran.out)["equal"]) == (0, True)


def test_an_exchange_type_is_looked_for_before_it_is_declared(file: Path) -> None:
    file.write_text(json.dumps({"exchanges": [{"vhost": V, "name": "x", "type": "x-random"}]}))
    answers = {"GET /api/overview": {"exchange_types": [{"name": "direct"}]}, "GET /api/exchanges": []}
    ran, _ = definitions("apply", str(file), "--yes", more=answers)
    assert (ran.exit, "the broker has no exchange type 'x-random'" in ran.err) == (65, True)


def test_what_the_release_has_not_is_told_and_passed_over(file: Path) -> None:
    file.write_text(json.dumps({"vhosts": [{"name": V, "metadata": {"default_queue_type": "quorum"}}]}))
    live = {"rabbit_version": "3.10.8", "vhosts": [{"name": V}]}
    ran, _ = definitions("apply", str(file), "--yes", live=live, more={"GET /api/vhosts": [{"name": V}]})
    assert (ran.exit, ran.out) == (0, "")
    assert (
        ran.err == f"warning: virtual host {V!r}: default_queue_type needs RabbitMQ 3.11, this is 3.10.8: passed over\n"
    )


def test_cleared_limits_leave_no_empty_parameter(file: Path) -> None:
    file.write_text('{"parameters": []}')
    limits = {"vhost": "v", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 5}}
    live = {"vhosts": [{"name": "v"}], "parameters": [limits]}
    ran, broker = definitions("apply", str(file), "-p", "v", "--prune", "--yes", live=live,
                              more={"DELETE /api/parameters/vhost-limits/v/limits": DONE})  # fmt: skip
    assert ran.exit == 0, ran
    assert list(bodies(broker)) == ["DELETE /api/parameters/vhost-limits/v/limits"]
