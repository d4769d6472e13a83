"""Each format's layout: rows, no rows, nasty rows, single answers."""

import json

import pytest

from rmqctl.output import FORMATS, TERMINAL
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
from rmqctl.terms import AmqpTable, Cell

ALL = {**FORMATS, "terminal": TERMINAL}
NASTY = 'a\tb\nc\rd\\e"f|\x00\x1b[31m\x7f\x9b'


def rows(formatter: str, result: Rows, style: Style = Style()) -> str:  # noqa: B008
    return "".join(ALL[formatter].load().rows(result, style))


def value(formatter: str, data: object, text: str | None = None, style: Style = Style()) -> str:  # noqa: B008
    return "".join(ALL[formatter].load().value(Value(data, text), style))


QUEUES = Rows(("name", "messages", "arguments"), [("a", 10, AmqpTable({"x": 1})), ("ü", None, AmqpTable())])
NATIVE = Rows(("name", "messages", "arguments"), [("a", 10, {"x": 1}), ("ü", None, {})])

LAYOUT = {
    "table": 'name\tmessages\targuments\na\t10\t[{"x",1}]\nü\t\t[]\n',
    "tsv": 'name\tmessages\targuments\na\t10\t[{"x",1}]\nü\t\t[]\n',
    "json": '[\n{"name":"a","messages":10,"arguments":[["x","long",1]]}\n'
    ',{"name":"ü","messages":"","arguments":[]}\n]\n',
    "json_stream": '{"name":"a","messages":10,"arguments":[["x","long",1]]}\n\n'
    '{"name":"ü","messages":"","arguments":[]}\n\n',
    "raw_json": '[{"name":"a","messages":10,"arguments":{"x":1}},{"name":"ü","messages":null,"arguments":{}}]\n',
    "pretty_json": '[\n  {\n    "name": "a",\n    "messages": 10,\n    "arguments": {\n      "x": 1\n    }\n  },\n'
    '  {\n    "name": "ü",\n    "messages": null,\n    "arguments": {}\n  }\n]\n',
    "jsonl": '{"name":"a","messages":10,"arguments":{"x":1}}\n{"name":"ü","messages":null,"arguments":{}}\n',
    "yaml": '- name: a\n  messages: 10\n  arguments:\n    x: 1\n- name: "ü"\n  messages: null\n  arguments: {}\n',
    "csv": '"name","messages","arguments"\n"a","10","[{""x"",1}]"\n"ü","","[]"\n',
    "kvp": 'name: a\nmessages: 10\narguments: [{"x",1}]\n\nname: ü\nmessages: \narguments: []\n',
    "markdown": '| name | messages | arguments |\n| --- | ---: | --- |\n| a | 10 | [{"x",1}] |\n| ü |  | [] |\n',
    "erlang": '[[{name,<<"a">>},{messages,10},{arguments,[{<<"x">>,long,1}]}],\n'
    " [{name,<<\"ü\"/utf8>>},{messages,''},{arguments,[]}]]\n",
    "pretty_table": (
        "┌──────┬──────────┬───────────┐\n"
        "│ name │ messages │ arguments │\n"
        "├──────┼──────────┼───────────┤\n"
        '│ a    │       10 │ [{"x",1}] │\n'
        "│ ü    │          │ []        │\n"
        "└──────┴──────────┴───────────┘\n"
    ),
    "terminal": (
        'name  messages  arguments\n─────────────────────────\na           10  [{"x",1}]\nü               []       \n'
    ),
}


@pytest.mark.parametrize("formatter", ALL)
def test_layout(formatter: str) -> None:
    assert rows(formatter, NATIVE if ALL[formatter].native else QUEUES) == LAYOUT[formatter]


EMPTY = {
    # streamed by rabbitmqctl, collected by rabbitmqctl
    "table": ("", "\n"),
    "tsv": ("name\tn\n", "name\tn\n"),
    "json": ("[\n]\n", "[]\n"),
    "json_stream": ("", ""),
    "raw_json": ("[]\n", "[]\n"),
    "pretty_json": ("[]\n", "[]\n"),
    "jsonl": ("", ""),
    "yaml": ("[]\n", "[]\n"),
    "csv": ("", "\n\n\n"),
    "kvp": ("", ""),
    "markdown": ("| name | n |\n| --- | --- |\n",) * 2,
    "erlang": ("[]\n", "[]\n"),
    "pretty_table": ("", "┌──────┬───┐\n│ name │ n │\n├──────┼───┤\n└──────┴───┘\n"),
    "terminal": ("name  n\n───────\n",) * 2,
}


@pytest.mark.parametrize("formatter", ALL)
def test_no_rows(formatter: str) -> None:
    streamed, collected = EMPTY[formatter]
    assert rows(formatter, Rows(("name", "n"), [])) == streamed
    assert rows(formatter, Rows(("name", "n"), [], streamed=False)) == collected


