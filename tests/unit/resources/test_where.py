"""The filter language of --where, and the order of --sort."""

import random
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rmqctl.errors import UsageError
from rmqctl.resources.ordering import sort_key, sort_rows
from rmqctl.resources.where import MAX_DEPTH, Where, parse

COLUMNS = {
    "name",
    "vhost",
    "state",
    "durable",
    "messages",
    "messages_ready",
    "messages_unacknowledged",
    "consumers",
    "arguments",
    "arguments.x-max-length",
    "message_stats.publish_details.rate",
    "members",
    "memory",
}

ROW: dict[str, object] = {
    "name": "orders.eu",
    "vhost": "/",
    "state": "running",
    "durable": True,
    "messages": 5,
    "messages_ready": 3,
    "messages_unacknowledged": 2,
    "consumers": 2,
    "arguments": {"x-queue-type": "quorum", "a": 1},
    "arguments.x-max-length": 1000,
    "message_stats.publish_details.rate": 1.5,
    "members": ["rabbit@a", "rabbit@b"],
}


def where(text: str) -> Where:
    return parse(text, COLUMNS.__contains__)


def matches(text: str, **changes: object) -> bool:
    return where(text).matches({**ROW, **changes}.get)


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        where(text)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "messages > 4",
        "messages>4",
        "messages >= 5",
        "messages < 6",
        "messages <= 5",
        "messages = 5",
        "messages == 5",
        "messages = 5.0",
        "messages = 5e0",
        "messages != 4",
        "messages > -1",
        "messages>-1",
        "4 < messages",
        "5 = messages",
        "messages > messages_ready",
        "messages_unacknowledged = consumers",
        "message_stats.publish_details.rate >= 1.5",
        "message_stats.publish_details.rate > 1.4e+0",
        "arguments.x-max-length = 1000",
        "durable",
        "durable = true",
        "durable != false",
        "TRUE",
        "not false",
        "durable and not (messages = 0)",
        "durable AND NOT messages = 0",
        "durable && !(messages = 0)",
        "messages = 0 or durable",
        "messages = 0 || durable",
        "not not durable",
        'name ~ "^orders"',
        "name ~ '^orders'",
        "name ~ orders",
        "name ~ 'vhost|orders'",
        'name !~ "^invoices"',
        r'name ~ "^orders\.eu$"',
        r'name ~ "^orders\\.eu$"',
        r'name ~ "\beu\b"',
        "state = running",
        "state != idle",
        'state = "running"',
        "'running' = state",
        "vhost = '/'",
        "name < 'p'",
        "name >= 'orders'",
        "false < durable",
        'members ~ "rabbit@b"',
        'members = \'["rabbit@a","rabbit@b"]\'',
        "members = members",
        "messages ~ '^5$'",
        "messages ~ 5",
        "durable ~ true",
        'arguments ~ "x-queue-type.:.quorum"',
        'arguments = \'{"a":1,"x-queue-type":"quorum"}\'',
        '\'["rabbit@a","rabbit@b"]\' = members',
        "memory = null",
        "null = memory",
        "memory == NULL",
        "messages != null",
        "null = null",
        "\n messages\t> 0 \n",
    ],
)
def test_true(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "messages > 5",
        "messages < 5",
        "messages != 5",
        "not durable",
        "false",
        "durable = 1",  # a boolean is no number
        "messages = '5'",  # nor is a string
        "messages = true",
        "state",  # nor is a string true
        "messages",
        "name ~ vhost",  # the right side of ~ is a pattern, even when a column has that name
        "name !~ orders",
        "durable and messages = 0",
        "messages = 0 or not durable",
        "members = 'rabbit@a'",
        "messages = null",
        "memory != null",
        # ordering values of different types is neither true ...
        "messages < 'a'",
        "messages > 'a'",
        "name > 4",
        "durable < 4",
        "members < members",
        # ... nor false
        "not messages < 'a'",
        "not messages > 'a'",
        # unknown is not 0
        "memory = 0",
        "memory != 0",
        "memory < 1",
        "memory >= 0",
        "not memory = 0",
        "not memory > 0",
        "not not memory",
        "memory",
        "not memory",
        "memory ~ ''",
        "memory !~ 'x'",
        "memory = memory",
        "memory != memory",
        "memory = messages",
    ],
)
def test_not_true(text: str) -> None:
    assert not matches(text)


