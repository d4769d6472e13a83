"""The checks besides acks, on every broker: what can be provoked there, with exit codes and the output for monitoring."""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "checks/\u00e9"
QUEUE = "a b/\u00fc"
OK, WARNING, CRITICAL, UNKNOWN = range(4)

Run = Callable[..., Ran]


class Setting:
    """The virtual host, changed over HTTP, and looked at by rmqctl."""

    def __init__(self, place: Place) -> None:
        self._url = place.http
        log_in = ("guest", "guest")
        self._http = httpx.Client(base_url=re.sub("//.*@", "//", place.http), auth=log_in, timeout=30, trust_env=False)

    def change(self, method: str, *segments: str, **body: Any) -> None:
        path = "/".join(quote(segment, safe="") for segment in segments)
        answer = self._http.request(method, f"/api/{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"

    def queue(self, name: str, *, durable: bool = True, **arguments: Any) -> None:
        named = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
        self.change("PUT", "queues", VHOST, name, durable=durable, arguments=named)

    def publish(self, name: str) -> None:
        body = {"properties": {}, "routing_key": name, "payload": "x", "payload_encoding": "string"}
        self.change("POST", "exchanges", VHOST, "amq.default", "publish", **body)

    def policy(self, name: str, pattern: str, priority: int = 0, **definition: Any) -> None:
        settings = {key.replace("_", "-"): value for key, value in definition.items()}
        more = {"pattern": pattern, "priority": priority, "definition": settings, "apply-to": "queues"}
        self.change("PUT", "policies", VHOST, name, **more)

    def deprecated(self) -> list[str]:
        """The deprecated features in use, in any virtual host: those of other tests' queues too."""
        return [each["name"] for each in self._http.get("/api/deprecated-features/used").raise_for_status().json()]

    def rmqctl(self, *words: str) -> Ran:
        return rmqctl(*words, "-p", VHOST, url=self._url)

    def close(self) -> None:
        self.change("DELETE", "vhosts", VHOST)
        self._http.close()


@pytest.fixture
def setting(place: Place) -> Iterator[Setting]:
    """A virtual host with the queue QUEUE."""
    setting = Setting(place)
    setting.change("PUT", "vhosts", VHOST)
    with contextlib.closing(setting):
        setting.change("PUT", "permissions", VHOST, "guest", configure=".*", write=".*", read=".*")
        setting.queue(QUEUE)
        yield setting


@pytest.fixture
def run(setting: Setting) -> Run:
    return setting.rmqctl


def kinds(ran: Ran) -> list[tuple[str, str]]:
    return [(each["kind"], each["name"]) for each in json.loads(ran.text)["findings"]]


def eventually(ask: Callable[[], Ran], holds: Callable[[Ran], object], seconds: float = 30) -> Ran:
    deadline = time.monotonic() + seconds
    while not holds(ran := ask()):
        assert time.monotonic() < deadline, str(ran)
        time.sleep(0.2)
    return ran


def test_queues(setting: Setting, run: Run) -> None:
    assert (run("check", "queues").exit, run("check_queues", "--strict").exit) == (OK, WARNING)
    for _ in range(3):
        setting.publish(QUEUE)
    ran = run("check", "queues", "-f", "json")
    assert (ran.exit, kinds(ran)) == (WARNING, [("no consumer", QUEUE)])
    ran = run("check", "queues", "--warning", "2", "--critical", "3", "-f", "nagios")
    first, *_ = ran.text.splitlines()
    assert (ran.exit, first) == (
        CRITICAL,
        "queues CRITICAL: messages: 1; no consumer: 1 | queues=1;;;0 messages=3;;;0 longest=3;2;3;0",
    )
    assert run("check", "queues", "--ready-critical", "3", "--where", "kind = ready").exit == CRITICAL
    assert run("check", "queues", "--ignore", "^a b/").exit == OK
    assert run("check", "queues", "--growth-warning", "1", "--for", "0.1", "--where", "kind = growing").exit == OK


@pytest.mark.parametrize("by_policy", [True, False], ids=["by policy", "by arguments"])
def test_dead_letters(setting: Setting, run: Run, by_policy: bool) -> None:
    """A queue sends its dead letters by an exchange, and one behind that, to the queue `dead`."""
    for name, kind in (("dlx", "topic"), ("behind", "fanout")):
        setting.change("PUT", "exchanges", VHOST, name, type=kind, durable=True)
    setting.queue("dead")
    setting.change("POST", "bindings", VHOST, "e", "dlx", "e", "behind", routing_key="#.b")
    setting.change("POST", "bindings", VHOST, "e", "behind", "q", "dead")
    letters = {"dead_letter_exchange": "dlx", "dead_letter_routing_key": "a.b", "message_ttl": 1}
    if by_policy:
        setting.policy("letters", "^from", **letters)
    setting.queue("from", **({} if by_policy else letters))
    now = ("check", "dead_letters", "--for", "0")
    # The policy of a new queue takes a moment to be told.
    eventually(lambda: run(*now), lambda ran: ran.text == "dead_letters OK: 1 queue of dead letters, 0 messages\n")
    setting.publish("from")
    ran = eventually(lambda: run(*now, "-f", "json"), lambda ran: ran.exit == WARNING)
    assert kinds(ran) == [("dead letters", "dead")]
    assert run(*now, "--critical", "1").exit == CRITICAL
    setting.change("DELETE", "exchanges", VHOST, "behind")
    ran = run(*now, "-f", "json")
    assert (ran.exit, kinds(ran)) == (WARNING, [("lost", "from")])


def test_policies(setting: Setting, run: Run) -> None:
    setting.policy("one", "^a", max_length=5)
    assert run("check", "policies").exit == OK
    setting.policy("two", "b", max_length=5)
    setting.policy("none", "^zz", max_length=5)
    ran = run("check", "policies", "-f", "json")
    assert (ran.exit, kinds(ran)) == (WARNING, [("matches nothing", "none"), ("conflict", "one")])
    setting.policy("two", "b", priority=1, max_length=5)
    assert run("check", "policies", "--ignore", "none").exit == OK


def test_definitions(setting: Setting, run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "wanted.json")
    assert run("definitions", "export", file).exit == 0
    assert run("check", "definitions", file).text == "definitions OK: the broker is as the file says\n"
    setting.change("DELETE", "queues", VHOST, QUEUE)
    setting.change("PUT", "exchanges", VHOST, "new", type="direct")
    ran = run("check", "definitions", file, "-f", "json")
    assert (ran.exit, kinds(ran)) == (WARNING, [("missing", QUEUE), ("not in the file", "new")])


def test_nodes_and_what_they_say_of_themselves(run: Run) -> None:
    assert run("check", "alarms").text == "alarms OK: no alarm is in effect\n"
    ran = run("check", "nodes", "-f", "json")
    assert ran.exit == OK, str(ran)
    assert json.loads(ran.text)["figures"]["nodes"] == 1
    assert run("check", "nodes", "--memory-critical", "0.01").exit == CRITICAL
    assert run("check", "cluster", "--nodes", "1").exit == OK
    assert run("check", "cluster", "--nodes", "2").exit == CRITICAL
    assert run("check", "certificates").exit == OK


def test_certificates_that_expire(place: Place) -> None:
    """Those of the nodes hold for 90 days; the embedded broker has none."""
    ran = rmqctl("check", "certificates", "--warning", "52w", "--critical", "1d", "-f", "json", url=place.http)
    files = [each["text"].partition(" ")[0] for each in json.loads(ran.text)["findings"]]
    wanted = [] if place.node is None else ["ca.pem", "server.pem" if place.node.modern else "named.pem"]
    assert (ran.exit, sorted(Path(file).name for file in files)) == (WARNING if wanted else OK, sorted(wanted)), str(
        ran
    )


def test_quorum(setting: Setting, run: Run) -> None:
    """One member is all that a queue can have on one node."""
    setting.queue("replicated", queue_type="quorum")
    ran = eventually(lambda: run("check", "quorum"), lambda ran: ran.exit == OK)
    assert ran.text == "quorum OK: 1 quorum queue or stream, all well\n"


def test_deprecated_features(setting: Setting, run: Run, place: Place) -> None:
    ran = run("check", "deprecated_features")
    if place.node is not None and not place.node.modern:
        assert (ran.exit, "needs RabbitMQ 3.13 or later" in ran.text) == (UNKNOWN, True)
        return
    before = setting.deprecated()
    assert ran.exit == (WARNING if before else OK)
    assert (ran.text == "deprecated_features OK: no deprecated feature is in use\n") is not bool(before)
    setting.queue("transient", durable=False)
    assert "transient_nonexcl_queues" in setting.deprecated()
    ran = run("check", "deprecated_features", "-f", "json")
    assert (ran.exit, sorted(kinds(ran))) == (WARNING, sorted(("in use", name) for name in setting.deprecated()))


def test_all_at_once(setting: Setting, run: Run, place: Place, tmp_path: Path) -> None:
    limits = tmp_path / "checks.toml"
    limits.write_text('[all]\nonly = ["queues", "policies", "deprecated_features", "shovels"]\n[queues]\nwarning = 1\n')
    ran = run("check", "all", "--config", str(limits), "-f", "json")
    statuses: dict[str, Any] = {each["check"]: each["status"] for each in json.loads(ran.text)["checks"]}
    old = place.node is not None and not place.node.modern
    deprecated = not old and bool(setting.deprecated())
    assert ran.exit == (WARNING if deprecated else OK)
    assert statuses.pop("deprecated_features") == ("SKIPPED" if old else "WARNING" if deprecated else "OK")
    assert statuses.pop("shovels") in ("OK", "SKIPPED")
    assert statuses == {"queues": "OK", "policies": "OK"}
    setting.publish(QUEUE)
    assert run("check", "all", "--config", str(limits)).exit == WARNING
    limits.write_text('[queues]\nwarning = "lots"\n')
    ran = run("check", "all", "--config", str(limits))
    assert (ran.exit, f"{limits}, line 2" in ran.errors) == (78, True)


def test_everything(run: Run) -> None:
    ran = run("check", "all", "--for", "0.1", "-f", "nagios")
    first, *lines = ran.text.splitlines()
    assert ran.exit in (OK, WARNING), str(ran)  # a machine may be short of disk space
    assert re.fullmatch(r"all (OK|WARNING): [\w, ]+ \| (\S+=\S+ ?)+", first)
    assert all(re.match(r"\w+ (OK|WARNING|SKIPPED): .", line) for line in lines)
    metrics = run("check", "all", "--for", "0", "-f", "prometheus").text
    samples = re.findall(r"^(\w+(?:\{.*\})?) [-\d.]+$", metrics, re.MULTILINE)
    assert len(samples) == len(set(samples)) > len(lines)


def test_it_could_not_tell(place: Place) -> None:
    for words in (("check", "queues"), ("check", "all", "--for", "0"), ("check", "nodes")):
        ran = rmqctl(*words, "--user", "guest", "--password", "wrong", url=re.sub("//.*@", "//", place.http))
        assert (ran.exit, re.match(r"\w+ UNKNOWN: ", ran.text) is not None) == (UNKNOWN, True), str(ran)
    ran = rmqctl("check", "queues", "-p", "nowhere at all", url=place.http)
    assert (ran.exit, ran.text.startswith("queues UNKNOWN: ")) == (UNKNOWN, True), str(ran)