@pytest.mark.parametrize("formatter", ALL)
def test_many_rows_in_pieces(formatter: str) -> None:
    result = Rows(("name", "n"), [(f"q{number}", number) for number in range(2500)])
    pieces = list(ALL[formatter].load().rows(result, Style()))
    assert len(pieces) > 2
    assert "".join(pieces).count("q") == 2500
    assert "q999" in "".join(pieces)


@pytest.mark.parametrize("formatter", ["json", "json_stream", "raw_json", "pretty_json", "jsonl"])
def test_json_of_many_rows_can_be_read(formatter: str) -> None:
    result = Rows(("name", "n"), [(f"q{number}", number) for number in range(2500)])
    written = rows(formatter, result)
    read = (
        [json.loads(line) for line in written.split("\n") if line]
        if formatter in {"json_stream", "jsonl"}
        else json.loads(written)
    )
    assert read == [{"name": f"q{number}", "n": number} for number in range(2500)]


def test_header_switches() -> None:
    result = Rows(("name",), [("a",)])
    headless = Rows(("name",), [("a",)], header=False)
    off = Style(header=False)
    assert rows("table", result, off) == rows("table", headless) == "a\n"
    assert rows("tsv", result, off) == "a\n"
    assert rows("terminal", result, off) == "a\n"
    assert rows("pretty_table", result, off) == "┌───┐\n│ a │\n└───┘\n"
    assert rows("csv", result, off) == '"name"\n"a"\n'


def test_pad_to_header() -> None:
    result = Rows(("name", "messages_unacknowledged"), [("<b>&amp;", 0), ("a", 12)])
    assert rows("table", result, Style(pad_to_header=True)) == (
        "name\tmessages_unacknowledged\n<b>&amp;\t0                      \na   \t12                     \n"
    )


def test_nasty_cells() -> None:
    def of(formatter: str) -> str:
        return rows(formatter, Rows(("n",), [(NASTY,)]))

    assert of("table") == f"n\n{NASTY}\n"
    assert of("tsv") == 'n\na\\tb\\nc\\rd\\\\e"f|\\x00\\x1b[31m\\x7f\\x9b\n'
    assert of("kvp") == 'n: a\\tb\\nc\\rd\\\\e"f|\\x00\\x1b[31m\\x7f\\x9b\n'
    assert of("csv") == '"n"\n"' + NASTY.replace('"', '""') + '"\n'
    assert of("markdown").split("\n")[2] == '| a\\\\tb\\\\nc\\\\rd\\\\e"f\\|\\\\x00\\\\x1b[31m\\\\x7f\\\\x9b |'
    assert of("terminal").split("\n")[2] == 'a\\tb\\nc\\rd\\e"f|\\x00\\x1b[31m\\x7f\\x9b'
    for formatter in ("json", "raw_json", "pretty_json"):
        assert json.loads(of(formatter)) == [{"n": NASTY}]


def test_percent_and_quotes_in_a_column_name() -> None:
    assert json.loads(rows("json", Rows(('a%s"b',), [(1,)]))) == [{'a%s"b': 1}]


def test_markdown_leaves_no_markup() -> None:
    assert rows("markdown", Rows(("n",), [("<b>*x*`&amp;",)])).endswith("| \\<b>\\*x\\*\\`\\&amp; |\n")


def test_json_floats_as_rabbitmqctl_writes_them() -> None:
    assert rows("json", Rows(("u",), [(2.483611432455573e-7,), (1.0,)])) == (
        '[\n{"u":2.483611432455573e-7}\n,{"u":1.0}\n]\n'
    )


@pytest.mark.parametrize("formatter", sorted(set(ALL) - {"table", "csv"}))
def test_lone_surrogates_can_be_written(formatter: str) -> None:
    result = Rows(("name", "list"), [("a\ud800b", ["\udcff"]), ("ü", [])])
    assert rows(formatter, result).encode()
    assert value(formatter, {"k\udc80": "\ud800"}).encode()


def test_lone_surrogates_in_json_come_back() -> None:
    written = rows("json", Rows(("name",), [("a\ud800b",), ("ü☃",)]))
    assert json.loads(written) == [{"name": "a\ud800b"}, {"name": "ü☃"}]
    assert "ü☃" in written


