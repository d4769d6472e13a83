"""One cell as text, as JSON and as an Erlang term."""

import json
import math

import pytest

from rmqctl.output.values import erlang, float_text, json_value, text
from rmqctl.terms import Address, AmqpTable, Cell, ErlangMap, JsonText, Keywords, PolicyDefinition, Version

CELLS: list[tuple[Cell, str, object, str]] = [
    # cell, text, JSON, Erlang
    (None, "", "", "''"),
    (True, "true", True, "true"),
    (False, "false", False, "false"),
    (0, "0", 0, "0"),
    (-7, "-7", -7, "-7"),
    (2.0, "2.0", 2.0, "2.0"),
    ("", "", "", "<<>>"),
    ("orders", "orders", "orders", '<<"orders">>'),
    ("tab\there", "tab\there", "tab\there", r'<<"tab\there">>'),
    ('back\\slash "q"', 'back\\slash "q"', 'back\\slash "q"', r'<<"back\\slash \"q\"">>'),
    ("ünï", "ünï", "ünï", '<<"ünï"/utf8>>'),
    ("ctl\x01\x7f", "ctl\x01\x7f", "ctl\x01\x7f", "<<99,116,108,1,127>>"),
    ("a\u202eb", "a\u202eb", "a\u202eb", "<<97,226,128,174,98>>"),
    ([], "[]", [], "[]"),
    (["administrator", "tést", "rabbit@my-host"], "[administrator, tést, rabbit@my-host]",
     ["administrator", "tést", "rabbit@my-host"], "[administrator,'tést','rabbit@my-host']"),
    (["it's\\\n"], "[it's\\\n]", ["it's\\\n"], r"['it\'s\\\x{a}']"),
    ([1, True, None, [2]], "[1, true, , [2]]", [1, True, "", [2]], "[1,true,'',[2]]"),
    (Version((0, 9, 1)), "{0,9,1}", [0, 9, 1], "{0,9,1}"),
    (Version((1, 0)), "{1, 0}", [1, 0], "{1,0}"),
    (Address("127.0.0.1"), "127.0.0.1", [127, 0, 0, 1], "{127,0,0,1}"),
    (Address("::1"), "::1", [0, 0, 0, 0, 0, 0, 0, 1], "{0,0,0,0,0,0,0,1}"),
    (Address("::ffff:127.0.0.1"), "::ffff:127.0.0.1", [0, 0, 0, 0, 0, 65535, 32512, 1], "{0,0,0,0,0,65535,32512,1}"),
    (Address("host.example"), "host.example", "host.example", '<<"host.example">>'),
    (Address("a:b"), "a:b", "a:b", '<<"a:b">>'),
    (JsonText({"max-length": 2, "ü": "☃"}), '{"max-length":2,"ü":"☃"}', '{"max-length":2,"ü":"☃"}',
     r'<<"{\"max-length\":2,\"ü\":\"☃\"}"/utf8>>'),
    (Keywords(), "[]", [], "[]"),
    (Keywords({"rabbit@vm": "running", "n2": 1}), "[{rabbit@vm, running}, {n2, 1}]",
     {"rabbit@vm": "running", "n2": 1}, "[{rabbit@vm,running},{n2,1}]"),
    (PolicyDefinition(), "#{}", {}, "#{}"),
    (PolicyDefinition({"max-length": 2000, "overflow": "reject-publish"}),
     '[{<<"max-length">>, 2000}, {<<"overflow">>, reject-publish}]',
     {"max-length": 2000, "overflow": "reject-publish"},
     '[{<<"max-length">>,2000},{<<"overflow">>,<<"reject-publish">>}]'),
    (ErlangMap({"tags": ["qa", "tést"], "description": ""}), "#{description => , tags => [qa, tést]}",
     {"tags": ["qa", "tést"], "description": ""}, "#{description => <<>>,tags => [qa,'tést']}"),
    ({"b": 1, "a": {"c": None}}, "#{a => #{c => }, b => 1}", {"b": 1, "a": {"c": ""}}, "#{a => #{c => ''},b => 1}"),
    (AmqpTable(), "[]", [], "[]"),
    (AmqpTable({"x-queue-type": "quorum", "x-message-ttl": 60000}),
     '[{"x-queue-type","quorum"},{"x-message-ttl",60000}]',
     [["x-queue-type", "longstr", "quorum"], ["x-message-ttl", "long", 60000]],
     '[{<<"x-queue-type">>,longstr,<<"quorum">>},{<<"x-message-ttl">>,long,60000}]'),
    (AmqpTable({"t": {"a": 1}, "e": {}, "n": None, "f": 1e-7, "b": False}),
     '[{"t",[{"a",1}]},{"e",[]},{"n",undefined},{"f",1.0e-7},{"b",false}]',
     [["t", "table", [["a", "long", 1]]], ["e", "table", []], ["n", "void", "undefined"],
      ["f", "double", 1e-7], ["b", "bool", False]],
     '[{<<"t">>,table,[{<<"a">>,long,1}]},{<<"e">>,table,[]},{<<"n">>,void,undefined},'
     '{<<"f">>,double,1.0e-7},{<<"b">>,bool,false}]'),
    # of an array's members of one type, rabbitmqctl's JSON keeps the last
    (AmqpTable({"l": [1, "two", True, 2.5, ["n"], {"k": "v"}, 3], "e": []}),
     '[{"l",[1,"two",true,2.5,["n"],[{"k","v"}],3]},{"e",[]}]',
     [["l", "array", {"long": 3, "longstr": "two", "bool": True, "double": 2.5, "array": {"longstr": "n"},
                      "table": [["k", "longstr", "v"]]}], ["e", "array", []]],
     '[{<<"l">>,array,[{long,1},{longstr,<<"two">>},{bool,true},{double,2.5},{array,[{longstr,<<"n">>}]},'
     '{table,[{<<"k">>,longstr,<<"v">>}]},{long,3}]},{<<"e">>,array,[]}]'),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected", "as_json", "as_erlang"), CELLS)
def test_cell(cell: Cell, expected: str, as_json: object, as_erlang: str) -> None:
    assert text(cell) == expected
    assert json_value(cell) == as_json
    assert json.loads(json.dumps(json_value(cell))) == as_json
    assert erlang(cell) == as_erlang


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("", "[]"),
        ("ünï", '"ünï"'),
        ("ünï☃", "[252,110,239,9731]"),
        ("\x01", "[1]"),
        ("\x7f", "[127]"),
        ('a"b\\c\n\t\r\b\f\v\x1b', r'"a\"b\\c\n\t\r\b\f\v\e"'),
    ],
)
def test_string_inside_an_amqp_table(string: str, expected: str) -> None:
    assert text(AmqpTable({"k": string})) == f'[{{"k",{expected}}}]'
    assert text(AmqpTable({string: 1})) == f"[{{{expected},1}}]"


