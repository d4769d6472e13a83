"""wait: 0 when it came true, 75 when not in time, on every broker."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "wait-tests"
QUEUE = "wait q/1 é"
SHORT = ("--timeout", "0.4", "--interval", "0.1")


@pytest.fixture
def api(place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:
        api.put(f"vhosts/{VHOST}", json={}).raise_for_status()
        yield api
        api.delete(f"vhosts/{VHOST}")


def wait(place: Place, *words: str) -> Ran:
    return rmqctl("wait", *words, "-p", VHOST, url=place.http)


def test_a_queue(place: Place, api: httpx.Client) -> None:
    late = wait(place, "queue", QUEUE, "--exists", *SHORT)
    assert (late.exit, late.stdout, "does not exist after 0.4 seconds" in late.errors) == (75, b"", True), str(late)
    assert wait(place, "queue", QUEUE, "--empty", *SHORT).exit == 65
    words = ("wait", "queue", QUEUE, "--exists", "--empty", "--timeout", "20", "--interval", "0.1", "-p", VHOST)
    waiting = subprocess.Popen([sys.executable, "-m", "rmqctl", "--url", place.http, *words])
    api.put(f"queues/{VHOST}/wait%20q%2F1%20%C3%A9", json={"durable": True}).raise_for_status()
    assert waiting.wait(20) == 0
    for number in range(2):
        assert rmqctl("publish", "-p", VHOST, "-k", QUEUE, str(number), url=place.http).exit == 0
    # The counts are fresh: statistics would still say 0.
    late = wait(place, "queue", QUEUE, "--empty", *SHORT)
    assert (late.exit, "holds 2 messages" in late.errors) == (75, True), str(late)
    assert wait(place, "queue", QUEUE, "--below", "3", *SHORT).exit == 0
    assert wait(place, "queue", QUEUE, "--has-consumers", *SHORT).exit == 75
    assert rmqctl("purge", QUEUE, "-p", VHOST, url=place.http).exit == 0
    done = wait(place, "queue", QUEUE, "--empty", "--timeout", "10")
    assert (done.exit, done.stdout, done.stderr) == (0, b"", b""), str(done)


def test_broker_and_node(place: Place, api: httpx.Client) -> None:
    node = api.get("overview").json()["node"]
    for words in (("broker",), ("node",), ("node", node)):
        ran = wait(place, *words, "--timeout", "10")
        assert (ran.exit, ran.stdout, ran.stderr) == (0, b"", b""), str(ran)
    wrong = rmqctl("wait", "broker", "--password", "wrong", url=place.http.replace("guest:guest@", ""))
    assert (wrong.exit, "was refused" in wrong.errors) == (77, True), str(wrong)


def test_a_broker_that_is_not_there() -> None:
    ran = rmqctl("wait", "broker", *SHORT, url="http://127.0.0.1:1")
    assert (ran.exit, ran.stdout) == (75, b""), str(ran)