MAPPING = {"name": "a", "up": True, "disk": {"free": 5, "limit": None}, "ports": [1, 2], "none": {}}
VALUES = {
    "table": "name\ta\nup\ttrue\ndisk.free\t5\ndisk.limit\t\nports\t[1,2]\nnone\t{}\n",
    "tsv": "name\ta\nup\ttrue\ndisk.free\t5\ndisk.limit\t\nports\t[1,2]\nnone\t{}\n",
    "json": '{"name":"a","up":true,"disk":{"free":5,"limit":null},"ports":[1,2],"none":{}}\n',
    "json_stream": '{"name":"a","up":true,"disk":{"free":5,"limit":null},"ports":[1,2],"none":{}}\n\n',
    "raw_json": '{"name":"a","up":true,"disk":{"free":5,"limit":null},"ports":[1,2],"none":{}}\n',
    "pretty_json": json.dumps(MAPPING, indent=2) + "\n",
    "jsonl": '{"name":"a","up":true,"disk":{"free":5,"limit":null},"ports":[1,2],"none":{}}\n',
    "yaml": "name: a\nup: true\ndisk:\n  free: 5\n  limit: null\nports:\n  - 1\n  - 2\nnone: {}\n",
    "csv": '"name","up","disk.free","disk.limit","ports","none"\n"a","true","5","","[1,2]","{}"\n',
    "kvp": "name: a\nup: true\ndisk.free: 5\ndisk.limit: \nports: [1,2]\nnone: {}\n",
    "markdown": "| key | value |\n| --- | --- |\n| name | a |\n| up | true |\n| disk.free | 5 |\n| disk.limit |  |\n"
    "| ports | [1,2] |\n| none | {} |\n",
    "erlang": "#{disk => #{free => 5,limit => ''},name => <<\"a\">>,none => #{},ports => [1,2],up => true}\n",
    "pretty_table": (
        "┌────────────┬───────┐\n"
        "│ key        │ value │\n"
        "├────────────┼───────┤\n"
        "│ name       │ a     │\n"
        "│ up         │ true  │\n"
        "│ disk.free  │ 5     │\n"
        "│ disk.limit │       │\n"
        "│ ports      │ [1,2] │\n"
        "│ none       │ {}    │\n"
        "└────────────┴───────┘\n"
    ),
    "terminal": "name        a\nup          true\ndisk.free   5\ndisk.limit  \nports       [1,2]\nnone        {}\n",
}


@pytest.mark.parametrize("formatter", ALL)
def test_mapping_as_answer(formatter: str) -> None:
    assert value(formatter, MAPPING) == VALUES[formatter]


TEXTUAL = sorted(set(ALL) - {"json", "json_stream", "raw_json", "pretty_json", "jsonl", "yaml", "erlang", "csv"})


@pytest.mark.parametrize("formatter", TEXTUAL)
def test_text_goes_before_data(formatter: str) -> None:
    assert value(formatter, {"a": 1}, "one\ntwo") == "one\ntwo\n"
    assert value(formatter, {"a": 1}, "") == "\n"


@pytest.mark.parametrize("formatter", TEXTUAL)
def test_other_answers_as_text(formatter: str) -> None:
    assert value(formatter, "pong") == "pong\n"
    assert value(formatter, 5) == "5\n"
    assert value(formatter, False) == "false\n"
    assert value(formatter, ["sha", {"a": None}]) == 'sha\n{"a":null}\n'


def test_other_answers_as_csv_and_terms() -> None:
    assert value("csv", "x", 'a "b"') == '"a ""b"""\n'
    assert value("csv", ["a", 1]) == '"a"\n"1"\n'
    assert value("erlang", "pong", "text") == '<<"pong">>\n'


def test_string_in_json_is_a_message() -> None:
    assert value("json", "pong ü") == '{"message":"pong ü"}\n'
    assert value("json_stream", "pong") == '{"message":"pong"}\n\n'
    assert value("raw_json", "pong") == '"pong"\n'
    assert value("jsonl", [{"a": 1}, 2]) == '{"a":1}\n2\n'


def test_answers_on_a_terminal() -> None:
    color = Style(color=True, width=30)
    assert value("terminal", {"a": "x" * 20, "bc\x1b": "y\n"}, style=color) == (
        "\x1b[1ma     \x1b[0m  " + "x" * 20 + "\n\x1b[1mbc\\x1b\x1b[0m  y\\n\n"
    )
    assert value("terminal", {}, style=color) == ""
    assert value("terminal", None, "one\n\x1b]0;title\x07", style=color) == "one\n\\x1b]0;title\\x07\n"


@pytest.mark.parametrize("cell", [None, True, 1, 1.5, "", [], {}, AmqpTable(), "x" * 5000, "\u0301", "日本", "👩‍👧"])
@pytest.mark.parametrize("formatter", ALL)
def test_any_cell_in_any_format(formatter: str, cell: Cell) -> None:
    assert isinstance(rows(formatter, Rows(("c",), [(cell,)]), Style(width=7, color=True)), str)


def test_rows_that_follow_others_have_no_header_again() -> None:
    result = Rows(("name", "n"), [("a", 1)])
    more = Style(continued=True)
    assert rows("table", result, more) == rows("tsv", result, more) == "a\t1\n"
    assert rows("csv", result, more) == '"a","1"\n'
    assert rows("markdown", result, more) == "| a | 1 |\n"
    assert rows("kvp", result, more) == "\nname: a\nn: 1\n"
    assert rows("terminal", result, more) == "a  1\n"
