"""The tabs and their columns, as data: a new column is one row here."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from rmqctl.checks import forgotten
from rmqctl.resources import clients
from rmqctl.resources.channels import CHANNELS
from rmqctl.resources.column import Object, Resource, reader
from rmqctl.resources.connections import CONNECTIONS
from rmqctl.resources.consumers import CONSUMERS
from rmqctl.resources.exchanges import EXCHANGES
from rmqctl.resources.nodes import NODES
from rmqctl.resources.queues import QUEUES
from rmqctl.top import cells

FINDING = "_finding"
"""In a row: the finding of `checks.acks` about it. The API has no names with an underscore in front."""
SERIES = "_series"
"""In a row: the number of messages in the last samples, the oldest first."""
SAMPLES = 60
"""How many of them are kept."""
LEAST_TREND = 8
"""Samples that the narrowest terminal shows."""

Key = tuple[Any, ...]
"""What tells the rows of a tab apart."""

WORDS = {
    forgotten.STUCK: "stuck",
    forgotten.FORGETTING: "forgets",
    forgotten.GOT: "got",
    forgotten.TRANSACTION: "tx open",
    forgotten.REDELIVERY: "loop",
    forgotten.UNLIMITED: "no qos",
}
"""The kinds of findings in a narrow column. The others are told by the numbers beside it."""


class Look(Enum):
    """When a cell that is not 0 stands out."""

    PLAIN = ""
    NOTABLE = "notable"
    ALARMING = "alarming"


class Field(NamedTuple):
    """A column. `name` is what sorting and expressions call it, `column` the resource's column that it shows.

    `rank`: narrow terminals have the lower ones only. `width` 0 is for the one that takes what is left. `read` is for what
    the resource does not have. `searched`: the filter looks into it. `grows`: its value is a series, of which a wide column
    shows more.
    """

    name: str
    title: str
    width: int
    rank: int
    column: str = ""
    show: cells.Show = cells.text
    right: bool = False
    look: Look = Look.PLAIN
    searched: bool = False
    read: Callable[[Object], Any] | None = None
    reads: tuple[str, ...] = ()
    sortable: bool = True
    grows: bool = False


def _number(
    name: str, title: str, rank: int, column: str, show: cells.Show = cells.count, width: int = 7, **more: Any
) -> Field:
    return Field(name, title, width, rank, column, show, right=True, **more)


def _rate(name: str, rank: int, statistic: str, field: str = "message_stats.{}_details.rate") -> Field:
    return _number(name, f"{name}/s", rank, field.format(statistic), cells.rate, 5)


class Tab(NamedTuple):
    """What a tab lists. `noun` is the API's word for it, `order` the field that it is sorted by at first.

    `identity`: the fields that make a row's key. `by_vhost`: its objects belong to virtual hosts.
    """

    noun: str
    one: str
    resource: Resource
    fields: tuple[Field, ...]
    identity: tuple[str, ...]
    order: str = "name"
    descending: bool = False
    by_vhost: bool = True

    @property
    def title(self) -> str:
        return self.noun.capitalize()

    def key(self, row: Object) -> Key:
        return tuple(read(row) for read in map(reader, self.identity))

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def reader(self, field: Field) -> Callable[[Object], Any]:
        return field.read or self.resource.column(field.column or field.name).native()

    def asked(self, fields: Iterable[Field]) -> set[str]:
        """The API's fields that these read."""
        found: set[str] = set(self.identity)
        for field in fields:
            found.update(field.reads if field.read else self.resource.column(field.column or field.name).fields)
        return found


def _word(row: Object) -> str | None:
    finding = row.get(FINDING)
    return None if finding is None else WORDS[finding.kind]


def _client(row: Object) -> Any:
    return clients.of_connection(row)["client"]


def _library(row: Object) -> Any:
    return clients.of_connection(row)["library"]


def _acks(rank: int) -> Field:
    return Field("acks", "acks", 7, rank, read=_word, look=Look.ALARMING)


def _vhost(column: str = "vhost") -> Field:
    return Field("vhost", "vhost", 12, 5, column, searched=True)


_UNACKED = _number("unacked", "unacked", 1, "messages_unacknowledged", look=Look.NOTABLE)

