"""Commands that need RabbitMQ's own tools on the node."""

from collections.abc import Callable

import pytest

from rmqctl.commands import COMMANDS

from ..conftest import Ran

ON_NODE = [name for name, entry in COMMANDS.items() if entry.module == "only_on_node"]

Run = Callable[..., Ran]


@pytest.mark.parametrize("name", ON_NODE)
def test_each_says_in_one_line_which_tool_and_why(run: Run, name: str) -> None:
    code, out, err = run(name, "x")  # `wait` alone is asked what for: there is `wait queue` too
    assert (code, out) == (69, "")
    assert err.startswith(f"rmqctl: {name} needs rabbitmq")
    assert " on the node: " in err
    assert err.count("\n") == 1
    assert not err.endswith(".\n")


@pytest.mark.parametrize(
    "words",
    [
        ("eval", "node()."),
        ("eval", "-n", "rabbit@host", "node()."),
        ("-n", "rabbit@host", "--longnames", "eval", "node()."),
        ("-q", "eval", "--zork", "-x", "-t", "soon", "--formatter=zork"),
        ("join-cluster", "--ram", "rabbit@host"),
        ("eval", "--", "--zork"),
    ],
)
def test_arguments_and_options_do_not_matter(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run(*words, environ={"RMQCTL_PORT": "zork"})
    assert code == 69
    assert " needs rabbitmqctl on the node: " in err


def test_no_contexts_file_is_in_the_way(run: Run) -> None:
    run("context", "add", "a", "--url", "http://h", "--use", "--read-only")
    assert run("stop_app").exit == 69


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("start_app", "rabbitmqctl"),
        ("log_tail", "rabbitmq-diagnostics"),
        ("reclaim_quorum_memory", "rabbitmq-queues"),
        ("add_replica", "rabbitmq-streams"),
        ("enable", "rabbitmq-plugins"),
        ("drain", "rabbitmq-upgrade"),
    ],
)
def test_the_tool_is_named(run: Run, name: str, tool: str) -> None:
    assert f"{name} needs {tool} on the node: " in run(name).err


def test_the_nearest_command_is_named(run: Run) -> None:
    assert "list_queues -t 10" in run("list_unresponsive_queues").err


def test_the_help_tells_it(run: Run) -> None:
    overview = run("help", "nodes-only").out
    assert "Needs rabbitmqctl on the node: it runs Erlang code there." in overview
    helped = run("eval", "--help")
    assert helped.exit == 0
    assert "Needs rabbitmqctl on the node" in helped.out
