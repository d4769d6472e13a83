"""The command line of lists: columns, options, filter, order and limit; and what is asked of the broker for them."""

import io
import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import httpx
import pytest

from rmqctl.cli import run as run_rmqctl
from rmqctl.commands import COMMANDS
from rmqctl.resources.queues import QUEUES as QUEUE_COLUMNS
from rmqctl.session import Session

from ..conftest import NOT_FOUND, Broker, Ran, RecordedBroker, Terminal, run_with

EXACT = "disable_stats=true&enable_queue_totals=true"
WHO = "GET /api/whoami"
TOTAL = "GET /api/overview?disable_stats=true&columns=object_totals.queues"
ONE_ROW = "GET /api/queues/%2F?page=1&page_size=1&columns=name&disable_stats=true"
QUEUES = [
    {"name": "a", "vhost": "/", "messages": 3, "messages_ready": 1, "messages_unacknowledged": 2, "durable": True},
    {"name": "b", "vhost": "/", "messages": 0, "messages_ready": 0, "messages_unacknowledged": 0, "durable": False},
    {"name": "c", "vhost": "/", "messages": 10, "messages_ready": 10, "messages_unacknowledged": 0, "durable": True},
]


def overview(queues: int) -> dict[str, Any]:
    return {"GET /api/overview": {"object_totals": {"queues": queues}}}


def queues(rows: list[dict[str, Any]] = QUEUES, **more: Any) -> Broker:
    """A broker with these queues in the virtual host /, whichever columns of them are asked for."""
    return Broker({"GET /api/queues/%2F": rows, **overview(len(rows)), **more})


def refused(*argv: str) -> str:
    """The error of a command line that is wrong: nothing on stdout, no request."""
    ran = run_with(*argv)
    assert (ran.exit, ran.out) == (64, "")
    return ran.err


# --------------------------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "columns",
    [
        ["name", "messages"],
        ["name,messages"],
        ["name", ",", "messages"],
        ["name ,", "messages"],
        ["name , messages"],
        ["name", "messages", "name"],
        ["name,messages,messages,", "name"],
    ],
    ids=repr,
)
def test_columns_with_spaces_and_commas_and_repeats(columns: list[str]) -> None:
    assert run_with("list_queues", *columns, broker=queues()) == (0, "name\tmessages\na\t3\nb\t0\nc\t10\n", "")


def test_columns_come_in_the_order_in_which_they_are_asked_for() -> None:
    ran = run_with("list_queues", "messages", "name", broker=queues())
    assert ran.out.splitlines()[:2] == ["messages\tname", "3\ta"]


def test_consumers_have_an_order_of_their_own() -> None:
    rows = [{"consumer_tag": "t", "queue": {"name": "q", "vhost": "/"}, "arguments": {}}]
    ran = run_with(
        "list_consumers",
        "arguments",
        "consumer_tag",
        "queue_name",
        broker=Broker({"GET /api/consumers/%2F": rows}),
    )
    assert ran.out == "queue_name\tconsumer_tag\targuments\nq\tt\t[]\n"


@pytest.mark.parametrize("formatter", ["table", "json", "csv"])
def test_an_empty_column_lists_nothing(formatter: str) -> None:
    ran = run_with("list_queues", "", "--formatter", formatter)
    assert (ran.exit, ran.err) == (0, "")
    assert ran.out == {"table": "", "json": "[\n]\n", "csv": ""}[formatter]


def test_a_dotted_path_into_the_api_s_objects_is_a_column() -> None:
    rows = [{"name": "q", "message_stats": {"publish_details": {"rate": 1.5}}}, {"name": "r"}]
    broker = queues(rows)
    ran = run_with("list_queues", "name", "message_stats.publish_details.rate", broker=broker)
    assert ran == (0, "name\tmessage_stats.publish_details.rate\nq\t1.5\nr\t\n", "")
    assert broker.asked == ["GET /api/queues/%2F?columns=message_stats.publish_details.rate,name"]


def test_a_field_of_the_api_is_a_column() -> None:
    ran = run_with("list_queues", "vhost", "name", broker=queues())
    assert ran.out.splitlines()[1] == "/\ta"


@pytest.mark.parametrize(
    ("command", "column", "closest"),
    [
        ("list_queues", "mesages", "messages"),
        ("list_queues", "Name", "name"),
        ("list_queues", "message_stat.publish", "message_stats"),
        ("list_exchanges", "durabel", "durable"),
        ("list_bindings", "routingkey", "routing_key"),
        ("list_vhosts", "traceing", "tracing"),
        ("list_users", "tag", "tags"),
    ],
)
def test_an_unknown_column_is_refused_with_the_closest_one(command: str, column: str, closest: str) -> None:
    error = refused(command, "name" if command != "list_bindings" else "arguments", column)
    assert f"unknown column {column!r}" in error
    assert f"did you mean {closest!r}?" in error
    assert f"rmqctl {command} --help" in error


def test_an_unknown_column_like_no_other_is_refused_with_all_of_them() -> None:
    error = refused("list_users", "zzzzzz")
    assert "columns: user, tags, name" in error


def test_one_word_with_a_space_in_it_is_one_column() -> None:
    assert "unknown column 'name messages'" in refused("list_queues", "name messages")


@pytest.mark.parametrize(
    ("command", "column", "instead"),
    [
        ("list_queues", "pid", "`node`"),
        ("list_queues", "owner_pid", "show queue"),
        ("list_queues", "disk_reads", "message_stats"),
        ("list_consumers", "channel_pid", "channel_details.name"),
        ("list_channels", "connection", "connection_details.name"),
    ],
)
@pytest.mark.parametrize("place", ["column", "--where", "--sort"])
def test_a_column_that_cannot_be_had_is_refused_with_what_there_is_instead(
    command: str, column: str, instead: str, place: str
) -> None:
    words = {"column": [column], "--where": ["--where", f"{column} = 1"], "--sort": ["--sort", f"-{column}"]}[place]
    error = refused(command, *words)
    assert f"column {column!r} cannot be had over the HTTP API" in error
    assert instead in error


def test_a_default_column_that_cannot_be_had_is_an_empty_cell_in_a_pipe() -> None:
    channel = {"name": "c", "user": "u", "consumer_count": 1, "messages_unacknowledged": 2}
    ran = run_with("list_channels", broker=Broker({"GET /api/channels": [channel]}))
    assert ran.out == "pid\tuser\tconsumer_count\tmessages_unacknowledged\n\tu\t1\t2\n"


def test_a_default_column_that_cannot_be_had_is_left_out_on_a_terminal() -> None:
    channel = {"name": "c", "user": "u", "consumer_count": 1, "messages_unacknowledged": 2}
    ran = run_with("list_channels", terminal=True, broker=Broker({"GET /api/channels": [channel]}))
    assert "pid" not in ran.out
    assert "consumer_count" in ran.out