def test_a_value_of_another_type_is_different() -> None:
    assert matches("messages != '5'")
    assert matches("durable != 1")
    assert matches("not state")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory > 0 and durable", None),
        ("durable and memory > 0", None),
        ("memory > 0 and not durable", False),
        ("not durable and memory > 0", False),
        ("memory > 0 or durable", True),
        ("durable or memory > 0", True),
        ("memory > 0 or not durable", None),
        ("not durable or memory > 0", None),
        ("not (memory > 0 and durable)", None),
        ("not (memory > 0 and not durable)", True),
        ("not (memory > 0 or durable)", False),
    ],
)
def test_three_valued_logic(text: str, expected: bool | None) -> None:
    assert where(text).test(ROW.get) is expected


def test_and_binds_tighter_than_or_and_not_tighter_than_and() -> None:
    assert matches("durable or durable and messages = 0")
    assert not matches("(durable or durable) and messages = 0")
    assert matches("not durable and messages = 0 or durable")
    assert not matches("not (durable or messages = 0) and durable")


def test_escapes_in_strings() -> None:
    assert matches(r'name = "a\"b"', name='a"b')
    assert matches(r"name = 'a\'b'", name="a'b")
    assert matches("name = 'a\"b'", name='a"b')
    assert matches(r'name = "a\\b"', name="a\\b")
    assert matches(r'name = "a\nb\tc\rd"', name="a\nb\tc\rd")
    assert matches(r'name = "a\.b"', name=r"a\.b")
    assert matches('name = ""', name="")
    assert matches("name = 'grüße 漢字'", name="grüße 漢字")


def test_a_word_on_the_right_is_a_column_only_when_there_is_one() -> None:
    assert matches("name = vhost", name="/")
    assert not matches("name = vhost", name="vhost")
    assert matches("name = 'vhost'", name="vhost")
    assert matches("name = 3.10.8", name="3.10.8")
    assert matches("name = x-y_z.0", name="x-y_z.0")
    assert matches("state != down and name = idle", name="idle")


