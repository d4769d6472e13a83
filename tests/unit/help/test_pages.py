"""Every page of the help: at home in narrow terminals, with an example, the same from run to run."""

import re
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from rich.cells import cell_len

from rmqctl.commands import COMMANDS, NODES_ONLY_GROUP
from rmqctl.help.examples import EXAMPLES
from rmqctl.help.topics import TOPICS
from rmqctl.words import is_group

from ..conftest import Ran, run_with

SHOWN = [name for name, entry in COMMANDS.items() if not entry.hidden]
GROUPS = sorted({name.partition(" ")[0] for name in SHOWN if " " in name})
MADE = [name for name, topic in TOPICS.items() if not topic.module or find_spec(topic.module)]
SCREENS = ["", "--help", "help", "help --all", "help nodes-only"]
PAGES = [*SCREENS, *(f"help {topic}" for topic in MADE), *(f"{name} --help" for name in (*SHOWN, *GROUPS))]
WIDTHS = (80, 40)


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("LINES", "100000")
    return int(request.param)


def page(line: str, *, terminal: bool = True) -> Ran:
    return run_with(*line.split(), terminal=terminal, environ={"PAGER": "cat"})


def plain(text: str) -> Iterator[str]:
    yield from re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


@pytest.mark.parametrize("line", PAGES)
def test_no_line_is_wider_than_the_terminal(line: str, width: int) -> None:
    ran = page(line)
    assert ran.exit == (0 if line else 64)
    assert ran.out.strip()
    assert [each for each in plain(ran.out) if cell_len(each) > width] == []


def test_the_first_screen_fits_a_small_terminal() -> None:
    for line in ("", "--help"):
        ran = page(line, terminal=False)
        assert ran.err == ""
        assert len(ran.out.splitlines()) <= 23  # the prompt has the last one
        assert max(map(len, ran.out.splitlines())) <= 80


def test_it_names_what_is_needed_first() -> None:
    out = page("", terminal=False).out
    assert all(
        word in out for word in ("list_queues", "rmqctl -C prod", "--url", "-p VHOST", "-f FORMAT", "help --all")
    )


def test_all_commands_are_listed_and_none_that_is_hidden() -> None:
    listed = {each.strip().split("  ")[0] for each in page("help --all", terminal=False).out.splitlines()}
    assert listed >= {name for name in SHOWN if COMMANDS[name].group != NODES_ONLY_GROUP}
    assert not listed & {name for name, entry in COMMANDS.items() if entry.hidden}


def test_those_that_need_the_node_are_a_page_with_reasons() -> None:
    lines = page("help nodes-only", terminal=False).out.splitlines()
    assert {each.strip() for each in lines} >= {n for n, entry in COMMANDS.items() if entry.group == NODES_ONLY_GROUP}
    assert "Needs rabbitmqctl on the node: it runs Erlang code there." in lines


@pytest.mark.parametrize("name", [name for name in SHOWN if name != "wait"])  # the group of `wait queue`
def test_every_command_has_an_example(name: str) -> None:
    out = page(f"{name} --help", terminal=False).out
    title = "On the node:" if COMMANDS[name].group == NODES_ONLY_GROUP else "Examples:"
    (_, _, rest) = out.partition(f"{title}\n")
    assert name.split()[0] in rest.splitlines()[0]


def test_no_example_is_about_a_command_that_does_not_exist() -> None:
    assert set(EXAMPLES) == {name for name in SHOWN if COMMANDS[name].group != NODES_ONLY_GROUP}
    for name, lines in EXAMPLES.items():
        assert all(re.match(rf"rmqctl (-C \w+ )?{name}\b", line) for line in lines), name


def test_the_help_of_a_command_says_the_same_by_either_way() -> None:
    assert page("help list_queues") == page("list_queues --help")
    assert page("help list queues").out == page("list_queues --help").out
    assert page("help show queue").out == page("show queue --help").out
    assert page("help show").out == page("show --help").out


def test_options_of_every_command_are_one_line() -> None:
    out = page("list_queues --help", terminal=False).out
    assert "--ca-file" not in out
    assert "rmqctl help options" in out
    assert "--ca-file PEM" in page("help options", terminal=False).out
    assert out.index("Examples:") < out.index("--online") < out.index("rmqctl help options")


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[1m" in page("list_queues --help").out
    assert "\x1b[" not in page("list_queues --help", terminal=False).out
    assert "\x1b[" not in page("help connection", terminal=False).out
    calm = run_with("help", "connection", terminal=True, environ={"PAGER": "cat", "NO_COLOR": "1"}).out
    assert "\x1b[" not in calm


def test_a_wrong_variable_does_not_keep_the_help_away() -> None:
    assert run_with("list_queues", "--help", environ={"RMQCTL_PAGER": "perhaps"}).exit == 0


def test_groups_are_groups() -> None:
    assert all(map(is_group, GROUPS))
