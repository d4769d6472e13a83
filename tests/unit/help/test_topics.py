"""The topics of the help are the guides, and what the guides say about the program is so.

python -m tests.unit.help.test_topics      writes the table of variables into docs/environment.md
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmqctl.commands import COMMANDS
from rmqctl.help.topics import TOPICS, guide_of, source
from rmqctl.options import GLOBAL_OPTIONS
from rmqctl.output import FORMATS
from rmqctl.words import is_known

from ..conftest import run_with

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "environment.md"
BEGIN, END = "<!-- made by tests/unit/help/test_topics.py -->\n", "<!-- end -->\n"
FOR_DEVELOPERS = frozenset(("architecture.md", "index.md"))
GUIDES = {name: topic.guide for name, topic in TOPICS.items() if topic.guide}


def variables() -> str:
    """The table of docs/environment.md, from the options."""
    rows = [f"| `{each.env}` | `{each.flags[0]}` | {each.help} |\n" for each in GLOBAL_OPTIONS if not each.hidden]
    return "| variable | option | |\n| --- | --- | --- |\n" + "".join(rows)


def test_every_guide_is_a_topic() -> None:
    assert set(GUIDES.values()) - {"howto/README.md"} == {path.name for path in DOCS.glob("*.md")} - FOR_DEVELOPERS


def test_a_topic_has_no_name_that_a_command_has() -> None:
    assert [name for name in TOPICS if is_known(name)] == []


def test_the_commands_of_a_topic_exist() -> None:
    for topic in TOPICS.values():
        assert all(map(is_known, {name.partition(" ")[0] for name in topic.commands}))


def test_help_about_a_command_names_its_guide() -> None:
    assert guide_of("check acks") == "acks"
    assert guide_of("check queues") == "checks"
    assert guide_of("list_queues") == ""
    assert "Guide: rmqctl help declaring" in run_with("declare", "queue", "--help").out


def links(name: str) -> Iterator[str]:
    yield from re.findall(r"\]\((?!\w+:)([^)#]+\.md)", source(name))


@pytest.mark.parametrize("guide", GUIDES.values())
def test_links_lead_to_files(guide: str) -> None:
    assert [link for link in links(guide) if not (DOCS / guide).parent.joinpath(link).exists()] == []


def test_a_link_to_a_guide_is_shown_as_its_topic() -> None:
    out = run_with("help", "output").out
    assert "Formats (rmqctl help formats)" in " ".join(out.split()) or "rmqctl help formats" in " ".join(out.split())
    assert ".md" not in out
    assert "<!--" not in out


def test_a_command_in_a_guide_goes_on_as_the_shell_reads_it() -> None:
    lines = run_with("help", "where-expressions").out.splitlines()
    (at,) = (number for number, line in enumerate(lines) if "rmqctl list_queues --all-vhosts" in line)
    assert lines[at].endswith(" \\")


def test_the_table_of_variables_is_that_of_the_options() -> None:
    assert variables() == PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def test_every_format_has_its_line() -> None:
    table = (DOCS / "formats.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"`{name}`" not in table] == []


def test_every_topic_is_listed() -> None:
    out = run_with("help").out
    assert all(f"  {name} " in out for name in TOPICS)
    assert "help" in COMMANDS


def test_a_topic_is_one_word() -> None:
    ran = run_with("help", "connection", "tls")
    assert (ran.exit, "is one topic" in ran.err) == (64, True)
    assert run_with("help", "exit_codes") == run_with("help", "exit-codes")


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + variables() + END + rest.partition(END)[2], encoding="utf-8")
