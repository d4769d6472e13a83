"""Every column, field, format and check has its sentence, and every sentence something that it is about."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rmqctl.checks import forgotten, report
from rmqctl.checks.meanings import ACKS, FINDING
from rmqctl.checks.table import CHECKS
from rmqctl.commands import COMMANDS
from rmqctl.errors import UsageError
from rmqctl.help.columns import columns_page, listed
from rmqctl.help.reference import pages
from rmqctl.options import GLOBAL_OPTIONS
from rmqctl.output import FORMATS, OF_COMMANDS
from rmqctl.output.meanings import MEANINGS as OF_FORMATS
from rmqctl.resources.column import Resource
from rmqctl.resources.meanings import MEANINGS, described, meaning

from ..conftest import recorded_answers

LISTS = listed()
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"

# What `show` prints of a kind of object, as the recordings have it.
SHOWN = {
    "/api/queues/[^/]+/[^/?]+": "list_queues",
    "/api/exchanges/[^/]+/[^/?]+": "list_exchanges",
    "/api/bindings/[^/]+/e/[^/]+/q/[^/?]+": "list_bindings",
    "/api/connections/[^/?]+": "list_connections",
    "/api/channels/[^/?]+": "list_channels",
    "/api/nodes/[^/?]+": "list_nodes",
    "/api/users/[^/?]+": "list_users",
    "/api/vhosts/[^/?]+": "list_vhosts",
    "/api/policies/[^/]+/[^/?]+": "list_policies",
}


def sentences() -> Iterator[str]:
    yield from (each.sentence for of_resource in MEANINGS.values() for each in of_resource.values())
    yield from OF_FORMATS.values()
    yield from ACKS.values()
    yield from FINDING.values()


@pytest.mark.parametrize(("command", "resource"), LISTS.items(), ids=LISTS)
def test_every_column_has_a_sentence_and_every_sentence_a_column(command: str, resource: Resource) -> None:
    columns = described(resource)
    assert all(meaning(resource, column).sentence for column in columns)
    assert MEANINGS[resource.plural].keys() <= set(columns)


def test_every_table_of_meanings_is_about_a_list() -> None:
    assert MEANINGS.keys() == {resource.plural for resource in LISTS.values()}


@pytest.mark.parametrize("version", ["3.10.8", "4.3.6", "4.3.6-extra"])
def test_every_field_that_show_prints_has_a_sentence(version: str) -> None:
    for answer in recorded_answers(version):
        if answer["method"] == "GET" and answer["status"] == 200:
            resource = next((LISTS[name] for path, name in SHOWN.items() if re.fullmatch(path, answer["path"])), None)
            for row in _objects(answer["body"]) if resource else ():
                assert [field for field in row if not meaning(resource, field)] == []


def _objects(body: Any) -> list[Mapping[str, Any]]:
    """The objects of an answer, which is a list where the path names a virtual host alone."""
    return body if isinstance(body, list) else [body]


def test_every_format_has_a_sentence() -> None:
    assert OF_FORMATS.keys() == FORMATS.keys() | OF_COMMANDS.keys()


def test_every_field_of_findings_has_a_sentence() -> None:
    assert tuple(ACKS) == forgotten.Finding._fields
    assert tuple(FINDING) == report.Finding._fields
    assert {check.columns for check in CHECKS.values()} == {tuple(ACKS), tuple(FINDING)}


def test_every_check_option_and_setting_has_a_sentence() -> None:
    assert all(COMMANDS[f"check {name}"].help for name in CHECKS)
    assert all(option.help for check in CHECKS.values() for option in check.all_options())
    assert all(option.help for option in GLOBAL_OPTIONS)


def test_sentences_are_short_and_end() -> None:
    assert [each for each in sentences() if not each.endswith(".") or len(each) > 120 or not each[0].strip()] == []


@pytest.mark.parametrize("word", ["list_queues", "queues", "list-queues"])
def test_the_page_of_a_list_has_its_columns_with_kind_and_meaning(word: str) -> None:
    page = columns_page([word])
    assert "| `messages_ready` | whole number | Messages ready for delivery. |" in page
    assert "- `disk_reads`: the broker leaves it out" in page


def test_the_page_without_words_names_the_lists() -> None:
    page = columns_page([])
    assert "| `list_queues` | `name`, `messages` |" in page
    assert all(f"`{name}`" in page for name in LISTS)


@pytest.mark.parametrize(
    ("word", "hint"), [("queue", "did you mean 'queues'?"), ("publish", "rmqctl help columns names the lists")]
)
def test_a_list_that_does_not_exist_is_an_error(word: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(hint)):
        columns_page([word])


@pytest.mark.parametrize("name", pages())
def test_the_reference_pages_are_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name], "run scripts/reference"