@pytest.mark.parametrize(
    ("array", "expected"), [([104, 105], '"hi"'), ([1, 2], "[1,2]"), ([True], "[true]"), ([-1, 104], "[-1,104]")]
)
def test_a_list_of_numbers_that_could_be_letters_is_a_string(array: list[object], expected: str) -> None:
    assert text(AmqpTable({"k": array})) == f'[{{"k",{expected}}}]'


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        (-12.5, "-12.5"),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.0001, "0.0001"),
        (0.00001, "1.0e-5"),
        (0.00012, "1.2e-4"),
        (0.0123, "0.0123"),
        (6.853946648829347e-7, "6.853946648829347e-7"),
        (1e100, "1.0e100"),
        (123456.0, "123456.0"),
        (1e6, "1.0e6"),
        (1e15, "1.0e15"),
        (2.0**53, "9.007199254740992e15"),
        (-(2.0**60), "-1.152921504606847e18"),
        (0.8333333333, "0.8333333333"),
    ],
)
def test_float(number: float, expected: str) -> None:
    assert float_text(number) == expected
    assert float(expected) == number


def test_numbers_that_erlang_has_not() -> None:
    assert float_text(math.inf) == "inf"
    assert float_text(math.nan) == "nan"


def test_other_kinds_of_string() -> None:
    class Name(str):
        pass

    assert (text(Name("a")), json_value(Name("a")), erlang(Name("a"))) == ("a", "a", '<<"a">>')
