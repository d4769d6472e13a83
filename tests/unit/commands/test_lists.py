"""Every recorded run of rabbitmqctl's lists, run again by rmqctl against the state that was recorded at the same moment.

The HTTP answers were recorded twice, before and after rabbitmqctl ran: a cell is right when either gives what rabbitmqctl
printed. Rows are compared whatever their order, which rabbitmqctl does not promise.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import pytest

from rmqctl.commands import COMMANDS

from ..conftest import Broker, Ran, RecordedBroker, recorded_answers, recorded_runs, run_with

VERSIONS = ("3.10.8", "4.3.6", "4.3.6-amqp10")
PHASES = ("before-ctl", "after-ctl", "main")

# What identifies a row.
KEYS = {
    "list_queues": ("name",),
    "list_exchanges": ("name",),
    "list_bindings": ("source_name", "destination_name", "destination_kind", "routing_key"),
    "list_consumers": ("queue_name", "consumer_tag"),
    "list_connections": ("name",),
    "list_channels": ("name",),
    "list_vhosts": ("name",),
    "list_users": ("user",),
    "list_permissions": ("user",),
    "list_topic_permissions": ("user", "exchange"),
    "list_user_permissions": ("vhost",),
    "list_user_topic_permissions": ("vhost", "exchange"),
    "list_policies": ("name",),
    "list_operator_policies": ("name",),
    "list_parameters": ("component", "name"),
    "list_global_parameters": ("name",),
    "list_vhost_limits": ("vhost",),
    "list_user_limits": ("user",),
    "list_feature_flags": ("name",),
    "list_deprecated_features": ("name",),
    "list_node_auth_attempt_stats": ("protocol",),
}

NO_PID = "process identifiers are not served over HTTP"
NO_DISK = "the HTTP API leaves it out"
REFUSED = {
    "list_queues": {
        "pid": NO_PID,
        "owner_pid": NO_PID,
        "exclusive_consumer_pid": NO_PID,
        "disk_reads": NO_DISK,
        "disk_writes": NO_DISK,
    },
    "list_consumers": {"channel_pid": NO_PID},
    "list_connections": {"pid": NO_PID},
    "list_channels": {"pid": NO_PID, "connection": NO_PID},
}
INSTANT = "measured anew at every instant; the HTTP API has an older sample"
COUNTING = "every request of the recording is an attempt"
VOLATILE = {
    "list_queues": {"memory": INSTANT, "consumer_utilisation": INSTANT, "consumer_capacity": INSTANT},
    "list_node_auth_attempt_stats": {"auth_attempts": COUNTING, "auth_attempts_succeeded": COUNTING},
}
# AMQP tables, of which HTTP sorts the keys and drops the types: compared by value where a client wrote them.
TABLES = ("arguments", "client_properties")
# Rows whose table holds a decimal, a void or a binary, for which JSON has nothing.
UNSPEAKABLE = {
    ("list_queues", "typed.args"),
    ("list_exchanges", "ex.args"),
    ("list_bindings", "ex.headers"),
}
# Options of rabbitmqctl whose runs are not compared.
ELSEWHERE = {
    "--used": "rabbitmqctl 4.3.6 says that no deprecated feature is in use where the HTTP API names one",
    "--dry-run": "prints the banner alone",
    "--printer": "how rabbitmqctl writes to its own terminal",
}
OTHER_SHAPE = {
    ("list_deprecated_features", "table"): "rabbitmqctl draws a box, in a pipe as well",
    ("list_policies_that_match", "table"): "rabbitmqctl draws a box, in a pipe as well",
    ("list_policies_that_match", "json"): "rabbitmqctl wraps the list in an object",
}
# rabbitmqctl leaves the consumers of streams out.
ONLY_HERE = {"list_consumers": {"st.events"}}
VALUE_OPTIONS = ("-p", "--vhost", "--formatter", "-t", "--timeout", "--user", "--printer")


class Recorded(NamedTuple):
    """One run of rabbitmqctl, its command line taken apart."""

    version: str
    argv: tuple[str, ...]
    stdout: str
    command: str
    columns: tuple[str, ...]
    options: tuple[str, ...]
    formatter: str

    @classmethod
    def of(cls, version: str, argv: Sequence[str], stdout: str) -> "Recorded":
        words, options = [], []
        formatter = "table"
        rest = iter(argv)
        for word in rest:
            if word.startswith("-"):
                option, equals, value = word.partition("=")
                options.append(option)
                if option in VALUE_OPTIONS:
                    options.append(value if equals else next(rest))
                    formatter = options[-1].lower() if option == "--formatter" else formatter
            else:
                words.append(word)
        command, *words = words
        if command in ("list_user_permissions", "list_user_topic_permissions", "list_policies_that_match"):
            options.insert(0, words.pop(0))
        columns = tuple(name for name in dict.fromkeys(",".join(words).split(",")) if name)
        return cls(version, tuple(argv), stdout, command, columns, tuple(options), formatter)

    @property
    def label(self) -> str:
        every = len(self.columns) > 4 and self.argv[-1] in self.columns
        words = (*self.argv[: -len(self.columns)], "EVERY-COLUMN") if every else self.argv
        return f"{self.version} {' '.join(words)}".encode("ascii", "replace").decode()

    @property
    def quiet(self) -> bool:
        return not {"-q", "-s", "--quiet", "--silent"}.isdisjoint(self.options)

    @property
    def body(self) -> str:
        """The output without the banner that rabbitmqctl mixes into it; slips of its encoders are corrected."""
        text = self.stdout
        if self.formatter == "table" and not self.quiet:
            lines = 2 if self.command in ("list_queues", "list_node_auth_attempt_stats") else 1
            text = text.split("\n", lines)[lines]
        if self.formatter.startswith("json") and self.version == "3.10.8":
            text = text.replace("\\u1000", "\\u0001")  # the digits of an escape are reversed
        return text

    @property
    def refused(self) -> tuple[str, ...]:
        return tuple(column for column in self.columns if column in REFUSED.get(self.command, {}))

    @property
    def again(self) -> list[str]:
        """The command line for rmqctl: the same, but for the columns that HTTP does not serve."""
        if not self.refused:
            return [*self.argv, "-q"]
        return [self.command, *self.options, "-q", *(name for name in self.columns if name not in self.refused)]

    @property
    def vhost(self) -> str:
        return next((self.options[at + 1] for at, word in enumerate(self.options) if word in ("-p", "--vhost")), "/")

    @property
    def prints_rows(self) -> bool:
        one_limit = self.command in ("list_vhost_limits", "list_user_limits") and "--global" not in self.options
        return not one_limit

    @property
    def unserved(self) -> set[str]:
        return {*REFUSED.get(self.command, ()), *VOLATILE.get(self.command, ())}

    def rows(self, text: str) -> list["Row"]:
        """The rows of an output, be it rabbitmqctl's or rmqctl's."""
        if self.formatter == "json":
            answer = json.loads(text)
            return answer["attempts"] if self.command == "list_node_auth_attempt_stats" else answer
        if self.formatter == "json_stream":
            return [json.loads(line) for line in text.split("\n") if line]
        if self.formatter == "csv":
            lines = list(csv.reader(io.StringIO(text, newline="")))
            return [dict(zip(lines[0], line, strict=True)) for line in lines[1:] if lines[0]]
        return self._table(text)

    def _table(self, text: str) -> list["Row"]:
        for number, name in enumerate(breaking_names(self.version)):
            text = text.replace(name, f"«{number}»")
        assert text == "" or text.endswith("\n")
        lines = text.split("\n")[:-1]
        if lines in ([], [""]):
            return []
        header = self.header(lines[0])
        if lines[0] == "\t".join(header):
            del lines[0]
        return [dict(zip(header, line.split("\t"), strict=True)) for line in lines]

    def header(self, first_line: str) -> tuple[str, ...]:
        """The columns, in the order in which they are printed."""
        if self.command == "list_user_topic_permissions":  # the one list without a header
            return ("vhost", "exchange", "write", "read")
        if {"-s", "--silent", "--no-table-headers"}.isdisjoint(self.options):
            return tuple(first_line.split("\t"))
        return self.columns or default_header(self.version, self.command)


@cache
def default_header(version: str, command: str) -> tuple[str, ...]:
    plain = next(run for run in of_version(version) if run.argv == (command,))
    return tuple(plain.body.partition("\n")[0].split("\t"))


@cache
def of_version(version: str) -> tuple[Recorded, ...]:
    return tuple(
        Recorded.of(version, run["argv"], run["stdout"])
        for run in recorded_runs(version)
        if ELSEWHERE.keys().isdisjoint(run["argv"])
    )


def runs() -> Iterator[Recorded]:
    for version in VERSIONS:
        for run in of_version(version):
            if run.vhost == "nope" or (run.command, run.formatter) in OTHER_SHAPE:
                continue
            yield run


# ----------------------------------------------------------------------------------------------------- reading rows

Row = dict[str, Any]


@cache
def breaking_names(version: str) -> tuple[str, ...]:
    """Names with a tab or a line feed, which break the rows of the table in both programs."""
    names = set()
    for answer in recorded_answers(version):
        if answer["path"] in ("/api/queues", "/api/exchanges", "/api/bindings") and answer["status"] == 200:
            for row in answer["body"]:
                names |= {text for text in row.values() if isinstance(text, str) and re.search(r"[\t\n\r]", text)}
    return tuple(sorted(names, key=len, reverse=True))


def grouped(rows: Sequence[Row], keys: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[tuple(str(row.get(key, "")) for key in keys)].append(row)
    return found


def paired(theirs: Sequence[Row], ours: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Rows of one key, each with the one that it has most cells in common with."""
    left = list(ours)
    for row in theirs:
        best = max(left, key=lambda other: sum(other.get(name) == cell for name, cell in row.items()))
        left.remove(best)
        yield row, best


