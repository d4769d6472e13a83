"""The lines above the table: which broker, whether it is well, and what goes through it."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from textual.content import Content

from rmqctl.checks import acks, forgotten
from rmqctl.errors import TimedOut, Unreachable
from rmqctl.output.escape import visible
from rmqctl.resources.column import reader
from rmqctl.top import cells
from rmqctl.top.looks import ALARMING, GOOD, NOTABLE, QUIET, STRONG, TREND
from rmqctl.top.poller import Failure
from rmqctl.top.source import Sample

SAMPLES = 120
"""How many of them are kept."""
LEAST_SPARKS = 10
"""Samples that a sparkline shows at least, where there is one."""


class _Figure(NamedTuple):
    title: str
    path: str
    show: cells.Show


_FIGURES = (
    _Figure("ready", "queue_totals.messages_ready", cells.count),
    _Figure("unacked", "queue_totals.messages_unacknowledged", cells.count),
    _Figure("publish/s", "message_stats.publish_details.rate", cells.rate),
    _Figure("deliver/s", "message_stats.deliver_get_details.rate", cells.rate),
    _Figure("ack/s", "message_stats.ack_details.rate", cells.rate),
)
_COUNTS = {"connections": "conn", "channels": "chan", "queues": "queues", "consumers": "cons"}


class Series:
    """The figures of the last samples."""

    def __init__(self) -> None:
        self.of: Mapping[str, deque[float | None]] = {figure.title: deque(maxlen=SAMPLES) for figure in _FIGURES}

    def add(self, sample: Sample) -> None:
        for figure in _FIGURES:
            self.of[figure.title].append(reader(figure.path)(sample.overview))


class Situation(NamedTuple):
    """What the header is about. `asked_at`: when a request was made that has not been answered yet."""

    endpoint: str
    vhost: str | None
    interval: float
    now: datetime
    sample: Sample | None = None
    failure: Failure | None = None
    asked_at: datetime | None = None


PATIENCE = 5.0
"""Seconds beyond the interval after which a missing answer is worth a word."""


def lines(it: Situation, series: Series, width: int) -> list[Content]:
    """Four lines."""
    overview: Mapping[str, Any] = it.sample.overview if it.sample else {}
    figures = [_totals(overview, series, width), _rates(series, width), _health(it)]
    if is_stale(it):
        figures = [line.stylize(QUIET) for line in figures]
    return [_broker(it, overview, width), *figures]


def is_stale(it: Situation) -> bool:
    """Whether what is on the screen is of the past."""
    return it.failure is not None or _overdue(it)


def _overdue(it: Situation) -> bool:
    return it.asked_at is not None and (it.now - it.asked_at).total_seconds() > it.interval + PATIENCE


def _broker(it: Situation, overview: Mapping[str, Any], width: int) -> Content:
    name = visible(str(overview.get("cluster_name") or "..."))
    version = f"RabbitMQ {visible(str(overview['rabbitmq_version']))}" if overview.get("rabbitmq_version") else ""
    where = f"  vhost {visible(it.vhost)}" if it.vhost is not None else ""
    slow = it.sample is not None and it.sample.seconds > it.interval
    pace = f"took {it.sample.seconds:.1f} s" if it.sample and slow else f"every {it.interval:g} s"
    right = f"{pace}  {it.now.astimezone():%H:%M:%S}"
    left = Content.assemble((name, STRONG), f"  {version}" if version else "", f"  {visible(it.endpoint)}", where)
    return _spread(left, Content.styled(right, QUIET), width)


def _figures(series: Series, figures: Iterable[_Figure], sparks: int) -> Content:
    """`sparks`: the columns of each sparkline."""
    parts: list[Any] = []
    for figure in figures:
        values = series.of[figure.title]
        now = values[-1] if values else None
        style = NOTABLE if figure.title == "unacked" and now else STRONG
        parts += [f"{figure.title} ", (f"{figure.show(now) or '?':>5}", style), "  "]
        if sparks:
            parts[-1] = Content.styled(f" {cells.spark(tuple(values)[-sparks:]):<{sparks}}  ", TREND)
    return Content.assemble(*parts)


def _rates(series: Series, width: int) -> Content:
    least = _figures(series, _FIGURES[2:], LEAST_SPARKS)
    return _figures(series, _FIGURES[2:], _grown(width - least.cell_length, len(_FIGURES[2:])))


def _grown(room: int, sparks: int) -> int:
    """The columns of a sparkline when so many of them share that room."""
    return min(SAMPLES, LEAST_SPARKS + max(0, room) // sparks)


def _totals(overview: Mapping[str, Any], series: Series, width: int) -> Content:
    """Messages and counts of objects: with sparklines and whole words if there is room. The sparklines take what is left."""
    totals = overview.get("object_totals") or {}
    known = {name: cells.count(totals[name]) for name in _COUNTS if totals.get(name) is not None}
    whole, short = (
        Content("  ".join(f"{number} {words[name]}" for name, number in known.items()))
        for words in (dict(zip(_COUNTS, _COUNTS, strict=True)), _COUNTS)
    )
    for sparks, right in ((LEAST_SPARKS, whole), (LEAST_SPARKS, short), (0, whole), (0, short)):
        left = _figures(series, _FIGURES[:2], sparks)
        room = width - left.cell_length - 2 - right.cell_length
        if room >= 0:
            break
    if sparks:
        left = _figures(series, _FIGURES[:2], _grown(room, len(_FIGURES[:2])))
    return _spread(left, right, width)


def _health(it: Situation) -> Content:
    if it.sample is None:
        return Content.styled("waiting for the first answer", QUIET)
    parts: list[Any] = [*_nodes(it.sample.nodes), "   ", *_acks(it.sample)]
    return Content.assemble(*parts)


def _nodes(nodes: Sequence[Mapping[str, Any]] | None) -> list[Any]:
    if nodes is None:
        return [("nodes ?  alarms ?", QUIET)]
    running = sum(node.get("running") is True for node in nodes)
    up = f"{running}/{len(nodes)} nodes up"
    parts: list[Any] = [(up, GOOD if running == len(nodes) else ALARMING), "   "]
    alarms = [f"{word} {_short(node)}" for node in nodes for word in _alarms(node)]
    parts.append((f"ALARM {', '.join(alarms)}", ALARMING) if alarms else ("no alarms", GOOD))
    return parts


def _alarms(node: Mapping[str, Any]) -> Iterable[str]:
    if node.get("mem_alarm"):
        yield "memory"
    if node.get("disk_free_alarm"):
        yield "disk"
    if node.get("partitions"):
        yield "partition"


def _short(node: Mapping[str, Any]) -> str:
    return visible(str(node.get("name")))


def _acks(sample: Sample) -> list[Any]:
    if sample.findings is None:
        return []
    holding = [each for each in sample.findings if each.kind in forgotten.HOLDING]
    if not holding:
        return [("no ack forgotten", GOOD)]
    clients = len({each.channel for each in holding})
    messages = acks.held(sample.findings)
    return [
        (
            f"{clients} client{' forgets' if clients == 1 else 's forget'} the ack of {cells.count(messages)} "
            f"message{'' if messages == 1 else 's'}",
            ALARMING,
        )
    ]


def troubles(it: Situation) -> list[Content]:
    """What the view is short of and why; nothing when all is well."""
    found = []
    if it.failure is not None:
        error, since = it.failure
        state = "not reachable" if isinstance(error, Unreachable | TimedOut) else "no good answer"
        text = f"{state} since {since.astimezone():%H:%M:%S}, retrying: {visible(str(error))}"
        found.append(Content.styled(text, ALARMING))
    elif it.asked_at is not None and _overdue(it):
        found.append(Content.styled(f"no answer since {it.asked_at.astimezone():%H:%M:%S}, waiting", ALARMING))
    if it.sample is not None:
        found += [Content.styled(visible(note), NOTABLE) for note in it.sample.notes]
    return found


def _spread(left: Content, right: Content, width: int) -> Content:
    """The right one at the right edge, or away when there is no room."""
    gap = width - left.cell_length - right.cell_length
    return left if gap < 2 else Content.assemble(left, " " * gap, right)