# --------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "argv",
    [
        ["list_queues", "name", "-p", "v", "-q"],
        ["-p", "v", "-q", "list_queues", "name"],
        ["-q", "list_queues", "-p", "v", "name"],
        ["list_queues", "-p", "v", "name"],
        ["--vhost", "v", "list_queues", "name"],
        ["--vhost=v", "list_queues", "name"],
        ["list_queues", "name", "--vhost=v"],
        ["list-queues", "name", "--vhost", "v"],
        ["--limit", "9", "list_queues", "-p", "v", "name"],
        ["--sort", "name", "-p", "v", "list_queues", "name"],
        ["--where", "durable = true", "-p", "v", "list_queues", "name"],
        ["--url", "http://localhost:15672", "-p", "v", "list_queues", "name"],
        ["list_queues", "name", "-p", "v", "--longnames", "--erlang-cookie", "x", "-l"],
        ["list_queues", "-p", "v", "--", "name"],
    ],
    ids=" ".join,
)
def test_options_stand_before_or_after_the_command(argv: list[str]) -> None:
    broker = Broker({"GET /api/queues/v": [{"name": "q", "durable": True}]})
    assert run_with(*argv, broker=broker) == (0, "name\nq\n", "")


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        (["list_queues", "name"], "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\nname\nq\n"),
        (["list_queues", "name", "-t", "5"], "Timeout: 5.0 seconds ...\nListing queues for vhost / ...\nname\nq\n"),
        (["list_queues", "name", "-q"], "name\nq\n"),
        (["list_queues", "name", "-s"], "q\n"),
        (["list_queues", "name", "-f", "csv"], '"name"\n"q"\n'),
        (["delete_user", "u"], 'Deleting user "u" ...\n'),
        (["set_user_tags", "u", "a", "b"], 'Setting tags for user "u" to [a, b] ...\n'),
        (
            ["set_policy", "a", "^s", '{"expires":1}', "--apply-to", "queues", "--priority", "1"],
            'Setting policy "a" for pattern "^s" to "{"expires":1}" with priority "1" for vhost "/" ...\n',
        ),
        (
            ["set_operator_policy", "a", "^s", '{"expires":1}'],
            'Setting operator policy override "a" for pattern "^s" to "{"expires":1}" with priority "0" for vhost "/" ...\n',
        ),
        (
            ["ping"],
            "Will ping rabbit@a. This only checks if the OS process is running and registered with epmd. Timeout: 60000 ms.\n"
            "Ping succeeded\n",
        ),
        (["server_version"], "Asking node rabbit@a for its RabbitMQ version...\n4.3.6\n"),
        (["list_user_limits", "--user", "u"], 'Listing limits for user "u" ...\n{"max-channels":5}\n'),
        (["list_user_limits", "--global"], 'Listing limits for all users ...\nuser\tlimits\nu\t{"max-channels":5}\n'),
    ],
)
def test_under_rabbitmqctl_s_name_its_banners_are_printed(argv: list[str], out: str) -> None:
    answers = {
        "GET /api/queues/%2F": [{"name": "q", "messages": 1}],
        "GET /api/users/u": {"name": "u", "tags": [], "password_hash": "", "hashing_algorithm": "x"},
        "PUT /api/users/u": httpx.Response(204),
        "DELETE /api/users/u": httpx.Response(204),
        "PUT /api/policies/%2F/a": httpx.Response(201),
        "PUT /api/operator-policies/%2F/a": httpx.Response(201),
        "GET /api/policies/%2F": [],
        "GET /api/user-limits/u": [{"user": "u", "value": {"max-channels": 5}}],
        "GET /api/user-limits": [{"user": "u", "value": {"max-channels": 5}}],
        "GET /api/overview": {"rabbitmq_version": "4.3.6", "node": "rabbit@a", "object_totals": {"queues": 1}},
    }
    stdout, stderr = io.StringIO(), io.StringIO()
    session = Session(io.StringIO(), stdout, stderr, {}, Broker(answers).transport)
    assert (run_rmqctl(argv, session._replace(called="rabbitmqctl")), stdout.getvalue(), stderr.getvalue()) == (
        0,
        out,
        "",
    )


def test_under_rabbitmqadmin_s_name_its_letters_are_understood() -> None:
    broker = Broker({"GET /api/queues/shop": [{"name": "q"}], "GET /api/overview": {"object_totals": {"queues": 1}}})
    stdout, stderr = io.StringIO(), io.StringIO()
    session = Session(io.StringIO(), stdout, stderr, {}, broker.transport)._replace(called="rabbitmqadmin")
    assert run_rmqctl(["-u", "ann", "-p", "pw", "-V", "shop", "list", "queues", "name"], session) == 0
    assert (stdout.getvalue(), stderr.getvalue()) == ("name\nq\n", "")
    assert broker.requests[0].headers["Authorization"] == "Basic YW5uOnB3"


@pytest.mark.parametrize(
    ("called", "words", "out"),
    [
        ("rabbitmqadmin", ["--format=kvp", "list", "vhosts", "name"], "name: /\n"),
        ("rabbitmqadmin", ["--format", "csv", "list", "vhosts", "name"], '"name"\n"/"\n'),
        ("rabbitmq-plugins", ["list", "-e", "-m"], "rabbitmq_management\n"),
        ("rabbitmq-plugins", ["-q", "list", "--minimal", "manage"], "rabbitmq_management\n"),
    ],
)
def test_other_tools_spellings_are_understood_under_their_names(called: str, words: list[str], out: str) -> None:
    node = {"name": "n", "enabled_plugins": ["rabbitmq_management"], "running": True}
    overview = {"node": "n", "object_totals": {"queues": 1}}
    broker = Broker({"GET /api/vhosts": [{"name": "/"}], "GET /api/overview": overview, "GET /api/nodes/n": node})
    stdout, stderr = io.StringIO(), io.StringIO()
    session = Session(io.StringIO(), stdout, stderr, {}, broker.transport)._replace(called=called)
    assert (run_rmqctl(words, session), stdout.getvalue(), stderr.getvalue()) == (0, out, "")


NODES = [{"name": "rabbit@a.example.com", "running": True}, {"name": "hare@b", "running": True}]