# ---------------------------------------------------------------------------------------------------- comparing cells


def same(command: str, column: str, key: tuple[str, ...], theirs: Any, ours: Any) -> bool:
    if type(theirs) is type(ours) and theirs == ours:
        return True
    if column not in TABLES:
        return False
    if (command, key[0]) in UNSPEAKABLE and ours not in ("", "[]", []):
        return True
    return value_of(theirs) == value_of(ours)


def value_of(table: Any) -> Any:
    """An AMQP table without the order of its keys and its types."""
    if isinstance(table, str):  # Erlang's text
        return sorted(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s,\[\]{}]+', table))
    return {name: _typed(kind, value) for name, kind, value in table}


def _typed(kind: str, value: Any) -> Any:
    if kind == "table":
        return value_of(value)
    if kind == "array":  # rabbitmqctl makes an object of it, with one item of each type
        items = value.items() if isinstance(value, dict) else [(kind, item) for item in value]
        return sorted(str(_typed(kind, item)) for kind, item in items)
    return value


@cache
def outputs(version: str, argv: tuple[str, ...]) -> tuple[Ran, ...]:
    return tuple(run_with(*argv, broker=RecordedBroker(version, phase)) for phase in PHASES)


def every(argument: Any) -> str:
    return argument.label if isinstance(argument, Recorded) else str(argument)


