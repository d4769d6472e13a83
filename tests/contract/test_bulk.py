"""Many at once: what is reported done is done, also when the process is killed in the middle."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pika
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "bulk a/b é"
V = quote(VHOST, safe="")
COUNT = 400


@pytest.fixture
def api(place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:
        assert rmqctl("declare", "vhost", VHOST, url=place.http).exit == 0
        yield api
        api.delete(f"vhosts/{V}")


def run(place: Place, *words: str) -> Ran:
    return rmqctl(*words, "-p", VHOST, url=place.http)


def declare(place: Place, tmp_path: Path, count: int) -> None:
    file = tmp_path / "topology.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for number in range(count):
            lines.write(json.dumps({"kind": "queue", "name": f"q {number}", "durable": number % 2 == 0}) + "\n")
            lines.write(json.dumps({"kind": "binding", "source": "x", "destination": f"q {number}"}) + "\n")
        lines.write('{"kind": "exchange", "name": "x", "type": "fanout"}\n')
    ran = run(place, "declare", "-f", str(file), "--yes")
    assert ran.exit == 0, str(ran)
    assert ran.text.count("\tcreated\n") == 2 * count + 1


def names(api: httpx.Client) -> set[str]:
    return {row["name"] for row in api.get(f"queues/{V}?disable_stats=true&columns=name").json() if row}


def test_declare_purge_delete(place: Place, api: httpx.Client, tmp_path: Path) -> None:
    declare(place, tmp_path, 20)
    again = run(place, "declare", "-f", str(tmp_path / "topology.jsonl"), "--yes")
    assert (again.exit, again.text.count("\talready as wanted\n")) == (0, 41), str(again)
    message = {"routing_key": "", "payload": "x", "payload_encoding": "string", "properties": {}}
    for _ in range(2):
        api.post(f"exchanges/{V}/x/publish", json=message).raise_for_status()
    purged = run(place, "purge", "--match", "^q 1", "--yes", "--formatter", "json")
    report = json.loads(purged.stdout)
    assert (purged.exit, len(report["succeeded"]), {row["messages"] for row in report["succeeded"]}) == (0, 11, {2})
    dry = run(place, "delete", "queue", "--where", "messages = 0", "--dry-run")
    assert (dry.exit, dry.text.count("\twould be deleted\n"), len(names(api))) == (0, 11, 20)
    partly = run(place, "delete", "queue", "--match", ".", "--if-empty", "--yes")
    assert partly.exit == 3, str(partly)
    assert (partly.text.count("\tdeleted\n"), partly.text.count("\terror: ")) == (11, 9), str(partly)
    assert len(names(api)) == 9
    if place.node:
        left = place.node.ctl("list_queues", "-p", VHOST, "-q", "--no-table-headers", "name", "messages")
        assert {line.split("\t")[1] for line in left.text.splitlines()} == {"2"}, str(left)
    assert run(place, "delete", "queue", "--match", ".").exit == 64
    assert run(place, "delete", "queue", "--match", ".", "--yes").exit == 0
    assert names(api) == set()
    assert run(place, "delete", "exchange", "--match", ".", "--yes").text == "name\tresult\nx\tdeleted\n"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_reported_done_is_done(place: Place, api: httpx.Client, tmp_path: Path, how: signal.Signals) -> None:
    declare(place, tmp_path, COUNT)
    argv = [
        sys.executable,
        "-m",
        "rmqctl",
        "--url",
        place.http,
        "-p",
        VHOST,
        "delete",
        "queue",
        "--match",
        ".",
        "--yes",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout
        # Lines come as they are done, so the process is in the middle of it.
        lines = [program.stdout.readline() for _ in range(51)]
        program.send_signal(how)
        lines += program.stdout.readlines()
    rows = [line.split("\t") for line in lines[1:] if line.endswith("\n")]
    done = {row[0] for row in rows if row[1:] == ["deleted\n"]}
    left = names(api)
    assert 50 <= len(done) < COUNT
    assert not done & left
    if how is signal.SIGINT:
        assert program.returncode == 130
        assert {row[0] for row in rows if row[1:] == ["not begun\n"]} == left
        assert len(done) + len(left) == COUNT
    else:
        # At most the eight under way were done without a word, besides what was in the pipe.
        assert program.returncode == -signal.SIGKILL
        assert COUNT - len(done) - len(left) <= 16


def test_connections(place: Place, api: httpx.Client) -> None:
    """A connection is in the lists some seconds after it was made."""
    parameters = pika.URLParameters(f"{place.amqp}/{V}")
    parameters.client_properties = {"connection_name": "bulk here"}
    connection = pika.BlockingConnection(parameters)
    while not any(row.get("user_provided_name") == "bulk here" for row in api.get("connections").json()):
        connection.process_data_events(0.2)
    ran = run(place, "close", "connection", "--where", "user_provided_name = 'bulk here'", "--reason", "bye", "--yes")
    assert (ran.exit, ran.text.count("\tclosed\n")) == (0, 1), str(ran)
    with pytest.raises(pika.exceptions.ConnectionClosed, match="bye"):
        connection.process_data_events(20)