@pytest.mark.parametrize(
    ("word", "exit_code"),
    [
        ("rabbit@a.example.com", 0),
        ("rabbit@a", 0),
        ("rabbit", 0),
        ("a.example.com", 0),
        ("a", 0),
        ("hare", 0),
        ("hare@b.example.com", 0),
        ("rabbit@b", 69),
        ("fox", 69),
        ("rabbit@", 69),
        ("", 69),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_node_is_one_of_the_cluster_by_its_name_or_part_of_it(word: str, exit_code: int, before: bool) -> None:
    broker = Broker({"GET /api/nodes": NODES, "GET /api/users": [{"name": "u", "tags": []}]})
    ran = run_with(*(["-n", word, "list_users"] if before else ["list_users", "-n", word]), broker=broker)
    assert ran.exit == exit_code
    if exit_code:
        assert "is not in the cluster of rabbit@a.example.com, hare@b (" in ran.err


def test_a_command_about_a_node_is_about_the_one_that_is_named() -> None:
    answers = {
        "GET /api/nodes": NODES,
        "GET /api/nodes/hare%40b": {"name": "hare@b", "log_files": ["/x"], "running": True},
        "GET /api/overview": {"node": "rabbit@a.example.com"},
    }
    assert run_with("log_location", "-n", "hare", broker=Broker(answers)).out == "/x\n"
    assert "hare@b" in run_with("show", "node", "-n", "b", broker=Broker(answers)).out
    assert run_with("check_running", "-n", "hare", broker=Broker(answers)).exit == 0
    refusal = run_with("check_local_alarms", "-n", "hare", broker=Broker(answers))
    assert (refusal.exit, refusal.err.endswith("give the URL of hare@b\n")) == (69, True)


def test_a_node_that_the_user_may_not_see_is_taken_with_a_warning() -> None:
    hidden = httpx.Response(401, json={"error": "not_authorized", "reason": "Not monitor user"})
    ran = run_with("list_users", "-n", "rabbit", broker=Broker({"GET /api/nodes": hidden, "GET /api/users": []}))
    assert (ran.exit, ran.err) == (0, "warning: user 'guest' may not see the nodes: -n rabbit is taken unseen\n")


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["list_queues", "--bogus"], "--bogus"),
        (["list_queues", "-z"], "-z"),
        (["list_queues", "--vhost"], "--vhost"),
        (["list_queues", "--limit", "many"], "--limit"),
        (["list_queues", "--limit", "-1"], "--limit"),
        (["list_queues", "--timeout", "soon"], "--timeout"),
        (["list_queues", "--timeout", "-5"], "--timeout"),
        (["list_queues", "--quiet=maybe"], "--quiet"),
        (["list_user_permissions"], "USERNAME"),
        (["list_policies_that_match", "--object-type", "vhost", "x"], "vhost"),
        (["list_stream_tracking", "s", "--offset", "--writer"], "--offset"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_named(argv: list[str], part: str) -> None:
    error = refused(*argv)
    assert part in error
    assert f"rmqctl {argv[0]} --help shows the options" in error
    assert error.startswith("rmqctl: ")
    assert "Traceback" not in error


def test_quiet_leaves_the_hint_at_the_help_out() -> None:
    assert refused("list_queues", "-q", "nope").count("\n") == 1


@pytest.mark.parametrize("name", ["json", "JSON", "Json", "jSON"])
def test_the_name_of_a_formatter_in_any_case(name: str) -> None:
    assert json.loads(run_with("list_queues", "name", "-f", name, broker=queues()).out)[0] == {"name": "a"}


def test_an_unknown_formatter_is_refused_with_those_there_are() -> None:
    error = refused("list_queues", "--formatter", "xml")
    assert "'xml' is none of table, tsv, pretty_table, json" in error


@pytest.mark.parametrize("formatter", ["json", "csv", "pretty_table", "jsonl"])
@pytest.mark.parametrize("option", ["--no-table-headers", "--pad-to-header"])
def test_options_of_the_table_are_refused_with_another_formatter(option: str, formatter: str) -> None:
    assert option in refused("list_queues", option, "--formatter", formatter)


@pytest.mark.parametrize("option", ["-s", "--silent", "--no-table-headers"])
def test_no_header(option: str) -> None:
    assert run_with("list_queues", "name", option, broker=queues()).out == "a\nb\nc\n"


def test_cells_padded_to_the_header() -> None:
    ran = run_with("list_queues", "name", "durable", "--pad-to-header", broker=queues())
    assert ran.out.splitlines()[:2] == ["name\tdurable", "a   \ttrue   "]


# ---------------------------------------------------------------------------------------------- filter, order and limit


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--where", "messages_unacknowledged > 0"], "a"),
        (["--where", "messages >= 3 and not durable = false"], "ac"),
        (["--where", 'name ~ "[bc]"'], "bc"),
        (["--sort", "messages"], "bac"),
        (["--sort", "-messages"], "cab"),
        (["--sort", "durable,-name"], "bca"),
        (["--sort", " -messages , name "], "cab"),
        (["--limit", "2"], "ab"),
        (["--limit", "0"], ""),
        (["--sort", "-name", "--limit", "1"], "c"),
        (["--where", "messages > 0", "--sort", "-messages", "--limit", "1"], "c"),
    ],
    ids=lambda value: " ".join(value),
)
def test_filter_order_and_limit(options: list[str], names: str) -> None:
    ran = run_with("list_queues", "name", "-s", *options, broker=queues())
    assert (ran.exit, ran.out.split(), ran.err) == (0, list(names), "")