@pytest.mark.parametrize("run", list(runs()), ids=every)
def test_prints_what_rabbitmqctl_printed(run: Recorded) -> None:
    if run.refused == run.columns != ():
        only = run_with(*run.argv, broker=RecordedBroker(run.version))
        assert (only.exit, only.out) == (64, "")
        assert "cannot be had over the HTTP API" in only.err
        return
    snapshots = outputs(run.version, tuple(run.again))
    assert [(ran.exit, ran.err) for ran in snapshots] == [(0, "")] * len(snapshots)
    if not run.prints_rows:
        check_value(run, snapshots)
        return
    expected = run.rows(run.body)
    if not expected and run.command == "list_node_auth_attempt_stats" and run.formatter == "json":
        assert [json.loads(ran.out) for ran in snapshots] == [json.loads(run.body)] * len(snapshots)
        return
    if not expected:
        assert [ran.out for ran in snapshots] == [run.body.replace("\r", "")] * len(snapshots)
        return
    if set(KEYS[run.command]) <= set(expected[0]):
        check_rows(run, expected, snapshots)
    else:
        check_unnamed_rows(run, expected, snapshots)
    check_layout(run, snapshots[0])


def check_value(run: Recorded, snapshots: Sequence[Ran]) -> None:
    for ran in snapshots:
        if run.formatter == "json":
            assert json.loads(ran.out) == json.loads(run.body)
        else:
            assert ran.out == run.body.replace("\r", "")


def check_unnamed_rows(run: Recorded, expected: Sequence[Row], snapshots: Sequence[Ran]) -> None:
    """Rows without the columns that tell which is which: one snapshot has to have all of them."""
    left_out = {*run.unserved, *TABLES}

    def comparable(rows: Sequence[Row]) -> list[str]:
        return sorted(
            json.dumps({name: cell for name, cell in sorted(row.items()) if name not in left_out}) for row in rows
        )

    assert comparable(expected) in [comparable(run.rows(ran.out)) for ran in snapshots]
    if left_out.isdisjoint(expected[0]) and run.formatter in ("table", "csv"):
        assert sorted(run.body.split("\n")) in [sorted(ran.out.split("\n")) for ran in snapshots]