def test_names_are_the_columns_in_order_each_once() -> None:
    text = "messages > 0 and (name ~ vhost or messages < consumers) and not state = running and 5 < memory"
    assert where(text).names == ("messages", "name", "consumers", "state", "memory")
    assert where("true").names == ()


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("messages >", "expected a value after '>'", 10),
        ("messages > ", "expected a value after '>'", 11),
        ("messages > and durable", "expected a value after '>'", 11),
        ("messages > > 4", "expected a value after '>'", 11),
        ("messages = (5)", "expected a value after '='", 11),
        ("messages =~ 5", "expected a value after '='", 10),
        ("", "expected a condition", 0),
        ("  ", "expected a condition", 2),
        ("and durable", "expected a condition", 0),
        ("durable and", "expected a condition after 'and'", 11),
        ("durable or or durable", "expected a condition after 'or'", 11),
        ("durable &&", "expected a condition after '&&'", 10),
        ("not", "expected a condition after 'not'", 3),
        ("()", "expected a condition after '('", 1),
        ("durable messages", "expected 'and' or 'or' after 'durable'", 8),
        ("1 < messages < 5", "expected 'and' or 'or' after 'messages'", 13),
        ("(durable messages)", "expected 'and', 'or' or ')' after 'durable'", 9),
        ("(durable", "this '(' is never closed", 0),
        ("durable and (messages = 1 or (durable)", "this '(' is never closed", 12),
        ("durable)", "')' without '('", 7),
        ("5", "expected a comparison after '5'", 1),
        ("'x' and durable", "expected a comparison after ''x''", 4),
        ("null", "expected a comparison after 'null'", 4),
        ("mesages > 0", "there is no column 'mesages'", 0),
        ("durable and bogus", "there is no column 'bogus'", 12),
        ("running = state", "there is no column 'running'", 0),
        ("--", "there is no column '--'", 0),
        ("messages < null", "null can be compared with = and != only", 9),
        ("null >= messages", "null can be compared with = and != only", 5),
        ("name = 'abc", "this quote is never closed", 7),
        ('name = "abc\\"', "this quote is never closed", 7),
        ("name = rabbit@a", "unexpected '@' (a string with such characters needs quotes)", 13),
        ("name ~ ^orders", "unexpected '^' (a string with such characters needs quotes)", 7),
        ("name ; durable", "unexpected ';' (a string with such characters needs quotes)", 5),
        ("durable & durable", "unexpected '&' (a string with such characters needs quotes)", 8),
        ("name ~", "expected a regular expression after '~'", 6),
        ("name ~ (a)", "expected a regular expression after '~'", 7),
        ("name ~ null", "expected a regular expression after '~'", 7),
        ("name ~ '(a'", "bad regular expression: missing ), unterminated subpattern", 8),
        ("name ~ 'a**'", "bad regular expression: multiple repeat", 10),
        (r"name ~ '\\(a'", r"bad regular expression: missing ), unterminated subpattern", None),
        (r"name ~ '\\\\(a'", "bad regular expression: missing ), unterminated subpattern", 7),
        ("name ~ +", "unexpected '+' (a string with such characters needs quotes)", 7),
        ("name ~ '[a'", "bad regular expression: unterminated character set", 8),
        ("messages > " + "9" * 5000, "this number is too long", 11),
    ],
)
def test_a_bad_expression_is_refused_with_a_pointer(text: str, message: str, at: int | None) -> None:
    if at is None:
        assert where(text)  # `\\(` is the pattern `\(`: a parenthesis, nothing wrong with it
        return
    assert refusal(text) == f"--where: {message}\n{text}\n{' ' * at}^"


def test_an_unknown_column_names_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        parse("mesages > 0", COLUMNS.__contains__, lambda name: "messages" if name == "mesages" else None)
    assert str(caught.value) == "--where: there is no column 'mesages', did you mean 'messages'?\nmesages > 0\n^"


def test_the_pointer_stands_under_the_spot_whatever_comes_before_it() -> None:
    assert refusal("name = '漢字' ;").splitlines()[2] == " " * 14 + "^"
    assert refusal("name = 'e\u0301' ;").splitlines()[2] == " " * 11 + "^"
    lines = refusal("name = '\x1b[31m\n\t' ;").splitlines()
    assert lines[1:] == ["name = ' [31m  ' ;", " " * 17 + "^"]


def test_control_characters_are_not_repeated_in_the_message() -> None:
    assert refusal("name \x1b[2J")[:30] == "--where: unexpected ' ' (a str"
    assert "\udcff" not in refusal("name = \udcff")


def test_it_exits_as_a_usage_error() -> None:
    assert UsageError.exit_code == 64


def test_parentheses_may_nest_to_a_limit() -> None:
    deep = "not (durable and " * MAX_DEPTH + "durable" + ")" * MAX_DEPTH
    assert matches("(" * MAX_DEPTH + "durable" + ")" * MAX_DEPTH)
    assert isinstance(matches(deep), bool)
    text = "(" * 5000 + "durable" + ")" * 5000
    assert refusal(text) == (
        f"--where: more than {MAX_DEPTH} parentheses within each other\n{text}\n{' ' * MAX_DEPTH}^"
    )


def test_a_long_expression_needs_no_deep_stack() -> None:
    assert matches(" and ".join(["durable"] * 20_000))
    assert matches(" or ".join(["not durable"] * 20_000) + " or durable")
    assert matches("not " * 20_000 + "durable")
    assert not matches("!" * 20_001 + "durable")


