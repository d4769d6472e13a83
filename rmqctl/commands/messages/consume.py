"""consume: messages leave a queue when they were written, or when a program has done its work with them."""

import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import typer

from rmqctl import execute
from rmqctl.amqp.consuming import Consumer, consuming
from rmqctl.amqp.delivery import Delivery
from rmqctl.commands.kit import incoming
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.decoding import Decoded
from rmqctl.commands.kit.incoming import messages
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.errors import Unavailable, UsageError
from rmqctl.result import Nothing, Result, Rows, Value
from rmqctl.session import Session

PARTLY = 3
"""The exit code when --exec failed, or when not all could be looked at."""

PREFETCH = 10
HELD = 1000
"""The prefetch when messages may have to be held until the end, because they are neither taken nor lost."""


class OnFailure(Enum):
    """What becomes of a message when the program fails."""

    stop = "stop"
    requeue = "requeue"
    reject = "reject"


@dataclass
class _Tally:
    """`held`: not acknowledged until the end, when the broker puts them back."""

    done: int = 0
    failed: int = 0
    held: int = 0
    first_failure: str = ""
    full: bool = False
    interrupted: bool = False

    def fail(self, number: int, why: str) -> None:
        self.failed += 1
        self.first_failure = self.first_failure or f"message {number}: {why}"


def consume(
    session: Session,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)],
    limit: incoming.Limit = None,
    idle_timeout: incoming.IdleTimeout = None,
    where: incoming.Filter = None,
    execute_: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            help="Run it for each message, the payload on its standard input, instead of writing the message.",
            show_default=False,
        ),
    ] = None,
    on_failure: Annotated[
        OnFailure,
        typer.Option(
            "--on-failure", help="When the command fails: put back and end, put back at the end, dead-letter."
        ),
    ] = OnFailure.stop,
    prefetch: Annotated[
        int | None,
        typer.Option(
            "--prefetch",
            min=1,
            max=65535,
            metavar="N",
            help=r"Number of messages on their way at a time \[10; 1 with --limit or where returns count; 1000 with --where].",
            show_default=False,
        ),
    ] = None,
    payload_only: incoming.PayloadOnly = False,
    jsonl: incoming.Jsonl = False,
    decode: incoming.Decode = None,
    force: incoming.Force = False,
    yes: Annotated[bool, Yes] = False,
    url: incoming.Amqp = None,
) -> Result:
    """Consume messages of a queue over AMQP: each is acknowledged when it has been written, or --exec ended with 0.

    What was not written stays in the queue. Messages that --where does not choose are put back at the end, where they
    were. Exit code 3 when --exec failed. Ends with Ctrl-C, --limit or --idle-timeout.
    """
    show = incoming.shown(session, idle_timeout, where, payload_only, jsonl, decode)
    words = execute.words_of(execute_) if execute_ is not None else []
    if words and (payload_only or jsonl):
        raise UsageError("--exec writes no messages: neither --payload-only nor --jsonl applies")
    if on_failure is not OnFailure.stop and not words:
        raise UsageError("--on-failure goes with --exec")
    look = incoming.look_of(session, url, queue)
    if look.kind == "stream":
        raise Unavailable(f"queue {queue!r} is a stream, where messages stay: get {queue!r} --offset first reads it")
    if where is not None:
        look.check(force=force, instead="--force puts back what --where does not choose all the same")
    confirm_if_protected(
        session, f"consume messages of queue {queue!r} of virtual host {session.vhost!r}", yes=yes, vhost=session.vhost
    )
    holding = where is not None or on_failure is OnFailure.requeue
    # What is fetched and not written comes back, which some queues count.
    one_by_one = limit is not None or look.limit is not None
    window = prefetch or (HELD if holding else 1 if one_by_one else PREFETCH)
    tally = _Tally()
    looked: list[int] = []

    def handle(delivery: Delivery, decoded: Decoded, consumer: Consumer) -> bool:
        """Runs the program. Whether the message is done with."""
        why = execute.run(words, decoded.body, _environment(session, queue, delivery))
        if not why:
            return True
        tally.fail(show.count, why)
        if on_failure is OnFailure.reject:
            consumer.reject(delivery)
        else:
            consumer.failed(delivery)
        if on_failure is OnFailure.requeue:
            hold()
        return False

    def pass_over(delivery: Delivery) -> None:
        looked.append(look.returns(delivery.properties.headers))
        hold()

    def hold() -> None:
        tally.held += 1
        tally.full = tally.held >= window

    def parts() -> Generator[Rows | Value | bytes, None, None]:
        with (
            incoming.counted(lambda: tally.done),
            until_interrupted() as stopped,
            consuming(session, url, lambda _: queue, window) as consumer,
        ):
            session.hint(f"Consuming queue {queue!r}; Ctrl-C ends it.")
            for delivery, decoded in show.arriving(consumer, lambda: stopped() or tally.full, pass_over):
                if not words:
                    yield show.part(delivery, decoded)  # when this goes on, it was written
                elif not handle(delivery, decoded, consumer):
                    if on_failure is OnFailure.stop:
                        break
                    continue
                tally.done += 1
                if tally.done == limit or stopped():
                    consumer.cancel()  # before the broker sends a further one for the acknowledgement
                consumer.ack(delivery)
                if tally.done == limit:
                    break
            tally.interrupted = stopped()

    return show.live(parts(), lambda: _end(session, tally, on_failure, window, look.told(looked)))


def _environment(session: Session, queue: str, delivery: Delivery) -> Mapping[str, str]:
    """What the program is told beside the payload. A variable cannot hold a zero byte."""
    row = delivery.row()
    told = {
        "QUEUE": queue,
        "EXCHANGE": row["exchange"],
        "ROUTING_KEY": row["routing_key"],
        "REDELIVERED": "true" if row["redelivered"] else "false",
        "PROPERTIES": json.dumps(row["properties"]),
        "HEADERS": json.dumps(row["properties"].get("headers") or {}),
    }
    return {
        **session.environ,
        **{f"RMQCTL_{name}": text.replace("\0", r"\x00") for name, text in told.items()},
        "PATH": session.environ.get("PATH", os.defpath),
    }


def _end(session: Session, tally: _Tally, on_failure: OnFailure, window: int, cost: Sequence[str]) -> Nothing:
    lines = list(cost)
    if tally.failed:
        became = {
            OnFailure.stop: "it is back in the queue",
            OnFailure.requeue: "they are back in the queue",
            OnFailure.reject: "they were rejected",
        }[on_failure]
        count = f"--exec failed for {messages(tally.failed)}"
        lines.append(f"{count}, {tally.first_failure}; {became}; {messages(tally.done)} consumed")
    if tally.full:
        verb = "is" if window == 1 else "are"
        lines.append(
            f"{messages(window)} of the queue {verb} held back, which is all that --prefetch {window} allows; "
            f"those behind them were not looked at; {messages(tally.done)} consumed"
        )
    if tally.interrupted:
        lines.append(f"interrupted: {messages(tally.done)} consumed")
    if not lines:
        session.hint(f"{messages(tally.done)} consumed.")
    code = INTERRUPTED if tally.interrupted else PARTLY if tally.failed or tally.full else 0
    return Nothing(tuple(f"rmqctl: {line}" for line in lines), code)
