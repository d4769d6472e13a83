"""Many at once: which ones, the question, what came of each, and how it ends."""

import io
import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rmqctl.cli import run as run_rmqctl
from rmqctl.session import Session

from ..conftest import NOT_FOUND, Broker, Ran, Terminal, run_with

DELETED = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)
IN_USE = httpx.Response(400, json={"error": "bad_request", "reason": "queue 'b' in vhost '/' in use"})
LIST = "GET /api/queues/%2F"
TOTAL = {"GET /api/overview": {"object_totals": {"queues": 3}}}
ROWS = [{"name": name, "vhost": "/", "type": "classic", "durable": name != "c"} for name in ("a", "b", "c")]


def answers(**results: httpx.Response) -> dict[str, Any]:
    deletes = {f"DELETE /api/queues/%2F/{name}": results.get(name, DELETED) for name in ("a", "b", "c")}
    return {LIST: ROWS, **TOTAL, **deletes}


def deleted(broker: Broker) -> list[str]:
    return sorted(each.url.path.rpartition("/")[2] for each in broker.requests if each.method == "DELETE")


# Which ones


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["a", "c", "a"], ["a", "c"]),
        (["--match", "^[ab]$"], ["a", "b"]),
        (["--where", "durable and name != a"], ["b"]),
        (["--match", "[ac]", "--where", "not durable"], ["c"]),
        (["--match", "z"], []),
    ],
)
def test_names_and_expressions(words: list[str], names: list[str]) -> None:
    broker = Broker(answers())
    ran = run_with("delete", "queue", *words, "--yes", broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    assert sorted(ran.out.splitlines()[1:]) == [f"{name}\tdeleted" for name in names]
    assert deleted(broker) == names


def test_all_virtual_hosts() -> None:
    rows = [{"name": "q", "vhost": "a/b"}, {"name": "q", "vhost": "/"}]
    paths = {"DELETE /api/queues/a%2Fb/q": DELETED, "DELETE /api/queues/%2F/q": DELETED}
    broker = Broker({"GET /api/queues": rows, **paths})
    ran = run_with("delete", "queue", "--match", "q", "--all-vhosts", "--yes", broker=broker)
    assert sorted(ran.out.splitlines()) == ["/\tq\tdeleted", "a/b\tq\tdeleted", "vhost\tname\tresult"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which ones?"),
        (["--all-vhosts"], "which ones?"),
        (["a", "--match", "b"], "names go without --where, --match and --all-vhosts"),
        (["--match", "("], "'(' is no regular expression"),
        (["--where", "zork = 1"], "zork"),
    ],
)
def test_wrong_choices_send_nothing(words: list[str], said: str) -> None:
    ran = run_with("delete", "queue", *words, "--yes")
    assert (ran.exit, ran.out) == (64, "")
    assert said in ran.err


# The question


@pytest.mark.parametrize("words", [["a", "b"], ["--match", "a"]])
def test_scripts_need_yes_for_several_and_for_expressions(words: list[str]) -> None:
    broker = Broker(answers())
    ran = run_with("delete", "queue", *words, broker=broker)
    assert (ran.exit, ran.out, deleted(broker)) == (64, "", [])
    assert "--yes is needed where nobody can be asked" in ran.err


def test_one_that_is_named_is_not_asked_about() -> None:
    assert run_with("delete", "queue", "a", broker=Broker(answers())) == Ran(0, "name\tresult\na\tdeleted\n", "")


def test_a_terminal_shows_what_and_asks() -> None:
    rows = [{"name": f"q{number}", "vhost": "/"} for number in range(25)]
    paths = {f"DELETE /api/queues/%2F/q{number}": DELETED for number in range(25)}
    broker = Broker({LIST: rows, **TOTAL, **paths})
    pager = {"PAGER": "cat"}
    ran = run_with("delete", "queue", "--match", "q", broker=broker, terminal=True, stdin="n\n", environ=pager)
    assert (ran.exit, ran.out, deleted(broker)) == (130, "", [])
    assert "  q19\n  and 5 more\nAbout to delete 25 queues of virtual host '/'. Go on? [y/N] " in ran.err
    ran = run_with("delete", "queue", "--match", "q", broker=broker, terminal=True, stdin="y\n", environ=pager)
    assert (ran.exit, len(deleted(broker))) == (0, 25)


