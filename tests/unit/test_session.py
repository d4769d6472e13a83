"""A run of the program is not changed: what differs is another run. What is written goes through its streams."""

import ast
import io
from pathlib import Path

import pytest

import rmqctl
from rmqctl.session import Session
from rmqctl.settings import Endpoint, Output, Settings
from rmqctl.streams import Streams

from .conftest import Broker, Terminal, run_with

COMMANDS = sorted((Path(rmqctl.__file__).parent / "commands").rglob("*.py"))


def session() -> Session:
    return Session(io.StringIO(), io.StringIO(), io.StringIO(), {})


@pytest.mark.parametrize("name", ["settings", "node", "watching", "formats", "given", "streams", "client", "anything"])
def test_nobody_changes_a_session(name: str) -> None:
    with pytest.raises(AttributeError, match=f"_replace\\({name}="):
        setattr(session(), name, None)


def test_another_run_leaves_the_first_as_it_was() -> None:
    first = session()
    second = first._replace(settings=Settings(vhost="v"), watching=True)
    assert (first.vhost, first.watching, second.vhost, second.watching) == ("/", False, "v", True)
    assert second.in_format("json").format.name == "json"
    assert second.format.name == "table"


def test_the_client_is_one_while_it_asks_the_same_broker() -> None:
    first = session()
    client = first.client
    assert first._replace(settings=Settings(vhost="v", output=Output(formatter="csv"))).client is client
    assert first._replace(settings=Settings(endpoints=(Endpoint("http", "h", 1),))).client is not client
    assert first._replace(settings=Settings(timeout=1.0)).client is not client
    assert first.client is client


def test_the_node_is_asked_for_once() -> None:
    broker = Broker({"GET /api/nodes": [{"name": "rabbit@a"}, {"name": "rabbit@b"}]})
    asking = Session(io.StringIO(), io.StringIO(), io.StringIO(), {}, broker.transport)
    assert asking.node is None
    one = asking._replace(settings=Settings(node="b"))
    assert (one.node, one.node, len(broker.requests)) == ("rabbit@b", "rabbit@b", 1)


def test_the_virtual_host_of_rabbitmqadmins_words_needs_no_second_log_in() -> None:
    """Standard input has the password once."""
    broker = Broker({"DELETE /api/queues/v/q": None, "GET /api/nodes": [{"name": "rabbit@a", "running": True}]})
    words = ("-n", "a", "--password-stdin", "delete", "queue", "name=q", "vhost=v")
    assert run_with(*words, stdin="s3cret\n", broker=broker).exit == 0
    assert len({request.headers["authorization"] for request in broker.requests}) == 1


def test_a_status_is_one_line_and_gone_at_the_end() -> None:
    streams = Streams(Terminal(), Terminal(), Terminal())
    with streams.status(shown=True) as show:
        show("1 of\x1b]2 2")
        show("2 of 2")
    written = streams.stderr.getvalue()  # type: ignore[attr-defined]
    assert written == "\r1 of\\x1b]2 2\x1b[K\r2 of 2\x1b[K\r\x1b[K"
    with streams.status(shown=False) as show:
        show("x")
    assert streams.stderr.getvalue() == written  # type: ignore[attr-defined]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_said_is_diverted_from_a_terminal_alone(terminal: bool) -> None:
    streams = Streams(io.StringIO(), io.StringIO(), Terminal() if terminal else io.StringIO())
    stderr, elsewhere = streams.stderr, io.StringIO()
    with streams.diverted(elsewhere):
        streams.say("meanwhile")
    streams.say("after")
    assert (elsewhere.getvalue(), stderr.getvalue()) == (  # type: ignore[attr-defined]
        ("meanwhile\n", "after\n") if terminal else ("", "meanwhile\nafter\n")
    )


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_prints_nothing(path: Path) -> None:
    """Results are returned, and what is said on the way goes through the session's streams."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    printing = [call.id for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    writing = [
        ast.unparse(call)
        for call in calls
        if isinstance(call, ast.Attribute) and call.attr.startswith("write") and "std" in ast.unparse(call.value)
    ]
    assert printing + writing == []
