"""Rounds in a pipe: each with its time, headers once, in every format."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from rmqctl.output import FORMATS
from rmqctl.output.style import Style
from rmqctl.result import Answer, Nothing, Rows, Value
from rmqctl.session import Session
from rmqctl.watch.rounds import Round
from rmqctl.watch.stream import Stream

START = datetime(2026, 3, 4, 5, 6, 7, 250000, tzinfo=UTC)
FIRST = Rows(("name", "n"), [('a\t"b"/ü', 1), ("c", 2)])
NONE = Rows(("name", "n"), [], streamed=False)
THEN = Rows(("name", "n"), [("c", 3)])


def stream(formatter: str, *answers: Answer, seconds: float = 2, style: Style | None = None) -> tuple[str, str]:
    """What was written to stdout and stderr."""
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {}).in_format(formatter)
    writer = Stream(session, style or Style(), seconds)
    for number, each in enumerate(answers):
        writer.show(Round(START + timedelta(seconds=seconds * number), each))
    assert isinstance(session.streams.stdout, io.StringIO)
    assert isinstance(session.streams.stderr, io.StringIO)
    return session.streams.stdout.getvalue(), session.streams.stderr.getvalue()


T1, T2, T3 = "2026-03-04T05:06:07Z", "2026-03-04T05:06:09Z", "2026-03-04T05:06:11Z"
LISTS = {
    "table": f'time\tname\tn\n{T1}\ta\t"b"/ü\t1\n{T1}\tc\t2\n{T3}\tc\t3\n',
    "tsv": f'time\tname\tn\n{T1}\ta\\t"b"/ü\t1\n{T1}\tc\t2\n{T3}\tc\t3\n',
    "csv": f'"time","name","n"\n"{T1}","a\t""b""/ü","1"\n"{T1}","c","2"\n"{T3}","c","3"\n',
    "markdown": "| time | name | n |\n| --- | --- | ---: |\n"
    f'| {T1} | a\\\\t"b"/ü | 1 |\n| {T1} | c | 2 |\n| {T3} | c | 3 |\n',
    "jsonl": f'{{"time":"{T1}","name":"a\\t\\"b\\"/ü","n":1}}\n{{"time":"{T1}","name":"c","n":2}}\n'
    f'{{"time":"{T3}","name":"c","n":3}}\n',
    "json_stream": f'{{"time":"{T1}","name":"a\\t\\"b\\"/ü","n":1}}\n\n{{"time":"{T1}","name":"c","n":2}}\n\n'
    f'{{"time":"{T3}","name":"c","n":3}}\n\n',
    "json": f'[\n{{"time":"{T1}","name":"a\\t\\"b\\"/ü","n":1}}\n,{{"time":"{T1}","name":"c","n":2}}\n]\n[\n]\n'
    f'[\n{{"time":"{T3}","name":"c","n":3}}\n]\n',
    "raw_json": f'[{{"time":"{T1}","name":"a\\t\\"b\\"/ü","n":1}},{{"time":"{T1}","name":"c","n":2}}]\n[]\n'
    f'[{{"time":"{T3}","name":"c","n":3}}]\n',
    "kvp": f'time: {T1}\nname: a\\t"b"/ü\nn: 1\n\ntime: {T1}\nname: c\nn: 2\n\ntime: {T3}\nname: c\nn: 3\n',
}


@pytest.mark.parametrize("formatter", LISTS)
def test_lists(formatter: str) -> None:
    """The round in between finds nothing."""
    assert stream(formatter, FIRST, NONE, THEN) == (LISTS[formatter], "")


@pytest.mark.parametrize("formatter", FORMATS)
def test_every_format_tells_each_time(formatter: str) -> None:
    for answers in (
        (FIRST, THEN),
        (Value({"a": 1}),) * 2,
        (Value({"a": 1}, "text\nof two lines"),) * 2,
        (Value("x"),) * 2,
    ):
        written, _ = stream(formatter, *answers)
        assert T1 in written
        assert T2 in written


def test_no_header_without_rows_and_none_with_silent() -> None:
    assert stream("table", NONE, NONE, THEN)[0] == f"time\tname\tn\n{T3}\tc\t3\n"
    assert stream("table", FIRST._replace(header=False), style=Style())[0].startswith(f"{T1}\t")
    assert stream("table", THEN, style=Style(header=False))[0] == f"{T1}\tc\t3\n"


def test_a_header_again_when_the_columns_are_others() -> None:
    wider = Rows(("name", "n", "m"), [("c", 3, 4)])
    assert stream("csv", THEN, wider)[0].splitlines()[2:] == ['"time","name","n","m"', f'"{T2}","c","3","4"']


OBJECT = Value({"name": "q", "rates": {"in": 1.5}})
ANSWERS = {
    "table": f"time\t{T1}\nname\tq\nrates.in\t1.5\ntime\t{T2}\nname\tq\nrates.in\t1.5\n",
    "csv": f'"time","name","rates.in"\n"{T1}","q","1.5"\n"{T2}","q","1.5"\n',
    "kvp": f"time: {T1}\nname: q\nrates.in: 1.5\n\ntime: {T2}\nname: q\nrates.in: 1.5\n",
    "jsonl": f'{{"time":"{T1}","name":"q","rates":{{"in":1.5}}}}\n{{"time":"{T2}","name":"q","rates":{{"in":1.5}}}}\n',
}


@pytest.mark.parametrize("formatter", ANSWERS)
def test_objects(formatter: str) -> None:
    assert stream(formatter, OBJECT, OBJECT)[0] == ANSWERS[formatter]


def test_texts_have_the_time_in_a_line_before() -> None:
    assert stream("table", Value({}, "one\ntwo"), Value({}, "one"))[0] == f"{T1}\none\ntwo\n{T2}\none\n"
    assert stream("table", Value(["a", "b"]))[0] == f"{T1}\na\nb\n"


def test_an_answer_that_is_no_object_becomes_one_for_programs() -> None:
    assert stream("json", Value("fine"))[0] == f'{{"time":"{T1}","message":"fine"}}\n'
    assert stream("json", Value(3))[0] == f'{{"time":"{T1}","value":3}}\n'
    assert stream("jsonl", Value([{"a": 1}, {"a": 2}]))[0] == f'{{"time":"{T1}","a":1}}\n{{"time":"{T1}","a":2}}\n'


def test_below_a_second_the_time_has_milliseconds() -> None:
    assert stream("jsonl", THEN, THEN, seconds=0.5)[0].splitlines()[1].startswith('{"time":"2026-03-04T05:06:07.750Z"')


def test_what_a_command_has_to_say_is_said_once() -> None:
    warned = THEN._replace(messages=("warning: x",))
    assert stream("table", warned, warned, THEN, warned)[1] == "warning: x\nwarning: x\n"
    assert stream("jsonl", Nothing(("failed",), 69), Nothing(("failed",), 69)) == ("", "failed\n")