def check_rows(run: Recorded, expected: Sequence[Row], snapshots: Sequence[Ran]) -> None:
    keys = KEYS[run.command]
    theirs = grouped(expected, keys)
    candidates = [grouped(run.rows(ran.out), keys) for ran in snapshots]
    wrong = {}
    for key, rows in theirs.items():
        fitting = [list(paired(rows, ours[key])) for ours in candidates if len(ours[key]) == len(rows)]
        assert fitting, f"row {key}"
        for pairs in zip(*fitting, strict=True):
            row = pairs[0][0]
            ours = [other for _, other in pairs]
            for column in set(row) - run.unserved:
                if not any(
                    column in other and same(run.command, column, key, row[column], other[column]) for other in ours
                ):
                    wrong[key, column] = (row[column], [other.get(column) for other in ours])
    assert not wrong
    extra = set.intersection(*({key for key, rows in ours.items() if rows} for ours in candidates)) - theirs.keys()
    assert {key[0] for key in extra} <= ONLY_HERE.get(run.command, set())


def check_layout(run: Recorded, ran: Ran) -> None:
    """How the lines begin: header, brackets and commas."""
    theirs, ours = run.body.split("\n"), ran.out.split("\n")
    if run.formatter == "json" and run.command != "list_node_auth_attempt_stats":
        assert (ours[0], ours[1][:1], ours[-2], ours[-1]) == ("[", "{", "]", "")
        assert all(line.startswith(",{") for line in ours[2:-2])
        assert [line[:1] for line in theirs[:2]] == ["[", "{"]
    if run.formatter == "json_stream":
        assert ours[1::2] == [""] * len(ours[1::2])
        assert theirs[1::2] == [""] * len(theirs[1::2])
    if not run.refused and run.formatter in ("table", "csv"):
        headless = "-s" in run.argv or "--silent" in run.argv or "--no-table-headers" in run.argv
        if run.formatter == "csv" or not (headless or run.command == "list_user_topic_permissions"):
            assert ours[0] == theirs[0]
    if run.version == "3.10.8" and theirs[0] == "[":  # 4.x prints the keys in no order
        order = [name for name in json.loads(theirs[1]) if name not in run.refused]
        assert list(json.loads(ours[1])) == order


UNKNOWN_VHOST = [run for version in VERSIONS for run in of_version(version) if run.vhost == "nope"]


@pytest.mark.parametrize("run", UNKNOWN_VHOST, ids=every)
def test_a_virtual_host_that_does_not_exist_is_an_error_and_no_empty_list(run: Recorded) -> None:
    ran = run_with(*run.again, broker=RecordedBroker(run.version))
    assert (ran.exit, ran.out) == (65, "")
    assert "virtual host 'nope' does not exist" in ran.err


def test_every_list_of_rabbitmqctl_was_recorded() -> None:
    lists = {name for name, entry in COMMANDS.items() if entry.group == "Lists"}
    elsewhere = {
        name for name in lists if re.search("stream|mqtt|stomp|shovel|federation|that_match", name)
    }  # plugins', or with an output of their own
    assert {run.command for run in runs()} == set(KEYS) == lists - elsewhere


@pytest.mark.parametrize(
    ("queue", "drain", "eta"),
    [
        ({"messages": 10, "messages_details": {"rate": -2.5}}, 2.5, 4.0),
        ({"messages": 10, "messages_details": {"rate": 2.5}}, -2.5, None),
        ({"messages": 10, "messages_details": {"rate": 0.0}}, 0.0, None),
        ({"messages": 0, "messages_details": {"rate": 0.0}}, 0.0, 0.0),
        ({"messages": 10, "messages_details": []}, None, None),
        ({"messages": 10}, None, None),
    ],
)
def test_how_long_until_a_queue_is_empty(queue: dict[str, Any], drain: float | None, eta: float | None) -> None:
    broker = Broker({"GET /api/queues/%2F": [{"name": "q", "vhost": "/", **queue}]})
    ran = run_with("list_queues", "drain", "eta", "-f", "jsonl", broker=broker)
    assert json.loads(ran.out) == {"drain": drain, "eta": eta}
    text = run_with("list_queues", "name", "eta", "--where", "eta = null or eta >= 0", "-q", broker=broker).out
    assert text == f"name\teta\nq\t{'' if eta is None else eta}\n"