def test_a_protected_context_wants_the_virtual_host_typed_even_for_one(tmp_path: Path) -> None:
    contexts = tmp_path / "config" / "rmqctl" / "contexts.toml"
    contexts.parent.mkdir(parents=True)
    contexts.write_text('[contexts.prod]\nurl = "http://prod.example:15672"\nprotected = true\n')
    contexts.chmod(0o600)
    how: dict[str, Any] = {"environ": {"HOME": str(tmp_path)}, "terminal": True}
    broker = Broker(answers())
    words = ("--context", "prod", "delete", "queue", "a", "--yes")
    assert run_with(*words, broker=broker, stdin="y\n", **how).exit == 130
    assert deleted(broker) == []
    assert run_with(*words, broker=broker, stdin="/\n", **how).exit == 0
    assert deleted(broker) == ["a"]


def test_a_dry_run_changes_nothing_and_asks_nothing() -> None:
    broker = Broker(answers())
    ran = run_with("delete", "queue", "--match", "[ab]", "--dry-run", broker=broker)
    assert ran == Ran(0, "name\tresult\na\twould be deleted\nb\twould be deleted\n", "")
    assert deleted(broker) == []


# What came of it


def test_partly_done() -> None:
    ran = run_with("delete", "queue", "--match", ".", "--yes", "--if-unused", broker=Broker(answers(b=IN_USE)))
    reason = "queue 'b' in virtual host '/': queue 'b' in vhost '/' in use (http://localhost:15672)"
    assert ran.exit == 3
    assert sorted(ran.out.splitlines()) == ["a\tdeleted", f"b\terror: {reason}", "c\tdeleted", "name\tresult"]
    assert ran.err == f"rmqctl: 2 of 3 queues deleted, 1 failed; the first: {reason}\n"


def test_partly_done_for_programs() -> None:
    words = ("delete", "queue", "a", "b", "c", "--yes", "--if-exists", "--formatter", "json")
    ran = run_with(*words, broker=Broker(answers(b=IN_USE, c=MISSING)))
    assert ran.exit == 3
    reason = "queue 'b' in virtual host '/': queue 'b' in vhost '/' in use (http://localhost:15672)"
    assert json.loads(ran.out) == {
        "succeeded": [{"name": "a", "result": "deleted"}],
        "failed": [{"name": "b", "reason": reason}],
        "skipped": [{"name": "c", "result": "not there", "reason": "not there"}],
    }


def test_nothing_done_ends_with_the_errors_own_code() -> None:
    ran = run_with("delete", "queue", "a", "b", "--yes", broker=Broker(answers(a=MISSING, b=MISSING)))
    assert ran.exit == 65
    refused = httpx.Response(401, json={"error": "not_authorised", "reason": "Access refused."})
    ran = run_with("delete", "queue", "a", broker=Broker(answers(a=refused)))
    assert (ran.exit, ran.out) == (77, "")


@pytest.mark.parametrize(
    "formatter", ["table", "tsv", "jsonl", "csv", "pretty_table", "markdown", "json_stream", "kvp"]
)
def test_every_format_has_a_row_for_each(formatter: str) -> None:
    ran = run_with("delete", "queue", "a", "b", "--yes", "-f", formatter, broker=Broker(answers()))
    assert (ran.exit, ran.out.count("deleted")) == (0, 2)


def test_fail_fast_begins_no_more() -> None:
    names = [f"q{number}" for number in range(100)]
    broker = Broker({f"DELETE /api/queues/%2F/{name}": MISSING for name in names})
    ran = run_with("delete", "queue", *names, "--yes", "--fail-fast", "-f", "json", broker=broker)
    report = json.loads(ran.out)
    assert ran.exit == 65
    assert len(deleted(broker)) == len(report["failed"]) <= 16
    assert len(report["skipped"]) == 100 - len(report["failed"])
    assert {each["reason"] for each in report["skipped"]} == {"not begun"}


