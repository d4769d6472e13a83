"""topology: golden files of every format, parts of the graph, and the way of a message."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Broker, Ran, run_with
from ..graph.world import BINDINGS, CONSUMERS, EXCHANGES, QUEUES, STRANGE, binding, exchange, queue, world

GOLDEN = Path(__file__).parents[2] / "golden" / "topology"


def topology(*argv: str, broker: Broker | None = None, **more: Any) -> Ran:
    return run_with("topology", *argv, broker=broker or world(), **more)


def found(*argv: str, broker: Broker | None = None) -> tuple[set[str], set[str]]:
    """The names of the exchanges and of the queues."""
    data = json.loads(topology(*argv, "-f", "json", broker=broker).out)
    return {each["name"] for each in data["exchanges"]}, {each["name"] for each in data["queues"]}


@pytest.mark.parametrize("format_", ["table", "dot", "mermaid", "svg", "pretty_json", "csv", "jsonl"])
def test_golden(format_: str) -> None:
    ran = topology("-f", format_)
    assert (ran.exit, ran.err) == (0, "")
    assert ran.out == (GOLDEN / f"world.{format_}").read_text(encoding="utf-8")


def test_a_tree_in_a_pipe_and_on_a_terminal_where_held_messages_stand_out() -> None:
    tree = (GOLDEN / "world.table").read_text(encoding="utf-8")
    assert topology().out == tree
    shown = topology("--color", "always", "--no-pager", terminal=True).out.splitlines()
    assert [line.removeprefix("\x1b[1;33m").removesuffix("\x1b[0m") for line in shown] == tree.splitlines()
    marked = [line for line in shown if line.startswith("\x1b[1;33m")]
    assert marked
    assert all("3 unacked" in line for line in marked)
    assert len(marked) == sum("3 unacked" in line for line in shown)


def test_what_is_asked_for() -> None:
    broker = world()
    topology(broker=broker)
    assert [target.partition("?")[0] for target in broker.asked] == [
        "GET /api/bindings/%2F",
        "GET /api/consumers/%2F",
        "GET /api/exchanges/%2F",
        "GET /api/policies/%2F",
        "GET /api/queues/%2F",  # rates
        "GET /api/queues/%2F",  # exact counts
        "GET /api/vhosts/%2F/channels",
        "GET /api/vhosts/%2F/connections",
    ]
    assert all("columns=" in target for target in broker.asked if "/policies" not in target)


def test_exchanges_that_every_virtual_host_has_are_hidden_while_nothing_is_bound() -> None:
    assert "amq.topic" in found()[0]
    assert "amq.direct" not in found()[0]
    assert "amq.direct" in found("--all")[0]
    assert found("amq.direct") == ({"amq.direct"}, set())


@pytest.mark.parametrize(
    ("argv", "exchanges", "queues"),
    [
        (["audit"], {"audit", "orders", STRANGE, "ring 1", "ring 2"} - {"ring 1", "ring 2"}, {"audit log"}),
        (["dead"], {"unrouted", "orders", "amq.topic", "by headers", "shared out"}, {"dead", "orders.all", "orders.new"}),
        (["alone"], set(), {"alone"}),
        (["--focus", "audit"], {"audit", "orders", STRANGE}, {"audit log"}),
        (["--focus", "audit", "--depth", "0"], {"audit"}, set()),
        (["--focus", "lonely", "--depth", "9"], {"lonely"}, set()),
        (["--match", "^ring"], {"ring 1", "ring 2"}, {STRANGE}),
        (["--match", "^(ring 1|audit log)$"], {"ring 1", "ring 2", "audit"}, {"audit log"}),
        (["--match", "^nothing$"], set(), set()),
    ],
)  # fmt: skip
def test_parts(argv: list[str], exchanges: set[str], queues: set[str]) -> None:
    assert found(*argv) == (exchanges, queues)


def test_what_lies_between_matches_stays() -> None:
    chain = [binding("one", "two", kind="exchange"), binding("two", "three", kind="exchange"), binding("three", "q")]
    rows = [exchange(name, "fanout") for name in ("one", "two", "three")]
    broker = world(exchanges=rows, bindings=[*chain, binding("three", "other")], queues=[queue("q"), queue("other")])
    assert found("--match", "^(one|q)$", broker=broker) == ({"one", "two", "three"}, {"q"})


def test_a_part_of_the_graph_does_not_lie_about_the_rest() -> None:
    """An exchange at the edge has bindings still, and a queue is bound."""
    lines = topology("--focus", "orders.new").out
    assert "no bindings" not in lines
    assert "bound to no exchange" not in topology("--focus", "dead").out


@pytest.mark.parametrize(
    ("argv", "exit_code", "said"),
    [
        (
            ["orders.neu"],
            65,
            "there is no exchange or queue 'orders.neu' in virtual host '/'; did you mean 'orders.new'?",
        ),
        (["--focus", "zzzzzz"], 65, "there is no exchange or queue 'zzzzzz' in virtual host '/' (http"),
        (["--trace", "ordres", "k"], 65, "there is no exchange 'ordres' in virtual host '/'; did you mean 'orders'?"),
        (["--trace", "gone", "k"], 65, "there is no exchange 'gone'"),
        (["--match", "("], 64, "--match: '(' is no regular expression"),
        (["a", "--focus", "b"], 64, "one of NAME, --focus and --match"),
        (["a", "--trace", "b", "c"], 64, "--trace is about"),
        (["--header", "a=1"], 64, "--header goes with --trace"),
        (["--trace", "orders", "k", "--header", "a"], 64, "neither NAME=VALUE nor NAME:=JSON"),
        (["-f", "nagios"], 64, "'nagios' is none of"),
    ],
)
def test_what_is_refused(argv: list[str], exit_code: int, said: str) -> None:
    ran = topology(*argv)
    assert (ran.exit, ran.out) == (exit_code, "")
    assert said in ran.err


def test_an_exchange_that_is_bound_to_itself_stands_above_those_that_are_bound_to_it() -> None:
    bindings = [binding("self", "self", kind="exchange"), binding("self", "b", kind="exchange"), binding("b", "q")]
    rows = [exchange("b", "fanout"), exchange("self", "fanout")]
    tree = topology(broker=world(exchanges=rows, bindings=bindings, queues=[queue("q")], consumers=CONSUMERS[:1])).out
    assert tree.splitlines() == [
        "virtual host /",
        "└── exchange self (fanout)",
        "    ├── all → exchange b (fanout)",
        "    │   └── all → queue q (classic, 0 ready, 0 unacked, no consumers)",
        "    └── all → exchange self (shown elsewhere)",
    ]


def test_dead_letters_that_keep_their_key_go_to_the_default_exchange() -> None:
    rows = [queue("q", arguments={"x-dead-letter-exchange": ""})]
    tree = topology(broker=world(exchanges=[], bindings=[], queues=rows, consumers=CONSUMERS[:1])).out
    assert "    └╌╌ dead letters → exchange (default exchange)\n" in tree
    assert tree.count("(default exchange)") == 2


def test_all_virtual_hosts() -> None:
    there = {"vhost": "other"}
    broker = Broker(
        {
            "GET /api/exchanges": [*EXCHANGES, {**exchange("orders", "fanout"), **there}],
            "GET /api/bindings": [*BINDINGS, {**binding("orders", "q"), **there}],
            "GET /api/queues": [*QUEUES, {**queue("q"), **there}],
            "GET /api/consumers": [],
            "GET /api/policies": [],
            "GET /api/overview": {"disable_stats": False},
        }
    )
    assert (
        "virtual host other\n└── exchange orders (fanout)\n    └── all → queue q ("
        in topology("--all-vhosts", broker=broker).out
    )
    data = json.loads(topology("orders", "--all-vhosts", "-f", "json", broker=broker).out)
    assert {each["vhost"] for each in data["exchanges"]} == {"/", "other"}
    assert topology("nope", "--all-vhosts", broker=broker).err.count("in any virtual host") == 1


def test_what_the_broker_does_not_tell_is_unknown() -> None:
    broker = world(consumers=[], queues=[queue("orders.all", None, None)])
    broker.answers["GET /api/overview"] = {"disable_stats": True}
    ran = topology("orders.all", broker=broker)
    assert "'order.#' → queue orders.all (classic)\n" in ran.out
    assert ran.err.startswith("warning: the broker collects no statistics")


# Where a message goes


def traced(*argv: str, broker: Broker | None = None) -> tuple[int, list[str]]:
    ran = topology("--trace", *argv, "-f", "json", broker=broker)
    return ran.exit, [each["name"] for each in json.loads(ran.out)["queues"]]


@pytest.mark.parametrize(
    ("argv", "exit_code", "queues"),
    [
        (["orders", "order.new.eu"], 0, ["audit log", "orders.all", "orders.new"]),
        (["orders", "else"], 0, ["audit log"]),
        (["", "orders.new"], 0, ["orders.new"]),
        (["amq.default", "orders.new"], 0, ["orders.new"]),
        (["", "orders.neu"], 65, []),
        (["ring 1", ""], 65, []),
        (["ring 1", "x"], 65, []),
        (["lonely", "x"], 65, []),
        (["by headers", "", "--header", "format=pdf"], 0, ["orders.all"]),
        (["by headers", "", "--header", "size:=5"], 0, ["orders.all"]),
        (["by headers", "", "--header", "size=5"], 65, []),
        (["shared out", "x"], 3, []),
        (["lonely", "x", "--header", 'CC:=["y"]'], 65, []),
        (["", "none", "--header", 'CC:=["dead", "alone"]', "--header", 'BCC:=["orders.new"]'], 0,
         ["alone", "dead", "orders.new"]),
    ],
)  # fmt: skip
def test_queues_that_a_message_reaches(argv: list[str], exit_code: int, queues: list[str]) -> None:
    bindings = [each for each in BINDINGS if (each["source"], each["routing_key"]) != ("ring 2", "x")]
    assert traced(*argv, broker=world(bindings=bindings)) == (exit_code, queues)


def test_an_alternate_exchange_gets_what_no_binding_takes() -> None:
    rows = [
        exchange("first", "direct", arguments={"alternate-exchange": "second"}),
        exchange("second", "topic", policy="spare"),
        exchange("third", "x-delayed-message", arguments={"x-delayed-type": "fanout"}),
    ]
    bindings = [binding("first", "a", "a"), binding("second", "b", "b.*"), binding("third", "c")]
    policies = [{"name": "spare", "vhost": "/", "definition": {"alternate-exchange": "third"}}]
    broker = world(exchanges=rows, bindings=bindings, policies=policies, queues=[queue(name) for name in "abc"])
    assert traced("first", "a", broker=broker) == (0, ["a"])
    assert traced("first", "b.x", broker=broker) == (0, ["b"])
    assert traced("first", "c", broker=broker) == (0, ["c"])
    assert topology("--trace", "first", "c", broker=broker).out == (
        "queue c\n  exchange first -[otherwise]-> exchange second -[otherwise]-> exchange third -[all]-> queue c\n"
    )


def test_every_way_to_a_queue_is_told() -> None:
    assert topology("--trace", "orders", "order.new.eu").out.splitlines() == [
        "queue audit log",
        "  exchange orders -['#']-> exchange audit -[all]-> queue audit log",
        "queue orders.all",
        "  exchange orders -['order.#']-> queue orders.all",
        "queue orders.new",
        "  exchange orders -['order.new.*']-> queue orders.new",
    ]
    more = world(bindings=[*BINDINGS, binding("audit", "orders.new")])
    assert topology("--trace", "orders", "order.new.eu", broker=more).out.splitlines()[-2:] == [
        "  exchange orders -['order.new.*']-> queue orders.new",
        "  exchange orders -['#']-> exchange audit -[all]-> queue orders.new",
    ]


def test_many_ways_through_many_exchanges_take_no_time() -> None:
    """Every exchange is bound to all of the next layer: 4 ** 12 ways."""
    layers = [[f"{layer}.{number}" for number in range(4)] for layer in range(12)]
    rows = [exchange(name, "fanout") for layer in layers for name in layer]
    steps = pairwise(layers)
    bindings = [binding(one, other, kind="exchange") for here, there in steps for one in here for other in there]
    broker = world(exchanges=rows, bindings=[*bindings, binding("11.3", "q")], queues=[queue("q")])
    data = json.loads(topology("--trace", "0.0", "k", "-f", "json", broker=broker).out)
    (reached,) = data["queues"]
    assert 1 <= len(reached["paths"]) <= 5


def test_what_only_the_broker_can_tell_is_said() -> None:
    ran = topology("--trace", "shared out", "x")
    assert ran.out == "exchange shared out with key 'x' in virtual host '/': it cannot be told\n"
    assert ran.err == (
        "note: exchange 'shared out' has type x-consistent-hash: only the broker can tell which of its bindings fit\n"
    )
    assert "internal: clients cannot publish to it" in topology("--trace", "audit", "x").err


def test_the_way_of_a_message_as_a_picture_and_as_rows() -> None:
    assert topology("--trace", "orders", "else", "-f", "csv").out.splitlines()[1:] == [
        '"/","binding","exchange","orders","exchange","audit","#","[]"',
        '"/","binding","exchange","audit","queue","audit log","","[]"',
    ]
    drawn = topology("--trace", "orders", "else", "-f", "dot").out
    assert 'label="audit log' in drawn
    assert "orders.all" not in drawn


def test_both_values_of_trace_may_stand_before_the_command() -> None:
    assert run_with("--trace", "orders", "else", "topology", broker=world()).out.startswith("queue audit log\n")
