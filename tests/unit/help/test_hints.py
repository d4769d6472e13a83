"""Words that are no command lead to the one that was meant, in one hint."""

import pytest

from rmqctl.commands import COMMANDS, NODES_ONLY_GROUP
from rmqctl.help.hints import _TRIED, _VERBS, _WORDS, offered

from ..conftest import run_with


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("queues list", "list_queues"),
        ("queue list", "list_queues"),
        ("nodes list", "list_nodes"),
        ("describe queue x", "show queue"),
        ("ls", "list_queues"),
        ("consumers", "list_consumers"),
        ("queues", "list_queues"),
        ("queue", "show queue"),
        ("users add", "add_user"),
        ("user create x", "add_user"),
        ("vhost rm x", "delete vhost"),
        ("create queue x", "declare queue"),
        ("policy delete x", "delete policy"),
        ("policy set", "set_policy"),
        ("contexts", "context list"),
        ("login", "context add"),
        ("send", "publish"),
        ("health", "check all"),
        ("check_queue", "check queues"),
        ("context ls", "context list"),
        ("context rm prod", "context remove"),
        ("show queues", "show queue"),
        ("lst_queues", "list_queues"),
        ("compare a b", "definitions diff"),
        ("diff", "definitions diff"),
        ("replay orders.dead", "redrive"),
        ("dead letters", "redrive"),
        ("empty orders", "purge"),
        ("stuck", "check acks"),
        ("acks", "check acks"),
    ],
)
def test_the_command_that_was_meant(line: str, meant: str) -> None:
    ran = run_with(*line.split())
    assert ran.exit == 64
    assert f"did you mean {meant!r}?" in ran.err
    assert ran.err.count("did you mean") == 1
    assert ran.out == ""


@pytest.mark.parametrize(("line", "command"), [("list queues", "list_queues"), ("export", "definitions export")])
def test_rabbitmqadmins_words_are_commands(line: str, command: str) -> None:
    assert run_with(*line.split(), "--help").out == run_with(*command.split(), "--help").out


def test_wait_alone_asks_for_what() -> None:
    ran = run_with("wait")
    assert ran.exit == 64
    assert ran.err.startswith("rmqctl: wait what? One of: queue, broker, node, definitions\n")


def test_help_about_nothing_known() -> None:
    assert "did you mean 'connection'?" in run_with("help", "conection").err
    assert "did you mean 'exit-codes'?" in run_with("help", "exit", "codes").err
    assert "did you mean 'list_queues'?" in run_with("help", "queues").err
    assert "run rmqctl help for the topics" in run_with("help", "zzzzzz").err


def test_a_hint_is_never_a_hidden_command() -> None:
    assert not [name for name in offered() if COMMANDS[name].hidden or COMMANDS[name].group == NODES_ONLY_GROUP]
    assert set(_WORDS.values()) <= offered()
    assert set(_VERBS.values()) == set(_TRIED)
