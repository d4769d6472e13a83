"""move and redrive: messages from one queue to others, none lost on the way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rmqctl.amqp.connection import connected, putting_back
from rmqctl.amqp.delivery import Delivery
from rmqctl.api.looking import ADDED, Look
from rmqctl.commands.kit.confirming import confirm
from rmqctl.commands.kit.incoming import Force, Selector, look_of, selector
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.errors import DataError, UsageError
from rmqctl.result import Result, Rows, Value
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

PARTLY = 3

Queue = Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)]
Amqp = Annotated[
    str | None,
    typer.Option("--amqp", metavar="URL", help="AMQP address [from the HTTP API].", show_default=False),
]
Count = Annotated[int | None, typer.Option("--count", min=1, metavar="N", help="At most N messages.")]
Filter = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPRESSION",
        help="Only messages that match, such as 'headers.attempt < 3 and payload ~ \"timeout\"'.",
    ),
]
Rate = Annotated[float | None, typer.Option("--rate", min=0.01, metavar="N", help="At most N messages a second.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show where each would go. They are put back, as redelivered.")]


class Target(NamedTuple):
    """Where a message is published to; `why` instead when it can go nowhere."""

    exchange: str
    routing_key: str
    why: str = ""


def move(
    session: Session,
    source: Annotated[str, typer.Argument(metavar="FROM", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="TO", show_default=False)],
    count: Count = None,
    where: Filter = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    force: Force = False,
    amqp_url: Amqp = None,
) -> Result:
    """Move messages from one queue to the end of another.

    Each is published with a confirm and `mandatory`, and acknowledged at its source when the target has it: whatever
    happens, it is in one of the two, after a lost connection or kill -9 perhaps in both. The order is kept. Messages that
    arrive meanwhile are left alone. Exit code 3 when only part could be moved; what could not stays.
    """
    if source == target:
        raise UsageError("FROM and TO are the same queue")

    def choose(_: Delivery) -> Target:
        return Target("", target)

    return _run(session, source, choose, count, where, rate, dry_run, force, amqp_url, also=target)


def redrive(
    session: Session,
    queue: Queue,
    to_original: Annotated[
        bool, typer.Option("--to-original", help="To the exchange they had been published to, with their routing key.")
    ] = False,
    count: Count = None,
    where: Filter = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    force: Force = False,
    amqp_url: Amqp = None,
) -> Result:
    """Send dead-lettered messages back to the queue that they died in: the first entry of their x-death header.

    With --to-original they go through the exchange again, which may bring them to further queues. As safe as `move`.
    Exit code 3 when only part could be moved; what could not, or never died, stays.
    """

    def choose(message: Delivery) -> Target:
        deaths = (message.properties.headers or {}).get("x-death")
        if not isinstance(deaths, list) or not deaths or not isinstance(deaths[0], dict):
            return Target("", "", "it has no x-death header")
        death = deaths[0]
        keys = death.get("routing-keys")
        key = keys[0] if isinstance(keys, list) and keys else ""
        place = (death.get("exchange"), key) if to_original else ("", death.get("queue"))
        if not all(isinstance(name, str) for name in place):
            return Target("", "", "its x-death header does not say where it died")
        found = Target(*place)
        if found.exchange == "" and found.routing_key == queue:
            return found._replace(why="it died in this very queue")
        return found

    return _run(session, queue, choose, count, where, rate, dry_run, force, amqp_url, back=to_original)


@dataclass
class _Work:
    """What became of the messages so far. `back`: how often those that are put back came back before. `refused` counts why
    some stay."""

    look: Look
    total: int = 0
    moved: int = 0
    other: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    back: list[int] = field(default_factory=list)

    def goes_back(self, message: Delivery) -> None:
        self.back.append(self.look.returns(message.properties.headers))

    def stays(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1

    @property
    def stayed(self) -> int:
        return sum(self.refused.values())


def _run(
    session: Session,
    source: str,
    choose: Callable[[Delivery], Target],
    count: int | None,
    where: str | None,
    rate: float | None,
    dry_run: bool,
    force: bool,
    url: str | None,
    also: str | None = None,
    back: bool = False,
) -> Result:
    wanted = selector(where)
    if session.settings.protected and not dry_run:
        confirm(session, f"move messages from queue {source!r} of virtual host {session.vhost!r}", yes=False,
                vhost=session.vhost)  # fmt: skip
    look = look_of(session, url, source)
    if dry_run or where is not None:
        what = "looks" if dry_run else "puts back what --where does not choose"
        look.check(force=force, instead=f"--force {what} all the same")
    work = _Work(look)
    rows: list[tuple[int, str, str, str]] = []
    with (
        until_interrupted() as stopped,
        connected(session, url) as connection,
        putting_back(channel := connection.channel()),
    ):
        there = channel.queue_declare(source, passive=True).method.message_count
        if also is not None:
            connection.channel().queue_declare(also, passive=True)
        work.total = there if count is None or where is not None else min(there, count)
        messages = _messages(channel, source, there, wanted, work)
        if dry_run:
            for message in messages:
                target = choose(message)
                rows.append((len(rows) + 1, target.exchange, target.routing_key, target.why))
                work.goes_back(message)
                if stopped() or len(rows) == count:
                    break
        else:
            publish = _publisher(connection.channel(), keep_copies=back)
            try:
                with session.streams.status(shown=session.wants_hints and session.shows_progress) as show:
                    _move(channel, messages, choose, publish, work, count, rate, stopped, show)
            except Exception:
                session.say(f"moved {work.moved} of {work.total}; the last ones may be in both places")
                raise
    if dry_run:
        return Rows(("message", "exchange", "routing_key", "stays_because"), rows, messages=look.told(work.back))
    return _report(work, stopped())


def _messages(
    channel: "BlockingChannel", queue: str, there: int, wanted: Selector | None, work: _Work
) -> Iterator[Delivery]:
    """As many messages as there were at the start, so that none is seen twice."""
    for _ in range(there):
        got, properties, body = channel.basic_get(queue)
        if got is None:
            return
        message = Delivery(got, properties, body)
        if wanted is None or wanted(message.fields()):
            yield message
        else:
            work.other += 1
            work.goes_back(message)


def _move(
    channel: "BlockingChannel",
    messages: Iterator[Delivery],
    choose: Callable[[Delivery], Target],
    publish: Callable[[Delivery, Target], str],
    work: _Work,
    count: int | None,
    rate: float | None,
    stopped: Callable[[], bool],
    show: Callable[[str], None],
) -> None:
    began = time.monotonic()
    for message in messages:
        target = choose(message)
        headers = dict(message.properties.headers or {})  # what is published leaves the counters out
        why = target.why or publish(message, target)
        if why and work.look.would_end(headers) and not publish(message, Target("", work.look.queue)):
            channel.basic_ack(message.got.delivery_tag)
            work.stays(f"{why}; at the end of its queue, as being put back once more would take it out")
        elif why:
            work.stays(why)
            work.goes_back(message)
        else:
            channel.basic_ack(message.got.delivery_tag)
            work.moved += 1
        if work.moved % 100 == 0:
            show(f"moved {work.moved} of {work.total}")
        if stopped() or work.moved + work.stayed == count:
            break
        if rate is not None:
            channel.connection.sleep(max(0.0, began + (work.moved + work.stayed) / rate - time.monotonic()))
    # The acknowledgements have arrived when the broker answers to what follows them.
    channel.basic_qos(prefetch_count=0)


def _publisher(channel: "BlockingChannel", *, keep_copies: bool) -> Callable[[Delivery, Target], str]:
    """Publishes one message and waits for its confirm. Returns why the broker did not take it, "" when it did.

    The counters of its queue stay behind: where it goes it is a new message. `keep_copies`: leave the CC header, by which an
    exchange routes to further keys.
    """
    from pika.exceptions import NackError, UnroutableError

    channel.confirm_delivery()

    def publish(message: Delivery, target: Target) -> str:
        properties = message.properties
        properties.user_id = None  # the broker refuses that of another user than the one who publishes
        left_out = ADDED if keep_copies else (*ADDED, "CC")
        for name in left_out if properties.headers else ():
            properties.headers.pop(name, None)
        try:
            channel.basic_publish(target.exchange, target.routing_key, message.body, properties, mandatory=True)
        except UnroutableError:
            return "no queue takes it there"
        except NackError:
            return "its queue refused it (full?)"
        return ""

    return publish


def _report(work: _Work, interrupted: bool) -> Result:
    if work.stayed and not work.moved and not interrupted:
        why = "; ".join(work.refused)
        raise DataError(f"no message could be moved, {work.stayed} stayed: {why}")
    data: dict[str, Any] = {"moved": work.moved, "stayed": work.stayed}
    if work.other:
        data["not_selected"] = work.other
    messages = (*(f"{number} stayed: {why}" for why, number in work.refused.items()), *work.look.told(work.back))
    if interrupted:
        return Value(data, messages=(*messages, "interrupted"), exit_code=INTERRUPTED)
    return Value(data, messages=messages, exit_code=PARTLY if work.stayed else 0)