def test_filter_and_order_may_look_at_columns_that_are_not_printed() -> None:
    broker = queues()
    run_with("list_queues", "name", "--where", "messages_ready > 0", "--sort", "durable", broker=broker)
    assert f"GET /api/queues/%2F?{EXACT}&columns=durable,messages_ready,name" in broker.asked


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--where", "messages >"], "^"),
        (["--where", "mesages > 1"], "mesages"),
        (["--where", 'name ~ "("'], "name ~"),
        (["--where", ""], "where"),
        (["--sort", "mesages"], "did you mean 'messages'?"),
        (["--sort", "-mesages"], "did you mean 'messages'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_filter_or_order_is_refused(options: list[str], part: str) -> None:
    assert part in refused("list_queues", *options)


def test_what_the_broker_left_out_is_unknown_and_never_zero() -> None:
    rows = [{"name": "known", "messages": 0}, {"name": "unknown"}]
    missing = {"GET /api/queues/%2F/unknown": {"name": "unknown"}}
    listed = run_with("list_queues", "name", "messages", broker=queues(rows, **missing))
    assert listed.out == "name\tmessages\nknown\t0\nunknown\t\n"
    assert run_with("list_queues", "name", "messages", "-f", "json", broker=queues(rows, **missing)).out == (
        '[\n{"name":"known","messages":0}\n,{"name":"unknown","messages":""}\n]\n'
    )
    assert run_with("list_queues", "name", "messages", "-f", "jsonl", broker=queues(rows, **missing)).out == (
        '{"name":"known","messages":0}\n{"name":"unknown","messages":null}\n'
    )
    for expression in ("messages = 0", "messages >= 0", "not messages > 0"):
        found = run_with("list_queues", "name", "-s", "--where", expression, broker=queues(rows, **missing))
        assert "unknown" not in found.out or expression.startswith("not")
    for order in ("messages", "-messages"):
        ordered = run_with("list_queues", "name", "-s", "--sort", order, broker=queues(rows, **missing))
        assert ordered.out == "known\nunknown\n"


@pytest.mark.parametrize("missing", [{}, {"messages": None}, {"messages": ""}, {"more": {"new": [1]}}], ids=repr)
def test_rows_with_missing_or_new_fields_never_break_a_list(missing: dict[str, Any]) -> None:
    row = {"name": "q", "vhost": "/", **missing}
    columns = ",".join(QUEUE_COLUMNS.names())
    broker = Broker(
        {
            "GET /api/queues/%2F": [row],
            "GET /api/overview": {"rabbitmq_version": "9.9.9-alpha"},
        }
    )
    for formatter in ("table", "json", "csv", "jsonl", "kvp", "markdown", "erlang", "pretty_table"):
        ran = run_with("list_queues", columns, "-f", formatter, broker=broker)
        assert (ran.exit, ran.err) == (0, ""), ran
        assert "q" in ran.out


# ---------------------------------------------------------------------------------------------------------- virtual hosts


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("list_queues", "/api/queues"),
        ("list_exchanges", "/api/exchanges"),
        ("list_bindings", "/api/bindings"),
        ("list_consumers", "/api/consumers"),
        ("list_permissions", "/api/permissions"),
        ("list_topic_permissions", "/api/topic-permissions"),
        ("list_policies", "/api/policies"),
        ("list_operator_policies", "/api/operator-policies"),
        ("list_parameters", "/api/parameters"),
    ],
)
def test_all_virtual_hosts_with_a_column_of_their_names(command: str, path: str) -> None:
    row: dict[str, Any] = {
        "name": "n",
        "vhost": "v w",
        "messages": 0,
        "queue": {"name": "n", "vhost": "v w"},
        "component": "c",
    }
    broker = Broker({f"GET {path}": [row], "GET /api/overview": {"object_totals": {"queues": 1}}})
    ran = run_with(command, "--all-vhosts", "-f", "json", broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    assert json.loads(ran.out)[0]["vhost"] == "v w"
    assert next(iter(json.loads(ran.out)[0])) == "vhost"


def test_the_column_of_virtual_hosts_stays_where_it_was_asked_for() -> None:
    broker = Broker({"GET /api/exchanges": [{"name": "e", "vhost": "v"}]})
    assert run_with("list_exchanges", "name", "vhost", "--all-vhosts", broker=broker).out == "name\tvhost\ne\tv\n"


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("/", "%2F"), ("a b", "a%20b"), ("ünï", "%C3%BCn%C3%AF"), ("...", "..."), ("x?y#z%", "x%3Fy%23z%25")],
)
def test_the_name_of_a_virtual_host_in_a_path(name: str, encoded: str) -> None:
    broker = Broker({f"GET /api/exchanges/{encoded}": [{"name": "e", "type": "fanout"}]})
    assert run_with("list_exchanges", "-p", name, broker=broker).out == "name\ttype\ne\tfanout\n"


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize(
    "words",
    [
        ("list_queues", "-p"), ("show", "queue"), ("peek",), ("publish", "x", "-e"), ("delete_vhost",),
        ("delete", "queue", "--yes"), ("declare", "queue"), ("add_vhost",), ("set_user_tags",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_name_that_is_a_step_in_a_path(name: str, words: tuple[str, ...]) -> None:
    """RabbitMQ would take another path. Nothing is asked, and nobody is told that it does not exist."""
    broker = Broker({})
    ran = run_with(*words, name, broker=broker)
    assert (ran.exit, f"no path for the name '{name}'" in ran.err + ran.out) == (69, True), ran
    assert broker.requests == []


@pytest.mark.parametrize(
    ("command", "everywhere", "in_one"),
    [
        ("list_connections", "/api/connections", "/api/vhosts/v/connections"),
        ("list_channels", "/api/channels", "/api/vhosts/v/channels"),
        ("list_mqtt_connections", "/api/connections", "/api/vhosts/v/connections"),
        ("list_stream_connections", "/api/stream/connections", "/api/stream/connections/v"),
        ("shovel_status", "/api/shovels", "/api/shovels/v"),
        ("federation_status", "/api/federation-links", "/api/federation-links/v"),
    ],
)
def test_lists_of_all_virtual_hosts_unless_one_is_named(command: str, everywhere: str, in_one: str) -> None:
    rows = [{"name": "n", "state": "running", "protocol": "AMQP 0-9-1"}]
    for path, options in ((everywhere, []), (in_one, ["-p", "v"])):
        broker = Broker({f"GET {path}": rows, "GET /api/overview": {"disable_stats": False}})
        ran = run_with(command, *options, broker=broker)
        assert (ran.exit, ran.err) == (0, "")
        assert any(path in asked for asked in broker.asked)


@pytest.mark.parametrize("command", ["list_stream_connections", "shovel_status", "federation_status"])
def test_a_plugin_that_is_off_is_named(command: str) -> None:
    off = httpx.Response(404, json=NOT_FOUND)
    answers = {
        "GET localhost": off,
        "GET /api/overview": {"rabbitmq_version": "4.3.6"},
        "GET /api/vhosts/v": {"name": "v"},
    }
    for options in ([], ["-p", "v"]):
        ran = run_with(command, *options, broker=Broker(answers))
        assert (ran.exit, ran.out) == (69, "")
        assert "plugin rabbitmq_" in ran.err


@pytest.mark.parametrize(
    "command", ["list_stream_connections", "list_stream_consumers", "shovel_status", "federation_status"]
)
def test_an_unknown_virtual_host_of_a_plugin_is_no_plugin_that_is_off(command: str) -> None:
    answers = {"GET localhost": httpx.Response(404, json=NOT_FOUND), "GET /api/overview": {"rabbitmq_version": "4.3.6"}}
    ran = run_with(command, "-p", "nope", broker=Broker(answers))
    assert (ran.exit, ran.out) == (65, "")
    assert "virtual host 'nope' does not exist" in ran.err
    assert "plugin" not in ran.err


def test_subscriptions_of_a_stream_connection_are_its_consumers() -> None:
    connections = [{"name": "busy"}, {"name": "idle"}]
    consumers = [{"connection_details": {"name": name}} for name in ("busy", "busy", "gone")]
    broker = Broker({"GET /api/stream/connections": connections, "GET /api/stream/consumers": consumers})
    ran = run_with("list_stream_connections", "conn_name", "subscriptions", "-s", broker=broker)
    assert ran.out == "busy\t2\nidle\t0\n"


@pytest.mark.parametrize(
    ("version", "header"),
    [
        (
            "3.10.8",
            "connection_pid\tpublisher_id\tstream\treference\tmessages_published\tmessages_confirmed\tmessages_errored",
        ),
        ("4.3.6", "publisher_id\tstream\treference\tmessages_published\tmessages_confirmed\tmessages_errored"),
    ],
)
def test_default_columns_are_those_of_the_release(version: str, header: str) -> None:
    publishers = [{"publisher_id": 1, "queue": {"name": "s", "vhost": "/"}}]
    answers = {"GET /api/stream/publishers/%2F": publishers, "GET /api/overview": {"rabbitmq_version": version}}
    assert run_with("list_stream_publishers", broker=Broker(answers)).out.split("\n")[0] == header


def test_connections_of_other_protocols_are_in_lists_of_their_own() -> None:
    rows = [
        {"name": "one", "protocol": "AMQP 0-9-1"},
        {"name": "two", "protocol": "AMQP 1-0"},
        {"name": "three", "protocol": "MQTT 3-1-1"},
        {"name": "four", "protocol": "Web STOMP 1.2"},
        {"name": "five", "protocol": None},
    ]
    names = {
        command: run_with(command, "name", "-s", broker=Broker({"GET /api/connections": rows})).out.split()
        for command in ("list_connections", "list_mqtt_connections", "list_stomp_connections")
    }
    assert names["list_connections"] == ["one", "two", "five"]
    assert names["list_mqtt_connections"][:1] == ["three"]
    assert names["list_stomp_connections"][:1] == ["four"]


# ---------------------------------------------------------------------------------------------------------- the program


@pytest.mark.parametrize(
    ("word", "meant"), [("lst_queues", "list_queues"), ("list-queue", "list_queues"), ("List_Users", "list_users")]
)
def test_an_unknown_command_is_refused_with_the_closest_one(word: str, meant: str) -> None:
    assert f"command {word!r} not found; did you mean {meant!r}?" in refused(word)


def test_an_unknown_command_like_no_other() -> None:
    assert "rmqctl help --all lists the commands" in refused("zzzzzz")


def test_no_command_prints_the_first_screen() -> None:
    """On stdout, where help belongs; the exit code is rabbitmqctl's, for scripts whose command is an empty variable."""
    assert run_with() == (64, run_with("--help").out, "")
    assert run_with("--help").exit == 0


@pytest.mark.parametrize("name", [name for name, entry in COMMANDS.items() if not entry.raw])
def test_help_of_every_command(name: str) -> None:
    ran = run_with(*name.split(), "--help")
    assert (ran.exit, ran.err) == (0, "")
    assert "Usage: rmqctl" in ran.out
    assert name in ran.out
    if COMMANDS[name].group == "Lists":
        assert "Columns" in ran.out


def test_the_hint_of_a_person_goes_to_stderr() -> None:
    ran = run_with("list_queues", "name", terminal=True, broker=queues())
    assert ran.err == "Listing queues of virtual host '/' at http://localhost:15672 ...\n"
    assert "Listing" not in ran.out
    assert run_with("list_queues", "name", "-q", terminal=True, broker=queues()).err == ""


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def run_into(stdout: io.StringIO, broker: Broker, *argv: str) -> Ran:
    stderr = io.StringIO()
    return Ran(run_rmqctl(argv, Session(io.StringIO(), stdout, stderr, {}, broker.transport)), "", stderr.getvalue())


def test_a_closed_pipe_ends_quietly() -> None:
    assert run_into(ClosedPipe(), queues(), "list_queues", "name") == (0, "", "")


def test_a_full_disk_is_an_error() -> None:
    ran = run_into(FullDisk(), queues(), "list_queues", "name")
    assert ran.exit == 70
    assert "No space left on device" in ran.err


def interrupt(_: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


def test_an_interrupt_ends_quietly_with_130() -> None:
    assert run_with("list_exchanges", broker=Broker({"GET /api/exchanges/%2F": interrupt})) == (130, "", "")


def test_a_mistake_of_rmqctl_itself_is_one_line_and_70() -> None:
    ran = run_with("list_exchanges", broker=Broker({"GET /api/exchanges/%2F": lambda _: 1 // 0}))
    assert (ran.exit, ran.out, ran.err.count("\n")) == (70, "", 1)
    assert "internal error" in ran.err


# -------------------------------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("argv", "requests"),
    [
        pytest.param(
            ["list_queues", "name", "messages_ready", "messages_unacknowledged"],
            [f"GET /api/queues/%2F?{EXACT}&columns=messages_ready,messages_unacknowledged,name", TOTAL],
            id="names and counts: one list of exact totals, beside it how many rows there should be",
        ),
        pytest.param(
            ["list_queues"],
            [f"GET /api/queues/%2F?{EXACT}&columns=messages,name", TOTAL],
            id="the default columns",
        ),
        pytest.param(
            ["list_queues", "name", "durable", "arguments"],
            ["GET /api/queues/%2F?disable_stats=true&columns=arguments,durable,name"],
            id="definitions alone: no statistics, no totals",
        ),
        pytest.param(
            ["list_queues", "name", "memory"],
            ["GET /api/queues/%2F?columns=memory,name"],
            id="statistics, when a column needs them",
        ),
        pytest.param(
            ["list_queues", "name", "messages", "consumers"],
            [
                f"GET /api/queues/%2F?{EXACT}&columns=messages,name,type,vhost",
                "GET /api/queues/%2F?columns=consumers,messages,name",
            ],
            id="statistics and counts: the exact counts are laid over",
        ),
        pytest.param(
            ["list_queues", "name", "--sort", "memory"],
            ["GET /api/queues/%2F?columns=memory,name"],
            id="statistics, when the order needs them",
        ),
        pytest.param(
            ["list_queues", "name", "leader"],
            ["GET /api/overview?columns=rabbitmq_version", "GET /api/queues/%2F?columns=leader,name,node,state,type"],
            id="the release, when a column depends on it",
        ),
        pytest.param(
            ["list_queues", "--all-vhosts"],
            [TOTAL, f"GET /api/queues?{EXACT}&columns=messages,name,vhost", WHO],
            id="all virtual hosts",
        ),
        pytest.param(
            ["list_queues", "name", "--local"],
            ["GET /api/overview?columns=node", "GET /api/queues/%2F?disable_stats=true&columns=leader,name,node,state"],
            id="queues of the node that answers",
        ),
        pytest.param(
            ["list_exchanges"],
            ["GET /api/exchanges/%2F?disable_stats=true&columns=name,type"],
            id="exchanges without statistics",
        ),
        pytest.param(
            ["list_exchanges", "name", "message_stats.publish_in"],
            ["GET /api/exchanges/%2F?columns=message_stats.publish_in,name"],
            id="exchanges with statistics",
        ),
        pytest.param(
            ["list_bindings", "routing_key"], ["GET /api/bindings/%2F?columns=routing_key,source"], id="bindings"
        ),
        pytest.param(
            ["list_consumers", "queue_name"],
            [
                "GET /api/consumers/%2F?columns="
                "ack_required,channel_details.name,consumer_tag,prefetch_count,queue.name,queue.vhost",
                "GET /api/queues/%2F?disable_stats=true&columns=name,type,vhost",
                WHO,
            ],
            id="consumers",
        ),
        pytest.param(
            ["list_connections", "user"], ["GET /api/connections?columns=name,protocol,user", WHO], id="connections"
        ),
        pytest.param(["list_channels", "user"], ["GET /api/channels?columns=name,user", WHO], id="channels"),
        pytest.param(["list_vhosts", "tracing"], ["GET /api/vhosts", WHO], id="virtual hosts"),
        pytest.param(["list_users"], ["GET /api/users"], id="users"),
        pytest.param(["list_permissions"], ["GET /api/vhosts/%2F/permissions"], id="permissions"),
        pytest.param(["list_user_permissions", "guest"], ["GET /api/users/guest/permissions"], id="of a user"),
        pytest.param(["list_parameters"], ["GET /api/parameters"], id="parameters"),
        pytest.param(["list_vhost_limits", "--global"], ["GET /api/vhost-limits"], id="limits"),
    ],
)
def test_no_more_is_asked_for_than_is_wanted(argv: list[str], requests: list[str]) -> None:
    broker = RecordedBroker("3.10.8")
    streams_aside = [row for row in broker._bodies[f"/api/queues?{EXACT}"] if row["type"] != "stream"]
    for target in [target for target in broker._bodies if target.split("?")[0] == "/api/queues"]:
        names = {row["name"] for row in streams_aside}
        broker._bodies[target] = [row for row in broker._bodies[target] if row["name"] in names]
    in_default = [row for row in streams_aside if row["vhost"] == "/"]  # as if the other vhosts were empty
    broker._bodies["/api/overview"]["object_totals"]["queues"] = len(in_default)
    ran = run_with(*argv, broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    assert broker.asked == sorted(requests)


@pytest.mark.parametrize("version", ["3.10.8", "4.3.6"])
def test_exact_counts_are_laid_over_the_statistics(version: str) -> None:
    """The statistics say what was, some seconds ago."""
    broker = RecordedBroker(version)
    stale = [{**row, "messages": 99999} for row in broker._bodies["/api/queues"]]
    broker._bodies["/api/queues"] = stale
    rows = json.loads(run_with("list_queues", "name", "messages", "consumers", "type", "-f", "json", broker=broker).out)
    assert all(row["messages"] != 99999 for row in rows if row["type"] != "stream")
    assert all(isinstance(row["consumers"], int) for row in rows)


def test_counts_of_streams_come_from_their_statistics() -> None:
    broker = queues(
        [QUEUES[0], {"name": "s/1"}],
        **{"GET /api/queues/%2F/s%2F1?columns=messages,messages_ready,type": {"messages": 7, "messages_ready": 7}},
    )
    ran = run_with("list_queues", "name", "messages", "messages_ready", "-s", broker=broker)
    assert (ran.out, ran.err) == ("a\t3\t1\ns/1\t7\t7\n", "")


def test_a_dotted_path_into_a_column_of_rabbitmqctl() -> None:
    """The field is asked for as a whole: a key in it may hold dots and anything else."""
    rows = [
        {
            "name": "a",
            "client_properties": {"capabilities": {"basic.nack": True}, "product": "p"},
            "protocol": "AMQP 0-9-1",
        },
        {"name": "b", "client_properties": {"product": 5}, "protocol": "AMQP 0-9-1"},
    ]
    broker = Broker({"GET /api/connections?columns=client_properties,name,protocol": rows})
    paths = ("client_properties.capabilities.basic.nack", "client_properties.product")
    ran = run_with("list_connections", "name", *paths, "-s", broker=broker)
    assert (ran.out, ran.err) == ("a\ttrue\tp\nb\t\t5\n", "")
    ran = run_with(
        "list_connections", "name", "--where", f"{paths[0]} = true", f"--sort={paths[1]}", "-s", broker=broker
    )
    assert (ran.out, ran.err) == ("a\n", "")


@pytest.mark.parametrize(
    ("command", "path"), [("list_queues", "pid.x"), ("list_queues", "drain.x"), ("list_queues", "nope.x")]
)
def test_no_path_leads_into_a_column_that_is_none_of_the_api(command: str, path: str) -> None:
    assert repr(path) in refused(command, path)


@pytest.mark.parametrize("count", [1, 30])
def test_a_queue_that_holds_nothing_has_no_messages(count: int) -> None:
    """RabbitMQ's type for MQTT clients, of which the API has two names and no counts."""
    names = [f"mqtt-{number}" for number in range(count)]

    def answer(request: httpx.Request) -> Any:
        kind = "MQTT QoS 0" if "enable_queue_totals" in request.url.params else "rabbit_mqtt_qos0_queue"
        rows = [{"name": name, "vhost": "/", "type": kind, "effective_policy_definition": None} for name in names]
        one = request.url.path.rpartition("/")[2]
        return rows[names.index(one)] if one in names else rows

    targets = ["/api/queues/%2F", *(f"/api/queues/%2F/{name}" for name in names)]
    broker = Broker({**{f"GET {target}": answer for target in targets}, **overview(count)})
    for columns in (["type"], ["type", "memory"]):
        ran = run_with("list_queues", "name", "messages", "messages_ready", *columns, "-s", broker=broker)
        assert [line.split("\t")[:4] for line in ran.out.splitlines()] == [
            [name, "0", "", "MQTT QoS 0"] for name in names
        ]
    policy = run_with("list_queues", "effective_policy_definition", "-s", broker=broker)
    assert set(policy.out.splitlines()) == {""}


def test_a_consumer_of_the_stream_protocol_is_in_a_list_of_its_own() -> None:
    def consumer(queue: str, **more: Any) -> dict[str, Any]:
        return {
            "queue": {"name": queue, "vhost": "/"},
            "consumer_tag": "t",
            "ack_required": False,
            "prefetch_count": 0,
            **more,
        }

    rows = [consumer("stream", channel_details={"name": ""}), consumer("mqtt", channel_details={"name": ""})]
    kinds = [{"name": "stream", "vhost": "/", "type": "stream"}, {"name": "mqtt", "vhost": "/", "type": "classic"}]
    broker = Broker({"GET /api/consumers/%2F": rows, "GET /api/queues/%2F": kinds})
    assert run_with("list_consumers", "queue_name", "-s", broker=broker).out == "mqtt\n"


def test_many_streams_are_asked_for_at_once() -> None:
    names = [f"s{number}" for number in range(30)]

    def answer(request: httpx.Request) -> Any:
        counts = {} if "disable_stats" in request.url.params else {"messages": 5}
        return [{"name": name, "vhost": "/", **counts} for name in names]

    broker = Broker({"GET /api/queues/%2F": answer, **overview(len(names))})
    ran = run_with("list_queues", "-s", broker=broker)
    assert ran.out.splitlines() == [f"{name}\t5" for name in names]
    assert len(broker.asked) == 3


def test_a_stream_deleted_meanwhile_is_unknown() -> None:
    gone = {"GET /api/queues/%2F/s": httpx.Response(404, json=NOT_FOUND)}
    assert run_with("list_queues", "-s", broker=queues([{"name": "s"}], **gone)).out == "s\t\n"


def down(state: str = "down") -> Broker:
    """The form with exact totals leaves queues out whose process is down."""
    dead = {"name": "dead", "vhost": "/", "state": state, "durable": True}

    def answer(request: httpx.Request) -> Any:
        if "page" in request.url.params:
            return {"total_count": 2}
        return QUEUES[:1] if "enable_queue_totals" in request.url.params else [QUEUES[0], dead]

    return Broker({"GET /api/queues/%2F": answer, "GET /api/queues/%2F/dead": {"messages": 4}, **overview(2)})


def test_queues_that_the_exact_totals_leave_out_are_listed_with_a_warning() -> None:
    broker = down()
    ran = run_with("list_queues", "name", "messages", "durable", broker=broker)
    assert (ran.exit, ran.out) == (0, "name\tmessages\tdurable\na\t3\ttrue\ndead\t\ttrue\n")
    assert ran.err == "warning: 1 of 2 queue does not answer (node or queue process down): no message counts\n"
    assert broker.asked == sorted(
        [
            f"GET /api/queues/%2F?{EXACT}&columns=durable,messages,name",
            ONE_ROW,
            TOTAL,
            "GET /api/queues/%2F?disable_stats=true&columns=durable,name,state",
        ]
    )


def test_a_queue_that_is_new_to_the_exact_totals_has_its_counts_from_the_statistics() -> None:
    ran = run_with("list_queues", "-s", broker=down("running"))
    assert (ran.out, ran.err) == ("a\t3\ndead\t4\n", "")


def test_queues_of_other_virtual_hosts_are_not_missed() -> None:
    pages = {"GET /api/queues/%2F": lambda request: {"total_count": 3} if "page" in request.url.params else QUEUES}
    broker = Broker({**pages, **overview(1000)})
    ran = run_with("list_queues", "-s", broker=broker)
    assert (ran.exit, ran.out, ran.err) == (0, "a\t3\nb\t0\nc\t10\n", "")
    assert broker.asked == sorted([f"GET /api/queues/%2F?{EXACT}&columns=messages,name", ONE_ROW, TOTAL])


@pytest.mark.parametrize(
    ("option", "names"), [("--online", ["a"]), ("--offline", ["dead"]), ("--online --offline", ["a", "dead"])]
)
def test_queues_by_whether_they_are_up(option: str, names: list[str]) -> None:
    assert run_with("list_queues", "name", "-s", *option.split(), broker=down()).out.split() == names


@pytest.mark.parametrize(
    ("argv", "tags", "warned"),
    [
        (["list_connections"], "management", True),
        (["list_connections", "-p", "v"], ["policymaker"], True),
        (["list_connections"], ["monitoring"], False),
        (["list_channels"], [], True),
        (["list_consumers", "-p", "v"], ["management"], True),
        (["list_queues", "--all-vhosts", "name"], ["monitoring"], True),
        (["list_queues", "--all-vhosts", "name"], "x,administrator", False),
        (["list_queues", "-p", "v", "name"], ["management"], False),
        (["list_exchanges", "--all-vhosts"], ["management"], True),
        (["list_vhosts"], ["management"], True),
        (["list_vhosts"], ["monitoring"], False),
        (["list_users"], ["management"], False),
    ],
)
def test_rows_that_the_user_may_not_see_are_said_to_be_missing(argv: list[str], tags: object, warned: bool) -> None:
    everything = {"GET localhost": [], "GET /api/overview": {"disable_stats": False}}
    ran = run_with(*argv, "-s", broker=Broker({**everything, WHO: {"name": "ann", "tags": tags}}))
    assert ran.exit == 0
    assert ran.err.startswith("warning: user 'ann' has not the tag administrator") is warned
    assert bool(ran.err) is warned


@pytest.mark.parametrize("command", ["list_connections", "list_channels"])
def test_a_broker_without_statistics_cannot_list_these_and_it_is_said(command: str) -> None:
    ran = run_with(command, broker=RecordedBroker("4.3.6-nostats", "nostats"))
    assert (ran.exit, ran.out) == (0, "")
    assert "warning: the broker collects no statistics" in ran.err


def test_a_broker_without_statistics_refuses_consumers() -> None:
    refusal = {"error": "bad_request", "reason": "Stats in management UI are disabled on this node"}
    answers = {"GET /api/consumers/%2F": httpx.Response(400, json=refusal)}
    ran = run_with("list_consumers", broker=Broker(answers))
    assert ran.exit == 69
    assert "Stats in management UI are disabled on this node" in ran.err


def test_churn_without_statistics_is_not_nothing() -> None:
    ran = run_with("churn", broker=Broker({"GET /api/overview": {"disable_stats": True}}))
    assert (ran.exit, ran.out) == (0, "")
    assert ran.err.startswith("warning: the broker collects no statistics")


def test_counts_are_exact_without_statistics_too() -> None:
    broker = RecordedBroker("4.3.6-nostats", "nostats")
    ran = run_with("list_queues", "-p", "/", "-f", "json", broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    # A stream has no exact counts, and without statistics none at all: unknown, not 0.
    assert {row["name"]: row["messages"] for row in json.loads(ran.out)} == {"orders": 7, "qq": 7, "st.events": ""}


def test_queues_just_declared_have_unknown_statistics() -> None:
    broker = RecordedBroker("3.10.8", "just-declared")
    answer = broker._bodies["/api/queues?columns=name,messages,messages_ready,state"]
    assert any("messages" not in row for row in answer)
    ran = run_with("list_queues", "name", "consumers", "-s", broker=Broker({"GET /api/queues/%2F": answer}))
    assert (ran.exit, ran.err) == (0, "")
    assert all(line.endswith("\t") for line in ran.out.splitlines())


@pytest.mark.parametrize("argv", [["ping"], ["check_alarms"], ["check", "alarms"], ["is_running"], ["check", "all"]])
def test_a_check_that_gets_no_answer_ends_after_a_minute(argv: list[str]) -> None:
    limits = []

    def silent(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("silence")

    ran = run_with(*argv, broker=httpx.MockTransport(silent))
    assert ran.exit == (3 if argv[0] == "check" else 75)
    assert "no answer within 60 seconds" in ran.out + ran.err
    assert limits[0] == pytest.approx(60, abs=1)


class Thinker(Terminal):
    def readline(self, size: int = -1, /) -> str:
        time.sleep(0.6)
        return "y\n"


def test_the_time_that_a_person_thinks_is_not_counted() -> None:
    answers = {
        "GET /api/queues/%2F": [{"name": "q", "vhost": "/"}],
        "DELETE /api/queues/%2F/q": httpx.Response(204),
        "GET /api/overview": {"rabbitmq_version": "4.3.6", "object_totals": {"queues": 1}},
    }
    stdout, stderr = Terminal(), Terminal()
    session = Session(Thinker(), stdout, stderr, {}, Broker(answers).transport)
    code = run_rmqctl(["delete", "queue", "--match", "q", "-t", "0.5"], session)
    assert (code, "Go on? [y/N]" in stderr.getvalue()) == (0, True), stderr.getvalue()


def test_the_time_limit_of_list_queues_alone_is_60_seconds() -> None:
    limits: dict[str, Any] = {}

    def remember(name: str) -> Callable[[httpx.Request], Any]:
        def answer(request: httpx.Request) -> Any:
            limits[name] = request.extensions["timeout"]["read"]
            return []

        return answer

    run_with("list_queues", "durable", broker=Broker({"GET /api/queues/%2F": remember("default")}))
    run_with("list_queues", "durable", "-t", "5", broker=Broker({"GET /api/queues/%2F": remember("given")}))
    run_with("list_exchanges", broker=Broker({"GET /api/exchanges/%2F": remember("others")}))
    assert limits.pop("others") is None
    assert limits == pytest.approx({"default": 60.0, "given": 5.0}, abs=0.5)


def test_a_terminal_is_a_stream_that_says_so() -> None:
    assert Terminal().isatty()
    assert (
        run_with("list_queues", "name", terminal=True, broker=queues()).out
        != run_with("list_queues", "name", broker=queues()).out
    )


def test_policies_that_match_are_those_of_the_kind_and_pattern_by_priority() -> None:
    policies = [
        {"vhost": "/", "name": name, "pattern": pattern, "apply-to": kind, "definition": {}, "priority": priority}
        for name, pattern, kind, priority in [
            ("low", "^ord", "queues", 0),
            ("high", "ers$", "all", 7),
            ("streams", ".*", "streams", 9),
            ("other", "^x", "queues", 9),
            ("classic", "orders", "classic_queues", 3),
        ]
    ]
    answers = {"GET /api/queues/%2F/orders": {"name": "orders", "type": "classic"}, "GET /api/policies/%2F": policies}
    ran = run_with("list_policies_that_match", "orders", "name", "-s", broker=Broker(answers))
    assert ran.out.split() == ["high", "classic", "low"]


# ----------------------------------------------------------------------------------------------------------------- match


def test_match_keeps_those_whose_names_hold_a_match() -> None:
    assert run_with("-s", "list_queues", "name", "--match", "^[ac]$", broker=queues()) == Ran(0, "a\nc\n", "")
    broker = queues()
    assert run_with("-s", "list_queues", "messages", "--match", "b", broker=broker) == Ran(0, "0\n", "")
    assert any(asked.endswith("columns=messages,name") for asked in broker.asked), broker.asked
    both = ("-s", "list_queues", "name", "--match", "a|b", "--where", "messages > 0")
    assert run_with(*both, broker=queues()) == Ran(0, "a\n", "")


@pytest.mark.parametrize(
    ("words", "where", "rows", "out"),
    [
        (("list_bindings", "routing_key"), "bindings/%2F", [
            {"source": "e", "destination": "q", "routing_key": "1"}, {"source": "q", "destination": "x", "routing_key": "2"},
            {"source": "e", "destination": "x", "routing_key": "3"}], "1\n2\n"),
        (("list_users", "user"), "users", [{"name": "q", "tags": []}, {"name": "x", "tags": []}], "q\n"),
        (("list_permissions", "user"), "vhosts/%2F/permissions", [{"user": "q"}, {"user": "x"}], "q\n"),
        (("list_user_permissions", "u", "vhost"), "users/u/permissions", [{"vhost": "q"}, {"vhost": "x"}], "q\n"),
        (("list_consumers", "queue_name"), "consumers/%2F", [{"queue": {"name": "q"}}, {"queue": {"name": "x"}}], "q\n"),
    ],
)  # fmt: skip
def test_match_looks_at_what_rows_are_named_by(words: tuple[str, ...], where: str, rows: list[Any], out: str) -> None:
    full = [{"vhost": "/", "arguments": {}, **row} for row in rows]
    broker = Broker({f"GET /api/{where}": full, WHO: {"name": "u", "tags": ["administrator"]}})
    assert run_with("-s", *words, "--match", "q", broker=broker) == Ran(0, out, "")


def test_every_list_takes_match_by_columns_that_it_has() -> None:
    for name, entry in COMMANDS.items():
        if entry.group == "Lists":
            resource = getattr(getattr(import_module(f"rmqctl.commands.{entry.module}"), name, None), "resource", None)
            assert resource is not None, name
            assert not any(resource.column(column).refused for column in resource.named), name
            assert "--match" in run_with(name, "--help").out, name


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("", "--match is empty: a variable that is not set?"),
        ("*.dead", r"as a shell's pattern it is --match '^.*\\.dead$'"),
        ("(", "--match: '(' is no regular expression"),
    ],
)
def test_a_bad_match(regex: str, said: str) -> None:
    assert said in refused("list_queues", "--match", regex)


def test_a_shell_pattern_gets_a_hint() -> None:
    ran = run_with("list_queues", "name", "--match", "a*", broker=queues())
    assert ran.err == "note: --match is a regular expression; as a shell's pattern it is --match '^a.*$'\n"
    assert run_with("-q", "list_queues", "name", "--match", "a*", broker=queues()).err == ""
