"""The checks: their options with defaults, and what each asks the broker for.

A new check is a row here, a function `check(snapshot, limits) -> Report` in the module of its name, whose docstring is the
help, and its line in the table of commands.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple

from rmqctl.checks import acks, forgotten, sessions
from rmqctl.checks import options as o
from rmqctl.checks.options import Limits, Option, limits
from rmqctl.checks.report import Finding, Report
from rmqctl.checks.snapshot import Snapshot

Function = Callable[[Snapshot, Limits], Report]
Asks = Mapping[str, tuple[str, ...]]
"""What is asked for: a noun of the API and the fields wanted of each object; without fields the whole."""


class Check(NamedTuple):
    """`later` is asked for only when the check comes to want it. `twice`: what it sees at both ends of the window. `often`:
    what it sees again and again between them.

    `by_vhost`: about one virtual host, or all. `argument` is an option that
    is a word of its own on the command line. `columns` are the fields of its findings.
    """

    name: str
    options: tuple[Option, ...]
    asks: Asks
    later: Asks = {}
    twice: tuple[str, ...] = ()
    often: tuple[str, ...] = ()
    by_vhost: bool = True
    argument: Option | None = None
    columns: tuple[str, ...] = Finding._fields

    def load(self) -> Function:
        function: Function = import_module(f"rmqctl.checks.{self.name}").check
        return function

    def all_options(self) -> tuple[Option, ...]:
        """Its own, and those that all checks have."""
        samples = self.twice or any(option.twice for option in self.options)
        return (
            *((self.argument,) if self.argument else ()),
            *((o.FOR,) if samples else ()),
            *self.options,
            *(o.MATCH, o.IGNORE, o.WHERE),
            *((o.ALL_VHOSTS,) if self.by_vhost else ()),
        )

    def wants(self, limits: Limits) -> list[Asks]:
        """What it asks for at those limits."""
        return [self.asks, *(option.asks for option in self._set(limits))]

    def samples(self, limits: Limits) -> set[str]:
        """The nouns that it sees twice at those limits."""
        return {*self.twice, *(noun for option in self._set(limits) for noun in option.twice)}

    def _set(self, limits: Limits) -> list[Option]:
        return [option for option in self.options if limits[option.name] not in (None, False)]


def _strict(help_text: str) -> Option:
    return Option("strict", o.FLAG, False, help_text)


_CHURN = {"overview": ("churn_rates",)}

CHECKS = {
    check.name: check
    for check in (
        Check(
            "acks",
            (
                Option("idle", o.TIME, "60s", "How long a consumer that acknowledged before may be busy."),
                *limits("", o.COUNT, "from N forgotten messages on.", 1),
                *limits("age", o.TIME, "when messages have been held idle this long."),
                _strict("Name queues without consumers, and consumers with automatic acks on durable queues, too."),
            ),
            {
                "queues": acks.QUEUE_FIELDS, "consumers": acks.CONSUMER_FIELDS, "channels": acks.CHANNEL_FIELDS,
                "overview": ("rabbitmq_version",), "shared_queues": acks.SHARED_FIELDS, "sessions": sessions.CONNECTION_FIELDS,
                "metrics": (),
            },
            later={"connections": acks.CONNECTION_FIELDS, "held": acks.HELD_FIELDS},
            twice=("channels", "consumers", "shared_queues", "sessions", "metrics"),
            often=("held",),
            columns=forgotten.Finding._fields,
        ),
        Check(
            "queues",
            (
                *limits("", o.COUNT, "when a queue has N messages.", 10_000),
                *limits("ready", o.COUNT, "when N of them are ready."),
                *limits("unacknowledged", o.COUNT, "when N of them are unacknowledged."),
                *limits("growth", o.COUNT, "when it has N more after --for.", twice=("queues",)),
                *limits("idle", o.TIME, "when it has been idle this long.", asks={"queues": ("idle_since",)}),
                _strict("Name queues without consumers when they are empty too."),
            ),
            {"queues": ("type", "messages", "messages_ready", "messages_unacknowledged"), "consumers": ("queue",)},
        ),
        Check(
            "consumers",
            (
                *limits("utilisation", o.PERCENT, "when a queue with a backlog can deliver this rarely.", 10),
                Option("backlog", o.COUNT, 100, "Number of ready messages that count as a backlog."),
            ),
            {
                "queues": ("consumer_utilisation", "consumer_capacity", "consumers", "messages_ready"),
                "consumers": ("queue", "consumer_tag", "active", "activity_status", "channel_details.name"),
            },
        ),
        Check(
            "connections",
            (
                *limits("", o.COUNT, "from N connections on."),
                *limits("churn", o.NUMBER, "when N a second are opened in the cluster.", 10, asks=_CHURN),
            ),
            {"connections": ("name", "vhost", "user", "user_provided_name", "state")},
        ),
        Check(
            "channels",
            (
                *limits("", o.COUNT, "from N channels on."),
                *limits("churn", o.NUMBER, "when N a second are opened in the cluster.", 50, asks=_CHURN),
                *limits("per-connection", o.COUNT, "when one connection has N channels.", 100),
            ),
            {"channels": ("name", "vhost", "user", "state", "connection_details.name")},
        ),
        Check("alarms", (), {"alarms": ()}, by_vhost=False),
        Check(
            "nodes",
            (
                *limits("memory", o.PERCENT, "when this share of the memory below the alarm is used.", 80, 95),
                *limits("disk", o.SIZE, "when no more than this is free above the limit of the alarm.", "1GiB", "100MiB"),
                *limits("files", o.PERCENT, "when this share of the file descriptors is used.", 80, 95),
                *limits("sockets", o.PERCENT, "when this share of the sockets is used.", 80, 95),
                *limits("processes", o.PERCENT, "when this share of the Erlang processes is used.", 80, 95),
            ),
            {
                "nodes": (
                    "running", "being_drained", "partitions", "mem_used", "mem_limit", "mem_alarm", "disk_free",
                    "disk_free_limit", "disk_free_alarm", "fd_used", "fd_total", "sockets_used", "sockets_total",
                    "proc_used", "proc_total",
                ),
            },
            by_vhost=False,
        ),
        Check(
            "cluster",
            (
                Option("nodes", o.COUNT, None, "Number of nodes that must run."),
                _strict("Name experimental feature flags that are not enabled too."),
            ),
            {
                "nodes": (
                    "running", "partitions", "rabbitmq_version", "erlang_version", "applications.name", "applications.version",
                ),
                "feature_flags": ("name", "state", "stability"),
            },
            by_vhost=False,
        ),
        Check(
            "quorum",
            limits(
                "lag", o.COUNT, "when a member is N entries of the log behind (a request for each quorum queue, RabbitMQ 4).",
                asks={"quorum_status": ()},
            ),
            {
                "queues": ("type", "state", "leader", "members", "online", "slave_nodes", "synchronised_slave_nodes"),
                "nodes": ("running",),
            },
        ),
        Check(
            "certificates",
            limits("", o.TIME, "when a certificate expires within that time.", "4w", "1w"),
            {"certificates": ()},
            by_vhost=False,
        ),
        Check(
            "policies",
            (),
            {
                "policies": (), "operator_policies": (), "queues": ("type",), "exchanges": ("name", "vhost"),
            },
        ),
        Check(
            "definitions",
            (),
            {"definitions": (), "wanted_definitions": ()},
            by_vhost=False,
            argument=Option("file", o.FILE, None, "Definitions as they should be."),
        ),
        Check(
            "dead_letters",
            (
                *limits("", o.COUNT, "when a queue of dead letters has N messages.", 1),
                *limits("growth", o.COUNT, "when it has N more after --for.", 1, twice=("queues",)),
            ),
            {
                "queues": ("messages", "type", "arguments", "policy", "effective_policy_definition"),
                "policies": (),
                "exchanges": ("name", "vhost", "type", "arguments", "policy"),
                "bindings": ("source", "vhost", "destination", "destination_type", "routing_key"),
            },
        ),
        Check("deprecated_features", (), {"deprecated_features": ()}, by_vhost=False),
        Check("shovels", limits("", o.COUNT, "when N do not run.", 1), {"shovels": ()}),
        Check("federation", limits("", o.COUNT, "when N links do not run.", 1), {"federation_links": ()}),
    )
}  # fmt: skip
"""In the order of `check all` and `check list`."""

ALL = (
    o.FOR,
    Option("only", o.NAMES, None, "These checks alone: acks,queues."),
    Option("except", o.NAMES, None, "All but these: certificates."),
    o.ALL_VHOSTS,
)
"""The options of `check all`."""
