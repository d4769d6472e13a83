"""Commands that change policies and parameters: their requests, and what they say."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

V = "a%2Fb%20c%252F%20%C3%A9"
VHOST = "a/b c%2F é"
DONE = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)


def policy(name: str, priority: int = 0, apply_to: str = "all", vhost: str = "/", **definition: Any) -> dict[str, Any]:
    keys = {key.replace("_", "-"): value for key, value in definition.items()}
    return {
        "vhost": vhost,
        "name": name,
        "pattern": "^q",
        "apply-to": apply_to,
        "priority": priority,
        "definition": keys,
    }


def sent(broker: Broker, method: str = "PUT") -> list[tuple[str, Any]]:
    """The changes that were asked for, in their order."""
    return [
        (request.url.raw_path.decode(), json.loads(request.content or "null"))
        for request in broker.requests
        if request.method == method
    ]


# rabbitmqctl's


@pytest.mark.parametrize(
    ("command", "path"), [("set_policy", "policies"), ("set_operator_policy", "operator-policies")]
)
def test_a_policy_is_set(command: str, path: str) -> None:
    broker = Broker({f"PUT /api/{path}/{V}/{V}": DONE})
    more = ("--priority", "3", "--apply-to", "queues")
    ran = run_with(command, "-p", VHOST, VHOST, "^q", '{"max-length": 5}', *more, broker=broker)
    assert ran == Ran(0, "", "")
    body = {"pattern": "^q", "apply-to": "queues", "priority": 3, "definition": {"max-length": 5}}
    assert sent(broker) == [(f"/api/{path}/{V}/{V}", body)]


def test_a_person_is_told() -> None:
    broker = Broker({"PUT /api/policies/%2F/p": DONE})
    ran = run_with("set_policy", "p", "^q", '{"max-length": 5}', broker=broker, terminal=True)
    assert "policy 'p' in virtual host '/': {\"max-length\": 5} for '^q', priority 0\n" in ran.err
    assert run_with("set_policy", "p", "^q", '{"max-length": 5}', "-q", broker=broker, terminal=True).err == ""


@pytest.mark.parametrize(
    ("definition", "reason"), [("nope", "is not JSON"), ("[1]", "has to be a JSON object"), ("NaN", "is not JSON")]
)
def test_a_definition_that_is_none(definition: str, reason: str) -> None:
    broker = Broker({})
    ran = run_with("set_policy", "p", "^q", definition, broker=broker)
    assert (ran.exit, broker.requests) == (69, [])
    assert reason in ran.err


def test_a_policy_that_the_broker_refuses() -> None:
    reason = 'Validation failed\n\n[{&lt;&lt;"nope"&gt;&gt;,1}] are not recognised policy settings\n'
    answer = httpx.Response(400, json={"error": "bad_request", "reason": reason})
    ran = run_with("set_policy", "p", "^q", '{"nope": 1}', broker=Broker({"PUT /api/policies/%2F/p": answer}))
    assert ran.exit == 69
    assert "policy 'p' in virtual host '/': Validation failed [{<<\"nope\">>,1}] are not recognised" in ran.err


def test_a_kind_of_object_that_the_release_does_not_know() -> None:
    refused = httpx.Response(400, json={"reason": "Validation failed\n\napply-to 'streams' unrecognised"})
    broker = Broker({"PUT /api/policies/%2F/p": refused, "GET /api/overview": {"rabbitmq_version": "3.10.8"}})
    argv = ("set_policy", "p", "^q", '{"max-age": "1D"}', "--apply-to", "streams")
    ran = run_with(*argv, broker=broker)
    assert ran.exit == 69
    assert "--apply-to streams: needs RabbitMQ 3.12 or later; http://localhost:15672 runs 3.10.8" in ran.err
    broker.answers["GET /api/overview"] = {"rabbitmq_version": "4.3.6"}
    assert "apply-to 'streams' unrecognised" in run_with(*argv, broker=broker).err


def test_an_unknown_virtual_host() -> None:
    answer = httpx.Response(404, json={"error": "not_found", "reason": "vhost_not_found"})
    for argv in (("set_policy", "p", "^q", "{}"), ("set_parameter", "c", "p", "1")):
        segment = "policies" if "policy" in argv[0] else "parameters/c"
        ran = run_with(*argv, "-p", "no", broker=Broker({f"PUT /api/{segment}/no/p": answer}))
        assert ran.exit == 65
        assert ran.err.startswith("rmqctl: virtual host 'no' does not exist")


def test_who_may_not() -> None:
    answer = httpx.Response(401, json={"error": "not_authorised", "reason": "Not administrator user"})
    broker = Broker({"PUT /api/operator-policies/%2F/p": answer})
    ran = run_with("set_operator_policy", "p", "^q", "{}", broker=broker)
    assert ran.exit == 77
    assert "needs the tag administrator" in ran.err


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (("clear_policy", VHOST), f"policies/{V}/{V}"),
        (("clear_operator_policy", VHOST), f"operator-policies/{V}/{V}"),
        (("clear_parameter", "shovel", VHOST), f"parameters/shovel/{V}/{V}"),
        (("clear_global_parameter", VHOST), f"global-parameters/{V}"),
    ],
)
def test_what_is_cleared_and_what_is_missing(argv: tuple[str, ...], path: str) -> None:
    broker = Broker({f"DELETE /api/{path}": DONE})
    assert run_with(*argv, "-p", VHOST, broker=broker) == Ran(0, "", "")
    assert broker.asked == [f"DELETE /api/{path}"]
    ran = run_with(*argv, "-p", VHOST, broker=Broker({f"DELETE /api/{path}": MISSING}))
    assert ran.exit == 69
    assert "does not exist" in ran.err


def test_parameters_are_set() -> None:
    broker = Broker({f"PUT /api/parameters/shovel/{V}/s%2F": DONE, "PUT /api/global-parameters/g%2F": DONE})
    assert run_with("set_parameter", "-p", VHOST, "shovel", "s/", '{"src-uri": "é"}', broker=broker) == Ran(0, "", "")
    assert run_with("set_global_parameter", "g/", '"text"', broker=broker) == Ran(0, "", "")
    assert sent(broker) == [
        (
            f"/api/parameters/shovel/{V}/s%2F",
            {"value": {"src-uri": "é"}, "component": "shovel", "vhost": VHOST, "name": "s/"},
        ),
        ("/api/global-parameters/g%2F", {"value": "text", "name": "g/"}),
    ]
    assert run_with("set_global_parameter", "g", "text", broker=broker).exit == 69
    assert "clear_policy deletes them" in run_with("clear_parameter", "policy", "p", broker=broker).err


def test_a_protected_context_asks(tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example"\nprotected = true\n')
    contexts.chmod(0o600)
    argv = ("clear_policy", "p", "--context", "prod")
    environ = {"HOME": str(tmp_path)}
    broker = Broker({"DELETE /api/policies/%2F/p": DONE})
    refused = run_with(*argv, broker=broker, environ=environ)
    assert (refused.exit, broker.requests) == (64, [])
    assert "--yes is needed" in refused.err
    wrong = run_with(*argv, broker=broker, environ=environ, stdin="y\n", terminal=True)
    assert (wrong.exit, broker.requests) == (130, [])
    assert run_with(*argv, broker=broker, environ=environ, stdin="/\n", terminal=True).exit == 0
    assert run_with(*argv, "--yes", broker=broker, environ=environ).exit == 0
    assert len(broker.requests) == 2


DROPS = '{"max-length": 5}'


@pytest.mark.parametrize(
    "words",
    [
        ("set_policy", "p", "x", DROPS),
        ("set_operator_policy", "p", "x", '{"message-ttl": 5}'),
        ("declare", "policy", "p", "--pattern", "x", "--definition", DROPS),
        ("declare", "operator_policy", "p", "--pattern", "x", "--definition", DROPS),
        ("set_parameter", "operator_policy", "p", f'{{"pattern": "x", "definition": {DROPS}}}'),
        (
            "declare",
            "parameter",
            "p",
            "--component",
            "operator_policy",
            "--value",
            f'{{"pattern": "x", "definition": {DROPS}}}',
        ),
        ("policies", "declare_blanket", "p", "--definition", DROPS),
        ("policies", "declare_override", "p", "--definition", DROPS),
        ("policies", "patch", "p", "--definition", DROPS),
        ("policies", "delete_keys", "p", "max-age"),
    ],
)
def test_a_protected_context_asks_before_a_policy_that_can_drop_messages(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example"\nprotected = true\n')
    contexts.chmod(0o600)
    there = {**policy("p"), "definition": {"max-length": 9, "max-age": "1h"}}
    broker = Broker({"GET /api/policies/%2F/p": there, "GET /api/policies/%2F": [there]})
    ran = run_with(*words, "--context", "prod", broker=broker, environ={"HOME": str(tmp_path)})
    assert (ran.exit, ran.out) == (64, ""), ran
    assert "--yes is needed" in ran.err
    assert "which can drop messages (m" in ran.err


def test_a_protected_context_does_not_ask_about_other_policies(tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example"\nprotected = true\n')
    contexts.chmod(0o600)
    broker = Broker({"PUT /api/policies/%2F/p": httpx.Response(201)})
    words = ("set_policy", "p", "x", '{"alternate-exchange": "e"}', "--context", "prod")
    assert run_with(*words, broker=broker, environ={"HOME": str(tmp_path)}).exit == 0


# rabbitmqadmin's


def test_matching_policies() -> None:
    broker = Broker(
        {
            "GET /api/queues/%2F/q": {"name": "q", "type": "quorum"},
            "GET /api/policies/%2F": [policy("low"), policy("high", 5), policy("other", 9, "classic_queues")],
            "GET /api/operator-policies/%2F": [policy("op", 1)],
        }
    )
    assert run_with("policies", "matching", "queue", "q", "name", broker=broker).out == "name\nhigh\nlow\n"
    assert run_with("policies", "matching", "queue", "q", "name", "--operator", broker=broker).out == "name\nop\n"
    assert run_with("policies", "matching", "fish", "q", broker=broker).exit == 64


def test_conflicting_policies() -> None:
    here = [policy("a", 1), policy("b", 1, "quorum_queues"), policy("c", 2), policy("d", 3, "queues")]
    there = [policy("e", 3, "exchanges"), policy("f", 1, vhost="other")]
    broker = Broker({"GET /api/policies": [*here, *there], "GET /api/policies/%2F": here})
    assert run_with("policies", "conflicting", "name", broker=broker).out == "name\na\nb\n"
    assert run_with("policies", "conflicting", "name", "--all-vhosts", broker=broker).out == "vhost\tname\n/\ta\n/\tb\n"


def test_an_override_stands_above() -> None:
    found = policy("p", 3, "queues", max_length=5, expires=9)
    broker = Broker(
        {
            "GET /api/policies/%2F/p": found,
            "PUT /api/policies/%2F/overrides.p": DONE,
            "PUT /api/policies/%2F/now": DONE,
        }
    )
    argv = ("policies", "declare_override", "p", "--definition", '{"max-length": 1}')
    assert run_with(*argv, broker=broker) == Ran(0, "", "")
    assert run_with(*argv, "--override-name", "now", broker=broker).exit == 0
    body = {
        "pattern": "^q",
        "apply-to": "queues",
        "priority": 103,
        "definition": {"max-length": 1, "expires": 9},
    }
    assert sent(broker) == [("/api/policies/%2F/overrides.p", body), ("/api/policies/%2F/now", body)]
    missing = run_with(*argv, broker=Broker({"GET /api/policies/%2F/p": MISSING}))
    assert missing.exit == 65


@pytest.mark.parametrize(("others", "priority"), [((), -20), ((5, 0), -20), ((-30,), -31)])
def test_a_blanket_lies_below_all_others(others: tuple[int, ...], priority: int) -> None:
    rows = [policy(f"p{at}", at) for at in others] + [policy("mine", -99)]
    broker = Broker({"GET /api/policies/%2F": rows, "PUT /api/policies/%2F/mine": DONE})
    argv = ("policies", "declare_blanket", "mine", "--definition", '{"max-length": 1}', "--apply-to", "queues")
    assert run_with(*argv, broker=broker) == Ran(0, "", "")
    body = {"pattern": ".*", "apply-to": "queues", "priority": priority, "definition": {"max-length": 1}}
    assert sent(broker) == [("/api/policies/%2F/mine", body)]


def test_one_policy_is_patched() -> None:
    broker = Broker(
        {
            "GET /api/operator-policies/%2F/p": policy("p", 3, max_length=5, expires=9),
            "PUT /api/operator-policies/%2F/p": DONE,
        }
    )
    argv = ("policies", "patch", "p", "--operator", "--definition")
    assert run_with(*argv, '{"max-length": 6}', broker=broker) == Ran(0, "", "")
    assert [body["definition"] for _, body in sent(broker)] == [{"max-length": 6, "expires": 9}]
    assert run_with(*argv, '{"max-length": 5}', broker=broker) == Ran(0, "", "")
    assert len(sent(broker)) == 1, "nothing is written when nothing changes"


def test_keys_of_one_policy_are_deleted() -> None:
    broker = Broker({"GET /api/policies/%2F/p": policy("p", max_length=5, expires=9), "PUT /api/policies/%2F/p": DONE})
    assert run_with("policies", "delete_keys", "p", "expires", "other", broker=broker) == Ran(0, "", "")
    assert [body["definition"] for _, body in sent(broker)] == [{"max-length": 5}]
    none_left = run_with("policies", "delete_keys", "p", "expires", "max-length", broker=broker)
    assert none_left.exit == 65
    assert "clear_policy deletes it" in none_left.err
    assert run_with("policies", "delete_keys", "p", broker=broker).exit == 64


def test_keys_of_all_policies_are_deleted() -> None:
    rows = [policy("a", expires=1, max_length=2), policy("b", expires=1), policy("c", max_length=2)]
    broker = Broker({"GET /api/policies/%2F": rows, "PUT /api/policies/%2F/a": DONE})
    argv = ("policies", "delete_keys", "--all", "expires")
    assert run_with(*argv, broker=broker).exit == 64, "a script has to say --yes"
    assert sent(broker) == []
    ran = run_with(*argv, "--yes", broker=broker)
    assert ran == Ran(
        0, "vhost\tname\tresult\n/\ta\tchanged\n/\tb\tskipped: no setting would be left\n/\tc\tunchanged\n", ""
    )
    assert [body["definition"] for _, body in sent(broker)] == [{"max-length": 2}]


def test_what_could_be_changed_is_told_when_some_could_not() -> None:
    rows = [policy("a", vhost="v"), policy("b", vhost="w")]
    refused = httpx.Response(400, json={"error": "bad_request", "reason": "Validation failed"})
    broker = Broker({"GET /api/policies": rows, "PUT /api/policies/v/a": refused, "PUT /api/policies/w/b": DONE})
    argv = ("policies", "patch", "--all-vhosts", "--definition", '{"expires": 1}', "--yes", "--formatter", "jsonl")
    ran = run_with(*argv, broker=broker)
    assert ran.exit == 3
    first, second = map(json.loads, ran.out.splitlines())
    assert first["result"].startswith("failed: policy 'a' in virtual host 'v': Validation failed")
    assert second == {"vhost": "w", "name": "b", "result": "changed"}
    broker.answers["PUT /api/policies/w/b"] = refused
    assert run_with(*argv, broker=broker).exit == 69


@pytest.mark.parametrize("argv", [("p", "--all"), ()])
def test_patch_is_for_one_or_for_all(argv: tuple[str, ...]) -> None:
    assert run_with("policies", "patch", *argv, "--definition", "{}").exit == 64


# explain


def test_a_queue_is_explained() -> None:
    broker = Broker(
        {
            f"GET /api/queues/{V}/q": {
                "name": "q",
                "type": "classic",
                "arguments": {"x-queue-type": "classic", "x-max-length": 9, "x-max-priority": 5},
                "effective_policy_definition": {"max-length": 6},
                "policy": "b",
                "operator_policy": "o",
            },
            f"GET /api/policies/{V}": [policy("a", 3, max_length=7), policy("b", 3, max_length=8)],
            f"GET /api/operator-policies/{V}": [policy("o", max_length=6)],
        }
    )
    ran = run_with("explain", "queue", "-p", VHOST, "q", broker=broker)
    assert ran.out.splitlines() == [
        "key\tvalue\tfrom\tlost",
        "max-length\t6\toperator policy 'o'\tpolicy 'b' = 8 (the smaller one counts); argument = 9 (the smaller one "
        "counts); policy 'a' = 7 (policy 'b' has the same priority 3, and the broker chose it)",
        "max-priority\t5\targument\t",
    ]
    (first, _) = map(
        json.loads, run_with("explain", "queue", "-p", VHOST, "q", "-f", "jsonl", broker=broker).out.splitlines()
    )
    assert (first["value"], first["from"]) == (6, "operator policy 'o'")
    assert first["lost"][0] == {"value": 8, "from": "policy 'b'", "why": "the smaller one counts"}


def test_a_release_that_does_not_tell_the_policy_in_effect() -> None:
    broker = Broker(
        {
            "GET /api/queues/%2F/q": {"name": "q", "type": "classic", "arguments": []},
            "GET /api/policies/%2F": [policy("a", 1, max_length=7), policy("b", 3, max_length=8)],
            "GET /api/operator-policies/%2F": [],
        }
    )
    ran = run_with("explain", "queue", "q", broker=broker)
    assert "max-length\t8\tpolicy 'b'\tpolicy 'a' = 7 (its priority 1 is below 3 of policy 'b')\n" in ran.out


def test_an_exchange_is_explained() -> None:
    broker = Broker(
        {
            "GET /api/exchanges/%2F/q": {"arguments": {"alternate-exchange": "mine"}, "policy": "p"},
            "GET /api/policies/%2F": [policy("p", alternate_exchange="theirs")],
        }
    )
    assert run_with("explain", "exchange", "q", broker=broker).out == (
        "key\tvalue\tfrom\tlost\n"
        "alternate-exchange\tmine\targument\tpolicy 'p' = theirs (the argument goes above policies)\n"
    )
    assert run_with("explain", "exchange", "q", broker=Broker({"GET /api/exchanges/%2F/q": MISSING})).exit == 65
