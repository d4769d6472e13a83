"""--watch with and without its value, on either side of the command."""

import pytest

from rmqctl.commands import COMMANDS
from rmqctl.options import SIZES
from rmqctl.watch import option
from rmqctl.words import command_first

from ..conftest import run_with


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--watch list_queues name", "list_queues --watch=2 name"),
        ("--watch 5 list_queues name", "list_queues --watch=5 name"),
        ("--watch=0.5 list_queues", "list_queues --watch=0.5"),
        ("list_queues --watch name messages", "list_queues --watch=2 name messages"),
        ("list_queues name --watch .5", "list_queues name --watch=.5"),
        ("list_queues --watch -3", "list_queues --watch=-3"),
        ("list_queues --watch inf", "list_queues --watch=2 inf"),
        ("-p /x --watch show queue q", "show queue -p /x --watch=2 q"),
        ("show --watch 3 queue q", "show queue --watch=3 q"),
        ("list_queues -p --watch", "list_queues -p --watch"),
        ("show queue -- --watch", "show queue -- --watch"),
        ("demo list_queues --watch 1", "demo list_queues --watch=1"),
    ],
)
def test_the_value_may_be_left_out(line: str, words: str) -> None:
    assert option.joined(command_first(line.split(" "), lambda _: SIZES), SIZES) == words.split(" ")


@pytest.mark.parametrize("value", ["0", "-1", "0.0", "x", "", "nan", "inf", "1e300", "86401"])
def test_what_is_no_time_is_a_mistake(value: str) -> None:
    ran = run_with("list_queues", f"--watch={value}")
    assert (ran.exit, ran.out) == (64, "")
    assert ran.err.startswith(f"rmqctl: --watch: {value!r} is no number of seconds")


@pytest.mark.parametrize("command", ["purge x", "wait queue x --empty", "publish x", "version", "definitions export"])
def test_not_every_command_can_be_watched(command: str) -> None:
    ran = run_with(*command.split(" "), "--watch")
    assert (ran.exit, ran.out) == (64, "")
    assert "cannot be watched" in ran.err


def test_the_rule() -> None:
    assert all(
        entry.watchable
        for name, entry in COMMANDS.items()
        if name.startswith(("list_", "show ", "check")) and not (entry.raw or entry.once or entry.local)
    )
    assert {"who", "status", "overview", "alarms", "check acks", "is_running"} <= {
        name for name, entry in COMMANDS.items() if entry.watchable
    }
    assert not any(entry.watchable for entry in COMMANDS.values() if entry.changes)
    assert option.seconds("0.05") == 0.05