TABS = (
    Tab("queues", "queue", QUEUES, (
        Field("name", "name", 0, 0, searched=True),
        _vhost(),
        Field("type", "type", 7, 11),
        Field("state", "state", 8, 12),
        _number("ready", "ready", 1, "messages_ready", width=6),
        _UNACKED,
        _number("total", "total", 10, "messages"),
        Field("trend", "trend", LEAST_TREND, 8, read=reader(SERIES), show=cells.spark, sortable=False, grows=True),
        _rate("in", 2, "publish"),
        _rate("out", 2, "deliver_get"),
        _rate("ack", 2, "ack"),
        _rate("redelivered", 14, "redeliver")._replace(title="redel/s", width=7),
        _number("consumers", "cons", 6, "consumers", width=4),
        _number("eta", "eta", 7, "eta", cells.span, 4),
        _acks(3),
        Field("node", "node", 16, 15),
        Field("policy", "policy", 12, 16),
    ), ("vhost", "name"), "total", descending=True),
    Tab("connections", "connection", CONNECTIONS, (
        Field("name", "name", 0, 0, searched=True),
        Field("client", "client", 18, 1, read=_client, reads=("user_provided_name", "client_properties"), searched=True),
        _vhost(),
        Field("user", "user", 10, 2, searched=True),
        Field("state", "state", 8, 3),
        _number("channels", "chan", 4, "channels", width=4),
        _number("received", "from/s", 6, "recv_oct_details.rate", cells.size, 6),
        _number("sent", "to/s", 6, "send_oct_details.rate", cells.size, 6),
        _acks(3),
        Field("protocol", "protocol", 10, 9),
        Field("ssl", "TLS", 4, 10),
        Field("library", "library", 26, 11, read=_library, reads=("client_properties",)),
        Field("node", "node", 16, 12),
    ), ("name",)),
    Tab("channels", "channel", CHANNELS, (
        Field("name", "name", 0, 0, searched=True),
        _number("number", "no", 1, "number", width=3),
        _vhost(),
        Field("user", "user", 10, 6, searched=True),
        _UNACKED,
        _number("prefetch", "pref", 2, "prefetch_count", width=5),
        _number("consumers", "cons", 3, "consumer_count", width=4),
        _rate("in", 4, "publish"),
        _rate("out", 4, "deliver_get"),
        _rate("ack", 4, "ack"),
        _rate("redelivered", 12, "redeliver")._replace(title="redel/s", width=7),
        Field("confirm", "conf", 4, 10),
        Field("transactional", "tx", 3, 11),
        _acks(3),
        Field("state", "state", 8, 9),
        Field("idle_since", "idle since", 19, 13, show=cells.moment),
        Field("node", "node", 16, 14),
    ), ("name",), "unacked", descending=True),
    Tab("nodes", "node", NODES, (
        Field("name", "name", 0, 0, searched=True),
        Field("running", "up", 3, 1),
        _number("uptime", "uptime", 4, "uptime", cells.uptime, 6),
        _number("memory", "memory", 1, "mem_used", cells.size),
        _number("limit", "limit", 2, "mem_limit", cells.size),
        Field("memory_alarm", "alarm", 5, 1, "mem_alarm", look=Look.ALARMING),
        _number("disk", "disk", 1, "disk_free", cells.size),
        _number("least", "least", 2, "disk_free_limit", cells.size),
        Field("disk_alarm", "alarm", 5, 1, "disk_free_alarm", look=Look.ALARMING),
        _number("files", "files", 5, "fd_used"),
        _number("sockets", "sockets", 8, "sockets_used"),
        _number("processes", "procs", 6, "proc_used"),
        _number("run_queue", "runq", 7, "run_queue", width=4),
        Field("partitions", "partitions", 20, 9, look=Look.ALARMING, show=lambda value: cells.text(", ".join(value or ()))),
    ), ("name",), by_vhost=False),
    Tab("exchanges", "exchange", EXCHANGES, (
        Field("name", "name", 0, 0, searched=True, show=lambda name: cells.text(name or "(default)")),
        _vhost(),
        Field("type", "type", 10, 1, searched=True),
        _rate("in", 2, "publish_in"),
        _rate("out", 2, "publish_out"),
        Field("durable", "durable", 7, 6),
        Field("policy", "policy", 16, 7),
    ), ("vhost", "name"), "in", descending=True),
    Tab("consumers", "consumer", CONSUMERS, (
        Field("queue", "queue", 0, 0, "queue_name", searched=True),
        _vhost("queue.vhost"),
        Field("tag", "tag", 20, 1, "consumer_tag", searched=True),
        Field("user", "user", 10, 3, "channel_details.user", searched=True),
        Field("acks_wanted", "acks", 4, 2, "ack_required"),
        _number("prefetch", "pref", 2, "prefetch_count", width=5),
        Field("active", "active", 6, 4),
        Field("channel", "channel", 38, 6, "channel_details.name", searched=True),
    ), ("queue.vhost", "queue.name", "channel_details.name", "consumer_tag"), "queue"),
)  # fmt: skip

QUEUES_TAB = TABS[0]

GAP = 1
LEAST_NAME = 19
"""Columns of the terminal that the flexible field has at least; on wide ones it has a share of them."""


def fitting(fields: Sequence[Field], width: int) -> list[tuple[Field, int]]:
    """The fields that a table of that width has room for, in their order, with their widths: the important ones first."""
    least = max(LEAST_NAME, width * 2 // 9)
    room = width - least
    chosen = set()
    for field in sorted(fields, key=lambda field: field.rank):
        needed = field.width + GAP if field.width else 0
        if needed <= room:
            room -= needed
            chosen.add(field.name)
    grows = any(field.grows and field.name in chosen for field in fields)
    more = min(room // 2, SAMPLES - LEAST_TREND) if grows else 0
    return [
        (field, field.width + more * field.grows if field.width else least + room - more)
        for field in fields
        if field.name in chosen
    ]