def test_a_monstrous_regular_expression_is_a_usage_error() -> None:
    assert "bad regular expression: " in refusal("name ~ '" + "(" * 5000 + ")" * 5000 + "'")
    assert "bad regular expression: " in refusal("name ~ 'a{99999999999999999999}'")


def test_a_regular_expression_that_python_warns_about_is_taken_as_it_stands() -> None:
    assert matches("name ~ '[[a]'", name="[")


def test_values_that_are_no_plain_json_cannot_break_a_filter() -> None:
    odd: Any = object()
    for text in ("name = 'x'", "name ~ 'x'", "name > 1", "name", "name != 'x'"):
        assert isinstance(matches(text, name=odd), bool)


def test_any_tokens_in_any_order_give_a_filter_or_a_usage_error() -> None:
    chance = random.Random(7)
    words = [*"()=<~x", "and", "or", "not", "!~", "messages", "'s'", '"', "5", "null", "true", "\\", " "]
    texts = ("".join(chance.choices(words, k=chance.randint(1, 12))) for _ in range(3000))
    spaced = (" ".join(chance.choices(words, k=chance.randint(1, 12))) for _ in range(3000))
    refusals = [outcome for outcome in map(_outcome, (*texts, *spaced)) if outcome is not None]
    assert len(refusals) < 6000
    assert all(re.fullmatch(r"--where: .+\n.*\n *\^", refused) for refused in refusals)


def _outcome(text: str) -> str | None:
    try:
        matches(text)
    except UsageError as error:
        return str(error)
    return None


def test_a_row_costs_few_calls() -> None:
    """Calls rather than microseconds, which depend on the machine and on what else it does."""
    assert _calls("messages > 5") <= 8
    assert _calls("messages = 5") <= 8
    assert _calls("messages >= 0 and name ~ '^orders'") <= 14


def _calls(text: str) -> float:
    rows = [{**ROW, "messages": n} for n in range(10)]
    compiled = where(text)
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    for row in rows:
        compiled.matches(row.get)
    sys.setprofile(None)
    return calls / len(rows)


# --sort


def test_the_order_of_mixed_values() -> None:
    ordered: list[object] = [False, True, -1, 0, 1.5, 2, "", "B", "a", "ä", [1], [2], {"a": 1}, None]
    shuffled = ordered[::-1]
    assert sorted(shuffled, key=sort_key) == ordered


def test_numbers_compare_by_value_and_strings_by_code_point() -> None:
    assert sort_key(1) == sort_key(1.0)
    assert sort_key(10) > sort_key(9)
    assert sort_key("10") < sort_key("9")
    assert sort_key("Z") < sort_key("a")
    assert sort_key(True) != sort_key(1)


def test_rows_sort_by_several_columns() -> None:
    rows = [("b", 1), ("a", 2), ("a", 1), ("b", 2)]
    by_name: Callable[[tuple[str, int]], object] = lambda row: row[0]  # noqa: E731
    by_count: Callable[[tuple[str, int]], object] = lambda row: row[1]  # noqa: E731
    assert sort_rows(rows, [(by_name, False), (by_count, True)]) == [("a", 2), ("a", 1), ("b", 2), ("b", 1)]
    assert sort_rows(rows, [(by_count, True), (by_name, False)]) == [("a", 2), ("b", 2), ("a", 1), ("b", 1)]
    assert sort_rows(rows, []) == rows
    assert rows == [("b", 1), ("a", 2), ("a", 1), ("b", 2)]


@pytest.mark.parametrize(("descending", "expected"), [(False, "bdfac"), (True, "fdbac")])
def test_unknown_is_last_in_both_directions_and_equal_rows_keep_their_order(descending: bool, expected: str) -> None:
    values = {"a": None, "b": 1, "c": None, "d": 2, "f": "x"}
    assert "".join(sort_rows("abcdf", [(values.get, descending)])) == expected
    assert sort_rows("cba", [(lambda _: 1, descending)]) == ["c", "b", "a"]
