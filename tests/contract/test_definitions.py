"""Definitions between brokers: what one exports another imports, and exports again; apply makes a broker as a file says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmqctl.topology.plan import plan

from .brokers import Node, Ran, embedded, rmqctl
from .conftest import Place

VHOST = "defs a/b c%2F é"
USER = "defs-user é"
HASH = "4p8FxRMg5IOG73YwSmYXux+BoKIqNrz4gi09XOJnv8JBiPXE"
QUEUE = {"name": "q/1 ü", "vhost": VHOST, "durable": True, "auto_delete": False,
         "arguments": {"x-max-length": 5, "x-queue-type": "classic"}}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "users": [{"name": USER, "password_hash": HASH, "hashing_algorithm": "rabbit_password_hashing_sha256",
               "tags": ["monitoring"], "limits": {"max-connections": 5}}],
    "vhosts": [{"name": VHOST}],
    "permissions": [{"user": user, "vhost": VHOST, "configure": ".*", "write": "w", "read": ".*"}
                    for user in (USER, "guest")],
    "topic_permissions": [{"user": USER, "vhost": VHOST, "exchange": "amq.topic", "write": "a", "read": "b"}],
    "parameters": [
        {"vhost": VHOST, "component": "operator_policy", "name": "o p",
         "value": {"pattern": "x", "definition": {"max-length": 7}, "priority": 0, "apply-to": "queues"}},
        {"vhost": VHOST, "component": "vhost-limits", "name": "limits", "value": {"max-queues": 70}},
    ],
    "policies": [{"vhost": VHOST, "name": "p é", "pattern": "^q", "apply-to": "queues", "priority": 1,
                  "definition": {"max-length": 5}}],
    "queues": [QUEUE, {**QUEUE, "name": "plain", "arguments": {"x-queue-type": "classic"}}],
    "exchanges": [{"name": "e/é", "vhost": VHOST, "type": "topic", "durable": True, "auto_delete": False,
                   "internal": False, "arguments": {}}],
    "bindings": [{"source": "e/é", "vhost": VHOST, "destination": "q/1 ü", "destination_type": "queue",
                  "routing_key": "k.#", "arguments": {"a": 1}}],
}  # fmt: skip
PERMITTED = {**DOCUMENT, "permissions": [{**row, "write": ".*"} for row in DOCUMENT["permissions"]]}


@pytest.fixture
def clean(place: Place) -> Iterator[Place]:
    yield place
    forget(place.http)


def forget(url: str) -> None:
    with httpx.Client(base_url=f"{url}/api/", timeout=30, trust_env=False) as api:
        api.delete(f"vhosts/{quote(VHOST, safe='')}")
        api.delete(f"users/{quote(USER, safe='')}")


def ok(*words: str, url: str) -> Ran:
    ran = rmqctl(*words, url=url)
    assert (ran.exit, ran.stderr) == (0, b""), str(ran)
    return ran


def exported(url: str, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ok("definitions", "export", *words, url=url).stdout)
    return document


def ours(document: dict[str, Any]) -> dict[str, Any]:
    """What the tests have made, of a broker that others use too."""
    return {
        section: [row for row in document[section] if VHOST in row.values() or USER in row.values()]
        for section in DOCUMENT
    }


def written(path: Path, document: dict[str, Any]) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_there_and_back(clean: Place, tmp_path: Path) -> None:
    """From the embedded broker into each, out of it, and into another embedded one."""
    with embedded() as source, embedded() as last:
        first = ours(made_on(source, tmp_path))
        ok("definitions", "import", written(tmp_path / "first", first), url=clean.http)
        second = ours(exported(clean.http))
        assert plan(first, second) == plan(second, first) == []
        ok("definitions", "import", written(tmp_path / "second", second), url=last.url)
        third = ours(exported(last.url))
        assert plan(first, third) == plan(third, first) == []
        ok("wait", "definitions", str(tmp_path / "first"), "--timeout", "5", url=clean.http)


def made_on(broker: Node, tmp_path: Path) -> dict[str, Any]:
    ok("definitions", "import", written(tmp_path / "made", DOCUMENT), url=broker.url)
    return exported(broker.url)


def test_export_is_the_same_bytes(clean: Place, tmp_path: Path) -> None:
    ok("import_definitions", written(tmp_path / "made", DOCUMENT), url=clean.http)
    once, again = tmp_path / "once", tmp_path / "again"
    ok("definitions", "export", "-p", VHOST, str(once), url=clean.http)
    ok("definitions", "import", str(once), "-p", VHOST, url=clean.http)
    ok("definitions", "export", "-p", VHOST, str(again), url=clean.http)
    assert once.read_bytes() == again.read_bytes()
    assert once.read_bytes() == ok("definitions", "export", "-p", VHOST, url=clean.http).stdout
    ok("export_definitions", str(again), url=clean.http)
    assert ours(json.loads(again.read_text()))["queues"]


def test_apply_makes_it_so_and_prunes(clean: Place, tmp_path: Path) -> None:
    file = written(tmp_path / "wanted", PERMITTED)
    assert rmqctl("definitions", "apply", file, url=clean.http).exit == 64
    done = ok("definitions", "apply", file, "--yes", url=clean.http).text.splitlines()
    assert {line.split("\t")[-1] for line in done[1:]} == {"done"}
    assert plan(PERMITTED, ours(exported(clean.http))) == []
    assert ok("definitions", "apply", file, "--yes", url=clean.http).stdout == b""
    if clean.node:
        listed = clean.node.ctl("list_queues", "-q", "-p", VHOST, "name", "--no-table-headers").text.splitlines()
        assert set(listed) == {"q/1 ü", "plain"}
        assert "p é" in clean.node.ctl("list_policies", "-q", "-p", VHOST).text
    other = {
        "queues": [{**QUEUE, "arguments": {"x-max-length": 6, "x-queue-type": "classic"}}],
        "policies": [{**DOCUMENT["policies"][0], "priority": 2}],
        "bindings": [],
    }
    ran = rmqctl("definitions", "apply", written(tmp_path / "other", other), "--prune", "--yes", url=clean.http)
    assert ran.exit == 3, str(ran)
    assert f"needs recreation\tqueue\t{VHOST}\tq/1 ü\terror: " in ran.text
    after = ours(exported(clean.http))
    assert [row["name"] for row in after["queues"]] == ["q/1 ü"]
    assert after["queues"][0]["arguments"]["x-max-length"] == 5
    assert (after["bindings"], after["policies"][0]["priority"]) == ([], 2)
    assert after["users"] == ours(exported(clean.http))["users"] != []


def test_diff(clean: Place, tmp_path: Path) -> None:
    ok("definitions", "import", written(tmp_path / "made", DOCUMENT), url=clean.http)
    same = rmqctl("definitions", "diff", str(tmp_path / "made"), clean.http, "-p", VHOST)
    assert (same.exit, json.loads(same.stdout)) == (0, {"equal": True, "differences": []}), str(same)
    changed = {**DOCUMENT, "queues": DOCUMENT["queues"][:1]}
    differs = rmqctl("definitions", "diff", written(tmp_path / "other", changed), clean.http, "-p", VHOST)
    assert (differs.exit, json.loads(differs.stdout)["differences"][0]["name"]) == (1, "plain"), str(differs)


def test_what_the_broker_refuses(clean: Place, tmp_path: Path) -> None:
    bad = {"vhosts": [{"name": VHOST}], "policies": [{**DOCUMENT["policies"][0], "definition": {"nope": 1}}]}
    ran = rmqctl("definitions", "import", written(tmp_path / "bad", bad), url=clean.http)
    assert (ran.exit, "nope" in ran.errors) == (65, True), str(ran)


BY_DEFAULT = [
    {**QUEUE, "name": "by default", "arguments": {}},
    {**QUEUE, "name": "transient", "durable": False, "arguments": {}},
    {**QUEUE, "name": "goes with its consumers", "auto_delete": True, "arguments": {}},
    {**QUEUE, "name": "says what nobody reads", "type": "stream", "arguments": {}},
]
INTERNAL = {"name": "inner", "vhost": VHOST, "type": "topic", "durable": True, "auto_delete": False, "internal": True,
            "arguments": {}}  # fmt: skip
UNUSUAL: dict[str, Any] = {
    **PERMITTED,
    "vhosts": [{"name": VHOST, "metadata": {"description": "d", "tags": ["b", "a"], "default_queue_type": "quorum"}}],
    "queues": [*DOCUMENT["queues"], *BY_DEFAULT],
    "exchanges": [*DOCUMENT["exchanges"], INTERNAL],
    "bindings": [
        *DOCUMENT["bindings"],
        {**DOCUMENT["bindings"][0], "source": "inner"},
        {**DOCUMENT["bindings"][0], "source": "", "destination": "plain", "routing_key": "plain", "arguments": {}},
    ],
    "topic_permissions": [{**DOCUMENT["topic_permissions"][0], "exchange": "e/é"}],
    "parameters": [{**DOCUMENT["parameters"][0]}, {**DOCUMENT["parameters"][1], "value": {"max-queues": 1}}],
}
"""What releases spell, leave out, make by themselves or hold back."""


@pytest.mark.parametrize("way", ["apply", "import"])
def test_what_was_made_so_needs_no_change(way: str, clean: Place, tmp_path: Path) -> None:
    file = written(tmp_path / "wanted", UNUSUAL)
    if way == "apply":
        assert rmqctl("definitions", "apply", file, "--yes", url=clean.http).exit == 0
    else:
        unlimited = {**UNUSUAL, "parameters": UNUSUAL["parameters"][:1], "topic_permissions": []}
        assert rmqctl("definitions", "import", written(tmp_path / "first", unlimited), url=clean.http).exit == 0
        assert rmqctl("definitions", "apply", file, "--yes", url=clean.http).exit == 0
    again = rmqctl("definitions", "apply", file, "--yes", url=clean.http)
    assert (again.exit, again.stdout) == (0, b""), str(again)
    differs = rmqctl("definitions", "diff", file, clean.http, "-p", VHOST)
    assert (differs.exit, json.loads(differs.stdout)["differences"]) == (0, []), str(differs)
    assert rmqctl("check", "definitions", file, "-p", VHOST, url=clean.http).exit == 0
    types = {
        row["name"]: row.get("type", row["arguments"].get("x-queue-type"))
        for row in ours(exported(clean.http))["queues"]
    }
    if clean.node is None or clean.node.modern:
        assert (types["by default"], types["transient"], types["says what nobody reads"]) == (
            "quorum",
            "classic",
            "quorum",
        )
    (vhost,) = [row for row in exported(clean.http)["vhosts"] if row["name"] == VHOST]
    assert (vhost["metadata"]["description"], vhost["metadata"]["tags"]) == ("d", ["a", "b"])


def test_what_was_exported_and_applied_is_exported_as_the_same_bytes(clean: Place, tmp_path: Path) -> None:
    assert rmqctl("definitions", "apply", written(tmp_path / "made", UNUSUAL), "--yes", url=clean.http).exit == 0
    first, second = tmp_path / "first", tmp_path / "second"
    rmqctl("definitions", "export", str(first), url=clean.http)
    forget(clean.http)
    assert rmqctl("definitions", "apply", str(first), "--yes", url=clean.http).exit == 0
    rmqctl("definitions", "export", str(second), url=clean.http)
    assert first.read_bytes() == second.read_bytes()


def test_a_plan_that_cannot_succeed_is_not_begun(clean: Place, tmp_path: Path) -> None:
    document = {
        "vhosts": [{"name": VHOST}],
        "queues": [{**QUEUE, "vhost": "nowhere"}],
        "permissions": [{**DOCUMENT["permissions"][0], "user": "nobody"}],
    }
    file = written(tmp_path / "wanted", document)
    for more in ("--dry-run", "--yes"):
        ran = rmqctl("definitions", "apply", file, more, url=clean.http)
        assert ran.exit == 65, str(ran)
        assert "user 'nobody' does not exist; virtual host 'nowhere' does not exist" in ran.errors, str(ran)
    assert [row for row in exported(clean.http)["vhosts"] if row["name"] == VHOST] == []


def test_a_shovel_finds_its_queues(clean: Place, tmp_path: Path) -> None:
    if clean.node is None:
        pytest.skip("the embedded broker has no shovels")
    value = {"src-protocol": "amqp091", "src-uri": f"amqp:///{quote(VHOST, safe='')}", "src-queue": "q/1 ü",
             "dest-protocol": "amqp091", "dest-uri": f"amqp:///{quote(VHOST, safe='')}", "dest-queue": "plain"}  # fmt: skip
    shovel = {"vhost": VHOST, "component": "shovel", "name": "s", "value": value}
    file = written(tmp_path / "wanted", {**PERMITTED, "parameters": [shovel, *DOCUMENT["parameters"]]})
    ok("definitions", "apply", file, "--yes", url=clean.http)
    assert ok("definitions", "apply", file, "--yes", url=clean.http).stdout == b""
    ok("delete", "shovel", "s", "-p", VHOST, url=clean.http)


def test_wait_until_the_time_is_up(clean: Place, tmp_path: Path) -> None:
    file = written(tmp_path / "wanted", DOCUMENT)
    ran = rmqctl("wait", "definitions", file, "--timeout", "0.3", "--interval", "0.1", url=clean.http)
    assert (ran.exit, "lacking or different" in ran.errors) == (75, True), str(ran)


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda name: not name.startswith("amq.")
)
ARGUMENTS = st.fixed_dictionaries({}, optional={"x-max-length": st.integers(1, 10**9), "x-mine": NAMES,
                                                "x-flag": st.booleans()})  # fmt: skip
TOPOLOGIES = st.fixed_dictionaries(
    {
        "queues": st.dictionaries(NAMES, ARGUMENTS, max_size=4),
        "exchanges": st.dictionaries(NAMES, st.sampled_from(("direct", "fanout", "topic", "headers")), max_size=3),
        "policies": st.dictionaries(NAMES, st.integers(0, 99), max_size=2),
        "keys": st.lists(NAMES, max_size=3, unique=True),
    }
)


@pytest.fixture(scope="module")
def fresh() -> Iterator[httpx.Client]:
    with embedded() as broker, httpx.Client(base_url=f"{broker.url}/api/", timeout=30, trust_env=False) as api:
        yield api


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(TOPOLOGIES)
def test_any_topology_is_the_same_after_an_import(fresh: httpx.Client, made: dict[str, Any]) -> None:
    """What was exported, imported where nothing is left of it, and exported again is the same text."""
    from rmqctl.topology.documents import written as text

    document = {
        "vhosts": [{"name": VHOST}],
        "queues": [{**QUEUE, "name": name, "arguments": table} for name, table in made["queues"].items()],
        "exchanges": [{**DOCUMENT["exchanges"][0], "name": name, "type": kind} for name, kind in made["exchanges"].items()],
        "policies": [{**DOCUMENT["policies"][0], "name": name, "priority": n} for name, n in made["policies"].items()],
        "bindings": [
            {**DOCUMENT["bindings"][0], "source": source, "destination": queue, "routing_key": key}
            for source in made["exchanges"]
            for queue in made["queues"]
            for key in made["keys"]
        ],
    }  # fmt: skip
    assert fresh.post("definitions", json=document).is_success
    first = fresh.get("definitions").json()
    fresh.delete(f"vhosts/{quote(VHOST, safe='')}").raise_for_status()
    fresh.post("definitions", json=json.loads(text(first))).raise_for_status()
    again = fresh.get("definitions").json()
    assert text(again) == text(first)
    assert plan(document, again) == []
    fresh.delete(f"vhosts/{quote(VHOST, safe='')}").raise_for_status()