def test_a_broker_that_is_gone_ends_it() -> None:
    names = [f"q{number}" for number in range(100)]
    broker = Broker({f"DELETE /api/queues/%2F/{name}": httpx.ConnectError("refused") for name in names})
    ran = run_with("delete", "queue", *names, "--yes", broker=broker)
    assert (ran.exit, len(deleted(broker)) <= 16) == (69, True)


def test_eight_requests_run_side_by_side() -> None:
    meeting = threading.Barrier(8, timeout=20)

    def wait(_: httpx.Request) -> httpx.Response:
        meeting.wait()
        return DELETED

    names = [f"q{number}" for number in range(16)]
    broker = Broker({f"DELETE /api/queues/%2F/{name}": wait for name in names})
    assert run_with("delete", "queue", *names, "--yes", broker=broker).exit == 0


class _Watched(io.StringIO):
    """A pipe whose reader sees each line when it has been flushed."""

    def __init__(self, seen: Callable[[str], None]) -> None:
        super().__init__()
        self._seen = seen

    def flush(self) -> None:
        self._seen(self.getvalue())


@pytest.mark.parametrize("formatter", ["tsv", "json"])
def test_ctrl_c_reports_what_was_done(formatter: str) -> None:
    """The signal comes with the 20th request; those under way end."""
    names = [f"q{number}" for number in range(100)]
    broker = Broker({})

    def delete(_: httpx.Request) -> httpx.Response:
        if len(broker.requests) == 20:
            signal.raise_signal(signal.SIGINT)
        return DELETED

    broker.answers = {f"DELETE /api/queues/%2F/{name}": delete for name in names}
    ran = run_with("delete", "queue", *names, "--yes", "-f", formatter, broker=broker)
    assert ran.exit == 130
    done = len(broker.requests)
    assert 20 <= done < 100
    assert ran.err == f"rmqctl: interrupted: {done} of 100 queues done\n"
    if formatter == "json":
        report = json.loads(ran.out)
        assert {each["name"] for each in report["succeeded"]} == set(deleted(broker))
        assert len(report["skipped"]) == 100 - done
    else:
        assert sorted(line[:-8] for line in ran.out.splitlines() if line.endswith("\tdeleted")) == deleted(broker)
        assert ran.out.count("\tnot begun\n") == 100 - done


def test_a_row_is_written_when_it_is_done() -> None:
    """The second request is answered when the row of the first has been seen."""
    seen = threading.Event()
    out = _Watched(lambda text: seen.set() if "a\tdeleted\n" in text else None)
    broker = Broker({})

    def after_the_first(_: httpx.Request) -> httpx.Response:
        return DELETED if seen.wait(20) else MISSING

    broker.answers = answers() | {"DELETE /api/queues/%2F/b": after_the_first}
    session = Session(io.StringIO(), out, io.StringIO(), {}, broker.transport)
    assert run_rmqctl(["delete", "queue", "a", "b", "--yes"], session) == 0
    assert out.getvalue() == "name\tresult\na\tdeleted\nb\tdeleted\n"


def test_a_bar_is_for_a_terminal_and_goes_again() -> None:
    names = [f"q{number}" for number in range(20)]
    broker = Broker({f"DELETE /api/queues/%2F/{name}": DELETED for name in names})
    session = Session(io.StringIO(), io.StringIO(), err := Terminal(), {}, broker.transport)
    assert run_rmqctl(["delete", "queue", *names, "--yes"], session) == 0
    assert "20/20" in err.getvalue()


# Declare from a file

FILE = """\
{"kind": "binding", "source": "x", "destination": "q", "routing_key": "k"}

{"kind": "queue", "name": "q", "arguments": {"x-max-length": 5}}
{"kind": "exchange", "name": "x", "type": "topic", "vhost": "v"}
{"kind": "vhost", "name": "v", "tags": ["t"]}
"""
CREATED = httpx.Response(201)


def topology() -> Broker:
    return Broker({
        "GET /api/vhosts/v": MISSING, "PUT /api/vhosts/v": CREATED, "PUT /api/queues/%2F/q": CREATED,
        "PUT /api/exchanges/v/x": CREATED, "GET /api/bindings/%2F/e/x/q/q": [], "POST /api/bindings/%2F/e/x/q/q": CREATED,
        "GET /api/queues/%2F/q": MISSING, "GET /api/exchanges/v/x": MISSING,
    })  # fmt: skip


