"""The order of the command line's words, and rabbitmqadmin's words among them."""

import io
from functools import cache
from typing import Any

import httpx
import pytest

from rmqctl.cli import sizes_of
from rmqctl.commands import COMMANDS
from rmqctl.options import SIZES, Sizes
from rmqctl.session import Session
from rmqctl.words import command_first

from .conftest import Broker, run_with

SESSION = Session(io.StringIO(), io.StringIO(), io.StringIO(), {})


@cache
def sizes(name: str) -> Sizes:
    return sizes_of(name, SESSION)


def none(name: str) -> Sizes:
    raise AssertionError(f"nobody needs the options of {name}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list queues name messages", "list_queues name messages"),
        ("-q list -f json queues name", "list_queues -q -f json name"),
        ("list operator-policies", "list_operator_policies"),
        ("help list queues", "list_queues --help"),
        ("help show queue", "show queue --help"),
        ("help connection", "help connection"),
        ("-q help --all", "help -q --all"),
        ("export FILE", "definitions export FILE"),
        ("--url U import FILE", "definitions import --url U FILE"),
        ("show overview", "overview"),
        ("declare permission user=u", "declare permissions user=u"),
        ("delete -y topic-permission u", "delete topic_permissions -y u"),
        ("declare vhost_limits name=max-queues", "declare vhost_limit name=max-queues"),
        ("-u guest list_queues", "-u guest list_queues"),
        ("-V shop list queues", "-V shop list queues"),
        ("-p shop -N prod delete queue q", "-N prod delete queue q"),
        ("--all-vhosts list_queues", "list_queues --all-vhosts"),
        ("-q guest list_queues", "guest -q list_queues"),
        ("--all-vhosts lst_queues name", "lst_queues --all-vhosts name"),
    ],
)
def test_what_is_meant(line: str, words: str) -> None:
    assert command_first(line.split(" "), sizes) == words.split(" ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--reason list_queues close connection c", "close connection --reason list_queues c"),
        ("--reason list_queues close -y connection c", "close connection --reason list_queues -y c"),
        ("--match list_queues delete queue", "delete queue --match list_queues"),
        ("--ttl 5 declare --arguments status queue q", "declare queue --ttl 5 --arguments status q"),
        ("declare --ttl status queue q", "declare queue --ttl status q"),
        ("--by-source list node-auth-attempt-stats", "list_node_auth_attempt_stats --by-source"),
        ("--only export export f", "definitions export --only export f"),
        ("--only show --exclude import export", "definitions export --only show --exclude import"),
        ("-k a --header status publish --durable", "publish -k a --header status --durable"),
        ("--trace status who topology", "topology --trace status who"),
        ("--trace=status topology", "topology --trace=status"),
        ("-f status declare", "declare -f status"),
        ("--watch 3 --by-source list_node_auth_attempt_stats", "list_node_auth_attempt_stats --watch 3 --by-source"),
    ],
)
def test_options_in_front_are_those_of_one_command(line: str, words: str) -> None:
    assert command_first(line.split(" "), sizes) == words.split(" ")


def test_options_of_every_command_may_stand_in_front_of_it() -> None:
    """The values are commands' names: none is taken for the command."""
    for name, entry in COMMANDS.items():
        for flag, size in () if entry.raw else sizes(name).items():
            if flag in SIZES:
                # `broker logs --follow` has the short name of --formatter, behind the command alone.
                assert size == SIZES[flag] or (flag, name) == ("-f", "broker logs")
                continue
            before = [flag, *["status", "who"][: size - 1]]
            words = name.split(" ")
            assert command_first([*before, *words], sizes) == [*words, *before]


@pytest.mark.parametrize(
    "line",
    [
        "-qp /x list_queues -f json name",
        "list -f json queues",
        "--sort name list_queues",
        "-p/x --watch 3 show -q queue q",
        "--vhost=x who --exec y q",
        "lst_queues",
        "--help who",
        "-V",
    ],
)
def test_no_command_is_built_to_find_it_behind_what_all_commands_take(line: str) -> None:
    command_first(line.split(" "), none)


