"""What the broker is asked for, one poll after another. No screen and no thread here.

Requests of one poll: the overview, the nodes, and the list that is on the screen (for queues twice: the statistics, and
the counts of the moment). Every few seconds the channels on top, and while any of them holds messages the consumers.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rmqctl.api import answering, lists, nodes, queues, vhosts
from rmqctl.api.client import Client
from rmqctl.checks import acks, forgotten
from rmqctl.checks.forgotten import Finding
from rmqctl.resources.column import reader
from rmqctl.top import details
from rmqctl.top.chart import Trace
from rmqctl.top.details import Opened
from rmqctl.top.tabs import FINDING, QUEUES_TAB, SAMPLES, SERIES, WORDS, Key, Tab

Row = dict[str, Any]

OVERVIEW = ("cluster_name", "rabbitmq_version", "disable_stats", "object_totals", "queue_totals", "message_stats")
NODES = ("running", "mem_alarm", "disk_free_alarm", "partitions")

TRACES = ("messages", "publish", "deliver_get")
"""What an open queue's chart is about: `messages`, and rates."""
TRACED = 300
"""Samples of a broker that remembers none itself."""

ACKS_EVERY = 5.0
"""Seconds: a channel renews its counters no sooner."""
ACKS_SAMPLES = 3
"""The first of so many samples is compared with the last."""
THINKS = 60.0
"""Seconds that a consumer which has acknowledged before may take."""


class Question(NamedTuple):
    """What is on the screen: a tab with the fields that it shows, or one object of it. `of`: only channels of this connection."""

    tab: Tab
    fields: frozenset[str]
    item: Mapping[str, Any] | None = None
    of: str | None = None