def test_a_file_is_declared_in_the_order_of_what_needs_what() -> None:
    broker = topology()
    ran = run_with("declare", "-f", "-", "--yes", broker=broker, stdin=FILE)
    rows = ran.out.splitlines()
    assert (ran.exit, ran.err, rows[0]) == (0, "", "kind\tvhost\tname\tresult")
    assert rows[1] == "vhost\t\tv\tcreated"
    assert sorted(rows[2:4]) == ["exchange\tv\tx\tcreated", "queue\t/\tq\tcreated"]
    assert rows[4:] == ["binding\t/\tx -> q\tcreated"]
    bodies = {each.url.path: json.loads(each.content) for each in broker.requests if each.method == "PUT"}
    assert bodies["/api/queues///q"] == {"durable": True, "auto_delete": False, "arguments": {"x-max-length": 5}}


def test_a_file_in_parts_and_as_a_dry_run(tmp_path: Path) -> None:
    file = tmp_path / "topology.jsonl"
    file.write_text(FILE)
    broker = topology()
    ran = run_with(
        "declare", "--file", str(file), "--where", "kind = queue or kind = exchange", "--dry-run", broker=broker
    )
    assert sorted(ran.out.splitlines()[1:]) == ["exchange\tv\tx\twould be created", "queue\t/\tq\twould be created"]
    assert {each.method for each in broker.requests} == {"GET"}
    ran = run_with("declare", "--file", str(file), "--match", "^q$", broker=broker)
    assert ran == Ran(0, "kind\tvhost\tname\tresult\nqueue\t/\tq\tcreated\n", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON"),
        ("[]", 'an object with a "kind" is wanted'),
        ('{"kind": "quue", "name": "q"}', "kind 'quue' is none of vhost, user"),
        ('{"kind": "queue"}', "queue: name is missing"),
        ('{"kind": "queue", "name": "q", "ttl": 5}', "queue: 'ttl' is none of its keys"),
        ('{"kind": "queue", "name": "q", "durable": "yes"}', 'queue: durable is "yes", which is not true or false'),
        ('{"kind": "policy", "name": "p", "pattern": "", "definition": [], "priority": true}', "definition is []"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_sent(line: str, said: str) -> None:
    ran = run_with("declare", "-f", "-", "--yes", stdin=f'{{"kind": "queue", "name": "q"}}\n{line}\n')
    assert (ran.exit, ran.out) == (64, "")
    assert ran.err.startswith("rmqctl: -, line 2: ")
    assert said in ran.err


def test_no_such_file() -> None:
    ran = run_with("declare", "-f", "/nonexistent/file")
    assert (ran.exit, ran.err.splitlines()[0]) == (64, "rmqctl: --file /nonexistent/file: No such file or directory")


@pytest.mark.parametrize(
    "words",
    [
        ("delete", "queue", "--match", ""),
        ("delete", "queue", ""),
        ("delete", "queue", "a", ""),
        ("delete", "vhost", ""),
        ("delete", "user", "--match", "", "--yes"),
        ("delete_queue", ""),
        ("delete_vhost", ""),
        ("delete_user", ""),
        ("purge", "--match", "", "--yes"),
        ("purge", "", "--yes"),
        ("purge_queue", ""),
        ("close", "connection", "--match", "", "--yes"),
        ("close", "connection", "", "--yes"),
        ("delete", "queue", "--match", "a", "-p", "", "--yes"),
        ("purge", "--where", "messages > 0", "-p", "", "--yes"),
    ],
)
def test_a_variable_that_is_not_set_means_nothing_rather_than_everything(words: tuple[str, ...]) -> None:
    broker = Broker({})
    ran = run_with(*words, broker=broker)
    assert (ran.exit, ran.out, broker.requests) == (64, "", []), ran
    assert "empty" in ran.err


def test_a_shell_pattern_is_told_for_what_it_is() -> None:
    ran = run_with("delete", "queue", "--match", "a*", "--dry-run", broker=Broker(answers()))
    assert ran.err == "note: --match is a regular expression; as a shell's pattern it is --match '^a.*$'\n"