@pytest.mark.parametrize(
    "line", ["-u guest list_queues", "-V shop list_queues", "-c f.conf list queues", "--nod prod who q"]
)
def test_an_unknown_option_before_the_command_is_named(line: str) -> None:
    ran = run_with(*line.split(" "))
    assert (ran.exit, ran.out) == (64, "")
    assert f"No such option: {line.split(' ')[0]}" in ran.err


@pytest.mark.parametrize("line", ["list", "list what"])
def test_list_alone_says_what_there_is(line: str) -> None:
    ran = run_with(*line.split(" "))
    assert (ran.exit, "list what? One of: queues, exchanges, " in ran.err) == (64, True)


def test_the_version() -> None:
    assert run_with("-V").exit == run_with("--version").exit == 0
    assert run_with("-V").out.startswith("rmqctl ")


def _some_or_a_page(request: httpx.Request) -> Any:
    return {"items": []} if "page" in request.url.params else [{"name": "q", "messages_ready": 1}]


def test_rabbitmqadmins_words_of_one_object() -> None:
    answers = {"DELETE /api/queues/v/q": None, "DELETE /api/exchanges/%2F/e": None, "DELETE /api/connections/c": None,
               "DELETE /api/permissions/v/u": None, "DELETE /api/topic-permissions/%2F/u/e": None,
               "DELETE /api/parameters/shovel/%2F/s": None, "DELETE /api/queues/%2F/queue/contents": None,
               "DELETE /api/queues/%2F/q/contents": None, "GET /api/queues/%2F": _some_or_a_page,
               "GET /api/queues/%2F/q": {"name": "q"}, "GET /api/overview": {"object_totals": {"queues": 1}}}  # fmt: skip
    for line, asked in {
        "delete queue name=q vhost=v": "DELETE /api/queues/v/q",
        "delete exchange name=e": "DELETE /api/exchanges/%2F/e",
        "close connection name=c": "DELETE /api/connections/c",
        "delete permission user=u vhost=v": "DELETE /api/permissions/v/u",
        "delete topic_permission user=u exchange=e": "DELETE /api/topic-permissions/%2F/u/e",
        "delete parameter component=shovel name=s": "DELETE /api/parameters/shovel/%2F/s",
        "purge queue name=q": "DELETE /api/queues/%2F/q/contents",
        "purge queue q": "DELETE /api/queues/%2F/q/contents",
        "purge queue": "DELETE /api/queues/%2F/queue/contents",
        "show queue name=q": "GET /api/queues/%2F/q",
    }.items():
        broker = Broker(answers)
        ran = run_with(*line.split(" "), broker=broker)
        changing = [each for each in broker.asked if each.startswith(asked[:4]) and "?" not in each]
        assert (ran.exit, changing) == (0, [asked]), (line, ran)


@pytest.mark.parametrize(
    "line",
    [
        "delete queue q vhost=v",
        "delete queue name=q other",
        "purge queue q vhost=v",
        "close connection name=c d",
        "delete queue vhost=v",
    ],
)
def test_words_that_are_partly_names_are_refused(line: str) -> None:
    broker = Broker({})
    ran = run_with(*line.split(" "), "--yes", broker=broker)
    assert (ran.exit, ran.out, broker.requests) == (64, "", []), ran
    assert "either names, or name=" in ran.err


BINDINGS = [
    {"source": "e", "destination": "q", "routing_key": key, "arguments": {}, "properties_key": key}
    for key in ("a", "b")
]


@pytest.mark.parametrize("words", [("e", "q", "--routing-key", "b"), ("source=e", "destination=q", "destination_type=queue",
                                                                      "properties_key=b")])  # fmt: skip
def test_a_binding_is_named_by_its_parts_or_its_key(words: tuple[str, ...]) -> None:
    broker = Broker({"GET /api/bindings/%2F/e/e/q/q": BINDINGS, "DELETE /api/bindings/%2F/e/e/q/q/b": None})
    assert run_with("delete", "binding", *words, broker=broker).exit == 0
    assert "DELETE /api/bindings/%2F/e/e/q/q/b" in broker.asked


def test_a_binding_has_two_ends() -> None:
    assert run_with("delete", "binding", "e").exit == run_with("delete", "binding", "e", "q", "k").exit == 64