class Sample(NamedTuple):
    """One answer. `nodes` None: the user may not see them. `opened`: the object that was asked for.

    `findings` None: not known yet, or not to be known. `notes` say what is missing and why. `seconds`: what it took.
    """

    question: Question
    at: datetime
    overview: Mapping[str, Any]
    nodes: Sequence[Row] | None
    rows: Sequence[Row] = ()
    opened: Opened | None = None
    findings: Sequence[Finding] | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class Source:
    """Asks for one virtual host, or for all (None). `clock` counts seconds."""

    def __init__(self, client: Client, vhost: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self.vhost = vhost
        self._clock = clock
        self._sees_all: bool | None = None
        self._series: dict[Key, deque[float | None]] = {}
        self._watched: tuple[Key, tuple[deque[float | None], ...]] = ((), ())
        self._channels: deque[tuple[float, list[Row]]] = deque(maxlen=ACKS_SAMPLES)
        self._findings: list[Finding] | None = None

    def open(self) -> None:
        """The first request, before there is a screen: asks for a password if need be, raises what would fail each time."""
        self._sees_all = nodes.sees_all(self.client)
        if self.vhost is not None:
            self._vhost()

    def poll(self, question: Question) -> Sample:
        """Raises RmqctlError. What was learnt before is kept for when the broker answers again."""
        started = self._clock()
        self.client.begin()
        overview = answering.overview(self.client, *OVERVIEW)
        if self.vhost is not None:
            overview = {**overview, **_totals_of(self._vhost())}
        if self._sees_all is None:
            self._sees_all = nodes.sees_all(self.client)
        statistics = not overview.get("disable_stats")
        rows: list[Row] = []
        if question.item is None:
            rows = self._rows(question, statistics=statistics)
        findings = (
            self._acks(rows if question.tab is QUEUES_TAB and question.item is None else None) if statistics else None
        )
        opened = None
        if question.item is not None:
            opened = details.opened(self.client, question.tab, question.item, findings or ())
            if question.tab is QUEUES_TAB:
                opened = opened._replace(traces=self._traces(opened.item, statistics=statistics))
        return Sample(
            question,
            datetime.now(UTC),
            overview,
            self._nodes(),
            _marked(question.tab, rows, findings or ()),
            opened,
            findings,
            self._notes(statistics=statistics),
            self._clock() - started,
        )

    def _vhost(self) -> Mapping[str, Any]:
        return vhosts.get(self.client, str(self.vhost))

    def _nodes(self) -> list[Row] | None:
        if not self._sees_all:
            return None
        return nodes.nodes(self.client, NODES)

    def _notes(self, *, statistics: bool) -> tuple[str, ...]:
        notes = []
        if not statistics:
            notes.append("statistics are off on the broker: no rates, no connections, channels and consumers")
        if not self._sees_all:
            notes.append(
                f"user {self.client.user!r} lacks the tag monitoring: only its own connections, no nodes, no alarms"
            )
        return tuple(notes)

    # The list on the screen

    def _rows(self, question: Question, *, statistics: bool) -> list[Row]:
        noun, fields = question.tab.noun, question.fields
        if noun == "queues":
            found = queues.fetch(
                self.client, self.vhost, {*fields, *acks.QUEUE_FIELDS, "messages"}, totals=True, statistics=statistics
            )
            return self._with_series(self._of_vhost(found.rows))
        if noun == "nodes":
            return nodes.nodes(self.client, fields) if self._sees_all else []
        if question.of is not None:
            return lists.fetch(self.client, "connections", question.of, noun, fields=fields)
        if noun in ("connections", "channels"):
            return lists.of_clients(self.client, noun, self.vhost, fields=fields)
        if noun == "consumers":
            return lists.of_vhost(self.client, noun, self.vhost, fields=fields) if statistics else []
        cheap = {} if statistics else {"disable_stats": "true"}
        return self._of_vhost(lists.of_vhost(self.client, noun, self.vhost, fields=fields, query=cheap))

    def _of_vhost(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of one virtual host come without its name."""
        return [{"vhost": self.vhost, **row} for row in rows]

    def _with_series(self, rows: list[Row]) -> list[Row]:
        series: dict[Key, deque[float | None]] = {}
        for row in rows:
            key = QUEUES_TAB.key(row)
            values = series[key] = self._series.get(key) or deque(maxlen=SAMPLES)
            values.append(row.get("messages"))
            row[SERIES] = tuple(values)
        self._series = series
        return rows

    def _traces(self, queue: Mapping[str, Any], *, statistics: bool) -> tuple[Trace, ...]:
        """What the broker remembers of the queue; what was seen here since it was opened when that is nothing."""
        key = QUEUES_TAB.key(queue)
        if self._watched[0] != key:
            self._watched = (key, tuple(deque(maxlen=TRACED) for _ in TRACES))
        now = queue.get("messages"), *(reader(f"message_stats.{name}_details.rate")(queue) for name in TRACES[1:])
        for seen, value in zip(self._watched[1], now, strict=True):
            seen.append(value)
        remembered = queues.history(self.client, str(queue["vhost"]), str(queue["name"])) if statistics else {}
        return tuple(
            Trace(name, tuple(remembered.get(name) or seen), value)
            for name, seen, value in zip(TRACES, self._watched[1], now, strict=True)
        )

    # Forgotten acknowledgements

    def _acks(self, queue_rows: Sequence[Row] | None) -> list[Finding] | None:
        """The findings of the last two samples; `queue_rows` spares a request when the queues have been asked for."""
        if not self._sees_all:
            return None
        now = self._clock()
        if len(self._channels) > 1 and now - self._channels[-1][0] < ACKS_EVERY:
            return self._findings
        after = lists.of_clients(self.client, "channels", self.vhost, fields=acks.CHANNEL_FIELDS)
        self._channels.append((now, after))
        began, before = self._channels[0]
        if now > began:
            self._findings = self._found(queue_rows, before, after, now - began)
        return self._findings

    def _found(
        self, queue_rows: Sequence[Row] | None, before: list[Row], after: list[Row], seconds: float
    ) -> list[Finding]:
        if not any(map(_may_hold, after)):
            return []
        consumers = lists.of_vhost(self.client, "consumers", self.vhost, fields=acks.CONSUMER_FIELDS)
        if queue_rows is None:
            found = queues.fetch(self.client, self.vhost, acks.QUEUE_FIELDS, totals=True, statistics=False)
            queue_rows = self._of_vhost(found.rows)
        window = forgotten.Window(seconds, datetime.now(UTC), THINKS)
        found_all = acks.find(queue_rows, consumers, before, after, window)
        return [finding for finding in found_all if finding.kind in WORDS]


def _may_hold(channel: Row) -> bool:
    held = ("messages_unacknowledged", "messages_uncommitted", "acks_uncommitted")
    return any(channel.get(name) for name in held) or bool((channel.get("message_stats") or {}).get("redeliver"))


def _totals_of(vhost: Mapping[str, Any]) -> Row:
    """What the overview has of all, of one virtual host. How many objects it has is not told."""
    names = ("messages", "messages_ready", "messages_unacknowledged")
    return {
        "queue_totals": {name: vhost[name] for name in names if name in vhost},
        "message_stats": vhost.get("message_stats") or {},
        "object_totals": {},
    }


def _marked(tab: Tab, rows: Sequence[Row], findings: Iterable[Finding]) -> Sequence[Row]:
    """The rows, those that a finding is about with it."""
    about = _ABOUT.get(tab.noun)
    if about is None:
        return rows
    # The findings come worst first.
    found: dict[Key, Finding] = {}
    for finding in findings:
        found.setdefault(about(finding), finding)
    if found:
        for row in rows:
            if finding_ := found.get(tab.key(row)):
                row[FINDING] = finding_
    return rows


_ABOUT: Mapping[str, Callable[[Finding], Key]] = {
    "queues": lambda finding: (finding.vhost, finding.queue),
    "connections": lambda finding: (finding.connection,),
    "channels": lambda finding: (finding.channel,),
    "consumers": lambda finding: (finding.vhost, finding.queue, finding.channel, finding.consumer_tag),
}
"""The key of the row that a finding is about."""
